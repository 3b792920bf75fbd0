package fanout_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/fanout"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// TestCrashEverywhere drops the process before and after each commit: the digest
// is the same, and no section with an answer is read again.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := fanout.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			_, err := client.Start(t.Context(), e.Client(), fanout.DigestDocument, "one\n\ntwo\n\nthree", client.StartOptions{ID: "digest"})
			if err != nil {
				t.Error(err)
			}
			e.Settle()
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 8 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
}
