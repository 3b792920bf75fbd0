package agent_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store/memory"
)

// TestOwner tells which run has asked in a session last, whoever has spoken since,
// and forgets it with the session.
func TestOwner(t *testing.T) {
	reg := registry(t, joker(stateless{}))
	perdure.AddOrchestrationNamed(reg, "asks", func(ctx *perdure.Context, key string) (string, error) {
		return agent.Named("Joker").Run(ctx, "Joke.", agent.InSession(key)).Text()
	})
	n := begin(t, &memory.Disk{}, reg)
	owner := func(when, want string) {
		t.Helper()
		s, err := n.Session(ctxOf(t), session(t, "k"))
		if err != nil || s.Owner != want {
			t.Errorf("Session() %s = %+v, %v, want it owned by %q", when, s, err, want)
		}
	}
	ask := func(run string) {
		t.Helper()
		if _, err := n.hub.Start(ctxOf(t), &hub.Start{InstanceID: run, Name: "asks", Input: history.Some(`"k"`)}); err != nil {
			t.Fatal(err)
		}
		idle(t, n)
	}
	say(t, n, "k", "Hello.")
	owner("of a person", "")
	ask("first")
	owner("after a run", "first")
	ask("second")
	say(t, n, "k", "Thanks.")
	owner("after another run and a person", "second")
	if err := n.Reset(ctxOf(t), session(t, "k")); err != nil {
		t.Fatal(err)
	}
	owner("after a reset", "second")
	if err := n.Delete(ctxOf(t), session(t, "k")); err != nil {
		t.Fatal(err)
	}
	say(t, n, "k", "Hello again.")
	owner("begun anew", "")
}
