package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// These scripts are turns as workers of other SDKs end them.

// TestW17OneActivity numbers its actions from 0, as .NET and Java do.
func TestW17OneActivity(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(0, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.TaskCompleted{TaskScheduledID: 0, Result: history.Some("ok")}),
		act(1, &engine.Complete{Status: history.StatusCompleted, Result: history.Some("ok")}))
	s.golden("w17-one-activity")
}

func TestW18Sequence(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(1, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.TaskCompleted{TaskScheduledID: 1}), act(2, &engine.CreateTimer{}))
	s.turn(bodies(&history.TimerFired{TimerID: 2}), act(3, &engine.CreateSubOrchestration{Name: "child"}))
	s.turn(bodies(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3}),
		act(4, &engine.Complete{Status: history.StatusCompleted}))
	s.golden("w18-sequence")
}

// TestW26RepeatedID schedules each attempt of a step under the same id, as Python
// does.
func TestW26RepeatedID(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(1, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.TaskFailed{TaskScheduledID: 1, Failure: failure}), act(2, &engine.CreateTimer{FireAt: epoch.Add(time.Minute)}))
	s.turn(bodies(&history.TimerFired{TimerID: 2, FireAt: epoch.Add(time.Minute)}), act(1, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.TaskFailed{TaskScheduledID: 1, Failure: failure}), act(3, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child"}))
	s.turn(bodies(&history.SubOrchestrationInstanceFailed{TaskScheduledID: 3, Failure: failure}),
		act(3, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child"}))
	s.turn(bodies(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3}),
		act(4, &engine.Complete{Status: history.StatusCompleted}))
	s.golden("w26-repeated-id")
}

// TestW23CarriedEvents continues as new with events that Python carries over and
// events that .NET sends to itself.
func TestW23CarriedEvents(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil), &history.EventRaised{Name: "1"}, &history.EventRaised{Name: "2"}),
		act(1, &engine.SendEvent{InstanceID: "run", Name: "3"}),
		act(2, &engine.Complete{
			Status: history.StatusContinuedAsNew, Result: history.Some("next"),
			Carryover: []*history.Event{{ID: 7, Body: &history.EventRaised{Name: "1"}}, {Body: &history.EventRaised{Name: "2"}}},
		}),
		act(3, &engine.SendEvent{InstanceID: "run", Name: "4"}))
	s.golden("w23-carried-events")
}

// TestW24ActionsBesideCompletion carries out what stands before and after the
// completion, also where it has the completion's id.
func TestW24ActionsBesideCompletion(t *testing.T) {
	for name, status := range map[string]history.Status{
		"continued": history.StatusContinuedAsNew, "failed": history.StatusFailed, "terminated": history.StatusTerminated,
	} {
		s := newScript(t)
		s.turn(bodies(started(nil)), act(0, &engine.SendEntityMessage{
			Body: &history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@n@a", "@n@b", "@n@c"}}}))
		s.turn(bodies(&history.EntityLockGranted{CriticalSectionID: "s"}),
			act(1, &engine.SendEntityMessage{Body: &history.EntityOperationSignaled{RequestID: "r", Operation: "op", TargetInstanceID: history.Some("@n@d")}}),
			act(2, &engine.SendEntityMessage{Body: &history.EntityUnlockSent{CriticalSectionID: "s", TargetInstanceID: history.Some("@n@a")}}),
			act(3, &engine.Complete{Status: status, Result: history.Some("r")}),
			act(3, &engine.SendEntityMessage{Body: &history.EntityUnlockSent{CriticalSectionID: "s", TargetInstanceID: history.Some("@n@b")}}),
			act(4, &engine.SendEvent{InstanceID: "other", Name: "e"}),
			act(5, &engine.CreateSubOrchestration{Name: "child"}))
		s.golden("w24-beside-" + name)
	}
}

// TestW25OlderGeneration judges results of the execution before.
func TestW25OlderGeneration(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(1, &engine.ScheduleTask{Name: "a"}), act(2, &engine.CreateTimer{FireAt: epoch}),
		act(3, &engine.CreateSubOrchestration{Name: "c"}), act(4, &engine.Complete{Status: history.StatusContinuedAsNew}))
	s.turn(bodies(&history.ExecutionStarted{Name: "main", Instance: &history.Instance{InstanceID: "run", ExecutionID: history.Some("e1")}}),
		act(1, &engine.ScheduleTask{Name: "a"}), act(2, &engine.CreateTimer{FireAt: epoch}), act(3, &engine.CreateSubOrchestration{Name: "c"}))
	for _, b := range bodies(&history.TaskCompleted{TaskScheduledID: 1}, &history.TimerFired{TimerID: 2},
		&history.SubOrchestrationInstanceFailed{TaskScheduledID: 3}) {
		for execution, want := range map[string]engine.Verdict{"e0": engine.Drop, "e1": engine.Deliver} {
			if got := s.orch.Accept(&engine.Message{Execution: execution, Event: &history.Event{Body: b}}); got != want {
				t.Errorf("Accept(%v of %s) = %v, want %v", b.Kind(), execution, got, want)
			}
		}
	}
}

// TestW34Terminate has a termination stand where the worker does not see it.
func TestW34Terminate(t *testing.T) {
	stop := &history.ExecutionTerminated{Input: history.Some(`"why"`), Recurse: true}
	for name, actions := range map[string][]engine.Action{
		"answered":  {act(3, &engine.Complete{Status: history.StatusTerminated, Result: history.Some(`"why"`)})},
		"continued": {act(3, &engine.Complete{Status: history.StatusContinuedAsNew, Result: history.Some("in")})},
		"ignored":   {act(3, &engine.ScheduleTask{Name: "a"})},
		"completed": {act(3, &engine.Complete{Status: history.StatusCompleted, Result: history.Some("ok")})},
	} {
		s := newScript(t)
		s.turn(bodies(started(nil)), act(1, &engine.CreateSubOrchestration{Name: "c"}), act(2, &engine.CreateSubOrchestration{Name: "d"}))
		s.turn(bodies(&history.EventRaised{Name: "before"}, stop, &history.SubOrchestrationInstanceCompleted{TaskScheduledID: 2}), actions...)
		s.golden("w34-" + name)
	}
}

// TestInvalidCompletion completes in a status in which nothing ends.
func TestInvalidCompletion(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(1, &engine.Complete{Status: history.StatusRunning}), engine.Action{ID: 2}, act(3, &engine.SendEntityMessage{}))
	s.golden("invalid-completion")
}

// TestW29RefusedChild cannot begin a child, for its id is none.
func TestW29RefusedChild(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(0, &engine.CreateSubOrchestration{InstanceID: "@bad", Name: "c", Refused: failure}))
	s.golden("w29-refused-child")
}

