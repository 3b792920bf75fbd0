package hubtest

import (
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
	"github.com/perdure/perdure/store"
)

// foreignCases are turns and batches as workers of other SDKs end them. Numbers with a
// W are those of the wire's conformance statements.
var foreignCases = []testCase{
	{"W26RepeatedTaskID", foreignRetry},
	{"W23Burst", foreignBurst},
	{"W33Suspended", foreignSuspended},
	{"W33Continued", foreignContinued},
	{"W34Terminated", foreignTerminated},
	{"W44Rewind", foreignRewind},
	{"W44NotSupported", foreignNoRewind},
	{"W44Unserved", foreignUnserved},
	{"W29ChildIDs", foreignChildren},
	{"WaitsForEvent", foreignWaits},
	{"TerminateNow", foreignTerminateNow},
	{"W36Replaced", foreignReplaced},
	{"W21PendingChild", foreignPendingChild},
	{"FoldedChild", foreignFold},
}

// orchestrators connects a worker that takes turns only.
func (e *env) orchestrators(names ...string) *peer {
	e.t.Helper()
	f := &hub.Filters{}
	for _, n := range names {
		f.Orchestrations = append(f.Orchestrations, hub.NameFilter{Name: n})
	}
	return e.connect(&hub.Worker{Filters: f})
}

// takes waits for a turn and checks which new events it has.
func (p *peer) takes(want string) (*hub.Work, []*history.Event) {
	p.e.t.Helper()
	w, events := p.turn()
	if got := kindsOf(events); got != want {
		p.e.t.Errorf("new events = %s, want %s", got, want)
	}
	return w, events
}

// answers takes a turn with these new events and ends it with actions.
func (p *peer) answers(want string, actions ...engine.Action) []*history.Event {
	p.e.t.Helper()
	w, events := p.takes(want)
	p.e.ok(p.does(w, actions...))
	return events
}

func do(id int32, op engine.Op) engine.Action { return engine.Action{ID: id, Do: op} }

func failed(id int32) engine.Action {
	return do(id, &engine.Complete{Status: history.StatusFailed, Failure: &history.Failure{Type: "T", Message: "m"}})
}

const begins = "orchestratorStarted executionStarted"

// foreignRetry schedules the second attempt of an activity under the id of the first,
// as Python does, and has the first one's worker come back late.
func foreignRetry(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, a := e.orchestrators("run"), e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	e.start("run", "a", "")
	p.answers(begins, schedule(1, "act"))
	first := a.activity()
	e.ok(a.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: first.Token}, Failure: &history.Failure{Type: "T"}}))
	p.answers("orchestratorStarted taskFailed", do(2, &engine.CreateTimer{FireAt: e.clock.Now().Add(time.Minute)}))
	e.settle()
	e.clock.Advance(time.Minute)
	p.answers("orchestratorStarted timerFired", schedule(1, "act"))
	second := a.activity()
	if second.Token == first.Token || second.Activity.TaskID != 1 {
		t.Errorf("second attempt = %+v, want another token of task 1", second.Activity)
	}
	e.ok(a.result(first, `"late"`)) // it was completed already: no error, no effect
	e.ok(a.result(second, `"ok"`))
	events := p.answers("orchestratorStarted taskCompleted", finish(3, `"done"`))
	if b := events[1].Body.(*history.TaskCompleted); b.Result.S != `"ok"` {
		t.Errorf("result = %s, want that of the second attempt", b.Result.S)
	}
	e.completes("a", `"done"`)
}

