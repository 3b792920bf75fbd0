package hubtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

var forkCases = []testCase{
	{"EachEvent", forkEachEvent},
	{"Alive", forkAlive},
	{"Outcome", forkOutcome},
	{"Input", forkInput},
	{"OfFork", forkOfFork},
	{"Rewound", forkRewound},
	{"NamedRuns", forkNamedRuns},
	{"OfChild", forkOfChild},
	{"ContinuesAsNew", forkContinuesAsNew},
	{"Refused", forkRefused},
	{"Once", forkOnce},
	{"Rows", forkRows},
	{"Foreign", forkForeign},
}

// fork copies a run up to its n-th event.
func (e *env) fork(run, id string, n int) {
	e.t.Helper()
	_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: id, Fork: &hub.Fork{Run: run, To: n}})
	e.ok(err)
}

// tour registers a run with steps of many kinds, whose ids and chance are part of what it
// does. An activity notes its input and its effect id.
func tour(runs *probe) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(ctx context.Context, in string) (string, error) {
			runs.note("%s %s", in, perdure.Activity(ctx).EffectID)
			if in == "twice" && perdure.Activity(ctx).Attempt == 1 {
				return "", errors.New("not yet")
			}
			return strings.ToUpper(in[:1]), nil
		})
		perdure.AddEntityFunc(r, "book", func(ctx *perdure.EntityContext) (any, error) { return "E", nil })
		perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "act", "child").Await()
		})
		perdure.AddOrchestrationNamed(r, "tour", func(ctx *perdure.Context, in string) (string, error) {
			out, err := perdure.CallNamed[string](ctx, "act", in).Await()
			if err != nil {
				return "", err
			}
			first := ctx.NewID()
			b := perdure.CallNamed[string](ctx, "act", "b"+first)
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
			child, err := perdure.CallOrchestrationNamed[string](ctx, "child", "").Await()
			if err != nil {
				return "", err
			}
			if ctx.Rand().IntN(1000)%2 == 0 { // the code goes by its chance
				if err := ctx.Timer(time.Minute).Await(); err != nil {
					return "", err
				}
			}
			entity, err := perdure.CallEntity[string](ctx, perdure.NewEntityID("book", "k"), "read", nil).Await()
			if err != nil {
				return "", err
			}
			last, err := perdure.CallNamed[string](ctx, "act", "twice", perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})).Await()
			if err != nil {
				return "", err
			}
			second := ctx.NewID()
			return out + v + child + entity + last + " " + first + " " + second, nil
		})
	}
}

// finishTour lets a tour end and returns what it has put out.
func (e *env) finishTour(id string) string {
	e.t.Helper()
	e.settle()
	e.raise(id, "go", `"go"`)
	e.advance(3 * time.Hour)
	return e.end(id).Output.S
}

// forkEachEvent forks a run from each of its events, and compares what runs in the fork
// with what was foretold.
func forkEachEvent(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, tour(&runs))
	e.start("tour", "source", `"a"`)
	output := e.finishTour("source")
	source, events := e.get("source"), e.history("source")
	effects := map[string]string{} // the run that they are of
	for _, note := range runs.all() {
		effects[note] = "source"
	}
	for n := 1; n <= len(events); n++ {
		id := fmt.Sprintf("f%d", n)
		before := runs.count()
		e.fork("source", id, n)
		in := e.get(id)
		if want := (hub.ForkedFrom{Run: "source", Execution: source.Execution, Event: n}); in.Forked != want {
			t.Errorf("Instance(fork at %d).Forked = %+v, want %+v", n, in.Forked, want)
		}
		got := e.finishTour(id)
		if got[:7] != output[:7] {
			t.Errorf("forked at event %d (%v) it ended with %s, want what the source has put out: %s", n, events[n-1], got, output)
		}
		f, g := strings.Fields(output), strings.Fields(got)
		kept := engine.TurnOf(events, n-1) > firstOf(events, "b")
		if (f[1] == g[1]) != kept {
			t.Errorf("forked at event %d (%v): the id made before the cut is the same: %v, want %v", n, events[n-1], f[1] == g[1], kept)
		}
		if f[2] == g[2] {
			t.Errorf("forked at event %d (%v): the id made after the cut is %s, as in the source", n, events[n-1], g[2])
		}
		ran := map[string]int{}
		for _, note := range runs.since(before) {
			if of := effects[note]; of != "" && of != id {
				t.Errorf("forked at event %d (%v), %s ran with the effect id of another run", n, events[n-1], note)
			}
			effects[note] = id
			ran[strings.Fields(note)[0][:1]]++
		}
		if diff := cmp.Diff(forkForetold(events, n), ran); diff != "" {
			t.Errorf("forked at event %d (%v), activities ran (-foretold +got):\n%s", n, events[n-1], diff)
		}
	}
	now := e.get("source")
	now.Version, now.Updated = source.Version, source.Updated // requests are forgotten after a day
	if diff := cmp.Diff(events, e.history("source")); diff != "" {
		t.Errorf("the history of the source has changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(source, now); diff != "" {
		t.Errorf("the source has changed (-before +after):\n%s", diff)
	}
}

