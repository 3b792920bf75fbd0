package hubtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var remoteItemCases = []testCase{
	{"W06Credit", itemCredit},
	{"W06Unread", itemUnread},
	{"W09OneTurn", itemOneTurn},
	{"W12NoToken", itemNoToken},
	{"W13Abandon", itemAbandon},
	{"W26SameTask", itemSameTask},
	{"W34Terminate", itemTerminate},
	{"W46W47BigHistory", itemBig},
	{"W49Processed", itemProcessed},
	{"W50Trace", itemTrace},
	{"W51Filters", itemFilters},
	{"W52W53Batches", itemBatches},
	{"Losses", itemLosses},
	{"LossesOfTurns", itemTurnLosses},
	{"Pending", itemPending},
	{"LateAfterRestart", itemLate},
	{"Timeout", itemTimeout},
	{"Cancel", itemCancel},
	{"NeedHistory", itemNeedHistory},
	{"CannotGoOn", itemCannot},
}

// quiet reports whether a worker gets nothing once the hub has done what it can.
func (p *peer) quiet() {
	p.e.t.Helper()
	p.e.ok(p.e.sync())
	ctx, cancel := context.WithTimeout(p.e.ctx, 20*time.Millisecond)
	defer cancel()
	if w, err := p.stream.Next(ctx); err == nil {
		p.e.t.Errorf("Next() = %+v, want nothing", w)
	}
}

// sync waits until the hub has taken in what it was told so far.
func (e *env) sync() error {
	err := e.hub.Raise(e.ctx, &hub.Raise{InstanceID: "nobody", Name: "x"})
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil
	}
	return err
}

// fan starts a run whose first turn, done here, schedules n activities.
func (p *peer) fan(id string, n int) {
	p.e.t.Helper()
	p.e.start("run", id, "")
	w, _ := p.turn()
	var actions []engine.Action
	for i := range n {
		actions = append(actions, schedule(int32(i+1), "act"))
	}
	p.e.ok(p.does(w, actions...))
}

func itemCredit(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Activities: 2})
	p.fan("a", 5)
	seen := map[int32]bool{}
	first, second := p.activity(), p.activity()
	seen[first.Activity.TaskID], seen[second.Activity.TaskID] = true, true
	p.quiet()
	e.ok(p.result(first, "1"))
	turn := (*hub.Work)(nil)
	for range 2 { // the turn, and one activity for the place
		if w := p.next(); w.Activity != nil {
			seen[w.Activity.TaskID] = true
		} else {
			turn = w
		}
	}
	if turn == nil || len(seen) != 3 {
		t.Fatalf("turn %v, activities %v, want one more of these", turn, seen)
	}
	p.quiet()
	q := e.connect(&hub.Worker{Activities: 1})
	q.activity()
	q.quiet()
	e.ok(p.result(second, "1"))
	if w := p.activity(); seen[w.Activity.TaskID] {
		t.Errorf("task %d was given out twice", w.Activity.TaskID)
	}
	p.stream.Close(false)
	q.stream.Close(false)
}

// itemUnread has streams that do not fetch hold little.
func itemUnread(t *testing.T, s suite) {
	e := s.open(t, nobody)
	e.connect(nil) // never asks
	lazy := e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	lazy.quiet() // asks once
	p := e.connect(&hub.Worker{Activities: 1000})
	p.fan("a", 200)
	got := 0
	for got < 200-16 {
		p.activity()
		got++
	}
	lazy.stream.Close(false)
	for got < 200 {
		p.activity()
		got++
	}
	p.quiet()
	p.stream.Close(false)
}

func itemOneTurn(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, q := e.connect(nil), e.connect(nil)
	p.quiet()
	e.start("run", "a", "")
	w, _ := p.turn()
	q.quiet()
	for i := range 3 {
		e.raise("a", "go", fmt.Sprint(i))
	}
	q.quiet()
	p.quiet()
	e.ok(p.does(w))
	w, events := p.turn() // the stream that has had the last turn
	if got := kindsOf(events); got != "orchestratorStarted eventRaised eventRaised eventRaised" {
		t.Errorf("second turn = %s, want the three events", got)
	}
	if events[0].Time.Before(p.decode(w.Orchestration.Past)[0].Time) {
		t.Errorf("time goes back to %v", events[0].Time)
	}
	q.quiet()
	e.ok(p.does(w, finish(1, "1")))
	e.completes("a", "1")
	p.stream.Close(false)
	q.stream.Close(false)
}

