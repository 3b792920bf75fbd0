package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// record collects what the turns of a script have written, as a worker is given it.
func (s *script) record() *[]*history.Event {
	var past []*history.Event
	s.wrote = func(fx *engine.Effects) {
		if fx.NewBranch {
			past = nil
		}
		past = append(past, fx.Events...)
	}
	return &past
}

// cut is the history that the Python SDK answers to a rewind.
func cut(past []*history.Event, execution string, rewound *history.ExecutionRewound) []*history.Event {
	failed := make(map[int32]bool)
	for _, e := range past {
		if b, ok := e.Body.(*history.TaskFailed); ok {
			failed[b.TaskScheduledID] = true
		}
	}
	var kept []*history.Event
	for _, e := range past {
		switch b := e.Body.(type) {
		case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.ExecutionCompleted:
			continue
		case *history.TaskScheduled:
			if failed[e.ID] {
				continue
			}
		case *history.ExecutionStarted:
			c, d := *b, *e
			c.Instance = &history.Instance{InstanceID: "run", ExecutionID: history.Some(execution)}
			d.Body = &c
			e = &d
		}
		kept = append(kept, e)
	}
	return append(kept, engine.Begin(epoch), &history.Event{ID: -1, Time: epoch, Body: rewound})
}

// TestW44Rewind rewinds twice what other SDKs run, with a child that has failed and
// an activity that has not ended.
func TestW44Rewind(t *testing.T) {
	s := newScript(t)
	past := s.record()
	s.turn(bodies(started(nil)),
		act(0, &engine.ScheduleTask{Name: "fails"}), act(1, &engine.ScheduleTask{Name: "open"}),
		act(2, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child", Input: history.Some("1"), Version: history.Some("2"), Tags: map[string]string{"k": "v"}}),
		act(3, &engine.CreateSubOrchestration{InstanceID: "d", Name: "done"}),
		act(4, &engine.CreateTimer{FireAt: epoch.Add(time.Hour)}))
	s.turn(bodies(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3},
		&history.SubOrchestrationInstanceFailed{TaskScheduledID: 2, Failure: failure}, &history.TaskFailed{TaskScheduledID: 0, Failure: failure}),
		act(5, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
	for _, digit := range []string{"a", "b"} {
		rewound := &history.ExecutionRewound{Reason: history.Some("fixed")}
		newHistory := cut(*past, strings.Repeat(digit, 32), rewound)
		s.turn(bodies(rewound), act(-1, &engine.Rewind{NewHistory: newHistory}))
		s.turn(bodies(&history.OrchestratorStarted{}), act(0, &engine.ScheduleTask{Name: "fails"}))
		s.turn(bodies(&history.TaskFailed{TaskScheduledID: 0, Failure: failure}), act(5, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
	}
	s.golden("w44-rewind")
}

// TestW44Child rewinds a child with its parent, one of which names no execution of
// its own.
func TestW44Child(t *testing.T) {
	parent := func(execution string) *history.ParentInstance {
		return &history.ParentInstance{TaskScheduledID: 7, Instance: &history.Instance{InstanceID: "parent", ExecutionID: history.Some(execution)}}
	}
	rewound := &history.ExecutionRewound{ParentExecutionID: history.Some("new"), InstanceID: history.Some("run"), Name: history.Some("main"), Parent: parent("new")}
	for name, answer := range map[string][]engine.Action{
		"rewound":  {act(-1, &engine.Rewind{NewHistory: []*history.Event{engine.Begin(epoch), {Time: epoch, Body: started(parent("old"))}}})},
		"anew":     {act(-1, &engine.Rewind{Redeliver: []*history.Event{{Time: epoch, Body: started(parent("old"))}, {Body: &history.EventRaised{Name: "e"}}}})},
		"unknown":  {act(1, &engine.Complete{Status: history.StatusFailed, Failure: failure})},
		"nothing":  nil,
		"no start": {act(-1, &engine.Rewind{NewHistory: []*history.Event{engine.Begin(epoch)}})},
	} {
		s := newScript(t)
		s.turn(bodies(started(parent("old"))), act(1, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
		s.turn(bodies(rewound), answer...)
		s.golden("w44-child-" + strings.ReplaceAll(name, " ", "-"))
	}
}

// TestW44HeldLocks rewinds into a critical section: its locks were given back, and
// the worker knows nothing of their being asked for again.
func TestW44HeldLocks(t *testing.T) {
	s := newScript(t)
	past := s.record()
	s.turn(bodies(started(nil)), act(1, &engine.SendEntityMessage{Body: &history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@n@a"}}}))
	s.turn(bodies(&history.EntityLockGranted{CriticalSectionID: "s"}), act(2, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.TaskFailed{TaskScheduledID: 2, Failure: failure}), act(3, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
	rewound := &history.ExecutionRewound{}
	s.turn(bodies(rewound), act(-1, &engine.Rewind{NewHistory: cut(*past, strings.Repeat("a", 32), rewound)}))
	s.golden("w44-held-locks")
}

// TestW44LivingChild has the parent of a run that lives rewound: the end of the run
// goes to the parent's new execution.
func TestW44LivingChild(t *testing.T) {
	parent := func(id, execution string) *history.ParentInstance {
		return &history.ParentInstance{TaskScheduledID: 7, Instance: &history.Instance{InstanceID: id, ExecutionID: history.Some(execution)}}
	}
	s := newScript(t)
	s.turn(bodies(started(parent("parent", "old"))))
	rewound := func(id string) *engine.Message {
		return &engine.Message{Event: &history.Event{Body: &history.ExecutionRewound{Parent: parent(id, "new")}}}
	}
	if s.orch.Adopt(rewound("other")) || s.orch.Accept(rewound("parent")) != engine.Drop || !s.orch.Adopt(rewound("parent")) {
		t.Errorf("a run that lives does not go over to its parent's new execution alone")
	}
	s.turn(bodies(&history.EventRaised{Name: "e"}), act(1, &engine.Complete{Status: history.StatusCompleted}))
	s.golden("w44-living-child")
}
