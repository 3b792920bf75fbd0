package supportdesk_test

import (
	"regexp"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/supportdesk"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// odd are ids that are made anew in each run, and offsets that count attempts.
var odd = regexp.MustCompile(`[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|"(next|offset)":\d+`)

// TestCrashEverywhere drops the process before and after each commit of a
// complaint: one replacement is sent, and the customer is written to once.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: odd,
		Register: func(reg *perdure.Registry) {
			if err := supportdesk.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			complaint := supportdesk.Complaint{Customer: "ada", Order: "A100", Text: "The cup is broken."}
			if _, err := client.Start(t.Context(), e.Client(), supportdesk.HandleComplaint, complaint, client.StartOptions{ID: "c"}); err != nil {
				t.Error(err)
			}
			e.Settle()
			if got, err := perduretest.Result[supportdesk.Settled](e, "c"); err != nil || got.Replacement != "R-A100" || got.Letter == "" {
				t.Errorf("the run has ended with %+v, %v, want a replacement and a letter", got, err)
			}
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 6 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
