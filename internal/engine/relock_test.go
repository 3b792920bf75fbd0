package engine_test

import (
	"testing"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// sent returns what of a transition is of the kind B, with its targets.
func sent[B history.Body](fx *engine.Effects) (bodies []B, targets []string) {
	for _, out := range fx.Send {
		if b, ok := out.Message.Event.Body.(B); ok {
			bodies, targets = append(bodies, b), append(targets, out.Target)
		}
	}
	return bodies, targets
}

// TestRelock rewinds a run that failed in a critical section, in which it waits
// for an operation of the locked entity and for one of another.
func TestRelock(t *testing.T) {
	ev := func(id int32, b history.Body) *history.Event { return &history.Event{ID: id, Time: epoch, Body: b} }
	call := func(request, target string) *history.EntityOperationCalled {
		return &history.EntityOperationCalled{RequestID: request, Operation: "op", TargetInstanceID: history.Some(target)}
	}
	kept := []*history.Event{
		ev(-1, &history.OrchestratorStarted{}),
		ev(0, &history.ExecutionStarted{Name: "run", Instance: &history.Instance{InstanceID: "r", ExecutionID: history.Some("old")}}),
		ev(1, &history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@e@a", "@e@b"}}),
		ev(-1, &history.EntityLockGranted{CriticalSectionID: "s"}),
		ev(2, call("r1", "@e@a")),
		ev(3, call("r2", "@e@other")),
	}
	o := engine.NewOrchestration("r", "old")
	for _, e := range append(kept[:len(kept):len(kept)], ev(4, &history.ExecutionCompleted{Status: history.StatusFailed})) {
		o.Fold(e)
	}
	apply := func(b history.Body, do ...engine.Action) *engine.Effects {
		m := []*engine.Message{{Event: ev(-1, b)}}
		return o.Apply(&engine.Turn{Now: epoch, Messages: m, Execution: "new", Result: engine.TurnResult{Actions: do}}, engine.Fresh(epoch, m))
	}
	fx := apply(&history.ExecutionRewound{}, engine.Action{ID: -1, Do: &engine.Rewind{NewHistory: kept, Relock: true}})
	asked, targets := sent[*history.EntityLockRequested](fx)
	if len(asked) != 1 || targets[0] != "@e@a" || asked[0].ParentExecutionID.S != "new" || len(asked[0].LockSet) != 2 {
		t.Fatalf("the rewind asks for %+v of %v, want the two locks of the section for its new execution", asked, targets)
	}
	if _, targets := sent[*history.EntityOperationCalled](fx); len(targets) != 1 || targets[0] != "@e@other" {
		t.Errorf("the rewind calls %v, want only the entity that is not to be locked", targets)
	}
	if b, ok := fx.Events[len(fx.Events)-1].Body.(*history.GenericEvent); !ok || b.Data.S != engine.RelockPrefix+"s" {
		t.Errorf("the new history ends with %v, want that the section is locked again", fx.Events[len(fx.Events)-1])
	}
	grant := func(execution string) *engine.Message {
		return &engine.Message{Event: ev(-1, &history.EntityLockGranted{CriticalSectionID: "s", ParentExecutionID: history.Some(execution)})}
	}
	if got := o.Accept(grant("old")); got != engine.Drop {
		t.Errorf("Accept(grant to the old execution) = %v, want it dropped", got)
	}
	if got := o.Accept(grant("new")); got != engine.Deliver {
		t.Errorf("Accept(grant) = %v, want it delivered", got)
	}
	fx = apply(grant("new").Event.Body)
	if called, targets := sent[*history.EntityOperationCalled](fx); len(called) != 1 || targets[0] != "@e@a" || called[0].RequestID != "r1" {
		t.Errorf("with the locks it calls %+v of %v, want the locked entity", called, targets)
	}
	if got := o.Accept(grant("new")); got != engine.Drop {
		t.Errorf("Accept(second grant) = %v, want it dropped", got)
	}
}

// TestUnlocksOfEarlierExecutions has unlocks of an execution that was rewound come
// late: they do not touch the locks of the new one.
func TestUnlocksOfEarlierExecutions(t *testing.T) {
	s := &engine.Entity{ID: "@e@a"}
	take := func(b history.Body) {
		p := s.Plan([]*engine.Message{{Event: &history.Event{ID: -1, Time: epoch, Body: b}}}, false, epoch)
		s.Apply(&engine.EntityStep{Now: epoch, Plan: p, NewID: func() string { return "id" }})
	}
	request := func(execution string) *history.EntityLockRequested {
		return &history.EntityLockRequested{
			CriticalSectionID: "s", LockSet: []string{"@e@a"}, ParentInstanceID: history.Some("r"), ParentExecutionID: history.Some(execution),
		}
	}
	unlock := func(execution string) *history.EntityUnlockSent {
		return &history.EntityUnlockSent{CriticalSectionID: "s", ParentExecutionID: history.Some(execution)}
	}
	take(unlock("old"))
	take(request("new"))
	if s.Lock == nil || s.Lock.Execution != "new" {
		t.Fatalf("Lock = %+v, want it held: the early unlock is that of another execution", s.Lock)
	}
	take(unlock("old"))
	if s.Lock == nil {
		t.Error("an unlock of an earlier execution opened the lock")
	}
	take(unlock("new"))
	if s.Lock != nil {
		t.Errorf("Lock = %+v after its unlock, want none", s.Lock)
	}
	take(request("old"))
	if s.Lock != nil {
		t.Errorf("Lock = %+v, want none: it was unlocked early", s.Lock)
	}
	take(request("third"))
	take(&history.EntityUnlockSent{CriticalSectionID: "s"}) // of an SDK that does not tell the execution
	if s.Lock != nil {
		t.Errorf("Lock = %+v after an unlock without execution, want none", s.Lock)
	}
}
