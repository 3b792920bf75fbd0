package agent_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// goneAgent starts a node on which the agent that was given the conversation k1 is
// no longer served.
func goneAgent(t *testing.T) *node {
	t.Helper()
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, desk()...))
	say(t, n, "k1", "refund")
	idle(t, n)
	disk.Crash()
	n.stop()
	return begin(t, disk, registry(t, desk()[0]))
}

// waiting waits in the background for the outcome of a turn.
func waiting(t *testing.T, n *node, turn string) (done chan struct{}, outcome func() error) {
	done = make(chan struct{})
	var err error
	go func() {
		defer close(done)
		_, err = n.Wait(ctxOf(t), turn)
	}()
	return done, func() error { <-done; return err }
}

// TestAgentIsGone has a session whose conversation was handed to an agent that
// nobody serves any more: its turn says so, and the session goes on.
func TestAgentIsGone(t *testing.T) {
	n := goneAgent(t)
	a := send(t, n, "k1", agent.Message{Text: "thanks"})
	done, outcome := waiting(t, n, a.Turn)
	skip(t, n, done)
	if err := outcome(); err == nil || !strings.Contains(err.Error(), "no worker serves the agent \"refunds\"") {
		t.Errorf("Wait() = %v, want that nobody serves the agent", err)
	}
	if r := say(t, n, "k1", "hello"); r.Text != "Triage: hello" {
		t.Errorf("the next answer = %q, want that of Joker", r.Text)
	}
	conversation(t, n.Service, "k1") // is dense
}

// TestStopWhileAgentIsGone stops a turn that waits for an agent that nobody serves.
func TestStopWhileAgentIsGone(t *testing.T) {
	n := goneAgent(t)
	a := send(t, n, "k1", agent.Message{Text: "thanks"})
	idle(t, n)
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	done, outcome := waiting(t, n, a.Turn)
	skip(t, n, done)
	if err := outcome(); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil {
		t.Errorf("Delete() = %v, want no error", err)
	}
}

// TestHandoffBesideCallersTool has a model hand the conversation over and call a
// tool of the caller at once: the model is told that it was not handed over.
func TestHandoffBesideCallersTool(t *testing.T) {
	m := modeltest.Script(t,
		modeltest.Call("lookup", `{"q":"x"}`).Then(modeltest.Call("handoff_to_Refunds", `{}`)),
		modeltest.Say("Done."))
	triage := joker(m)
	triage.Handoffs = []agent.Ref{agent.Named("Refunds")}
	n := begin(t, &memory.Disk{}, registry(t, triage, desk()[1]))
	r, err := ask(t, n, "k1", agent.Message{Text: "x?", Options: agent.TurnOptions{Tools: []model.Tool{lookup}}})
	if err != nil || len(r.Calls) != 1 || r.Agent != "Joker" {
		t.Fatalf("Wait() = %+v, %v, want one call of the caller's tool", r, err)
	}
	r, err = ask(t, n, "k1", agent.Message{Contents: model.Contents{result(r.Calls[0].CallID, `1`)}, Options: agent.TurnOptions{Tools: []model.Tool{lookup}}})
	if err != nil || r.Text != "Done." {
		t.Fatalf("Wait() = %+v, %v, want Done.", r, err)
	}
	told := ""
	for _, message := range m.Requests()[1].Messages {
		told += toolText(message)
	}
	if !strings.Contains(told, "was not handed over") {
		t.Errorf("the model was told %q, want that the conversation was not handed over", told)
	}
}

// TestStateAfterHandoff keeps what the providers of the agent set that was given
// the conversation.
func TestStateAfterHandoff(t *testing.T) {
	agents := desk()
	var seen []string
	for i, a := range agents {
		a.Context = []agent.ContextProvider{agent.ContextFunc(func(_ context.Context, turn agent.TurnInfo) (agent.Addition, error) {
			if i == 1 {
				seen = append(seen, string(turn.State["Joker"])+string(turn.State["Refunds"]))
			}
			return agent.Addition{State: map[string]json.RawMessage{a.Name: json.RawMessage(`"kept"`)}}, nil
		})}
	}
	n := begin(t, &memory.Disk{}, registry(t, agents...))
	say(t, n, "k1", "refund")
	say(t, n, "k1", "thanks")
	if got := strings.Join(seen, " "); got != `"kept" "kept""kept"` {
		t.Errorf("the providers were given the states %s, want that of Joker, then both", got)
	}
}
