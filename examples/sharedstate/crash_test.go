package sharedstate_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/sharedstate"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of an order
// that is fulfilled and one that is halted: nothing is taken from the stock twice,
// no number of an invoice is left out, and no lock is left behind.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: sharedstate.Register,
		Run: func(e *perduretest.Env) {
			fill(t, e, "cup", 4)
			for _, id := range []string{"first", "second"} {
				_, err := client.Start(t.Context(), e.Client(), sharedstate.FulfilOrder, order(map[string]int{"cup": 3}), client.StartOptions{ID: id})
				if err != nil {
					t.Error(err)
				}
				e.Settle()
			}
			if n := left(t, e, "cup"); n != 1 {
				t.Errorf("%d cups are left, want 1", n)
			}
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 10 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
