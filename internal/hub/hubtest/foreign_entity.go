package hubtest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// foreignEntityCases are entities, and orchestrations that use them, as workers of
// other SDKs carry them out.
var foreignEntityCases = []testCase{
	{"W52W53Batches", foreignBatches},
	{"W54Replies", foreignReplies},
	{"W55Actions", foreignEntityActions},
	{"W56Locks", foreignLocks},
	{"W57LocksFreed", foreignLocksFreed},
	{"W57Acquiring", foreignAcquiring},
	{"W58NoState", foreignNoState},
	{"W59Legacy", foreignLegacy},
}

// entities connects a worker that takes operations only.
func (e *env) entities() *peer {
	e.t.Helper()
	return e.connect(&hub.Worker{Filters: &hub.Filters{Entities: []string{"thing"}}})
}

// operations waits for a batch and returns what it has, as name and input.
func (p *peer) operations() (w *hub.Work, ops []string, events []*history.Event) {
	p.e.t.Helper()
	w, events = p.batch()
	for _, ev := range events {
		switch b := ev.Body.(type) {
		case *history.EntityOperationSignaled:
			ops = append(ops, b.Operation+b.Input.S)
		case *history.EntityOperationCalled:
			ops = append(ops, b.Operation+b.Input.S)
		}
	}
	return w, ops, events
}

// serves ends a batch with a state, and one result for each operation.
func (p *peer) serves(w *hub.Work, state history.Text, results ...history.Text) {
	p.e.t.Helper()
	r := engine.EntityResult{State: state}
	for _, v := range results {
		r.Results = append(r.Results, engine.OperationResult{Result: v})
	}
	p.e.ok(p.workers.CompleteEntity(p.e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: w.Token}, Result: r}))
}

// operates waits for a batch with these operations and serves it.
func (p *peer) operates(state string, want ...string) []*history.Event {
	p.e.t.Helper()
	w, ops, events := p.operations()
	if diff := cmp.Diff(want, ops); diff != "" {
		p.e.t.Errorf("operations of %s (-want +got):\n%s", w.Entity.InstanceID, diff)
	}
	results := make([]history.Text, len(ops))
	for i := range results {
		results[i] = history.Some(fmt.Sprintf("%q", ops[i]))
	}
	p.serves(w, history.NoneIfEmpty(state), results...)
	return events
}

// holds waits until an entity has a state; an item may be out.
func (e *env) holds(id, want string) {
	e.t.Helper()
	e.until(id+" has the state "+want, func() bool {
		ent, err := e.hub.Entity(e.ctx, id)
		return err == nil && ent.State.S == want
	})
}

func message(id int32, b history.Body) engine.Action {
	return do(id, &engine.SendEntityMessage{Body: b})
}

// call, lock and unlock are what Python and JavaScript send.
func call(id int32, request, target, op string) engine.Action {
	return message(id, &history.EntityOperationCalled{
		RequestID: request, Operation: op, TargetInstanceID: history.Some(target), ParentInstanceID: history.Some("somebody"),
	})
}

func lock(id int32, section string, set ...string) engine.Action {
	return message(id, &history.EntityLockRequested{CriticalSectionID: section, LockSet: set})
}

func unlock(id int32, section, target string) engine.Action {
	return message(id, &history.EntityUnlockSent{CriticalSectionID: section, TargetInstanceID: history.Some(target)})
}

func foreignBatches(t *testing.T, s suite) {
	e := s.open(t, nobody)
	for i := range 3 {
		e.signal("@thing@k", "add", fmt.Sprint(i))
	}
	p := e.entities()
	w, ops, _ := p.operations()
	for ; len(ops) < 3; w, ops, _ = p.operations() { // they may come one by one
		t.Fatalf("operations = %q of %s, want all three", ops, w.Entity.InstanceID)
	}
	if w.Entity.State.Set {
		t.Errorf("state of a new entity = %v, want none", w.Entity.State)
	}
	e.signal("@thing@k", "add", "3") // waits for the batch
	p.serves(w, history.Some("a"), history.Text{})
	w, ops, _ = p.operations()
	if diff := cmp.Diff([]string{"add1", "add2", "add3"}, ops); diff != "" || w.Entity.State.S != "a" {
		t.Errorf("after one result the state is %v and these go out (-want +got):\n%s", w.Entity.State, diff)
	}
	p.serves(w, history.Some("b"), history.Text{}, history.Text{}, history.Text{}, history.Text{}, history.Text{})
	e.state("@thing@k", "b")
}