// firstOf is the index of the event that schedules the first activity with an input.
func firstOf(events []*history.Event, input string) int {
	return slices.IndexFunc(events, func(ev *history.Event) bool {
		b, ok := ev.Body.(*history.TaskScheduled)
		return ok && strings.HasPrefix(b.Input.S, `"`+input)
	})
}

// forkForetold returns how often a fork of a tour runs each activity, by the first letter
// of its input.
func forkForetold(events []*history.Event, n int) map[string]int {
	want := map[string]int{}
	run := told.Of(events)
	for i, fate := range run.Fork(events, n) {
		s := &run.Steps[i]
		switch {
		case fate == told.Reused:
		case s.Kind == told.Child:
			want["c"]++
		case s.Kind == told.Activity:
			for _, ev := range events {
				b, ok := ev.Body.(*history.TaskScheduled)
				if !ok || ev.ID != s.EventID {
					continue
				}
				letter := b.Input.S[1:2]
				want[letter]++
				if failed := slices.IndexFunc(events, is[*history.TaskFailed]); letter == "t" && failed+1 >= n {
					want[letter]++ // its first attempt fails again
				}
			}
		}
	}
	return want
}

// forkAlive forks a run that goes on: what it waits for is waited for twice, what it has
// at work runs twice.
func forkAlive(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "below", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.NewEvent[string]("say").Wait(ctx).Await()
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			timer := ctx.Timer(time.Hour)
			child := perdure.CallOrchestrationNamed[string](ctx, "below", "")
			v, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			if err := timer.Await(); err != nil {
				return "", err
			}
			said, err := child.Await()
			return v + said + ctx.Now().Sub(epoch).String(), err
		})
	})
	e.start("run", "r", "")
	e.settle()
	events := e.history("r")
	e.clock.Advance(20 * time.Minute)
	e.fork("r", "f", len(events)+1)
	e.settle()
	var below string
	for _, ev := range e.history("f") {
		if b, ok := ev.Body.(*history.SubOrchestrationInstanceCreated); ok {
			below = b.InstanceID
		}
	}
	if !strings.HasPrefix(below, "f:") {
		t.Fatalf("the fork waits for %q, want a run of its own", below)
	}
	if in := e.get(below); in.Parent != "f" || in.Root != "f" || in.Status != store.Running {
		t.Errorf("Instance(run below the fork) = parent %s, root %s, %v, want f, f, running", in.Parent, in.Root, in.Status)
	}
	e.raise(below, "say", `"F"`)
	e.raise("f", "go", `"f"`)
	e.completes("f", `"fF1h0m0s"`)
	e.status("r", store.Running)
	for _, ev := range e.history("r") {
		if b, ok := ev.Body.(*history.SubOrchestrationInstanceCreated); ok {
			e.raise(b.InstanceID, "say", `"R"`)
		}
	}
	e.raise("r", "go", `"r"`)
	e.completes("r", `"rR1h0m0s"`)
}