// foreignBurst raises events while executions continue as new, and keeps what they
// leave over in both ways that SDKs know.
func foreignBurst(t *testing.T, s suite) {
	const n, each = 60, 7
	for _, self := range []bool{false, true} {
		e := s.open(t, nobody)
		p := e.orchestrators("run")
		e.start("run", "a", "0")
		var got []string
		raised, generations := 0, 0
		for len(got) < n {
			w, events := p.turn()
			for range 10 { // while the turn is out
				if raised < n {
					e.raise("a", "go", fmt.Sprint(raised))
					raised++
				}
			}
			all := append(p.decode(w.Orchestration.Past), events...)
			var mine, rest []*history.Event
			for _, ev := range all {
				if b, ok := ev.Body.(*history.EventRaised); ok && b.Name == "go" {
					if len(mine) < each && len(got)+len(mine) < n {
						mine = append(mine, ev)
					} else {
						rest = append(rest, ev)
					}
				}
			}
			if len(mine) == 0 {
				e.ok(p.does(w))
				continue
			}
			for _, ev := range mine {
				got = append(got, ev.Body.(*history.EventRaised).Input.S)
			}
			generations++
			next := &engine.Complete{Status: history.StatusContinuedAsNew, Result: history.Some(fmt.Sprint(len(got)))}
			actions := []engine.Action{do(1, next)}
			for i, ev := range rest {
				if b := ev.Body.(*history.EventRaised); self {
					actions = append(actions, do(int32(2+i), &engine.SendEvent{InstanceID: "a", Name: b.Name, Data: b.Input}))
				} else {
					next.Carryover = append(next.Carryover, ev)
				}
			}
			e.ok(p.does(w, actions...))
		}
		w, _ := p.turn()
		e.ok(p.does(w, finish(1, `"done"`)))
		e.completes("a", `"done"`)
		var want []string
		for i := range n {
			want = append(want, fmt.Sprint(i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events over %d generations, sent to itself %v (-want +got):\n%s", generations, self, diff)
		}
	}
}

// foreignSuspended holds what a suspended run would hear until it is resumed: SDKs
// that hear of it take their own earlier steps for new ones.
func foreignSuspended(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	e.start("run", "a", "")
	e.raise("a", "one", "1")
	e.control(hub.Suspend, "a")
	e.raise("a", "two", "2")
	p.answers(begins+" eventRaised executionSuspended", schedule(1, "act"))
	e.ok(p.result(p.activity(), `"r"`))
	e.status("a", store.Suspended)
	e.control(hub.Suspend, "a")
	p.answers("orchestratorStarted executionSuspended")
	e.raise("a", "three", "3")
	e.settle()
	e.status("a", store.Suspended)
	e.control(hub.Resume, "a")
	e.raise("a", "four", "4")
	w, events := p.turn()
	got := kindsOf(events)
	for got == "orchestratorStarted executionResumed eventRaised taskCompleted eventRaised" { // the fourth came later
		e.ok(p.does(w))
		w, events = p.turn()
		got += " " + kindsOf(events[1:])
	}
	e.ok(p.does(w))
	if want := "orchestratorStarted executionResumed eventRaised taskCompleted eventRaised eventRaised"; got != want {
		t.Errorf("new events after the suspension = %s, want %s", got, want)
	}
	var names []string
	for _, ev := range must1h(e, "a") {
		if b, ok := ev.Body.(*history.EventRaised); ok {
			names = append(names, b.Name)
		}
	}
	if diff := cmp.Diff([]string{"one", "two", "three", "four"}, names); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	e.status("a", store.Running)

	e.control(hub.Suspend, "a")
	p.answers("orchestratorStarted executionSuspended")
	e.raise("a", "five", "5")
	e.control(hub.Terminate, "a")
	p.answers("orchestratorStarted executionTerminated", do(9, &engine.Complete{Status: history.StatusTerminated}))
	if in := e.end("a"); in.Status != store.Terminated {
		t.Errorf("status = %v, want terminated", in.Status)
	}
}

// foreignContinued has a run continue as new in the turn in which it is suspended.
func foreignContinued(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	e.start("run", "a", "")
	e.raise("a", "one", "1")
	e.control(hub.Suspend, "a")
	e.raise("a", "two", "2")
	early := &history.Event{ID: -1, Body: &history.EventRaised{Name: "one"}}
	p.answers(begins+" eventRaised executionSuspended", do(1, &engine.Complete{
		Status: history.StatusContinuedAsNew, Carryover: []*history.Event{early},
	}))
	p.answers(begins + " executionSuspended")
	e.status("a", store.Suspended)
	e.control(hub.Resume, "a")
	p.answers("orchestratorStarted executionResumed eventRaised eventRaised", finish(1, `"done"`))
	e.completes("a", `"done"`)
}

// foreignTerminated ends a run with its child and grandchild, of which the worker
// sees the termination, overlooks it, or continues as new before it.
func foreignTerminated(t *testing.T, s suite) {
	for name, answer := range map[string][]engine.Action{
		"answered":   {do(9, &engine.Complete{Status: history.StatusTerminated, Result: history.Some(`{"a":1}`)})},
		"overlooked": nil,
		"continued":  {do(9, &engine.Complete{Status: history.StatusContinuedAsNew})},
	} {
		e := s.open(t, nobody)
		p := e.orchestrators("run")
		e.start("run", "a", "")
		p.answers(begins, do(1, &engine.CreateSubOrchestration{InstanceID: "child", Name: "run"}))
		p.answers(begins, do(1, &engine.CreateSubOrchestration{InstanceID: "grandchild", Name: "run"}))
		p.answers(begins)
		e.raise("a", "before", "")
		w, _ := p.takes("orchestratorStarted eventRaised")
		_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Terminate, InstanceID: "a", Reason: history.Some(`{"a":1}`), Recursive: true})
		e.ok(err)
		e.raise("a", "after", "")
		e.ok(p.does(w))
		p.answers("orchestratorStarted executionTerminated eventRaised", answer...)
		for range 2 {
			p.answers("orchestratorStarted executionTerminated", answer...)
		}
		for _, id := range []string{"a", "child", "grandchild"} {
			if in := e.end(id); in.Status != store.Terminated || in.Output.S != `{"a":1}` {
				t.Errorf("%s: %s is %v with %q, want terminated with what was given", name, id, history.Status(in.Status), in.Output.S)
			}
		}
	}
}