// foreignReplies has an entity answer while the caller's next turn is out, and fail.
func foreignReplies(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, n := e.orchestrators("run"), e.entities()
	st := e.start("run", "a", "")
	p.answers(begins, call(0, "r1", "@thing@k", "get"), call(1, "r2", "@thing@k", "bad"))
	w, _, events := n.operations()
	for _, ev := range events {
		b := ev.Body.(*history.EntityOperationCalled)
		if b.ParentInstanceID.S != "a" || b.ParentExecutionID.S != st.ExecutionID || b.TargetInstanceID.Set {
			t.Errorf("called operation = %v, want its parent and its parent's execution, and no target", ev)
		}
	}
	e.raise("a", "go", "")
	turn, _ := p.takes("orchestratorStarted eventRaised")
	e.ok(n.workers.CompleteEntity(e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: w.Token}, Result: engine.EntityResult{
		State: history.Some("1"), Results: []engine.OperationResult{{Result: history.Some("7")}, {Failure: &history.Failure{Type: "T"}}},
	}}))
	e.holds("@thing@k", "1")
	e.ok(p.does(turn))
	p.answers("orchestratorStarted entityOperationCompleted entityOperationFailed", finish(2, "1"))
	e.completes("a", "1")
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// foreignEntityActions has an entity signal another one, now and later, and start
// orchestrations.
func foreignEntityActions(t *testing.T, s suite) {
	e := s.open(t, nobody)
	n, p := e.entities(), e.orchestrators("run")
	e.ok(e.hub.Signal(e.ctx, &hub.Signal{InstanceID: "@thing@a", Operation: "go", RequestID: "no GUID"}))
	w, _, events := n.operations()
	if id := events[0].Body.(*history.EntityOperationSignaled).RequestID; !guid.MatchString(id) {
		t.Errorf("requestId = %q, want a GUID", id)
	}
	later := e.clock.Now().Add(time.Hour)
	e.ok(n.workers.CompleteEntity(e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: w.Token}, Result: engine.EntityResult{
		State: history.Some("1"), Results: make([]engine.OperationResult, 1), Actions: []engine.EntityAction{
			&engine.SendSignal{InstanceID: "@thing@b", Name: "now"},
			&engine.SendSignal{InstanceID: "@thing@b", Name: "later", ScheduledTime: later},
			&engine.StartOrchestration{Name: "run", InstanceID: "a"},
			&engine.StartOrchestration{Name: "run", InstanceID: "later", ScheduledTime: later},
		},
	}}))
	events = n.operates("1", "now")
	if id := events[0].Body.(*history.EntityOperationSignaled).RequestID; !guid.MatchString(id) {
		t.Errorf("requestId of an entity's signal = %q, want a GUID", id)
	}
	started := p.answers(begins, finish(1, "1"))
	if b := started[1].Body.(*history.ExecutionStarted); b.Parent != nil || b.Instance.InstanceID != "a" {
		t.Errorf("orchestration started by an entity = %+v, want a without parent", b)
	}
	e.completes("a", "1")
	e.advance(time.Hour - time.Second)
	e.status("later", store.Pending)
	e.clock.Advance(time.Second)
	n.operates("1", "later")
	p.answers(begins, finish(1, "1"))
	e.completes("later", "1")
}

