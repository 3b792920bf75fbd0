package hubtest

import (
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// itemLosses has an activity kill its worker again and again.
func itemLosses(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "run"}}}})
	p.fan("a", 1)
	p.fan("b", 1)
	left := true // b's
	for i := range 11 {
		q := e.connect(nil)
		for got := ""; got != "a"; { // from the second loss on they are given out one by one
			w := q.activity()
			got = w.Activity.InstanceID
			if got == "b" && i > 1 {
				left = false
				e.ok(q.result(w, "1"))
			}
		}
		if i == 5 {
			q.stream.Close(false) // planned ends do not count
			q = e.connect(nil)
			q.activity()
		}
		q.stream.Close(true)
	}
	e.until("it is parked", func() bool { return e.get("a").Phase == store.Stuck })
	if in := e.get("a"); !strings.Contains(in.PhaseCause, "11 crashes") {
		t.Errorf("cause = %q, want the number of crashes", in.PhaseCause)
	}
	q := e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	if left {
		if w := q.activity(); w.Activity.InstanceID != "b" {
			t.Errorf("activity of %s, want that of b only", w.Activity.InstanceID)
		} else {
			e.ok(q.result(w, "1"))
		}
	}
	q.quiet()
	e.restart(nobody)
	q = e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	q.quiet()
	q.stream.Close(false)
}

// itemTurnLosses has turns and batches kill their worker.
func itemTurnLosses(t *testing.T, s suite) {
	e := s.open(t, nobody)
	e.start("run", "a", "")
	for range 11 {
		q := e.connect(nil)
		q.turn()
		q.stream.Close(true)
	}
	e.until("it is parked", func() bool { return strings.Contains(e.get("a").PhaseCause, "11 crashes") })
	for range 2 {
		q := e.connect(nil)
		q.quiet()
		e.start("run", "fine", "")
		w, _ := q.turn()
		e.ok(q.does(w, finish(1, "1")))
		e.finishes("fine", "1")
		e.purge(&hub.Purge{IDs: []string{"fine"}}, 1)
		q.stream.Close(false)
		e.restart(nobody)
	}
	e.control(hub.Terminate, "a")
	e.status("a", store.Terminated)
	e.signal("@counter@k", "op", "")
	for range 11 {
		q := e.connect(nil)
		q.batch()
		q.stream.Close(true)
	}
	q := e.connect(nil)
	q.quiet()
	q.stream.Close(false)
}

func itemPending(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Activities: 1})
	p.fan("a", 2)
	w := p.activity()
	e.ok(p.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: w.Token}, Pending: true}))
	other := p.activity() // its place is free
	e.ok(p.result(other, "2"))
	turn, _ := p.turn()
	e.ok(p.does(turn))
	p.stream.Close(true)
	e.restart(nobody)
	p = e.connect(nil)
	p.quiet()
	e.ok(e.hub.Heartbeat(e.ctx, w.Token, history.Text{}))
	e.ok(e.hub.Complete(e.ctx, w.Token, text("1"), nil))
	turn, _ = p.turn()
	e.ok(p.does(turn, finish(3, "1")))
	e.completes("a", "1")
	e.ok(e.hub.Complete(e.ctx, w.Token, text("1"), nil))
	p.stream.Close(false)
}

// itemLate completes what was out when the hub was restarted.
func itemLate(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	p.fan("a", 2)
	first, second := p.activity(), p.activity()
	e.start("run", "b", "")
	turn, _ := p.turn()
	e.restart(nobody)
	p = e.connect(&hub.Worker{Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "run"}}}})
	e.ok(p.result(first, "1"))
	w, events := p.turn()
	for w.Orchestration.InstanceID != "a" {
		e.ok(p.does(w, finish(1, "1")))
		w, events = p.turn()
	}
	if got := kindsOf(events); got != "orchestratorStarted taskCompleted" {
		t.Errorf("turn = %s, want the result", got)
	}
	e.ok(p.does(w))
	e.code("CompleteOrchestration(of before the restart)", p.does(turn, finish(1, "0")), perdure.NotFound)
	q := e.connect(nil)
	again := q.next()
	for again.Activity == nil {
		e.ok(q.does(again, finish(1, "1")))
		again = q.next()
	}
	e.code("CompleteActivity(given out again)", p.result(second, "old"), perdure.NotFound)
	e.ok(q.result(again, "2"))
	p.stream.Close(false)
	w, _ = q.turn()
	for w.Orchestration.InstanceID != "a" {
		e.ok(q.does(w, finish(1, "1")))
		w, _ = q.turn()
	}
	e.ok(q.does(w, finish(3, `"a"`)))
	e.finishes("a", `"a"`)
	q.stream.Close(false)
}