// TestW56LockOrder asks for a set that is not sorted and names an entity twice.
func TestW56LockOrder(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		act(1, &engine.SendEntityMessage{Body: &history.EntityLockRequested{
			CriticalSectionID: "s", LockSet: []string{"@n@b", "@n@a", "@n@b"}, Position: 1, ParentInstanceID: history.Some("run"),
		}}),
		act(2, &engine.SendEntityMessage{Body: &history.EntityLockRequested{CriticalSectionID: "empty"}}))
	s.turn(bodies(&history.EntityLockGranted{CriticalSectionID: "empty"}),
		act(3, &engine.SendEntityMessage{Body: &history.EntityUnlockSent{CriticalSectionID: "s"}}),
		act(4, &engine.Complete{Status: history.StatusCompleted}))
	s.golden("w56-lock-order")
}

// TestW54EarlyReply accepts the answer of a call from the commit on that has it.
func TestW54EarlyReply(t *testing.T) {
	s := newScript(t)
	reply := &engine.Message{Execution: "e0", Event: &history.Event{Body: &history.EntityOperationCompleted{RequestID: "r"}}}
	if got := s.turn(bodies(started(nil))).orch.Accept(reply); got != engine.Drop {
		t.Errorf("Accept(answer to no call) = %v, want it dropped", got)
	}
	s.turn(bodies(&history.EventRaised{Name: "e"}), act(0, &engine.SendEntityMessage{
		Body: &history.EntityOperationCalled{RequestID: "r", Operation: "op", TargetInstanceID: history.Some("@n@k")}}))
	if got := s.orch.Accept(reply); got != engine.Deliver {
		t.Errorf("Accept(answer) = %v, want it delivered", got)
	}
}

// TestW53Results has a worker end with fewer results than there are operations, and
// with more.
func TestW53Results(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 2, 5: 2} {
		s := &engine.Entity{ID: "@n@k"}
		var queue []*engine.Message
		for i := range 2 {
			queue = append(queue, &engine.Message{Event: &history.Event{Body: &history.EntityOperationCalled{
				RequestID: fmt.Sprint("r", i), Operation: "op", ParentInstanceID: history.Some("run"), ParentExecutionID: history.Some("e0"),
			}}})
		}
		fx, done := s.Apply(&engine.EntityStep{
			Now: epoch, Plan: s.Plan(queue, false, epoch), NewID: func() string { return "id" },
			Result: engine.EntityResult{State: history.Some("1"), Results: make([]engine.OperationResult, n)},
		})
		if len(fx.Send) != want || len(done) != want {
			t.Errorf("Apply(%d results for 2 operations) answers %d and takes %d, want %d", n, len(fx.Send), len(done), want)
		}
	}
}

// TestW55EntityActions has an entity signal another one and start an orchestration.
func TestW55EntityActions(t *testing.T) {
	s := &engine.Entity{ID: "@n@k"}
	queue := []*engine.Message{{Event: &history.Event{Body: &history.EntityOperationSignaled{RequestID: "r", Operation: "op"}}}}
	trace := &history.TraceContext{TraceParent: "00-1-2-01"}
	fx, _ := s.Apply(&engine.EntityStep{
		Now: epoch, Plan: s.Plan(queue, false, epoch), NewID: func() string { return "guid" },
		Result: engine.EntityResult{
			State: history.Some("1"), Results: make([]engine.OperationResult, 1),
			Actions: []engine.EntityAction{
				&engine.SendSignal{InstanceID: "@n@other", Name: "op", ScheduledTime: epoch.Add(time.Hour), ParentTrace: trace},
				&engine.StartOrchestration{Name: "o", ScheduledTime: epoch.Add(time.Hour), ParentTrace: trace},
				&engine.SendSignal{Name: "to nobody"},
			},
		},
	})
	var got []string
	for _, out := range fx.Send {
		got = append(got, out.Target+": "+out.Message.Event.String())
	}
	want := []string{
		"@n@other: -1 entityOperationSignaled requestId=guid operation=op scheduledTime=2026-01-02T04:04:05Z parentTrace={traceParent=00-1-2-01}",
		"guid: 0 executionStarted name=o scheduledStart=2026-01-02T04:04:05Z parentTrace={traceParent=00-1-2-01}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages of an entity (-want +got):\n%s", diff)
	}
}