// cutBack is the history that SDKs answer to a rewind.
func cutBack(events []*history.Event, id, execution string) engine.Action {
	failed := make(map[int32]bool)
	var parent history.Text
	for _, ev := range events {
		switch b := ev.Body.(type) {
		case *history.TaskFailed:
			failed[b.TaskScheduledID] = true
		case *history.ExecutionRewound:
			parent = b.ParentExecutionID
		}
	}
	var kept []*history.Event
	for _, ev := range events {
		switch b := ev.Body.(type) {
		case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.ExecutionCompleted:
			continue
		case *history.TaskScheduled:
			if failed[ev.ID] {
				continue
			}
		case *history.ExecutionStarted:
			c, d := *b, *ev
			c.Instance = &history.Instance{InstanceID: id, ExecutionID: history.Some(execution)}
			if parent.Set && c.Parent != nil {
				up := *c.Parent
				up.Instance = &history.Instance{InstanceID: up.Instance.InstanceID, ExecutionID: parent}
				c.Parent = &up
			}
			d.Body = &c
			ev = &d
		}
		kept = append(kept, ev)
	}
	return do(-1, &engine.Rewind{NewHistory: kept})
}

// rewinds takes the turn of a rewind and answers it as SDKs do.
func (p *peer) rewinds(id, digit string) {
	p.e.t.Helper()
	w, events := p.takes("orchestratorStarted executionRewound")
	past := p.decode(w.Orchestration.Past)
	if w.Orchestration.InstanceID != id || !is[*history.ExecutionCompleted](past[len(past)-1]) {
		p.e.t.Errorf("rewind of %s with a past that ends with %v, want that of %s with its end", w.Orchestration.InstanceID, past[len(past)-1], id)
	}
	p.e.ok(p.does(w, cutBack(append(past, events...), id, strings.Repeat(digit, 32))))
}

func is[B history.Body](ev *history.Event) bool {
	_, ok := ev.Body.(B)
	return ok
}

