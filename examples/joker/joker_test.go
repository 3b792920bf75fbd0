package joker_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

func TestJoke(t *testing.T) {
	const joke = "Why are pirates called pirates? Because they arr."
	reg := perdure.NewRegistry()
	err := joker.Register(reg, modeltest.Script(t, modeltest.Say(joke).Check(func(r *model.Request) error {
		if got, want := r.Instructions, "You are good at telling jokes."; got != want {
			t.Errorf("instructions = %q, want %q", got, want)
		}
		return nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	if r, err := env.Ask("Joker", "k1", "Tell me a joke about a pirate."); err != nil || r.Text != joke {
		t.Errorf("Ask() = %+v, %v, want %q", r, err, joke)
	}
}

// TestCrashEverywhere drops the process before and after each commit of two turns
// of one session: each message is there once, and no model step with an outcome
// is asked again.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := joker.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			for _, text := range []string{"Tell me a joke about a pirate.", "And one about a robot."} {
				if _, err := e.Answer(e.Tell("Joker", "k1", agent.Message{Text: text})); err != nil {
					t.Error(err)
				}
			}
			id, err := agent.NewSessionID("Joker", "k1")
			if err != nil {
				t.Fatal(err)
			}
			log, err := e.Agents().Messages(t.Context(), id, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			var roles []model.Role
			for _, m := range log {
				roles = append(roles, m.Message.Role)
			}
			if len(roles) != 4 {
				t.Errorf("the session has messages of %v, want user, assistant, user, assistant", roles)
			}
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 8 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
	crashes.OnPostgres(t, scenario)
}
