package hubtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	told "github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

var rewindToCases = []testCase{
	{"EachEvent", rewindEachEvent},
	{"Terminated", rewindTerminated},
	{"Suspended", rewindSuspended},
	{"InsideOfSection", rewindInsideOfSection},
	{"Cancelled", rewindCancelled},
	{"Refused", rewindToRefused},
	{"OfSession", rewindOfSession},
	{"Once", rewindToOnce},
	{"Foreign", rewindForeign},
}

// rewindTo rewinds a run to an event.
func (e *env) rewindTo(id string, n int) {
	e.t.Helper()
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: id, To: n, Execution: e.get(id).Execution})
	e.ok(err)
}

// history returns the events of the current execution.
func (e *env) history(id string) []*history.Event {
	e.t.Helper()
	events, err := e.hub.History(e.ctx, id, "")
	return must(e, events, err)
}

// journey registers a run with steps of many kinds, of which some are at work together. Its ids are
// the same after a rewind.
func journey(runs *probe) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(_ context.Context, in string) (string, error) {
			runs.note("%s", in)
			return strings.ToUpper(in[:1]), nil
		})
		var tries sync.Map // instances that have tried
		perdure.AddActivityNamed(r, "second", func(ctx context.Context, in string) (string, error) {
			runs.note("%s", in)
			if _, again := tries.LoadOrStore(perdure.Activity(ctx).InstanceID, true); !again {
				return "", fmt.Errorf("not yet")
			}
			return "S", nil
		})
		perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallNamed[string](ctx, "act", "child").Await()
		})
		perdure.AddOrchestrationNamed(r, "journey", func(ctx *perdure.Context, _ string) (string, error) {
			out, err := perdure.CallNamed[string](ctx, "act", "a").Await()
			if err != nil {
				return "", err
			}
			b := perdure.CallNamed[string](ctx, "act", "b"+ctx.NewID())
			c := perdure.CallNamed[string](ctx, "act", "c")
			never := ctx.Timer(time.Hour)
			if err := perdure.All(ctx, b, c); err != nil {
				return "", err
			}
			never.Cancel()
			v, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			child, err := perdure.CallOrchestrationNamed[string](ctx, "child", nil).Await()
			if err != nil {
				return "", err
			}
			if err := ctx.Timer(time.Minute).Await(); err != nil {
				return "", err
			}
			last, err := perdure.CallNamed[string](ctx, "second", "s", perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})).Await()
			if err != nil {
				return "", err
			}
			return out + v + child + last, nil
		})
	}
}

// rewindEachEvent rewinds a run to each of its events, and compares what runs again
// with what was foretold.
func rewindEachEvent(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, journey(&runs))
	finish := func(id string) {
		t.Helper()
		e.settle()
		e.raise(id, "go", `"go"`) // forgotten if it is waited for no more
		e.advance(3 * time.Hour)
		e.completes(id, `"AgoCS"`)
	}
	for n, last := 1, 1; n <= last; n++ {
		id := fmt.Sprintf("r%d", n)
		e.start("journey", id, "")
		finish(id)
		before := runs.count()
		events := e.history(id)
		if last = len(events); n > last { // what comes together is one turn, or two
			break
		}
		e.rewindTo(id, n)
		e.settle()
		if in := e.get(id); in.Status != store.Running && in.Status != store.Completed {
			t.Errorf("rewound to event %d it is %v, want that it runs", n, history.Status(in.Status))
		}
		finish(id)
		got := map[string]int{}
		for _, note := range runs.since(before) {
			got[note]++
		}
		if diff := cmp.Diff(foretold(events, n), got); diff != "" {
			t.Errorf("rewound to event %d (%v), activities ran (-foretold +got):\n%s", n, events[n-1], diff)
		}
	}
}

// foretold returns the activities that a rewind of a journey runs, by input.
func foretold(events []*history.Event, n int) map[string]int {
	want := map[string]int{}
	run := told.Of(events)
	for i, fate := range run.Rewind(events, n) {
		switch s := &run.Steps[i]; {
		case fate == told.Reused:
		case s.Kind == told.Child:
			want["child"]++
		case s.Kind == told.Activity:
			for _, e := range events {
				if b, ok := e.Body.(*history.TaskScheduled); ok && e.ID == s.EventID {
					want[strings.Trim(b.Input.S, `"`)]++
				}
			}
		}
	}
	return want
}