// foreignRewind rewinds a parent twice: with a child that has failed, then with one
// that was purged.
func foreignRewind(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, c := e.orchestrators("parent"), e.orchestrators("child")
	a := e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}}})
	fails := func() {
		t.Helper()
		w := a.activity()
		e.ok(a.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: w.Token}, Failure: &history.Failure{Type: "T"}}))
	}
	e.start("parent", "p", `"in"`)
	p.answers(begins, do(1, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child", Input: history.Some(`"x"`), Tags: map[string]string{"k": "v"}}))
	c.answers(begins, schedule(1, "act"))
	fails()
	c.answers("orchestratorStarted taskFailed", failed(2))
	p.answers("orchestratorStarted subOrchestrationInstanceFailed", failed(2))
	e.fails("p")

	e.control(hub.Rewind, "p")
	if in := e.get("p"); in.Status != store.Running || in.Failure != nil || !in.Completed.IsZero() {
		t.Errorf("before its worker has rewound it, it is %v, failure %v, ended %v; want running, none and not",
			history.Status(in.Status), in.Failure, in.Completed)
	}
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: "p"})
	e.code("Rewind(again)", err, perdure.FailedPrecondition)
	p.rewinds("p", "a")
	p.answers("orchestratorStarted")
	c.rewinds("c", "c")
	if in := e.get("p"); in.Status != store.Running || in.Output.Set || in.Failure != nil || in.Execution != strings.Repeat("a", 32) {
		t.Errorf("the rewound parent is %v, execution %s, output %v, failure %v; want running, the worker's, none and none",
			history.Status(in.Status), in.Execution, in.Output, in.Failure)
	}
	c.answers("orchestratorStarted", schedule(1, "act"))
	fails()
	c.answers("orchestratorStarted taskFailed", failed(2))
	p.answers("orchestratorStarted subOrchestrationInstanceFailed", failed(2))
	e.fails("p")

	e.purge(&hub.Purge{IDs: []string{"c"}}, 1)
	e.control(hub.Rewind, "p")
	p.rewinds("p", "b")
	p.answers("orchestratorStarted")
	events := c.answers(begins, schedule(1, "act"))
	start := events[1].Body.(*history.ExecutionStarted)
	if start.Input.S != `"x"` || start.Tags["k"] != "v" || start.Parent == nil || start.Parent.Instance.ExecutionID.S != strings.Repeat("b", 32) {
		t.Errorf("the child that was purged is begun with %+v, want what it was created with, and the parent's new execution", start)
	}
	e.ok(a.result(a.activity(), `"ok"`))
	c.answers("orchestratorStarted taskCompleted", finish(2, `"child"`))
	p.answers("orchestratorStarted subOrchestrationInstanceCompleted", finish(2, `"done"`))
	e.completes("p", `"done"`)
	if got := kindsOf(must1h(e, "p")); !strings.Contains(got, "executionRewound") || strings.Contains(got, "Failed") {
		t.Errorf("history = %s, want both rewinds and no failures", got)
	}
}

func must1h(e *env, id string) []*history.Event {
	e.t.Helper()
	events, err := e.hub.History(e.ctx, id, "")
	return must(e, events, err)
}

// foreignNoRewind has a worker answer a rewind that it does not know.
func foreignNoRewind(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.orchestrators("run")
	e.start("run", "a", "")
	p.answers(begins, failed(1))
	e.fails("a")
	before := must1h(e, "a")
	for _, answer := range [][]engine.Action{nil, {failed(2)}} {
		e.control(hub.Rewind, "a")
		p.answers("orchestratorStarted executionRewound", answer...)
		e.status("a", store.Failed)
		if diff := cmp.Diff(history.Script(before), history.Script(must1h(e, "a"))); diff != "" {
			t.Errorf("history after a rewind that the worker does not know (-want +got):\n%s", diff)
		}
		if f := e.fails("a"); f.Type != "T" {
			t.Errorf("failure = %v, want the one from before", f)
		}
	}
}

