package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/schedule"
	"github.com/perdure/perdure/store/memory"
)

func TestPauseAndResume(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Hour})
	w.pass(90 * time.Minute)
	for range 2 { // the second changes nothing but the note
		if err := schedule.Pause(w.ctx(), w.c, "s", "holidays"); err != nil {
			t.Fatal(err)
		}
	}
	if s := w.get("s"); !s.Paused || s.Note != "holidays" || s.Next != nil {
		t.Errorf("Get() = paused %v, note %q, next %v, want true, holidays, none", s.Paused, s.Note, s.Next)
	}
	w.pass(3 * time.Hour)
	if err := schedule.Resume(w.ctx(), w.c, "s", ""); err != nil {
		t.Fatal(err)
	}
	// Paused and resumed within a tick, the ticks of before must not count.
	if err := schedule.Pause(w.ctx(), w.c, "s", ""); err != nil {
		t.Fatal(err)
	}
	if err := schedule.Resume(w.ctx(), w.c, "s", "back"); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	if diff := cmp.Diff([]string{"01T13:00:00", "01T17:00:00"}, w.times()); diff != "" {
		t.Errorf("runs began (-want +got):\n%s", diff)
	}
	if s := w.get("s"); s.Paused || s.Note != "back" || s.Counters.Missed != 0 || s.Counters.Started != 2 {
		t.Errorf("Get() = %+v, want not paused, note back, 0 missed, 2 started", s)
	}
}

func TestUpdate(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Hour, Input: "old"})
	w.pass(90 * time.Minute)
	if err := schedule.Update(w.ctx(), w.c, schedule.Spec{ID: "s", Orchestration: "Brief", Cron: "45 * * * *", Input: "new"}); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Hour)
	if diff := cmp.Diff([]run{
		{"s:20260301T130000Z", "01T13:00:00", "old"},
		{"s:20260301T134500Z", "01T13:45:00", "new"},
		{"s:20260301T144500Z", "01T14:45:00", "new"},
	}, w.began); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	bad := schedule.Spec{ID: "s", Orchestration: "Brief", Cron: "45 * * * *", End: begin}
	if err := schedule.Update(w.ctx(), w.c, bad); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Update() to an end that is past = %v, want invalid_argument", err)
	}
	if got := w.get("s").Spec.End; !got.IsZero() {
		t.Errorf("a refused update left the end %v", got)
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t, begin)
	spec := schedule.Spec{ID: "s", Orchestration: "Long", Interval: time.Hour}
	w.create(spec)
	w.pass(time.Hour)
	if err := schedule.Delete(w.ctx(), w.c, "s"); err != nil {
		t.Fatal(err)
	}
	if _, err := schedule.Get(w.ctx(), w.c, "s"); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Get() of a deleted schedule = %v, want not_found", err)
	}
	if p, err := schedule.List(w.ctx(), w.c, schedule.Query{}); err != nil || len(p.Items) != 0 {
		t.Errorf("List() after the delete = %+v, %v, want nothing", p, err)
	}
	w.create(spec) // the tick of the old one is on its way to it
	w.pass(90 * time.Minute)
	if diff := cmp.Diff([]string{"01T13:00:00", "01T14:00:00"}, w.times()); diff != "" {
		t.Errorf("runs began (-want +got):\n%s", diff)
	}
	if c, want := w.get("s").Counters, (schedule.Counters{Started: 1, Completed: 1}); c != want {
		t.Errorf("Counters of the new one = %+v, want %+v", c, want)
	}
	if err := schedule.Delete(w.ctx(), w.c, "s"); err != nil {
		t.Fatal(err)
	}
	w.pass(24 * time.Hour)
	if got := w.times(); got != nil {
		t.Errorf("runs began at %v after the delete, want none", got)
	}
	r, err := w.c.Get(w.ctx(), "s:20260301T130000Z")
	if err != nil || r.Status != client.Completed {
		t.Errorf("the run that went on during the delete = %+v, %v, want completed", r, err)
	}
}

