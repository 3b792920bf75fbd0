package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/schedule"
)

func TestFiringTimes(t *testing.T) {
	tests := map[string]struct {
		spec schedule.Spec
		over time.Duration
		want []string
	}{
		"cron": {schedule.Spec{Cron: "*/20 13 * * *"}, 2 * time.Hour,
			[]string{"01T13:00:00", "01T13:20:00", "01T13:40:00"}},
		"cron with seconds": {schedule.Spec{Cron: "15,45 0 * * * *"}, 2 * time.Hour,
			[]string{"01T12:00:15", "01T12:00:45", "01T13:00:15", "01T13:00:45"}},
		"descriptor": {schedule.Spec{Cron: "@daily"}, 48 * time.Hour, []string{"02T00:00:00", "03T00:00:00"}},
		"every":      {schedule.Spec{Cron: "@every 1h30m"}, 5 * time.Hour, []string{"01T13:30:00", "01T15:00:00", "01T16:30:00"}},
		"interval":   {schedule.Spec{Interval: 40 * time.Minute}, 2 * time.Hour, []string{"01T12:40:00", "01T13:20:00", "01T14:00:00"}},
		"interval with phase": {schedule.Spec{Interval: time.Hour, Phase: 250 * time.Millisecond}, 2 * time.Hour,
			[]string{"01T12:00:00.25", "01T13:00:00.25"}},
		"start and end": {schedule.Spec{Interval: time.Hour, Start: begin.Add(2 * time.Hour), End: begin.Add(3 * time.Hour)}, 10 * time.Hour,
			[]string{"01T14:00:00", "01T15:00:00"}},
		"start between": {schedule.Spec{Cron: "@hourly", Start: begin.Add(90*time.Minute + time.Millisecond)}, 3 * time.Hour,
			[]string{"01T14:00:00", "01T15:00:00"}},
		"most runs": {schedule.Spec{Interval: time.Hour, MaxRuns: 2}, 10 * time.Hour, []string{"01T13:00:00", "01T14:00:00"}},
		"zone":      {schedule.Spec{Cron: "0 15 * * *", TimeZone: "Asia/Tokyo"}, 24 * time.Hour, []string{"02T06:00:00"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, begin)
			test.spec.ID, test.spec.Orchestration = "s", "Brief"
			w.create(test.spec)
			w.pass(test.over)
			if diff := cmp.Diff(test.want, w.times()); diff != "" {
				t.Errorf("runs of %+v began (-want +got):\n%s", test.spec, diff)
			}
			c := w.get("s").Counters
			if want := (schedule.Counters{Started: int64(len(test.want)), Completed: int64(len(test.want))}); c != want {
				t.Errorf("Counters = %+v, want %+v", c, want)
			}
		})
	}
}

// TestBerlin passes both days of 2026 on which clocks change in Germany.
func TestBerlin(t *testing.T) {
	tests := map[string]struct {
		from time.Time
		cron string
		want []string
	}{
		"daily over spring": {time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), "30 4 * * *",
			[]string{"28T03:30:00", "29T02:30:00", "30T02:30:00"}},
		"in the hour that spring leaves out": {time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), "30 2 * * *",
			[]string{"28T01:30:00", "30T00:30:00"}},
		"hourly over spring": {time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), "30 1-3 29 * *",
			[]string{"29T00:30:00", "29T01:30:00"}},
		"daily over autumn": {time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC), "30 4 * * *",
			[]string{"24T02:30:00", "25T03:30:00", "26T03:30:00"}},
		"in the hour that autumn repeats": {time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC), "30 2 * * *",
			[]string{"24T00:30:00", "25T00:30:00", "25T01:30:00", "26T01:30:00"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.from)
			w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Cron: test.cron, TimeZone: "Europe/Berlin"})
			w.pass(71 * time.Hour)
			if diff := cmp.Diff(test.want, w.times()); diff != "" {
				t.Errorf("runs of %q began (-want +got):\n%s", test.cron, diff)
			}
		})
	}
}

func TestJitter(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Minute, Jitter: time.Hour})
	w.pass(5 * time.Minute)
	s := w.get("s")
	if len(s.Outcomes) < 4 {
		t.Fatalf("%d runs in 5 minutes, want at least 4", len(s.Outcomes))
	}
	delays := make(map[time.Duration]bool)
	for i, o := range s.Outcomes {
		if due := begin.Add(time.Duration(len(s.Outcomes)-i) * time.Minute); !o.Due.Equal(due) {
			t.Errorf("run %d is due at %v, want %v", i, o.Due, due)
		}
		d := o.Started.Sub(o.Due)
		if d < 0 || d >= time.Minute {
			t.Errorf("run %s began %v after its time, want less than a minute", o.ID, d)
		}
		delays[d] = true
	}
	if len(delays) < 3 {
		t.Errorf("the delays are %v, want them to differ", delays)
	}
	if s.Counters.Missed != 0 {
		t.Errorf("%d firings missed, want 0", s.Counters.Missed)
	}
}

func TestRunsAndTheirData(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "nightly", Orchestration: "Brief", Interval: time.Hour, Input: "in", Version: "2",
		Tags: map[string]string{"team": "a"}})
	w.create(schedule.Spec{ID: "broken", Orchestration: "Failing", Interval: time.Hour, Phase: 1500 * time.Millisecond})
	w.pass(time.Hour + time.Minute)
	r, err := w.c.Get(w.ctx(), "nightly:20260301T130000Z")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Input)+string(r.Output)+r.Version+r.Name, `"in""in"2Brief`; got != want {
		t.Errorf("input, output, version and name of the run = %s, want %s", got, want)
	}
	if diff := cmp.Diff(map[string]string{"team": "a", "perdure.schedule": "nightly"}, r.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	want := []string{
		"broken:20260301T120001.500Z failed 12:00:01 out of paper",
		"broken:20260301T130001.500Z failed 13:00:01 out of paper",
	}
	if diff := cmp.Diff(want, outcomes(w.get("broken"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestGet(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Hour, Input: map[string]int{"n": 1}, MaxRuns: 18})
	w.pass(12 * time.Hour)
	s := w.get("s")
	if len(s.Outcomes) != 10 || !s.Outcomes[0].Due.Equal(begin.Add(12*time.Hour)) || !s.Outcomes[9].Due.Equal(begin.Add(3*time.Hour)) {
		t.Errorf("Outcomes = %+v, want those of the hours 12 to 3", s.Outcomes)
	}
	var next []time.Time
	for h := 13; h <= 18; h++ { // MaxRuns allows 6 more
		next = append(next, begin.Add(time.Duration(h)*time.Hour))
	}
	if diff := cmp.Diff(next, s.Next); diff != "" {
		t.Errorf("Next (-want +got):\n%s", diff)
	}
	if len(s.Running) != 0 || s.Paused || !s.Created.Equal(begin) || !s.Updated.Equal(begin) {
		t.Errorf("Get() = %+v, want nothing running, not paused, created and updated at %v", s, begin)
	}
	spec := s.Spec
	if err := schedule.Update(w.ctx(), w.c, spec); err != nil {
		t.Errorf("Update with what Get returned = %v", err)
	}
	if diff := cmp.Diff(spec, w.get("s").Spec); diff != "" {
		t.Errorf("Spec after its update with itself (-want +got):\n%s", diff)
	}
	w.pass(24 * time.Hour)
	if s = w.get("s"); s.Next != nil || s.Counters.Started != 18 {
		t.Errorf("after all runs: Next = %v and %d started, want none and 18", s.Next, s.Counters.Started)
	}
}