// foreignLocks has two runs ask for the same locks in opposite orders.
func foreignLocks(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, n := e.orchestrators("run"), e.entities()
	e.start("run", "a", "")
	p.answers(begins, lock(1, "sa", "@thing@x", "@thing@y"))
	p.answers("orchestratorStarted entityLockGranted", call(2, "r1", "@thing@y", "mine"))
	n.operates("1", "mine")
	e.start("run", "b", "")
	p.turnOf("a", "orchestratorStarted entityOperationCompleted")
	p.turnOf("b", begins, lock(1, "sb", "@thing@y", "@thing@x"))
	e.signal("@thing@y", "theirs", "")
	for _, id := range []string{"@thing@x", "@thing@y"} {
		if ent, err := e.hub.Entity(e.ctx, id); err != nil || ent.LockedBy != "a" {
			t.Errorf("Entity(%s) = %+v, %v, want it locked by a", id, ent, err)
		}
	}
	e.raise("a", "go", "")
	p.turnOf("a", "orchestratorStarted eventRaised", unlock(3, "sa", "@thing@x"), unlock(4, "sa", "@thing@y"), finish(4, "1"))
	n.operates("2", "theirs")                                              // it came before the second lock was asked for
	p.turnOf("b", "orchestratorStarted entityLockGranted", finish(2, "1")) // without its unlocks
	e.completes("a", "1")
	e.completes("b", "1")
	for _, id := range []string{"@thing@x", "@thing@y"} {
		if ent, err := e.hub.Entity(e.ctx, id); err == nil && (ent.LockedBy != "" || ent.Queue != 0) {
			t.Errorf("Entity(%s) = %+v, want it free", id, ent)
		}
	}
}

// turnOf takes the turn of an instance, which must be the next one, and ends it.
func (p *peer) turnOf(id, want string, actions ...engine.Action) {
	p.e.t.Helper()
	w, _ := p.takes(want)
	if w.Orchestration.InstanceID != id {
		p.e.t.Errorf("turn of %s, want that of %s", w.Orchestration.InstanceID, id)
	}
	p.e.ok(p.does(w, actions...))
}

// foreignLocksFreed ends a holder in all ways; none of them unlocks.
func foreignLocksFreed(t *testing.T, s suite) {
	for _, how := range []string{"complete", "fail", "continue", "terminate", "lost", "now"} {
		e := s.open(t, nobody)
		p := e.orchestrators("run")
		e.start("run", "a", "")
		p.answers(begins, lock(1, "s", "@thing@x", "@thing@y"))
		p.answers("orchestratorStarted entityLockGranted")
		e.raise("a", "go", "")
		w, _ := p.takes("orchestratorStarted eventRaised")
		switch how {
		case "complete":
			e.ok(p.does(w, finish(2, "1")))
		case "fail":
			e.ok(p.does(w, failed(2)))
		case "continue":
			e.ok(p.does(w, do(2, &engine.Complete{Status: history.StatusContinuedAsNew})))
		case "terminate":
			e.ok(p.does(w))
			e.control(hub.Terminate, "a")
			p.answers("orchestratorStarted executionTerminated")
		case "lost": // the worker, while it holds the locks
			p.stream.Close(true)
			p = e.orchestrators("run")
			p.answers("orchestratorStarted eventRaised", unlock(2, "s", "@thing@y"), finish(3, "1"))
		case "now": // it is left alone, and ends in order
			if left, err := e.upkeep().TerminateNow(e.ctx, []string{"a"}, history.Text{}); err != nil || len(left) != 1 {
				t.Errorf("TerminateNow(holder) = %q, %v, want it left alone", left, err)
			}
			e.ok(p.does(w, finish(2, "1")))
		}
		for _, id := range []string{"@thing@x", "@thing@y"} {
			e.until(how+" frees "+id, func() bool {
				ent, err := e.hub.Entity(e.ctx, id)
				return err != nil || ent.LockedBy == ""
			})
		}
	}
}