// rewindTerminated rewinds a run that was terminated to before a step that it was at.
func rewindTerminated(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, journey(&runs))
	e.start("journey", "r", "")
	e.settle()
	first := e.get("r").Execution
	e.control(hub.Terminate, "r")
	e.status("r", store.Terminated)
	e.rewindTo("r", 6)
	e.settle()
	e.raise("r", "go", `"go"`)
	e.advance(3 * time.Hour)
	e.completes("r", `"AgoCS"`)
	if n := runs.count(); n != 1+2+2+1+2 {
		t.Errorf("%d activities ran, want the first once, the two at which it was twice, and what came then", n)
	}
	if in := e.get("r"); in.Execution == first {
		t.Errorf("its execution is still %s, want another", first)
	}
	if events, err := e.hub.History(e.ctx, "r", first); err != nil || len(events) == 0 {
		t.Errorf("History(before the rewind) = %d events, %v, want it kept", len(events), err)
	}
}

// rewindSuspended rewinds a run to where it was suspended: it goes on.
func rewindSuspended(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "w", "")
	e.settle()
	e.control(hub.Suspend, "w")
	e.settle()
	e.control(hub.Terminate, "w")
	e.status("w", store.Terminated)
	events := e.history("w")
	e.rewindTo("w", len(events))
	e.status("w", store.Running)
	e.raise("w", "go", `"x"`)
	e.completes("w", `"x"`)
}

// rewindInsideOfSection rewinds a run that has completed to inside of its critical
// section, whose locks it needs again.
func rewindInsideOfSection(t *testing.T, s suite) {
	var allowed atomic.Bool
	allowed.Store(true)
	var runs probe
	code := relocking(&allowed, &runs)
	e := s.open(t, code)
	e.start("careful", "r", "")
	e.settle()
	e.raise("r", "end", `""`)
	e.completes("r", `"done"`)
	events := e.history("r")
	n := 1 + slices.IndexFunc(events, is[*history.EventRaised])
	e.start("hold", "h", `["b"]`)
	e.lockedBy("b", "h")
	e.rewindTo("r", n)
	e.lockedBy("a", "r")
	e.raise("r", "end", `""`) // must wait as well
	e.status("r", store.Running)
	e.raise("h", "end", `"done"`)
	e.completes("h", `"done"`)
	e.completes("r", `"done"`)
	e.free("a")
	e.free("b")
}

// rewindCancelled rewinds runs that have cancelled an activity: it is not run again,
// whether the rewind is to an event or to before the failure.
func rewindCancelled(t *testing.T, s suite) {
	for _, to := range []int{0, 1} {
		var runs probe
		var calm atomic.Bool
		e := s.open(t, func(r *perdure.Registry) {
			perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
				runs.note("slow")
				<-ctx.Done()
				return "", ctx.Err()
			})
			perdure.AddActivityNamed(r, "flaky", func(context.Context, string) (string, error) {
				runs.note("flaky")
				if calm.Load() {
					return "ok", nil
				}
				return "", fmt.Errorf("not yet")
			})
			perdure.AddOrchestrationNamed(r, "hasty", func(ctx *perdure.Context, _ string) (string, error) {
				slow := perdure.CallNamed[string](ctx, "slow", "x")
				if err := ctx.Timer(time.Second).Await(); err != nil {
					return "", err
				}
				slow.Cancel()
				if err := ctx.Timer(time.Second).Await(); err != nil {
					return "", err
				}
				return perdure.CallNamed[string](ctx, "flaky", "x").Await()
			})
		})
		e.start("hasty", "r", "")
		e.until("it runs", func() bool { return runs.count() == 1 })
		for range 2 {
			e.clock.Advance(time.Second)
			e.settle()
		}
		e.fails("r")
		calm.Store(true)
		if to > 0 {
			events := e.history("r")
			n := 1 + slices.IndexFunc(events, is[*history.TaskFailed])
			if diff := cmp.Diff(map[string]int{"x": 1}, foretold(events, n)); diff != "" { // flaky, not slow
				t.Errorf("activities that are foretold to run again (-want +got):\n%s", diff)
			}
			e.rewindTo("r", n)
		} else {
			e.control(hub.Rewind, "r")
		}
		e.completes("r", `"ok"`)
		runs.check(t, fmt.Sprintf("activities (rewound to %d)", to), "slow", "flaky", "flaky")
	}
}