func TestWithoutSchedule(t *testing.T) {
	w := newWorld(t, begin)
	w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Hour})
	err := schedule.Create(w.ctx(), w.c, schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Hour})
	if perdure.CodeOf(err) != perdure.AlreadyExists {
		t.Errorf("Create() of an id that is taken = %v, want already_exists", err)
	}
	_, getErr := schedule.Get(w.ctx(), w.c, "x")
	_, triggerErr := schedule.Trigger(w.ctx(), w.c, "x")
	for op, err := range map[string]error{
		"Get": getErr, "Trigger": triggerErr,
		"Update": schedule.Update(w.ctx(), w.c, schedule.Spec{ID: "x", Orchestration: "Brief", Interval: time.Hour}),
		"Pause":  schedule.Pause(w.ctx(), w.c, "x", ""),
		"Resume": schedule.Resume(w.ctx(), w.c, "x", ""),
		"Delete": schedule.Delete(w.ctx(), w.c, "x"),
	} {
		if perdure.CodeOf(err) != perdure.NotFound {
			t.Errorf("%s() of no schedule = %v, want not_found", op, err)
		}
	}
}

func TestCatchUp(t *testing.T) {
	minute := schedule.Spec{Orchestration: "Brief", Cron: "* * * * *"}
	tests := map[string]struct {
		spec   schedule.Spec
		down   time.Duration
		want   []string
		missed int64
	}{
		"the latest is young enough": {minute, 10*time.Minute + 15*time.Second, []string{"01T12:10:45", "01T12:11:00"}, 9},
		"interval": {schedule.Spec{Orchestration: "Brief", Interval: time.Minute},
			10*time.Minute + 15*time.Second, []string{"01T12:10:45", "01T12:11:00"}, 9},
		"the latest is too old": {schedule.Spec{Orchestration: "Brief", Cron: "5 12,14 * * *"}, 10 * time.Minute, nil, 1},
		"a wider window": {schedule.Spec{Orchestration: "Brief", Cron: "5 12,14 * * *", CatchUp: time.Hour},
			10 * time.Minute, []string{"01T12:10:30"}, 0},
		"a year": {schedule.Spec{Orchestration: "Brief", Cron: "30 * * * * *"},
			365*24*time.Hour + 15*time.Second, []string{"01T12:00:30", "01T12:00:45", "01T12:01:30"}, 1000},
		"a year of milliseconds": {schedule.Spec{Orchestration: "Brief", Interval: time.Millisecond, Start: begin.Add(time.Minute),
			End: begin.Add(365*24*time.Hour + 30*time.Second)},
			365 * 24 * time.Hour, []string{"01T12:00:30"}, 365*24*3600*1000 - 30_000},
		"beyond the end": {schedule.Spec{Orchestration: "Brief", Interval: time.Minute, End: begin.Add(3 * time.Minute)},
			time.Hour, nil, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, begin)
			test.spec.ID = "s"
			w.create(test.spec)
			w.pass(30 * time.Second)
			w.close()
			w.clock.Advance(test.down)
			w.open()
			w.pass(time.Minute)
			if diff := cmp.Diff(test.want, w.times()); diff != "" {
				t.Errorf("runs began (-want +got):\n%s", diff)
			}
			if got := w.get("s").Counters.Missed; got != test.missed {
				t.Errorf("Missed = %d, want %d", got, test.missed)
			}
		})
	}
}

// TestCatchUpWithJitter compares runs over a downtime with those without: each
// firing time is accounted for, and none begins before its delay is over.
func TestCatchUpWithJitter(t *testing.T) {
	const n = 30
	build := func() *world {
		w := newWorld(t, begin)
		for i := range n {
			w.create(schedule.Spec{ID: fmt.Sprint("s", i), Orchestration: "Brief", Interval: time.Minute, Jitter: time.Minute})
		}
		w.pass(30 * time.Second)
		return w
	}
	up, down := build(), build()
	down.close()
	down.clock.Advance(10*time.Minute + 15*time.Second)
	down.open()
	down.pass(7*time.Minute + 14*time.Second) // to 12:17:59
	up.pass(17*time.Minute + 29*time.Second)
	for i := range n {
		id := fmt.Sprint("s", i)
		plain, late := up.get(id), down.get(id)
		if got := late.Counters.Started + late.Counters.Missed; got != plain.Counters.Started || late.Counters.Missed < 8 {
			t.Errorf("%s: started and missed are %+v after a downtime, want %d together", id, late.Counters, plain.Counters.Started)
		}
		began := make(map[string]time.Time)
		for _, o := range plain.Outcomes {
			began[o.ID] = o.Started
		}
		for _, o := range late.Outcomes {
			if o.Started.Before(began[o.ID]) {
				t.Errorf("run %s began at %v, want not before %v", o.ID, o.Started, began[o.ID])
			}
		}
	}
}

