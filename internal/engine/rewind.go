package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/perdure/perdure/internal/history"
)

// rewinding is the rewind among the messages, which then is the only one; nil if
// there is none.
func rewinding(messages []*Message) *history.ExecutionRewound {
	for _, m := range messages {
		if b, ok := m.Event.Body.(*history.ExecutionRewound); ok {
			return b
		}
	}
	return nil
}

// rewindBy carries out the answer to a rewind. Of other answers, of workers that do
// not know how to rewind, nothing becomes part of the history: the run has failed as
// before.
func (o *Orchestration) rewindBy(t *Turn, r *history.ExecutionRewound) *Effects {
	for i := range t.Result.Actions {
		if do, ok := t.Result.Actions[i].Do.(*Rewind); ok && (started(do.NewHistory) != nil || started(do.Redeliver) != nil) {
			return o.rewind(t, r, do)
		}
	}
	fx := &Effects{Branch: o.Execution, Unchanged: true}
	if p := r.Parent; p != nil && p.Instance != nil {
		fx.send(p.Instance.InstanceID, o.ID, p.Instance.ExecutionID.S, &history.SubOrchestrationInstanceFailed{
			TaskScheduledID: p.TaskScheduledID,
			Failure: &history.Failure{
				Type: "RewindNotSupported", NonRetriable: true,
				Message: "the worker of sub-orchestration " + o.ID + " cannot rewind it; purge it to have it begin anew, then rewind its parent",
			},
		}, t.Now)
	}
	return fx
}

// started is the start among the events, nil if there is none.
func started(events []*history.Event) *history.ExecutionStarted {
	for _, e := range events {
		if b, ok := e.Body.(*history.ExecutionStarted); ok {
			return b
		}
	}
	return nil
}

// rewoundExecution is the id of the execution that a rewind begins: the one that the
// worker has put into the history, if it is a new one, else the engine's.
func (o *Orchestration) rewoundExecution(t *Turn, do *Rewind) string {
	b := started(do.NewHistory)
	if b == nil || b.Instance == nil {
		return t.Execution
	}
	id := b.Instance.ExecutionID.S
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" || id == o.Execution {
		return t.Execution
	}
	return id
}

// Adopt takes note that the orchestration that waits for this one, which lives, was
// rewound: its end goes to the new execution. It reports whether the message says so.
func (o *Orchestration) Adopt(m *Message) bool {
	b, ok := m.Event.Body.(*history.ExecutionRewound)
	if !ok || o == nil || o.Status.Terminal() || o.Parent == nil || o.Parent.Instance == nil ||
		b.Parent == nil || b.Parent.Instance == nil || b.Parent.TaskScheduledID != o.Parent.TaskScheduledID ||
		b.Parent.Instance.InstanceID != o.Parent.Instance.InstanceID {
		return false
	}
	o.MoveParent(b.Parent.Instance.ExecutionID.S)
	return true
}

// MoveParent replaces the execution of the orchestration that waits for this one, if
// one is given.
func (o *Orchestration) MoveParent(execution string) {
	if execution == "" || o.Parent == nil || o.Parent.Instance == nil || o.Parent.Instance.ExecutionID.S == execution {
		return
	}
	p := *o.Parent
	p.Instance = &history.Instance{InstanceID: p.Instance.InstanceID, ExecutionID: history.Some(execution)}
	o.Parent = &p
}

// rewind replaces the history by the one that the orchestrator has cut.
func (o *Orchestration) rewind(t *Turn, r *history.ExecutionRewound, do *Rewind) *Effects {
	old, execution := *o, o.rewoundExecution(t, do)
	fx := &Effects{Branch: execution, NewBranch: true, OldBranch: old.Execution}
	if !old.Status.Terminal() {
		old.shutTasks(fx, history.StatusTerminated, t)
		old.unlockAll(fx, t.Now)
	}
	*o = *NewOrchestration(old.ID, execution)
	o.Custom = old.Custom
	for _, e := range do.NewHistory {
		switch b := e.Body.(type) {
		case *history.ExecutionCompleted:
			continue
		case *history.ExecutionStarted:
			e = o.restarted(e, b, r)
		}
		o.add(fx, e)
	}
	for _, task := range do.Closed {
		if o.tasks[task] != nil {
			o.shut(task)
			fx.Closed = append(fx.Closed, task)
		}
	}
	if o.Status != history.StatusSuspended { // else it goes on once it is resumed, as its history says
		o.Status = history.StatusRunning
	}
	if len(do.NewHistory) == 0 {
		return o.beginAgain(fx, t, r, do, &old)
	}
	if do.Relock {
		o.lockAgain(fx, t)
	} else {
		maps.DeleteFunc(o.sections, func(_ string, s *section) bool { return s.granted })
	}
	again := o.resolvedBy(do.Redeliver)
	for _, id := range slices.Sorted(maps.Keys(o.tasks)) {
		if task := o.tasks[id]; !again[id] && !o.waitsForLock(task) {
			o.reopen(fx, task, t)
		}
	}
	// What goes on with the new history is a turn of its own.
	fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
		From: o.ID, Class: ClassStart, Execution: o.Execution,
		Event: &history.Event{ID: -1, Time: t.Now, Body: &history.OrchestratorStarted{}},
	}})
	o.redeliver(fx, t, do.Redeliver)
	return fx
}

