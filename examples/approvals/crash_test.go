package approvals_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/approvals"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit of an expense
// that everybody approves: no answer is lost, none is asked for twice, and it is
// paid once.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: approvals.Register,
		Run: func(e *perduretest.Env) {
			expense := approvals.Expense{Employee: "ada", What: "a loom", Cents: 1200_00}
			if _, err := client.Start(t.Context(), e.Client(), approvals.ApproveExpense, expense, client.StartOptions{ID: "loom"}); err != nil {
				t.Error(err)
			}
			for _, q := range []string{"ManagerApproval", "ComplianceApproval", "BudgetApproval"} {
				e.Settle()
				if err := e.Client().Raise(t.Context(), "loom", q, approvals.Verdict{Approved: true}, client.WithRequestID(q)); err != nil {
					t.Error(err)
				}
			}
			e.Settle()
			if got, err := perduretest.Result[string](e, "loom"); err != nil || got != "ada gets 1200.00 for a loom" {
				t.Errorf("the run has ended with %q, %v, want it paid", got, err)
			}
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 5 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
