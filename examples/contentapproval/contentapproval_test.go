package contentapproval_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/contentapproval"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

const draft = "The sea comes and goes."

// begin runs the sample until its draft waits for the reviewer.
func begin(t *testing.T, m model.Model) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := contentapproval.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	e := perduretest.New(t, reg)
	start(t, e)
	return e
}

func start(t *testing.T, e *perduretest.Env) {
	t.Helper()
	if _, err := client.Start(t.Context(), e.Client(), contentapproval.ContentApproval, "tides", client.StartOptions{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	e.Settle()
}

func decide(t *testing.T, e *perduretest.Env, approved bool) {
	t.Helper()
	if err := client.Raise(t.Context(), e.Client(), "run", contentapproval.ApprovalDecision, approved); err != nil {
		t.Fatal(err)
	}
}

// wants checks the result, and how long it took to come to it.
func wants(t *testing.T, e *perduretest.Env, began time.Time, result string, after time.Duration) {
	t.Helper()
	got, err := perduretest.Result[string](e, "run")
	if took := e.Now().Sub(began); err != nil || got != result || took != after {
		t.Errorf("result = %q, %v after %v, want %q after %v", got, err, took, result, after)
	}
}

func TestDecisions(t *testing.T) {
	for approved, want := range map[bool]string{true: "Content published: " + draft, false: "Content rejected"} {
		e := begin(t, modeltest.Script(t, modeltest.Say(draft)))
		began := e.Now()
		e.Advance(24*time.Hour - time.Second)
		decide(t, e, approved)
		wants(t, e, began, want, 24*time.Hour-time.Second)
	}
}

func TestEscalation(t *testing.T) {
	e := begin(t, modeltest.Script(t, modeltest.Say(draft)))
	wants(t, e, e.Now(), "Content escalated for review: "+draft, 24*time.Hour)
}

// TestPowerCut cuts the power while the draft waits: it is not written again, a
// decision publishes it, and without one the time that is left passes.
func TestPowerCut(t *testing.T) {
	for _, decided := range []bool{true, false} {
		e := begin(t, modeltest.Script(t, modeltest.Say(draft)))
		began := e.Now()
		e.Advance(time.Hour)
		e.Crash()
		if decided {
			decide(t, e, true)
			wants(t, e, began, "Content published: "+draft, time.Hour)
		} else {
			wants(t, e, began, "Content escalated for review: "+draft, 24*time.Hour)
		}
	}
}

// TestCrashEverywhere drops the process before and after each commit of the
// sample, approved and not decided in time: the end is always the same.
func TestCrashEverywhere(t *testing.T) {
	for name, review := range map[string]func(*perduretest.Env){
		"approved":  func(e *perduretest.Env) { decide(t, e, true) },
		"escalated": func(e *perduretest.Env) { e.Advance(25 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			scenario := perduretest.Scenario{
				Ignore: perduretest.StreamOffsets(),
				Register: func(reg *perdure.Registry) {
					if err := contentapproval.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
						t.Error(err)
					}
				},
				Run: func(e *perduretest.Env) {
					start(t, e)
					review(e)
					e.Settle()
				},
			}
			done := perduretest.CrashEverywhere(t, scenario)
			if done.Commits < 5 || done.Crashes < done.Commits {
				t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
			}
			crashes.LongOnPostgres(t, scenario)
		})
	}
}