func itemNoToken(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	p.fan("a", 2)
	p.activity()
	p.activity()
	done := func(task int32) error {
		return p.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{InstanceID: "a", TaskID: task}, Result: text("1")})
	}
	e.code("CompleteActivity(a, 7)", done(7), perdure.NotFound)
	e.ok(done(1))
	e.code("CompleteActivity(a, 1) again", done(1), perdure.NotFound)
	e.ok(done(2))
	p.turn()
	e.ok(p.workers.CompleteOrchestration(e.ctx, &hub.OrchestrationDone{
		Delivery: hub.Delivery{InstanceID: "a"}, Result: engine.TurnResult{Actions: []engine.Action{finish(3, "1")}},
	}))
	e.finishes("a", "1")
	p.stream.Close(false)
}

func itemAbandon(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	e.start("run", "a", "")
	w, _ := p.turn()
	began := e.clock.Now()
	q := e.connect(nil)
	q.quiet()
	abandon := func(by *peer, w *hub.Work) {
		t.Helper()
		e.ok(by.workers.Abandon(e.ctx, hub.Delivery{Token: w.Token}))
		e.code("Complete(abandoned)", by.does(w, finish(1, "0")), perdure.NotFound)
	}
	abandon(p, w)
	p.quiet()
	next := e.settle()
	if d := next.Sub(began); d <= 0 || d > time.Second {
		t.Errorf("it goes out again after %v, want a short pause", d)
	}
	e.clock.Advance(next.Sub(began))
	q.turn() // the other one gets it
	p.quiet()
	q.stream.Close(false)
	w, _ = p.turn()
	pause := time.Duration(0)
	for range 3 {
		abandon(p, w)
		now := e.clock.Now()
		next := e.settle().Sub(now)
		if next <= pause {
			t.Errorf("pause %v after %v, want a longer one", next, pause)
		}
		pause = next
		e.clock.Advance(next)
		w, _ = p.turn()
	}
	e.start("run", "other", "") // nobody else waits
	other, _ := p.turn()
	e.ok(p.does(other, finish(1, "1")))
	e.ok(p.does(w, finish(1, "1")))
	e.completes("a", "1")
	p.stream.Close(false)
}

// itemSameTask has a worker number its attempts alike, as Python's SDK does.
func itemSameTask(t *testing.T, s suite) {
	for _, restart := range []bool{false, true} {
		e := s.open(t, nobody)
		p := e.connect(nil)
		p.fan("a", 1)
		first := p.activity()
		e.ok(p.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: first.Token}, Failure: &history.Failure{Message: "no"}}))
		w, _ := p.turn()
		e.ok(p.does(w, schedule(1, "act")))
		second := p.activity()
		if restart {
			e.restart(nobody)
			p = e.connect(&hub.Worker{Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "run"}}}})
		}
		e.ok(p.result(first, `"late"`)) // it has ended the first attempt before
		if in := e.get("a"); in.Pending.Activities != 1 {
			t.Errorf("%d activities are open, want the second attempt", in.Pending.Activities)
		}
		e.ok(p.result(second, `"second"`))
		w, events := p.turn()
		if got := history.Script(events[1:]); !strings.Contains(got, "second") {
			t.Errorf("result = %s, want that of the second attempt", got)
		}
		e.ok(p.does(w, finish(2, "1")))
		e.completes("a", "1")
		p.stream.Close(false)
	}
}

// itemTerminate ends runs that no worker can take.
func itemTerminate(t *testing.T, s suite) {
	e := s.open(t, nobody)
	e.start("run", "never", "")
	e.control(hub.Terminate, "never")
	e.status("never", store.Terminated)
	p := e.connect(nil)
	e.start("run", "a", "")
	w, _ := p.turn()
	e.ok(p.does(w))
	e.start("run", "b", "")
	p.turn()
	p.stream.Close(false)
	for _, id := range []string{"a", "b"} {
		e.control(hub.Terminate, id)
	}
	e.advance(4 * time.Second)
	if in := e.get("a"); in.Status != store.Running {
		t.Errorf("status = %v within the grace, want running", in.Status)
	}
	e.advance(2 * time.Second)
	e.status("a", store.Terminated)
	e.status("b", store.Terminated)
	p = e.connect(nil) // a worker that is away for a while loses no turn
	e.start("run", "c", "")
	w, _ = p.turn()
	e.ok(p.does(w))
	p.stream.Close(false)
	e.settle()
	e.control(hub.Terminate, "c")
	e.advance(4 * time.Second)
	p = e.connect(nil)
	w, events := p.turn()
	if got := kindsOf(events); got != "orchestratorStarted executionTerminated" {
		t.Errorf("turn = %s, want the termination", got)
	}
	e.ok(p.does(w, engine.Action{ID: 1, Do: &engine.Complete{Status: history.StatusTerminated, Result: text(`"own"`)}}))
	e.status("c", store.Terminated)
	e.restart(nobody) // the workers of before the restart come again
	p = e.connect(nil)
	e.start("run", "d", "")
	w, _ = p.turn()
	e.ok(p.does(w))
	e.restart(nobody)
	e.control(hub.Terminate, "d")
	e.advance(4 * time.Second)
	if in := e.get("d"); in.Status != store.Running {
		t.Errorf("status = %v soon after a restart, want running", in.Status)
	}
	e.advance(2 * time.Second)
	e.status("d", store.Terminated)
}

