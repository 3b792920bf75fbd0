package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/schedule"
)

// TestOverlap lets runs of 150 seconds be due once a minute, four of them.
func TestOverlap(t *testing.T) {
	tests := map[schedule.Overlap]struct {
		target   string
		grace    time.Duration
		began    []string
		outcomes []string
		skipped  int64
	}{
		"": {target: "Long",
			began:    []string{"01T12:01:00", "01T12:04:00"},
			outcomes: []string{"s:20260301T120100Z completed 12:03:30", "s:20260301T120400Z completed 12:06:30"},
			skipped:  2},
		schedule.BufferOne: {target: "Long",
			began: []string{"01T12:01:00", "01T12:03:30", "01T12:06:00"},
			outcomes: []string{"s:20260301T120100Z completed 12:03:30", "s:20260301T120200Z completed 12:06:00",
				"s:20260301T120400Z completed 12:08:30"},
			skipped: 1},
		schedule.Allow: {target: "Long",
			began: []string{"01T12:01:00", "01T12:02:00", "01T12:03:00", "01T12:04:00"},
			outcomes: []string{"s:20260301T120100Z completed 12:03:30", "s:20260301T120200Z completed 12:04:30",
				"s:20260301T120300Z completed 12:05:30", "s:20260301T120400Z completed 12:06:30"}},
		schedule.CancelPrevious: {target: "Polite",
			began: []string{"01T12:01:00", "01T12:02:05", "01T12:03:05", "01T12:04:05"},
			outcomes: []string{"s:20260301T120100Z completed 12:02:05", "s:20260301T120200Z completed 12:03:05",
				"s:20260301T120300Z completed 12:04:05", "s:20260301T120400Z completed 12:06:35"}},
		schedule.TerminatePrevious: {target: "Polite",
			began: []string{"01T12:01:00", "01T12:02:00", "01T12:03:00", "01T12:04:00"},
			outcomes: []string{
				"s:20260301T120100Z terminated 12:02:00 sub-orchestration s:20260301T120100Z was Terminated",
				"s:20260301T120200Z terminated 12:03:00 sub-orchestration s:20260301T120200Z was Terminated",
				"s:20260301T120300Z terminated 12:04:00 sub-orchestration s:20260301T120300Z was Terminated",
				"s:20260301T120400Z completed 12:06:30"}},
	}
	for policy, test := range tests {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t, begin)
			w.create(schedule.Spec{ID: "s", Orchestration: test.target, Interval: time.Minute,
				End: begin.Add(4 * time.Minute), Overlap: policy, Grace: test.grace})
			w.pass(20 * time.Minute)
			s := w.get("s")
			if diff := cmp.Diff(test.began, w.times()); diff != "" {
				t.Errorf("runs began (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.outcomes, outcomes(s)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if s.Counters.Skipped != test.skipped || len(s.Running) != 0 || s.Buffered != nil {
				t.Errorf("%d skipped, running %v, buffered %v, want %d and nothing", s.Counters.Skipped, s.Running, s.Buffered, test.skipped)
			}
		})
	}
}