// foreignAcquiring terminates a run that waits for the second of its locks.
func foreignAcquiring(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.orchestrators("run")
	e.start("run", "holder", "")
	p.turnOf("holder", begins, lock(1, "s", "@thing@y"))
	p.turnOf("holder", "orchestratorStarted entityLockGranted")
	e.start("run", "a", "")
	p.turnOf("a", begins, lock(1, "s2", "@thing@y", "@thing@x"))
	e.until("it has the first lock", func() bool {
		ent, err := e.hub.Entity(e.ctx, "@thing@x")
		return err == nil && ent.LockedBy == "a"
	})
	e.control(hub.Terminate, "a")
	p.turnOf("a", "orchestratorStarted executionTerminated", do(2, &engine.Complete{Status: history.StatusTerminated}))
	e.end("a")
	e.raise("holder", "go", "")
	p.turnOf("holder", "orchestratorStarted eventRaised", finish(2, "1"))
	e.completes("holder", "1")
	for _, id := range []string{"@thing@x", "@thing@y"} {
		if ent, err := e.hub.Entity(e.ctx, id); err == nil && (ent.LockedBy != "" || ent.Queue != 0) {
			t.Errorf("Entity(%s) = %+v, want it free", id, ent)
		}
	}
}

func foreignNoState(t *testing.T, s suite) {
	e := s.open(t, nobody)
	n := e.entities()
	e.signal("@thing@k", "set", "")
	n.operates("1", "set")
	e.state("@thing@k", "1")
	e.signal("@thing@k", "delete", "")
	n.operates("", "delete")
	e.settle()
	e.gone("@thing@k")
	e.signal("@thing@k", "set", "")
	if w, _, _ := n.operations(); w.Entity.State.Set {
		t.Errorf("state of an entity that was deleted = %v, want none", w.Entity.State)
	} else {
		n.serves(w, history.Some("2"), history.Text{})
	}
	e.state("@thing@k", "2")
}

// foreignLegacy has the plain .NET worker call, signal and lock an entity.
func foreignLegacy(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p, n := e.orchestrators("run"), e.entities()
	const callID, lockID = "11111111-89ab-cdef-0123-456789abcdef", "22222222-89ab-cdef-0123-456789abcdef"
	send := func(id int32, name, format string, args ...any) engine.Action {
		return do(id, &engine.SendEvent{InstanceID: "@thing@k", Name: name, Data: history.Some(fmt.Sprintf(format, args...))})
	}
	e.start("run", "a", "")
	p.answers(begins, send(0, "op", `{"id":%q,"lockset":[{"name":"thing","key":"k"}],"pos":0}`, lockID))
	events := p.answers("orchestratorStarted eventRaised",
		send(1, "op", `{"op":"add","input":"1","id":%q}`, callID),
		send(2, "op@2026-01-02T04:04:05.0000000Z", `{"op":"tell","signal":true,"id":"33333333-89ab-cdef-0123-456789abcdef","due":"2026-01-02T04:04:05Z"}`))
	if b := events[1].Body.(*history.EventRaised); b.Name != lockID || !strings.Contains(b.Input.S, "Lock Acquisition Completed") {
		t.Errorf("answer to a lock request = %+v, want an event with its id", b)
	}
	n.operates("5", "add1")
	events = p.answers("orchestratorStarted eventRaised", send(3, "release", `{"parent":"a","id":%q}`, lockID))
	if b := events[1].Body.(*history.EventRaised); b.Name != callID || b.Input.S != `{"result":"\"add1\""}` {
		t.Errorf("answer to a call = %+v, want an event with its id and the result", b)
	}
	e.settle()
	if ent, err := e.hub.Entity(e.ctx, "@thing@k"); err != nil || ent.LockedBy != "" {
		t.Errorf("Entity() = %+v, %v, want it free", ent, err)
	}
	e.advance(time.Hour - time.Second)
	e.clock.Advance(time.Second)
	n.operates("6", "tell")
	e.state("@thing@k", "6")
	e.raise("a", "go", "")
	p.answers("orchestratorStarted eventRaised", finish(4, "1"))
	e.completes("a", "1")
}