// forkOfFork forks a fork, from after and from before where that goes its own way.
func forkOfFork(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, tour(&runs))
	e.start("tour", "source", `"a"`)
	ids := map[string]bool{}
	of := e.finishTour("source")
	ids[strings.Fields(of)[2]] = true
	n := 1 + slices.IndexFunc(e.history("source"), is[*history.EventRaised])
	e.fork("source", "one", n)
	ids[strings.Fields(e.finishTour("one"))[2]] = true
	for i, from := range []int{n, n + 4, len(e.history("one"))} {
		id := fmt.Sprintf("two%d", i)
		e.fork("one", id, from)
		got := e.finishTour(id)
		f, g := strings.Fields(of), strings.Fields(got)
		if f[0] != g[0] || f[1] != g[1] || ids[g[2]] {
			t.Errorf("a fork of a fork from event %d ended with %s, want as %s with another last id", from, got, of)
		}
		ids[g[2]] = true
	}
}

// forkRewound rewinds a fork, to before and after where it goes its own way: it stays a
// run of its own.
func forkRewound(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, tour(&runs))
	e.start("tour", "source", `"a"`)
	of := strings.Fields(e.finishTour("source"))
	events := e.history("source")
	cut := 1 + slices.IndexFunc(events, is[*history.EventRaised])
	effects := runs.all()
	e.fork("source", "f", cut)
	mine := strings.Fields(e.finishTour("f"))
	last := len(e.history("f"))
	for _, n := range []int{last, cut, cut - 2, 1} {
		before := runs.count()
		e.rewindTo("f", n)
		got := strings.Fields(e.finishTour("f"))
		if got[0] != of[0] || got[2] != mine[2] {
			t.Errorf("rewound to event %d the fork ended with %v, want as before: %v", n, got, mine)
		}
		for _, note := range runs.since(before) {
			if slices.Contains(effects, note) {
				t.Errorf("rewound to event %d of the fork, %s ran with the effect id of the source", n, note)
			}
		}
	}
}

// forkNamedRuns forks a run whose code names the runs that it begins: the fork's have other
// ids, and what it sends to one reaches it.
func forkNamedRuns(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "below", func(ctx *perdure.Context, in string) (string, error) {
			v, err := perdure.NewEvent[string]("say").Wait(ctx).Await()
			return in + v, err
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			a := perdure.CallOrchestrationNamed[string](ctx, "below", "a", perdure.WithID("first"))
			if _, err := perdure.NewEvent[string]("go").Wait(ctx).Await(); err != nil {
				return "", err
			}
			b := perdure.CallOrchestrationNamed[string](ctx, "below", "b", perdure.WithID("second"))
			for _, id := range []string{"first", "second"} {
				if err := perdure.NewEvent[string]("say").Send(ctx, id, "!"); err != nil {
					return "", err
				}
			}
			if err := perdure.All(ctx, a, b); err != nil {
				return "", err
			}
			va, _ := a.Await()
			vb, _ := b.Await()
			return va + vb, nil
		})
	})
	e.start("run", "r", "")
	e.settle()
	e.fork("r", "f", len(e.history("r"))+1)
	e.settle()
	e.raise("f", "go", `""`)
	e.completes("f", `"a!b!"`)
	e.status("first", store.Running)
	if _, err := e.hub.Instance(e.ctx, "second", false); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Instance(second) = %v, want that only the source begins it", err)
	}
	e.raise("r", "go", `""`)
	e.completes("r", `"a!b!"`)
	e.fork("r", "g", len(e.history("r"))) // they have ended there
	e.completes("g", `"a!b!"`)
	if in := e.get("second"); in.Parent != "r" {
		t.Errorf("Instance(second).Parent = %s, want r", in.Parent)
	}
}

// forkOfChild forks a run below another: it tells nobody of its end.
func forkOfChild(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "below", func(ctx *perdure.Context, in string) (string, error) {
			who := "nobody"
			if p := ctx.Parent(); p != nil {
				who = p.InstanceID
			}
			v, err := perdure.NewEvent[string]("say").Wait(ctx).Await()
			return who + v, err
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "below", "a", perdure.WithID("c")).Await()
		})
	})
	e.start("run", "r", "")
	e.settle()
	e.fork("c", "f", len(e.history("c"))+1)
	e.raise("f", "say", `"1"`)
	e.completes("f", `"r1"`)
	e.status("r", store.Running)
	if in := e.get("f"); in.Parent != "" || in.Root != "f" {
		t.Errorf("Instance(f) = parent %q, root %q, want none and itself", in.Parent, in.Root)
	}
	e.restart(func(r *perdure.Registry) { echoCode(r) }) // its state is read anew
	e.status("f", store.Completed)
}