func rewindToRefused(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "running", "")
	e.start("echo", "done", `"x"`)
	e.end("done")
	e.settle()
	for what, r := range map[string]struct {
		id        string
		to        int
		execution string
		want      perdure.Code
	}{
		"of a run that has not ended": {"running", 2, "", perdure.FailedPrecondition},
		"to an event that is not":     {"done", 99, "", perdure.InvalidArgument},
		"to an event before all":      {"done", -1, "", perdure.InvalidArgument},
		"of another execution":        {"done", 2, strings.Repeat("0", 32), perdure.Conflict},
		"of no run":                   {"none", 2, "", perdure.NotFound},
	} {
		_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: r.id, To: r.to, Execution: r.execution})
		e.code("Control(rewind "+what+")", err, r.want)
	}
	e.status("done", store.Completed)
}

// rewindOfSession tries to rewind turns of a session, and to restart them, of which it
// knows nothing: its conversation would go on from another answer than that of the turn.
func rewindOfSession(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(1, &runs))
	turn := tags(map[string]string{"perdure.session": "@dafx-a@k"})
	e.start("run", "failed", `"x"`, turn)
	e.fails("failed")
	e.start("run", "done", `"x"`, turn)
	e.completes("done", `"x!"`)
	for _, to := range []int{0, 1, 5} {
		for _, id := range []string{"failed", "done"} {
			_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: id, To: to})
			e.code(fmt.Sprintf("Control(rewind %s to %d)", id, to), err, perdure.FailedPrecondition)
		}
	}
	for _, anew := range []bool{false, true} {
		_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "done", NewID: anew})
		e.code(fmt.Sprintf("Control(restart, new id: %t)", anew), err, perdure.FailedPrecondition)
	}
	e.settle()
	e.status("failed", store.Failed)
	e.status("done", store.Completed)
	runs.check(t, "activities", "good", "flaky", "good", "flaky")
}

// rewindToOnce repeats a rewind: it has one effect, and with other content it is refused.
func rewindToOnce(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(0, &runs))
	e.start("run", "r", `"x"`)
	e.completes("r", `"x!"`)
	for range 2 {
		_, err := e.hub.Control(e.ctx, &hub.Control{RequestID: "w", Kind: hub.Rewind, InstanceID: "r", To: 5})
		e.ok(err)
		e.completes("r", `"x!"`)
	}
	runs.check(t, "activities", "good", "flaky", "good", "flaky")
	_, err := e.hub.Control(e.ctx, &hub.Control{RequestID: "w", Kind: hub.Rewind, InstanceID: "r", To: 1})
	e.code("Control(rewind elsewhere with the same request id)", err, perdure.Conflict)
}

// rewindForeign rewinds a run whose worker knows nothing of that: it gets a history of
// what it knows, and makes the turn anew.
func rewindForeign(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.orchestrators("run")
	a := e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	acts := func() {
		t.Helper()
		w := a.activity()
		e.ok(a.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: w.Token}, Result: history.Some(`"x"`)}))
	}
	e.start("run", "r", `"in"`)
	p.answers(begins, schedule(1, "act"))
	acts()
	p.answers("orchestratorStarted taskCompleted", schedule(2, "act"))
	acts()
	p.answers("orchestratorStarted taskCompleted", completes(3, `"first"`))
	e.completes("r", `"first"`)

	e.rewindTo("r", 6) // where the second activity was scheduled
	w, events := p.takes("orchestratorStarted taskCompleted")
	var kinds []string
	for _, ev := range p.decode(w.Orchestration.Past) {
		kinds = append(kinds, ev.Body.Kind().String())
	}
	want := []string{"orchestratorStarted", "executionStarted", "taskScheduled", "orchestratorStarted", "executionRewound"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("past after the rewind (-want +got):\n%s", diff)
	}
	if b := events[1].Body.(*history.TaskCompleted); b.TaskScheduledID != 1 {
		t.Errorf("it is told of task %d, want the first again", b.TaskScheduledID)
	}
	e.ok(p.does(w, schedule(2, "act")))
	acts()
	p.answers("orchestratorStarted taskCompleted", completes(3, `"second"`))
	e.completes("r", `"second"`)
}

// completes is the end of a run.
func completes(id int32, result string) engine.Action {
	return do(id, &engine.Complete{Status: history.StatusCompleted, Result: history.Some(result)})
}

// since returns the notes after the first n, sorted.
func (p *probe) since(n int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(slices.Values(p.notes[n:]))
}
