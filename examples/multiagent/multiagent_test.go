package multiagent_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
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
	got, err := perduretest.Run(perduretest.New(t, reg), multiagent.ExpertPanel, "What is temperature?")
	if err != nil {
		t.Fatal(err)
	}
	want := multiagent.Verdict{Physicist: "motion", Chemist: "reactions", Verdict: "The chemist is right."}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ExpertPanel() (-want +got):\n%s", d)
	}
}

// TestCrashEverywhere drops the process before and after each commit: the panel
// comes to the same verdict, and no model step with an outcome is asked again.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := multiagent.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			_, err := client.Start(t.Context(), e.Client(), multiagent.ExpertPanel, "What is temperature?", client.StartOptions{ID: "panel"})
			if err != nil {
				t.Error(err)
			}
			e.Wait("panel")
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 8 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
}
