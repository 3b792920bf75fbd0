package joker_test

import (
	"context"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// begin runs a hub with the sample and returns its agents; it ends with the test.
func begin(t *testing.T, m model.Model) *agent.Service {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := joker.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	agents := agent.NewService(client.New(h))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(agents.Context(ctx)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return agents
}

func TestJoke(t *testing.T) {
	const joke = "Why are pirates called pirates? Because they arr."
	agents := begin(t, modeltest.Script(t, modeltest.Say(joke).Check(func(r *model.Request) error {
		if got, want := r.Instructions, "You are good at telling jokes."; got != want {
			t.Errorf("instructions = %q, want %q", got, want)
		}
		return nil
	})))
	id, err := agent.NewSessionID("Joker", "k1")
	if err != nil {
		t.Fatal(err)
	}
	a, err := agents.Send(t.Context(), id, agent.Message{Text: "Tell me a joke about a pirate."})
	if err != nil {
		t.Fatal(err)
	}
	r, err := agents.Wait(t.Context(), a.Turn)
	if err != nil || r.Text != joke {
		t.Errorf("Wait() = %+v, %v, want %q", r, err, joke)
	}
}
