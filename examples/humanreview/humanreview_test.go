package humanreview_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/humanreview"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// register registers the sample with a writer whose drafts quote the feedback.
func register(t *testing.T, reg *perdure.Registry) {
	t.Helper()
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		_, feedback, _ := strings.Cut(r.Messages[len(r.Messages)-1].Text(), "rejects the draft: ")
		feedback, _, _ = strings.Cut(feedback, "\n")
		return modeltest.Say(fmt.Sprintf(`{"title":"Tides %d","content":"%s"}`, len(r.Messages)/2+1, feedback))
	})
	if err := humanreview.Register(reg, m); err != nil {
		t.Fatal(err)
	}
}

// review starts a run that takes three drafts and waits three days for each.
func review(t *testing.T, e *perduretest.Env) {
	t.Helper()
	in := humanreview.Request{Topic: "tides", Rounds: 3, PatienceHours: 72}
	if _, err := client.Start(t.Context(), e.Client(), humanreview.Review, in, client.StartOptions{ID: "r1"}); err != nil {
		t.Fatal(err)
	}
	e.Settle()
}

func answer(t *testing.T, e *perduretest.Env, v humanreview.Verdict) {
	t.Helper()
	if err := client.Raise(t.Context(), e.Client(), "r1", humanreview.HumanApproval, v); err != nil {
		t.Fatal(err)
	}
	e.Settle()
}

// TestCrashEverywhere rejects a draft, twice, and approves the next, with a crash at
// each commit: no draft is written twice, and the one with the feedback is published.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore:   perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) { register(t, reg) },
		Run: func(e *perduretest.Env) {
			review(t, e)
			answer(t, e, humanreview.Verdict{Draft: 1, Feedback: "Name the moon."})
			answer(t, e, humanreview.Verdict{Draft: 1, Feedback: "Name the moon."})
			answer(t, e, humanreview.Verdict{Draft: 2, Approved: true})
			got, err := perduretest.Result[humanreview.Draft](e, "r1")
			if err != nil {
				t.Error(err)
			}
			if d := cmp.Diff(humanreview.Draft{Title: "Tides 2", Content: "Name the moon."}, got); d != "" {
				t.Errorf("Review() (-want +got):\n%s", d)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}

// TestEnds has nobody review the second draft, and all drafts rejected.
func TestEnds(t *testing.T) {
	no := func(draft int) humanreview.Verdict { return humanreview.Verdict{Draft: draft, Feedback: "No."} }
	for want, drive := range map[string]func(t *testing.T, e *perduretest.Env){
		"draft 2 was not reviewed within 72 hours": func(t *testing.T, e *perduretest.Env) {
			answer(t, e, no(1))
			answer(t, e, humanreview.Verdict{Draft: 1, Approved: true}) // too late
			e.Advance(72 * time.Hour)
		},
		"none of 3 drafts was approved": func(t *testing.T, e *perduretest.Env) {
			for draft := range 3 {
				answer(t, e, no(draft+1))
			}
		},
	} {
		t.Run(want, func(t *testing.T) {
			reg := perdure.NewRegistry()
			register(t, reg)
			env := perduretest.New(t, reg)
			review(t, env)
			drive(t, env)
			if got, err := perduretest.Result[humanreview.Draft](env, "r1"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Review() = %+v, %v, want %q", got, err, want)
			}
			if calls := env.Calls("PublishContent"); len(calls) > 0 {
				t.Errorf("PublishContent was called: %+v", calls)
			}
		})
	}
}