// TestCancelPreviousOfDeaf ends runs that do not hear that they should.
func TestCancelPreviousOfDeaf(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Long", Interval: time.Minute, End: begin.Add(2 * time.Minute),
		Overlap: schedule.CancelPrevious, Grace: 10 * time.Second})
	w.pass(20 * time.Minute)
	want := []string{"s:20260301T120100Z terminated 12:02:10 sub-orchestration s:20260301T120100Z was Terminated",
		"s:20260301T120200Z completed 12:04:40"}
	if diff := cmp.Diff(want, outcomes(w.get("s"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// TestCancelThenTerminate has a run terminated in the grace that it was given.
func TestCancelThenTerminate(t *testing.T) {
	w := newWorld(t, begin)
	spec := schedule.Spec{ID: "s", Orchestration: "Long", Interval: time.Hour, Overlap: schedule.CancelPrevious, Grace: time.Hour}
	w.create(spec)
	for range 2 {
		if _, err := schedule.Trigger(w.ctx(), w.c, "s"); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Second)
	if s := w.get("s"); len(s.Running) != 1 || s.Buffered == nil {
		t.Fatalf("after two triggers: running %v, buffered %v, want one each", s.Running, s.Buffered)
	}
	spec.Overlap, spec.Grace = schedule.TerminatePrevious, 0
	if err := schedule.Update(w.ctx(), w.c, spec); err != nil {
		t.Fatal(err)
	}
	if _, err := schedule.Trigger(w.ctx(), w.c, "s"); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	s := w.get("s")
	if len(s.Outcomes) != 1 || s.Outcomes[0].Status != client.Terminated {
		t.Errorf("outcomes = %q, want one terminated run", outcomes(s))
	}
	if len(s.Running) != 1 || s.Running[0].ID != "s:manual-20260301T120001Z-3" {
		t.Errorf("Running = %+v, want the third trigger's", s.Running)
	}
}

// TestEndedFromOutside ends a run behind the schedule's back.
func TestEndedFromOutside(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Long", Interval: time.Minute, MaxRuns: 2})
	w.pass(70 * time.Second)
	if err := w.c.Cancel(w.ctx(), "s:20260301T120100Z", client.Ending{}); err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Minute)
	want := []string{"s:20260301T120100Z canceled 12:01:10 sub-orchestration s:20260301T120100Z was Canceled",
		"s:20260301T120200Z completed 12:04:30"}
	if diff := cmp.Diff(want, outcomes(w.get("s"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestTrigger(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Long", Interval: 24 * time.Hour, MaxRuns: 1})
	if err := schedule.Pause(w.ctx(), w.c, "s", ""); err != nil {
		t.Fatal(err)
	}
	got, err := schedule.Trigger(w.ctx(), w.c, "s", client.WithRequestID("r"))
	want := schedule.Triggered{RunID: "s:manual-20260301T120000Z-1"}
	if err != nil || got != want {
		t.Fatalf("Trigger() = %+v, %v, want %+v", got, err, want)
	}
	if again, err := schedule.Trigger(w.ctx(), w.c, "s", client.WithRequestID("r")); err != nil || again != want {
		t.Errorf("Trigger() with the same request id = %+v, %v, want %+v", again, err, want)
	}
	if _, err := schedule.Trigger(w.ctx(), w.c, "s"); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Trigger() while a run goes on = %v, want failed_precondition", err)
	}
	if err := schedule.Resume(w.ctx(), w.c, "s", ""); err != nil {
		t.Fatal(err)
	}
	w.pass(48 * time.Hour)
	if diff := cmp.Diff([]string{"01T12:00:00", "02T00:00:00"}, w.times()); diff != "" {
		t.Errorf("runs began (-want +got):\n%s", diff)
	}
	if c, want := w.get("s").Counters, (schedule.Counters{Started: 2, Triggered: 1, Completed: 2}); c != want {
		t.Errorf("Counters = %+v, want %+v", c, want)
	}
}

func TestTriggerBuffered(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Long", Interval: 24 * time.Hour, Overlap: schedule.BufferOne})
	for i, want := range []schedule.Triggered{
		{RunID: "s:manual-20260301T120000Z-1"}, {RunID: "s:manual-20260301T120000Z-2", Buffered: true},
	} {
		if got, err := schedule.Trigger(w.ctx(), w.c, "s"); err != nil || got != want {
			t.Errorf("Trigger() number %d = %+v, %v, want %+v", i+1, got, err, want)
		}
	}
	if _, err := schedule.Trigger(w.ctx(), w.c, "s"); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Trigger() while one waits = %v, want failed_precondition", err)
	}
	if err := schedule.Pause(w.ctx(), w.c, "s", "enough"); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	s := w.get("s")
	if diff := cmp.Diff([]string{"s:manual-20260301T120000Z-1 completed 12:02:30"}, outcomes(s)); diff != "" || s.Buffered != nil {
		t.Errorf("a pause left %v waiting; outcomes (-want +got):\n%s", s.Buffered, diff)
	}
}
