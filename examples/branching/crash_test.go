package branching_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/branching"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of an order
// on each of its ways: a replay takes the same one.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: branching.Register,
		Run: func(e *perduretest.Env) {
			for _, customer := range []string{"ada", "stranger", "mallory"} {
				_, err := client.Start(t.Context(), e.Client(), branching.CheckOut,
					branching.Purchase{ID: "A1", Customer: customer, Cents: 49_00}, client.StartOptions{ID: customer})
				if err != nil {
					t.Error(err)
				}
				e.Settle()
			}
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 9 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
}
