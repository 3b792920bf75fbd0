package sequential_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/sequential"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of a
// cancellation: no step with a result runs again.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: sequential.Register,
		Run: func(e *perduretest.Env) {
			_, err := client.Start(t.Context(), e.Client(), sequential.CancelOrder, "A100", client.StartOptions{ID: "run"})
			if err != nil {
				t.Error(err)
			}
			e.Settle()
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 4 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
}