func itemBig(t *testing.T, s suite) {
	e := s.open(t, nobody)
	small := e.connect(&hub.Worker{MaxHistory: 10_000})
	e.start("run", "a", `"`+strings.Repeat("x", 8000)+`"`)
	w, _ := small.turn()
	e.ok(small.does(w))
	e.raise("a", "go", `"`+strings.Repeat("y", 5000)+`"`)
	small.quiet()
	e.until("it is stuck", func() bool { return e.get("a").Phase == store.Stuck })
	if in := e.get("a"); !strings.Contains(in.PhaseCause, "bytes in a work item") {
		t.Errorf("cause = %q, want the size", in.PhaseCause)
	}
	e.start("run", "b", "") // others go on
	w, _ = small.turn()
	e.ok(small.does(w, finish(1, "1")))
	streams := e.connect(&hub.Worker{MaxHistory: 10_000, StreamsHistory: true})
	w, events := streams.turn()
	if !w.Orchestration.Long || w.Orchestration.Past != nil || kindsOf(events) != "orchestratorStarted eventRaised" {
		t.Errorf("work = long %t, %d past, %s; want a long history that is read apart",
			w.Orchestration.Long, len(w.Orchestration.Past), kindsOf(events))
	}
	streams.stream.Close(false)
	large := e.connect(&hub.Worker{MaxHistory: 20_000})
	w, _ = large.turn()
	if w.Orchestration.Long || len(w.Orchestration.Past) != 2 {
		t.Errorf("work = long %t, %d past, want it whole", w.Orchestration.Long, len(w.Orchestration.Past))
	}
	e.ok(large.does(w, finish(1, "1")))
	e.finishes("a", "1")
	large.stream.Close(false)
	e.start("run", "many", "") // more new events than fit go out one by one
	w, _ = small.turn()
	e.raise("many", "go", `"`+strings.Repeat("y", 6000)+`"`)
	e.raise("many", "go", `"`+strings.Repeat("z", 3000)+`"`)
	e.ok(small.does(w))
	if w, events = small.turn(); len(events) != 3 {
		t.Errorf("turn = %d events, want both", len(events))
	}
	e.ok(small.does(w, finish(1, "1")))
	e.finishes("many", "1")
	small.stream.Close(false)
}

func itemProcessed(t *testing.T, s suite) {
	e := s.open(t, nobody)
	e.start("run", "a", "")
	e.raise("a", "go", "1")
	p := e.connect(nil)
	w, _ := p.turn()
	e.ok(p.workers.CompleteOrchestration(e.ctx, processed(w, 2)))
	w, events := p.turn()
	if got := kindsOf(events); got != "orchestratorStarted eventRaised" {
		t.Errorf("second turn = %s, want the event that was left", got)
	}
	e.raise("a", "go", "2")
	e.ok(p.workers.CompleteOrchestration(e.ctx, processed(w, 1))) // nothing of it
	e.clock.Advance(time.Second)
	w, events = p.turn()
	if got := kindsOf(events); !strings.HasPrefix(got, "orchestratorStarted eventRaised") {
		t.Errorf("turn = %s, want the event again", got)
	}
	e.ok(p.does(w, finish(1, "1")))
	e.finishes("a", "1")
	p.stream.Close(false)
}

func processed(w *hub.Work, n int) *hub.OrchestrationDone {
	return &hub.OrchestrationDone{Delivery: hub.Delivery{Token: w.Token}, Processed: &n}
}