// TestCrashAtEveryCommit drops the process right before and right after each
// commit of three firings with a run that waits, and compares what happened.
func TestCrashAtEveryCommit(t *testing.T) {
	scenario := func(w *world) []string {
		create := func() error {
			return schedule.Create(w.ctx(), w.c, schedule.Spec{ID: "s", Orchestration: "Brief", Interval: time.Minute, MaxRuns: 3,
				Overlap: schedule.BufferOne}, client.WithRequestID("c"))
		}
		if err := create(); err != nil {
			w.reopen()
			if err := create(); err != nil && perdure.CodeOf(err) != perdure.AlreadyExists {
				w.t.Fatalf("second Create() = %v", err)
			}
		}
		w.passWithCrash(5 * time.Minute)
		return outcomes(w.get("s"))
	}
	w := newWorld(t, begin)
	groups := 0
	w.disk.OnGroup(func(e memory.GroupEvent) memory.Verdict { groups = e.N; return memory.Proceed })
	want := scenario(w)
	if len(want) != 3 || groups < 20 {
		t.Fatalf("without a crash: %d commits, outcomes %q, want at least 20 and three", groups, want)
	}
	w.close()
	for n := 1; n <= groups; n++ {
		for _, durable := range []bool{false, true} {
			t.Run(fmt.Sprint(n, durable), func(t *testing.T) {
				w := newWorld(t, begin)
				crashed := false
				w.disk.OnGroup(func(e memory.GroupEvent) memory.Verdict {
					if e.N == n && e.Durable == durable && !crashed {
						crashed = true
						return memory.CrashNow
					}
					return memory.Proceed
				})
				if diff := cmp.Diff(want, scenario(w)); diff != "" {
					t.Errorf("outcomes (-want +got):\n%s", diff)
				}
				if c, want := w.get("s").Counters, (schedule.Counters{Started: 3, Completed: 3}); c != want {
					t.Errorf("Counters = %+v, want %+v", c, want)
				}
			})
		}
	}
}

// reopen starts a hub on the disk of one that crashed.
func (w *world) reopen() {
	w.t.Helper()
	w.close()
	w.open()
}

// passWithCrash is pass, over hubs that crash.
func (w *world) passWithCrash(d time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(d)
	for {
		next, err := w.hub.Idle(w.ctx())
		now := w.clock.Now()
		switch {
		case err != nil:
			w.reopen()
		case !next.IsZero() && !next.After(end):
			w.clock.Advance(next.Sub(now))
		case now.Before(end):
			w.clock.Advance(end.Sub(now))
		default:
			return
		}
	}
}

func TestThousandAtOnce(t *testing.T) {
	w := newWorld(t, begin)
	const n = 1000
	for i := range n {
		w.create(schedule.Spec{ID: fmt.Sprintf("s%04d", i), Orchestration: "Brief", Cron: "@hourly"})
	}
	w.pass(2 * time.Hour)
	got := make(map[string]int)
	for _, r := range w.began {
		got[r.ID]++
	}
	if len(got) != 2*n || len(w.began) != 2*n {
		t.Errorf("%d runs with %d ids in two hours, want %d each", len(w.began), len(got), 2*n)
	}
	for _, r := range w.began {
		if r.At != "01T13:00:00" && r.At != "01T14:00:00" {
			t.Errorf("run %s began at %s, want a full hour", r.ID, r.At)
		}
	}
	listed := make(map[string]bool)
	q := schedule.Query{Prefix: "s0", Limit: 64}
	for {
		p, err := schedule.List(w.ctx(), w.c, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Items {
			listed[s.Spec.ID] = true
			if s.Counters.Completed != 2 {
				t.Errorf("%s completed %d runs, want 2", s.Spec.ID, s.Counters.Completed)
			}
		}
		if q.After = p.Next; p.Next == nil {
			break
		}
	}
	if len(listed) != n {
		t.Errorf("List() gave %d schedules, want %d", len(listed), n)
	}
}