// forkContinuesAsNew forks a run that continues as new: the next execution is a fork's too.
func forkContinuesAsNew(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "below", func(ctx *perdure.Context, in string) (string, error) { return ctx.NewID(), nil })
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (string, error) {
			if n == 0 {
				if _, err := perdure.NewEvent[string]("go").Wait(ctx).Await(); err != nil {
					return "", err
				}
				return "", perdure.ContinueAsNew(ctx, 1)
			}
			return perdure.CallOrchestrationNamed[string](ctx, "below", "a", perdure.WithID("c")).Await()
		})
	})
	e.start("run", "r", `0`)
	e.settle()
	e.fork("r", "f", len(e.history("r"))+1)
	e.raise("f", "go", `""`)
	forked := e.end("f").Output.S
	if _, err := e.hub.Instance(e.ctx, "c", false); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Instance(c) = %v, want that only the source begins it", err)
	}
	e.raise("r", "go", `""`)
	if got := e.end("r").Output.S; got == forked {
		t.Errorf("the source ended with %s, as the fork", got)
	}
	if in := e.get("f"); in.Forked.Run != "r" {
		t.Errorf("Instance(f).Forked = %+v, want still of r", in.Forked)
	}
}

func forkRefused(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddEntityFunc(r, "book", func(ctx *perdure.EntityContext) (any, error) { return nil, nil })
		perdure.AddOrchestrationNamed(r, "locks", func(ctx *perdure.Context, _ string) (string, error) {
			unlock, err := perdure.Lock(ctx, perdure.NewEntityID("book", "k"))
			if err != nil {
				return "", err
			}
			defer unlock()
			return perdure.NewEvent[string]("go").Wait(ctx).Await()
		})
	})
	e.start("echo", "done", `"x"`)
	e.end("done")
	e.start("locks", "locks", "")
	e.start("wait", "turn", "", tags(map[string]string{"perdure.agent": "a", "perdure.session": "@dafx-a@k"}))
	e.start("wait", "agent", "", tags(map[string]string{"perdure.agent": "a"}))
	e.settle()
	for what, c := range map[string]struct {
		id   string
		fork hub.Fork
		want perdure.Code
	}{
		"of no run":                           {"x", hub.Fork{Run: "none", To: 1}, perdure.NotFound},
		"under an id that exists":             {"done", hub.Fork{Run: "done", To: 1}, perdure.AlreadyExists},
		"from before all":                     {"x", hub.Fork{Run: "done", To: 0}, perdure.InvalidArgument},
		"from an event that is not there":     {"x", hub.Fork{Run: "done", To: 99}, perdure.InvalidArgument},
		"of another execution":                {"x", hub.Fork{Run: "done", To: 1, Execution: strings.Repeat("0", 32)}, perdure.FailedPrecondition},
		"where locks are held":                {"x", hub.Fork{Run: "locks", To: len(e.history("locks")) + 1}, perdure.FailedPrecondition},
		"of a turn of a session":              {"x", hub.Fork{Run: "turn", To: 1}, perdure.FailedPrecondition},
		"of an agent without its rows":        {"x", hub.Fork{Run: "agent", To: 1}, perdure.FailedPrecondition},
		"with rows that are not the caller's": {"x", hub.Fork{Run: "done", To: 1, Rows: []store.Row{{Kind: 3, Key: []byte("k")}}}, perdure.InvalidArgument},
	} {
		_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: c.id, Fork: &c.fork})
		e.code("Start(fork "+what+")", err, c.want)
	}
	if _, err := e.hub.Instance(e.ctx, "x", false); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Instance(x) = %v, want that nothing was begun", err)
	}
	e.fork("locks", "y", 3) // before it asks for them
}

