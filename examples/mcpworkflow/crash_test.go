package mcpworkflow_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/mcpworkflow"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of a
// translation: no answer of a model is asked for twice.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := mcpworkflow.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			job := mcpworkflow.Job{Text: "The sea comes and goes.", Language: "French"}
			if _, err := client.Start(t.Context(), e.Client(), mcpworkflow.TranslateText, job, client.StartOptions{ID: "job"}); err != nil {
				t.Error(err)
			}
			e.Settle()
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 6 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
