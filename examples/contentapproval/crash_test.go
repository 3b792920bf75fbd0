package contentapproval_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/contentapproval"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// offsets of streams count the attempts of a model step.
var offsets = regexp.MustCompile(`"next":\d+`)

// TestCrashEverywhere drops the process before and after each commit of the
// sample, approved and not decided in time: the end is always the same.
func TestCrashEverywhere(t *testing.T) {
	register := func(reg *perdure.Registry) {
		if err := contentapproval.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
			t.Error(err)
		}
	}
	start := func(e *perduretest.Env) {
		_, err := client.Start(t.Context(), e.Client(), contentapproval.ContentApproval, "tides", client.StartOptions{ID: "run"})
		if err != nil {
			t.Error(err)
		}
		e.Settle()
	}
	for name, drive := range map[string]func(*perduretest.Env){
		"approved": func(e *perduretest.Env) {
			start(e)
			if err := client.Raise(t.Context(), e.Client(), "run", contentapproval.ApprovalDecision, true); err != nil {
				t.Error(err)
			}
			e.Settle()
		},
		"escalated": func(e *perduretest.Env) {
			start(e)
			e.Advance(25 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			done := perduretest.CrashEverywhere(t, perduretest.Scenario{Register: register, Run: drive, Ignore: offsets})
			if done.Commits < 5 || done.Crashes < done.Commits {
				t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
			}
			t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
		})
	}
}
