package multiagent_test

import (
	"regexp"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// offsets of streams count the attempts of a model step.
var offsets = regexp.MustCompile(`"next":\d+`)

// TestCrashEverywhere drops the process before and after each commit: the panel
// comes to the same verdict, and no model step with an outcome is asked again.
func TestCrashEverywhere(t *testing.T) {
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: offsets,
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
			e.Settle()
		},
	})
	if done.Commits < 8 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