func itemTimeout(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Own: true})
	e.start("run", "a", "")
	w, _ := p.turn()
	p.stream.Close(false)
	e.ok(p.does(w,
		engine.Action{ID: 1, Do: &engine.ScheduleTask{Name: "act", Timeout: time.Minute}},
		engine.Action{ID: 2, Do: &engine.ScheduleTask{Name: "act", HeartbeatTimeout: time.Minute}}))
	e.advance(time.Hour) // they wait for a worker: their time has not begun
	p = e.connect(&hub.Worker{Own: true})
	first, second := p.activity(), p.activity()
	if d := first.Activity.Deadline.Sub(e.clock.Now()); d != time.Minute || second.Activity.HeartbeatTimeout != time.Minute {
		t.Errorf("deadline in %v, heartbeat %v, want a minute", d, second.Activity.HeartbeatTimeout)
	}
	e.clock.Advance(40 * time.Second)
	e.ok(e.hub.Heartbeat(e.ctx, second.Token, history.Text{}))
	e.clock.Advance(40 * time.Second)
	cancel, turn := p.next(), p.next()
	if cancel.Cancel == nil {
		cancel, turn = turn, cancel
	}
	if cancel.Cancel == nil || cancel.Token != first.Token {
		t.Fatalf("Next() = %+v, want that the first is cancelled", cancel)
	}
	e.code("Complete(too late)", p.result(first, "1"), perdure.NotFound)
	if got := kindsOf(p.decode(turn.Orchestration.New)); got != "orchestratorStarted taskFailed" {
		t.Errorf("turn = %s, want the failure", got)
	}
	e.ok(p.does(turn))
	e.clock.Advance(40 * time.Second)
	if turn = p.next(); turn.Cancel != nil {
		turn = p.next()
	} else {
		p.next()
	}
	e.code("Heartbeat(silent)", e.hub.Heartbeat(e.ctx, second.Token, history.Text{}), perdure.NotFound)
	e.ok(p.does(turn, finish(3, "1")))
	e.completes("a", "1")
	p.stream.Close(false)
}

func itemCancel(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Own: true})
	p.fan("a", 1)
	w := p.activity()
	e.control(hub.Terminate, "a")
	turn, _ := p.turn()
	e.ok(p.does(turn, engine.Action{ID: 2, Do: &engine.Complete{Status: history.StatusTerminated}}))
	if c := p.next(); c.Cancel == nil || c.Token != w.Token || c.Cancel.Reason == "" {
		t.Errorf("Next() = %+v, want that the activity is cancelled", c)
	}
	e.code("Complete(cancelled)", p.result(w, "1"), perdure.NotFound)
	e.status("a", store.Terminated)
	p.stream.Close(false)
}

func itemNeedHistory(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Own: true})
	e.start("run", "a", "")
	w, _ := p.turn()
	e.ok(p.does(w))
	e.raise("a", "go", "1")
	w, events := p.turn()
	if n := len(w.Orchestration.Past); w.Orchestration.Warm && n > 0 || !w.Orchestration.Warm && n != 2 {
		t.Errorf("work = warm %t with %d events, want only what is new, or all if the hub has forgotten", w.Orchestration.Warm, len(w.Orchestration.Past))
	}
	e.ok(p.workers.CompleteOrchestration(e.ctx, &hub.OrchestrationDone{Delivery: hub.Delivery{Token: w.Token}, NeedHistory: true}))
	again, repeated := p.turn()
	if again.Orchestration.Warm || len(again.Orchestration.Past) != 2 || history.Script(repeated) != history.Script(events) {
		t.Errorf("work = warm %t with %d events and %s, want the same with the history", again.Orchestration.Warm,
			len(again.Orchestration.Past), history.Script(repeated))
	}
	e.code("Complete(first delivery)", p.does(w, finish(1, "0")), perdure.NotFound)
	e.ok(p.does(again, finish(1, "1")))
	e.completes("a", "1")
	p.stream.Close(false)
}

// itemCannot has a worker's code not fit the history.
func itemCannot(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	e.start("run", "a", "")
	w, _ := p.turn()
	e.ok(p.workers.CompleteOrchestration(e.ctx, &hub.OrchestrationDone{
		Delivery: hub.Delivery{Token: w.Token}, Result: engine.TurnResult{Diverged: &engine.Divergence{Event: 3, Expected: "this", Got: "that"}},
	}))
	e.until("it is stuck", func() bool { return strings.Contains(e.get("a").PhaseCause, "expected this, got that") })
	p.quiet()
	q := e.connect(nil)
	w, _ = q.turn()
	e.ok(q.does(w, finish(1, "1")))
	e.completes("a", "1")
	p.stream.Close(false)
	q.stream.Close(false)
}
