package longconversation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/examples/longconversation"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

func begin(t *testing.T, m model.Model) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := longconversation.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	return perduretest.New(t, reg, perduretest.Limit(2*time.Minute))
}

// TestFlatCost talks 150 times. From the turn on in which the window is full, what
// the model is given does not grow, and what was to be remembered is among it.
func TestFlatCost(t *testing.T) {
	const turns = 150
	var sizes []int // of requests
	env := begin(t, modeltest.Reply(func(r *model.Request) modeltest.Step {
		text, err := json.Marshal(r)
		if err != nil {
			t.Error(err)
		}
		sizes = append(sizes, len(text))
		if !strings.Contains(r.Instructions, "- I do not eat nuts.") {
			t.Errorf("the instructions %q have forgotten the nuts", r.Instructions)
		}
		if len(r.Messages) > longconversation.Window+1 {
			t.Errorf("the model is given %d messages, want at most %d", len(r.Messages), longconversation.Window+1)
		}
		return modeltest.Say("I see.")
	}))
	for i := range turns {
		text := fmt.Sprintf("Message %03d.", i)
		if i == 0 {
			text = "Remember: I do not eat nuts."
		}
		if _, err := env.Ask("Companion", "ann", text); err != nil {
			t.Fatal(err)
		}
	}
	early, late := largest(sizes[:longconversation.Window]), largest(sizes[turns-longconversation.Window:])
	if late > early+early/100 {
		t.Errorf("the largest request of the first %d turns has %d bytes, of the last ones %d", longconversation.Window, early, late)
	}
	id, err := agent.NewSessionID("Companion", "ann")
	if err != nil {
		t.Fatal(err)
	}
	all, err := env.Agents().Messages(env.Context(), id, 0, 10*turns)
	if err != nil || len(all) != 2*turns {
		t.Errorf("the conversation has %d messages, %v, want all %d", len(all), err, 2*turns)
	}
	t.Logf("the largest request has %d bytes in the first turns, and %d in the last", early, late)
}

func largest(list []int) int {
	most := 0
	for _, n := range list {
		most = max(most, n)
	}
	return most
}

// TestCrashEverywhere crashes at each commit of two turns: what the first was to
// remember, the second knows.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			m := modeltest.Reply(func(r *model.Request) modeltest.Step { return modeltest.Say(r.Instructions) })
			if err := longconversation.Register(reg, m); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			for _, text := range []string{"Remember: I do not eat nuts.", "What shall I cook?"} {
				r, err := e.Answer(e.Tell("Companion", "ann", agent.Message{Text: text}))
				if err != nil || !strings.HasSuffix(r.Text, "remember:\n- I do not eat nuts.") {
					t.Errorf("%q is answered with %+v, %v, want the note once", text, r, err)
				}
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
