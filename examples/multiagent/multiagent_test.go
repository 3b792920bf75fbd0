package multiagent_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// panel is a model that answers as the agent whose instructions it is given. The
// experts answer only when both have been asked.
type panel struct {
	both sync.WaitGroup
}

func (p *panel) Generate(_ context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	last := req.Messages[len(req.Messages)-1].Text()
	answer := "The chemist is right."
	switch {
	case strings.Contains(req.Instructions, "physics"):
		answer = "motion"
	case strings.Contains(req.Instructions, "chemistry"):
		answer = "reactions"
	case !strings.Contains(last, "Physicist: motion") || !strings.Contains(last, "Chemist: reactions"):
		answer = "I was not told everything: " + last
	}
	if answer == "motion" || answer == "reactions" {
		p.both.Done()
		p.both.Wait()
	}
	return (&model.Response{Messages: []*model.Message{model.AssistantText(answer)}}).Updates()
}

func TestExpertPanel(t *testing.T) {
	p := &panel{}
	p.both.Add(2)
	reg := perdure.NewRegistry()
	if err := multiagent.Register(reg, p); err != nil {
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
	c := client.New(h)
	ctx, cancel := context.WithCancel(agent.NewService(c).Context(context.Background()))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	}()
	got, err := client.Run(t.Context(), c, multiagent.ExpertPanel, "What is temperature?", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := multiagent.Verdict{Physicist: "motion", Chemist: "reactions", Verdict: "The chemist is right."}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ExpertPanel() (-want +got):\n%s", d)
	}
}