// foreignChildren creates children with no id, with the id of one that lives, and with
// one that none can have.
func foreignChildren(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, c := e.orchestrators("parent"), e.orchestrators("child")
	e.start("parent", "p", "")
	child := func(task int32, id string) engine.Action {
		return do(task, &engine.CreateSubOrchestration{InstanceID: id, Name: "child"})
	}
	p.answers(begins, child(10, ""), child(11, "c"))
	for range 2 {
		w, _ := c.takes(begins)
		if id := w.Orchestration.InstanceID; id != "p:000a" && id != "c" {
			t.Errorf("id of a child = %s, want p:000a or c", id)
		}
		e.ok(c.does(w))
	}
	e.raise("p", "go", "")
	p.answers("orchestratorStarted eventRaised", child(12, "c"), child(13, "@c"), child(14, strings.Repeat("x", 2000)))
	var refused []string
	for len(refused) < 3 {
		w, events := p.turn()
		for _, ev := range events[1:] {
			b := ev.Body.(*history.SubOrchestrationInstanceFailed)
			refused = append(refused, fmt.Sprint(b.TaskScheduledID, " ", b.Failure.Type))
		}
		e.ok(p.does(w))
	}
	slices.Sort(refused)
	if diff := cmp.Diff([]string{"12 OrchestrationAlreadyExists", "13 invalid_argument", "14 invalid_argument"}, refused); diff != "" {
		t.Errorf("children that could not begin (-want +got):\n%s", diff)
	}
}

// foreignWaits shows a run with nothing open as one that waits for an event.
func foreignWaits(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.orchestrators("run")
	e.start("run", "a", "")
	p.answers(begins)
	e.settle()
	if in := e.get("a"); in.Status != store.Running || in.Phase != store.WaitingEvent {
		t.Errorf("status %v, phase %d, want running and waiting for an event", history.Status(in.Status), in.Phase)
	}
}

// foreignTerminateNow ends runs whose turns are at a worker: their first one, and a
// later one. What the worker says of them afterwards has no effect.
func foreignTerminateNow(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.orchestrators("run")
	e.start("run", "later", "")
	p.answers(begins, schedule(1, "act"))
	e.raise("later", "go", "")
	later, _ := p.takes("orchestratorStarted eventRaised")
	e.start("run", "first", "")
	first, _ := p.takes(begins)
	left, err := e.upkeep().TerminateNow(e.ctx, []string{"first", "later"}, history.Some("1"))
	if err != nil || len(left) > 0 {
		t.Fatalf("TerminateNow() = %q, %v, want both ended", left, err)
	}
	for _, w := range []*hub.Work{first, later} {
		e.code("completing a turn of a run that was ended", p.does(w, finish(9, `"x"`)), perdure.NotFound)
		if in := e.end(w.Orchestration.InstanceID); in.Status != store.Terminated || in.Output.S != "1" {
			t.Errorf("%s is %v with %s, want terminated with what was given", in.ID, history.Status(in.Status), in.Output.S)
		}
	}
	e.start("run", "next", "")
	p.answers(begins, finish(1, "1")) // their places are free
	e.completes("next", "1")
}

// foreignUnserved rewinds a run that has no worker any more, and gives up on that.
func foreignUnserved(t *testing.T, s suite) {
	for _, restart := range []bool{false, true} {
		e := s.open(t, nobody)
		p := e.orchestrators("run")
		e.start("run", "a", "")
		p.answers(begins, failed(1))
		e.fails("a")
		p.stream.Close(false)
		e.control(hub.Rewind, "a")
		e.status("a", store.Running)
		if restart {
			e.restart(nobody)
			e.settle()
			e.status("a", store.Running)
		}
		e.control(hub.Terminate, "a")
		e.settle()
		e.clock.Advance(time.Minute)
		e.settle()
		if f := e.fails("a"); f.Type != "T" || f.Message != "m" {
			t.Errorf("failure = %+v, want that of before", f)
		}
		e.control(hub.Rewind, "a")
		p = e.orchestrators("run")
		p.rewinds("a", "b")
		p.answers("orchestratorStarted", finish(1, `"done"`))
		e.completes("a", `"done"`)
	}
}