// forkOnce repeats a fork: it has one effect, also when its source is no more.
func forkOnce(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "r", `"x"`)
	e.completes("r", `"x"`)
	r := &hub.Start{RequestID: "w", Fork: &hub.Fork{Run: "r", To: 1}}
	first, err := e.hub.Start(e.ctx, r)
	e.ok(err)
	e.completes(first.InstanceID, `"x"`)

	// Who sends it has chosen the event: when the source has gone on, another one.
	chosen := func(to int, asked hub.Point) (hub.Started, error) {
		return e.hub.Start(e.ctx, &hub.Start{RequestID: "c", Fork: &hub.Fork{Run: "r", To: to, Asked: &asked}})
	}
	one, err := chosen(1, hub.Point{})
	e.ok(err)
	if again, err := chosen(2, hub.Point{}); err != nil || again != one {
		t.Errorf("Start(the fork again, which is cut elsewhere by now) = %+v, %v, want %+v", again, err, one)
	}
	_, err = chosen(1, hub.Point{To: 1})
	e.code("Start(a fork with the same request id that asks for an event)", err, perdure.Conflict)

	_, err = e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"r"}})
	e.ok(err)
	again, err := e.hub.Start(e.ctx, r)
	if err != nil || again != first {
		t.Errorf("Start(the fork again) = %+v, %v, want %+v", again, err, first)
	}
	_, err = e.hub.Start(e.ctx, &hub.Start{RequestID: "w", Fork: &hub.Fork{Run: "r", To: 2}})
	e.code("Start(another fork with the same request id)", err, perdure.Conflict)
}

// forkRows writes rows with a fork.
func forkRows(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "r", `"x"`)
	e.completes("r", `"x"`)
	row := store.Row{Kind: rowKind, Owner: "f", Key: []byte("k"), Value: []byte("v"), Index: [2][]byte{[]byte("i")}}
	_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: "f", Fork: &hub.Fork{Run: "r", To: 1, Rows: []store.Row{row}}})
	e.ok(err)
	rows, _, err := e.hub.ReadRows(e.ctx, store.RowQuery{Kind: rowKind, Owner: "f", Limit: 2})
	if diff := cmp.Diff([]store.Row{row}, rows); err != nil || diff != "" {
		t.Errorf("ReadRows(of the fork) = %v (-want +got):\n%s", err, diff)
	}
}

// forkForeign forks a run whose worker knows nothing of that: it gets a history of what it
// knows, with what is open begun anew.
func forkForeign(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.orchestrators("run")
	a := e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	acts := func(want string) {
		t.Helper()
		w := a.activity()
		if w.Activity.InstanceID != want {
			t.Errorf("an activity of %s is to run, want one of %s", w.Activity.InstanceID, want)
		}
		e.ok(a.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: w.Token}, Result: history.Some(`"x"`)}))
	}
	e.start("run", "r", `"in"`)
	p.answers(begins, schedule(1, "act"))
	acts("r")
	p.answers("orchestratorStarted taskCompleted", schedule(2, "act"))
	acts("r")
	p.answers("orchestratorStarted taskCompleted", completes(3, `"first"`))
	e.completes("r", `"first"`)

	events := e.history("r")
	e.fork("r", "f", 1+slices.IndexFunc(events, func(ev *history.Event) bool { return is[*history.TaskScheduled](ev) && ev.ID == 2 }))
	w, fresh := p.takes("orchestratorStarted taskCompleted")
	var kinds []string
	for _, ev := range p.decode(w.Orchestration.Past) {
		kinds = append(kinds, ev.Body.Kind().String())
	}
	want := []string{"orchestratorStarted", "executionStarted", "taskScheduled", "orchestratorStarted"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("past of the fork (-want +got):\n%s", diff)
	}
	if b := fresh[1].Body.(*history.TaskCompleted); b.TaskScheduledID != 1 {
		t.Errorf("it is told of task %d, want the first", b.TaskScheduledID)
	}
	e.ok(p.does(w, schedule(2, "act")))
	acts("f")
	p.answers("orchestratorStarted taskCompleted", completes(3, `"second"`))
	e.completes("f", `"second"`)

	e.fork("r", "g", 1+slices.IndexFunc(events, func(ev *history.Event) bool { // where the second is open
		b, ok := ev.Body.(*history.TaskCompleted)
		return ok && b.TaskScheduledID == 2
	}))
	p.answers("orchestratorStarted")
	acts("g")
	p.answers("orchestratorStarted taskCompleted", completes(3, `"third"`))
	e.completes("g", `"third"`)
	e.completes("r", `"first"`)
}
