package nested_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/nested"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of an order
// and its children: none is started twice, no result is lost.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: nested.Register,
		Run: func(e *perduretest.Env) {
			_, err := client.Start(t.Context(), e.Client(), nested.ProcessOrder, order, client.StartOptions{ID: "order"})
			if err != nil {
				t.Error(err)
			}
			e.Settle()
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 10 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