// foreignReplaced replaces runs whose turns are at a worker: their first one, and a
// later one.
func foreignReplaced(t *testing.T, s suite) {
	for _, later := range []bool{false, true} {
		e := s.open(t, nobody)
		p := e.orchestrators("run")
		old := e.start("run", "a", `"old"`)
		want := begins
		if later {
			p.answers(begins)
			e.raise("a", "go", "")
			e.raise("a", "go", "")
			want = "orchestratorStarted eventRaised"
		}
		w, _ := p.turn()
		st := e.start("run", "a", `"new"`, replace(history.StatusRunning, history.StatusPending, history.StatusTerminated))
		if st.ExecutionID == old.ExecutionID {
			t.Errorf("Start() = %+v, want another execution", st)
		}
		e.code("completing a turn ("+want+") of a run that was replaced", p.does(w, finish(9, `"x"`)), perdure.NotFound)
		w, events := p.turn()
		if got := kindsOf(events); !strings.HasPrefix(got, begins) || w.Orchestration.ExecutionID != st.ExecutionID {
			t.Errorf("next turn has %s, execution %s, want the start of %s", got, w.Orchestration.ExecutionID, st.ExecutionID)
		}
		e.ok(p.does(w, finish(1, `"done"`)))
		e.completes("a", `"done"`)
	}
}

// foreignPendingChild has a child, or one that is created anew by a rewind, wait for
// its worker: it is known, and takes events, also over a restart.
func foreignPendingChild(t *testing.T, s suite) {
	for _, restart := range []bool{false, true} {
		e := s.open(t, nobody)
		p := e.orchestrators("parent")
		pending := func(event string) {
			t.Helper()
			e.until("the child is recorded", func() bool {
				in, err := e.hub.Instance(e.ctx, "c", true)
				return err == nil && in.Status == store.Pending && in.Parent == "p" && in.Input.S == `"x"`
			})
			e.raise("c", event, "")
			if restart {
				e.settle()
				e.restart(nobody)
				p = e.orchestrators("parent")
			}
		}
		e.start("parent", "p", "")
		p.answers(begins, do(1, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child", Input: history.Some(`"x"`)}))
		pending("one")
		c := e.orchestrators("child")
		events := c.answers(begins+" eventRaised", failed(1))
		if b := events[1].Body.(*history.ExecutionStarted); b.Instance.ExecutionID.S != e.get("c").Execution || len(e.get("c").Execution) != 32 {
			t.Errorf("the child begins as %v, want its record's execution %s", b.Instance, e.get("c").Execution)
		}
		c.stream.Close(false)
		p.answers("orchestratorStarted subOrchestrationInstanceFailed", failed(2))
		e.fails("p")
		e.purge(&hub.Purge{IDs: []string{"c"}}, 1)
		e.control(hub.Rewind, "p")
		p.rewinds("p", "a")
		p.answers("orchestratorStarted")
		pending("two")
		c = e.orchestrators("child")
		c.answers(begins+" eventRaised", finish(1, "1"))
		p.answers("orchestratorStarted subOrchestrationInstanceCompleted", finish(2, "1"))
		e.completes("p", "1")
	}
}

// foreignFold has a child give up its history, as its parent has said when it created
// it.
func foreignFold(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, c := e.orchestrators("parent"), e.orchestrators("child")
	e.start("parent", "p", "")
	p.answers(begins, do(1, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child", Fold: &engine.Fold{After: time.Hour}}))
	c.answers(begins, finish(1, "1"))
	p.answers("orchestratorStarted subOrchestrationInstanceCompleted", finish(2, "1"))
	e.completes("p", "1")
	e.advance(2 * time.Hour)
	if in := e.get("c"); in.Folded.IsZero() {
		t.Errorf("an hour after its end the child is %+v, want it folded", in)
	}
}