// restarted returns a start as it begins the history of a rewound execution.
func (o *Orchestration) restarted(e *history.Event, b *history.ExecutionStarted, r *history.ExecutionRewound) *history.Event {
	c, d := *b, *e
	c.Instance = &history.Instance{InstanceID: o.ID, ExecutionID: history.Some(o.Execution)}
	if p := r.ParentExecutionID; p.Set && c.Parent != nil && c.Parent.Instance != nil {
		parent := *c.Parent
		parent.Instance = &history.Instance{InstanceID: c.Parent.Instance.InstanceID, ExecutionID: p}
		c.Parent = &parent
	}
	d.Body = &c
	return &d
}

// redeliver sends messages of turns that were cut off to the execution that
// goes on without them. Locks that were granted then have been given back.
func (o *Orchestration) redeliver(fx *Effects, t *Turn, events []*history.Event) {
	for _, e := range events {
		if _, void := e.Body.(*history.EntityLockGranted); void {
			continue
		}
		fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
			From: o.ID, Class: ClassCarry, Execution: o.Execution, Event: e,
		}})
	}
}

// beginAgain rewinds to before the first turn: the execution starts anew, with
// all that its first turn was given.
func (o *Orchestration) beginAgain(fx *Effects, t *Turn, r *history.ExecutionRewound, do *Rewind, old *Orchestration) *Effects {
	o.Status = history.StatusPending
	o.Name, o.Version, o.Tags, o.Parent, o.Trace = old.Name, old.Version, old.Tags, old.Parent, old.Trace
	if r.Name.Set { // the step that has begun it says so anew
		o.Version, o.Tags, o.Parent, o.Trace = r.Version, r.Tags, r.Parent, r.ParentTrace
	}
	for i, e := range do.Redeliver {
		b, ok := e.Body.(*history.ExecutionStarted)
		if !ok {
			continue
		}
		fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
			From: o.ID, Class: ClassStart, Execution: o.Execution, Event: o.restarted(e, b, r),
		}})
		o.redeliver(fx, t, do.Redeliver[i+1:])
		break
	}
	return fx
}

// resolvedBy returns the tasks that the events resolve.
func (o *Orchestration) resolvedBy(events []*history.Event) map[int32]bool {
	ids := make(map[int32]bool)
	for _, e := range events {
		switch b := e.Body.(type) {
		case *history.TaskCompleted:
			ids[b.TaskScheduledID] = true
		case *history.TaskFailed:
			ids[b.TaskScheduledID] = true
		case *history.TimerFired:
			ids[b.TimerID] = true
		case *history.SubOrchestrationInstanceCompleted:
			ids[b.TaskScheduledID] = true
		case *history.SubOrchestrationInstanceFailed:
			ids[b.TaskScheduledID] = true
		case *history.EntityOperationCompleted:
			ids[o.requests[b.RequestID]] = true
		case *history.EntityOperationFailed:
			ids[o.requests[b.RequestID]] = true
		}
	}
	return ids
}

// reopen starts what a rewound history still waits for.
func (o *Orchestration) reopen(fx *Effects, task *Task, t *Turn) {
	switch task.Kind {
	case ActivityTask:
		fx.Activities = append(fx.Activities, task)
	case TimerTask:
		fx.Timers = append(fx.Timers, task)
	case ChildTask:
		created := task.Event.Body.(*history.SubOrchestrationInstanceCreated)
		fx.send(task.Target, o.ID, "", &history.ExecutionRewound{
			Reason: history.Some("rewound with its parent"), ParentExecutionID: history.Some(o.Execution),
			InstanceID: history.Some(task.Target), ParentTrace: created.ParentTrace,
			Name: history.Some(created.Name), Version: created.Version, Input: created.Input, Tags: created.Tags,
			Parent: o.asParent(task.ID),
		}, t.Now)
		m := fx.Send[len(fx.Send)-1].Message
		m.Class = ClassStart // it begins a child that was purged
		m.Event = withSeed(WithFold(m.Event, task.Options.Fold), o.childSeed(task.ID, task.Target))
	case EntityTask, LockTask: // the end of the old execution has unlocked
		o.sendEntity(fx, task.Event.Body, t.Now)
	}
}