func itemTrace(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	e.start("run", "a", "")
	w, _ := p.turn()
	want := hub.OrchestrationTrace{SpanID: history.Some("span"), Start: epoch.Add(123456789)}
	e.ok(p.workers.CompleteOrchestration(e.ctx, &hub.OrchestrationDone{Delivery: hub.Delivery{Token: w.Token}, Trace: &want}))
	p.stream.Close(false)
	e.restart(nobody)
	e.raise("a", "go", "1")
	p = e.connect(nil)
	w, _ = p.turn()
	if got := w.Orchestration.Trace; got == nil || got.SpanID != want.SpanID || !got.Start.Equal(want.Start) {
		t.Errorf("trace = %+v, want %+v", got, want)
	}
	e.ok(p.does(w, finish(1, "1")))
	e.completes("a", "1")
	p.stream.Close(false)
}

func itemFilters(t *testing.T, s suite) {
	named := func(name string, versions ...string) []hub.NameFilter {
		return []hub.NameFilter{{Name: name, Versions: versions}}
	}
	for _, c := range []struct {
		what    string
		filters *hub.Filters
		version string // of the orchestration
		turn    bool
		act     bool
	}{
		{"absent", nil, "", true, true},
		{"empty", &hub.Filters{}, "", false, false},
		{"names", &hub.Filters{Orchestrations: named("run"), Activities: named("act")}, "1", true, true},
		{"another name", &hub.Filters{Orchestrations: named("Run"), Activities: named("acts")}, "1", false, false},
		{"version", &hub.Filters{Orchestrations: named("run", "1", "2"), Activities: named("act", "2")}, "2", true, true},
		{"another version", &hub.Filters{Orchestrations: named("run", "1"), Activities: named("act", "1")}, "2", false, false},
		{"no version", &hub.Filters{Orchestrations: named("run", "1"), Activities: named("act", "1")}, "", false, false},
		{"never", &hub.Filters{Orchestrations: named("run"), Activities: named("act"), Never: named("act", "1")}, "1", true, false},
	} {
		e := s.open(t, nobody)
		e.start("run", "a", "", func(r *hub.Start) { r.Version = history.NoneIfEmpty(c.version) })
		p := e.connect(&hub.Worker{Filters: c.filters})
		all := e.connect(nil)
		taker := p
		if !c.turn {
			p.quiet()
			taker = all
		}
		w, _ := taker.turn()
		if !c.act {
			e.ok(taker.does(w, schedule(1, "act")))
			p.quiet()
			all.activity()
		} else {
			all.stream.Close(false)
			e.ok(taker.does(w, schedule(1, "act")))
			p.activity()
		}
		p.stream.Close(false)
		all.stream.Close(false)
	}
}

func itemBatches(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Filters: &hub.Filters{Entities: []string{"counter"}}})
	complete := func(w *hub.Work, r engine.EntityResult) {
		t.Helper()
		e.ok(p.workers.CompleteEntity(e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: w.Token}, Result: r}))
	}
	operations := func(list []*history.Event) (names string) {
		for _, op := range list {
			names += op.Body.(*history.EntityOperationSignaled).Operation
		}
		return names
	}
	e.signal("@counter@k", "a", "")
	w, ops := p.batch()
	if w.Entity.State.Set || operations(ops) != "a" {
		t.Errorf("first batch = %q over %v, want a without state", operations(ops), w.Entity.State)
	}
	for _, op := range []string{"b", "c", "d"} {
		e.signal("@counter@k", op, "")
	}
	p.quiet() // one at a time
	complete(w, engine.EntityResult{State: text("1"), Results: make([]engine.OperationResult, 1)})
	w, ops = p.batch()
	if w.Entity.State.S != "1" || operations(ops) != "bcd" {
		t.Errorf("second batch = %q over %v, want bcd over 1", operations(ops), w.Entity.State)
	}
	complete(w, engine.EntityResult{State: text("2"), Results: make([]engine.OperationResult, 1)})
	w, ops = p.batch()
	if w.Entity.State.S != "2" || operations(ops) != "cd" {
		t.Errorf("third batch = %q over %v, want cd over 2", operations(ops), w.Entity.State)
	}
	complete(w, engine.EntityResult{Failure: &history.Failure{Message: "no"}})
	p.quiet()
	e.clock.Advance(time.Second)
	w, ops = p.batch()
	if w.Entity.State.S != "2" || operations(ops) != "cd" {
		t.Errorf("batch after a failure = %q over %v, want cd over 2", operations(ops), w.Entity.State)
	}
	e.ok(p.workers.CompleteEntity(e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: w.Token}, NeedState: true}))
	w, _ = p.batch()
	complete(w, engine.EntityResult{State: text("3"), Results: make([]engine.OperationResult, 2)})
	complete(w, engine.EntityResult{State: text("4"), Results: make([]engine.OperationResult, 2)})
	e.state("@counter@k", "3")
	p.stream.Close(false)
}
