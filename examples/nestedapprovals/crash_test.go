package nestedapprovals_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/nestedapprovals"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of a release
// and its sign-off: no answer to the child is lost, and it is rolled out once.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: nestedapprovals.Register,
		Run: func(e *perduretest.Env) {
			plan := nestedapprovals.Plan{Version: "v2", Regions: []string{"eu"}}
			if _, err := client.Start(t.Context(), e.Client(), nestedapprovals.Release, plan, client.StartOptions{ID: "v2"}); err != nil {
				t.Error(err)
			}
			for _, q := range []string{"LeadSignOff", "SecuritySignOff", "LawSignOff"} {
				e.Settle()
				page, err := e.Client().List(t.Context(), client.Query{Filter: "name:SignOffRegion"})
				if err != nil || len(page.Items) != 1 {
					t.Fatalf("List() = %+v, %v, want one child", page, err)
				}
				if err := e.Client().Raise(t.Context(), page.Items[0].ID, q, true, client.WithRequestID(q)); err != nil {
					t.Error(err)
				}
			}
			e.Settle()
			if got, err := perduretest.Result[[]string](e, "v2"); err != nil || len(got) != 1 || got[0] != "eu runs v2" {
				t.Errorf("the release has ended with %q, %v, want it rolled out", got, err)
			}
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 7 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
