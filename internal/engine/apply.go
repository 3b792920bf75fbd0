package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// Turn is a finished orchestrator turn that is to become part of the state.
type Turn struct {
	Now       time.Time
	Messages  []*Message // that the turn was given, in order; all accepted
	Result    TurnResult
	Execution string // a fresh execution id, used if the turn begins a new one
}

// Effects are what a transition causes beyond the new state. Nothing of it may
// happen before the transition is durable.
type Effects struct {
	Branch string           // execution whose history the events belong to
	Events []*history.Event // appended to the history
	Closed []int32          // tasks that were cancelled, for which no event tells

	// NewBranch is set if the history is replaced by a rewind: Events then are
	// the whole history of this new execution.
	NewBranch bool

	Activities []*Task // to be dispatched
	Abandoned  []int32 // activities whose context is to be cancelled
	Timers     []*Task // to be started
	Stopped    []*Task // timers to be removed, of Branch or of OldBranch
	OldBranch  string

	Send    []Outgoing
	Rows    []Row
	Replies []Answer
	Ended   bool // the instance has reached a terminal status
}

// Outgoing is a message to another instance, or to the next execution of the
// same one.
type Outgoing struct {
	Target  string
	Message *Message // its ID is set by the caller
	Detach  bool     // start of an orchestration without a parent
}

// Answer ends a client's request.
type Answer struct {
	Request string
	Result  history.Text
	Failure *history.Failure
}

func (fx *Effects) send(target, from, execution string, body history.Body, now time.Time) {
	fx.Send = append(fx.Send, Outgoing{Target: target, Message: &Message{
		From: from, Execution: execution, Event: &history.Event{ID: -1, Time: now, Body: body},
	}})
}

// Begin is the first event of a turn.
func Begin(now time.Time) *history.Event {
	return &history.Event{ID: -1, Time: now, Body: &history.OrchestratorStarted{}}
}

// Fresh returns the events that a turn with these messages is given.
func Fresh(now time.Time, messages []*Message) []*history.Event {
	events := make([]*history.Event, 0, len(messages)+1)
	events = append(events, Begin(now))
	for _, m := range messages {
		if _, again := m.Event.Body.(*history.OrchestratorStarted); !again {
			events = append(events, m.Event)
		}
	}
	return events
}

// Apply makes a turn part of the state. fresh is what Fresh gave for the turn.
func (o *Orchestration) Apply(t *Turn, fresh []*history.Event) *Effects {
	fx := &Effects{Branch: o.Execution, Events: make([]*history.Event, 0, len(fresh)+len(t.Result.Actions))}
	for _, e := range fresh {
		regained := o.regains(e)
		o.add(fx, e)
		if regained != nil {
			o.callAgain(fx, regained, t.Now)
		}
	}
	if t.Result.CustomStatus.Set {
		o.Custom = t.Result.CustomStatus
	}
	o.Waits = t.Result.Waits
	var end *Action
	for i := range t.Result.Actions {
		a := &t.Result.Actions[i]
		switch do := a.Do.(type) {
		case *Complete:
			if end == nil {
				end = a
			}
		case *Rewind:
			return o.rewind(t, do)
		default:
			o.carryOut(fx, t, a)
		}
	}
	if end != nil {
		o.end(fx, t, end)
	}
	return fx
}

// add appends an event to the history.
func (o *Orchestration) add(fx *Effects, e *history.Event) {
	fx.Events = append(fx.Events, e)
	o.Fold(e)
}

func (o *Orchestration) carryOut(fx *Effects, t *Turn, a *Action) {
	event := func(b history.Body) *history.Event { return &history.Event{ID: a.ID, Time: t.Now, Body: b} }
	switch do := a.Do.(type) {
	case *ScheduleTask:
		e := event(&history.TaskScheduled{Name: do.Name, Version: do.Version, Input: do.Input, ParentTrace: do.ParentTrace, Tags: do.Tags})
		opts := Options{Timeout: do.Timeout, HeartbeatTimeout: do.HeartbeatTimeout, LimitKey: do.LimitKey, Limit: do.Limit}.encode()
		if do.Attempt > 1 || len(do.Effect) > 0 || len(opts) > 0 {
			e.Meta = &history.Meta{Attempt: do.Attempt, Effect: do.Effect, Options: opts}
		}
		o.add(fx, e)
		fx.Activities = append(fx.Activities, o.tasks[a.ID])
	case *CreateTimer:
		e := event(&history.TimerCreated{FireAt: do.FireAt})
		if do.Retry != nil {
			e.Meta = &history.Meta{Options: Options{Retry: do.Retry}.encode()}
		}
		o.add(fx, e)
		fx.Timers = append(fx.Timers, o.tasks[a.ID])
	case *CreateSubOrchestration:
		o.createChild(fx, t, a, do)
	case *SendEvent:
		o.add(fx, event(&history.EventSent{InstanceID: do.InstanceID, Name: do.Name, Input: do.Data}))
		fx.send(do.InstanceID, o.ID, "", &history.EventRaised{Name: do.Name, Input: do.Data}, t.Now)
	case *SendEntityMessage:
		o.add(fx, event(withoutParent(do.Body)))
		o.sendEntity(fx, do.Body, t.Now)
	case *Terminate:
		fx.send(do.InstanceID, o.ID, "", &history.ExecutionTerminated{Input: do.Reason, Recurse: do.Recurse}, t.Now)
	case *Cancel:
		o.cancel(fx, do.Task)
	case *Mark:
		o.add(fx, event(&history.GenericEvent{Data: history.Some(MarkPrefix + do.Name)}))
	case *Reply:
		fx.Replies = append(fx.Replies, Answer{Request: do.Request, Result: do.Result, Failure: do.Failure})
	case *PutRows:
		fx.Rows = append(fx.Rows, do.Rows...)
	}
}

func (o *Orchestration) createChild(fx *Effects, t *Turn, a *Action, do *CreateSubOrchestration) {
	id := do.InstanceID
	if id == "" {
		id = fmt.Sprintf("%s:%04x", o.ID, a.ID)
	}
	start := &history.ExecutionStarted{
		Name: do.Name, Version: do.Version, Input: do.Input, ParentTrace: do.ParentTrace, Tags: do.Tags,
	}
	out := Outgoing{Target: id, Detach: do.Detached, Message: &Message{
		From: o.ID, Class: ClassStart, Event: WithFold(&history.Event{ID: 0, Time: t.Now, Body: start}, do.Fold),
	}}
	if do.Detached {
		o.add(fx, &history.Event{ID: a.ID, Time: t.Now, Body: &history.EventSent{InstanceID: id, Name: do.Name, Input: do.Input}})
	} else {
		start.Parent = o.asParent(a.ID)
		o.add(fx, WithFold(&history.Event{ID: a.ID, Time: t.Now, Body: &history.SubOrchestrationInstanceCreated{
			InstanceID: id, Name: do.Name, Version: do.Version, Input: do.Input, ParentTrace: do.ParentTrace, Tags: do.Tags,
		}}, do.Fold))
	}
	fx.Send = append(fx.Send, out)
}

// asParent tells a child who has created it.
func (o *Orchestration) asParent(task int32) *history.ParentInstance {
	p := &history.ParentInstance{
		TaskScheduledID: task, Name: history.Some(o.Name), Version: o.Version,
		Instance: &history.Instance{InstanceID: o.ID, ExecutionID: history.Some(o.Execution)},
	}
	if o.Parent != nil {
		p.Root = o.Parent.Root
		if !p.Root.Set && o.Parent.Instance != nil {
			p.Root = history.Some(o.Parent.Instance.InstanceID)
		}
	}
	return p
}

// withoutParent returns a message to an entity as histories hold it: who sends
// it is known there.
func withoutParent(body history.Body) history.Body {
	switch b := body.(type) {
	case *history.EntityOperationCalled:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Text{}, history.Text{}
		return &c
	case *history.EntityLockRequested:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Text{}, history.Text{}
		return &c
	case *history.EntityUnlockSent:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Text{}, history.Text{}
		return &c
	}
	return body
}

// sendEntity sends what an entity event of the history stands for.
func (o *Orchestration) sendEntity(fx *Effects, body history.Body, now time.Time) {
	switch b := body.(type) {
	case *history.EntityOperationSignaled:
		c := *b
		c.TargetInstanceID = history.Text{}
		fx.send(b.TargetInstanceID.S, o.ID, "", &c, now)
	case *history.EntityOperationCalled:
		c := *b
		c.TargetInstanceID = history.Text{}
		c.ParentInstanceID, c.ParentExecutionID = history.Some(o.ID), history.Some(o.Execution)
		fx.send(b.TargetInstanceID.S, o.ID, "", &c, now)
	case *history.EntityLockRequested:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Some(o.ID), history.Some(o.Execution)
		fx.send(b.LockSet[0], o.ID, "", &c, now)
	case *history.EntityUnlockSent:
		c := *b
		c.TargetInstanceID = history.Text{}
		c.ParentInstanceID, c.ParentExecutionID = history.Some(o.ID), history.Some(o.Execution)
		fx.send(b.TargetInstanceID.S, o.ID, "", &c, now)
	}
}

// cancel closes an open task without an event.
func (o *Orchestration) cancel(fx *Effects, id int32) {
	t := o.tasks[id]
	if t == nil {
		return
	}
	switch t.Kind {
	case TimerTask:
		fx.Stopped = append(fx.Stopped, t)
	case ActivityTask:
		fx.Abandoned = append(fx.Abandoned, id)
	default:
		return
	}
	o.shut(id)
	fx.Closed = append(fx.Closed, id)
	fx.Timers = slices.DeleteFunc(fx.Timers, func(x *Task) bool { return x == t })
	fx.Activities = slices.DeleteFunc(fx.Activities, func(x *Task) bool { return x == t })
}

// end carries out the action that ends the execution.
func (o *Orchestration) end(fx *Effects, t *Turn, a *Action) {
	do := a.Do.(*Complete)
	if do.Status == history.StatusTerminated && cancelled(t.Messages) {
		c := *do
		c.Status = history.StatusCanceled
		do = &c
	}
	o.shutTasks(fx, do.Status, t)
	o.unlockAll(fx, t.Now)
	if do.Status == history.StatusContinuedAsNew {
		o.continueAsNew(fx, t, do)
		return
	}
	o.add(fx, &history.Event{ID: a.ID, Time: t.Now, Body: &history.ExecutionCompleted{
		Status: do.Status, Result: do.Result, Failure: do.Failure,
	}})
	fx.Ended = true
	o.tellParent(fx, do, t.Now)
}

// Abort returns the messages that an orchestration leaves when another takes
// its place: unlocks, and its end for the orchestration that waits for it.
func (o *Orchestration) Abort(now time.Time) []Outgoing {
	fx := &Effects{}
	o.unlockAll(fx, now)
	o.tellParent(fx, &Complete{Status: history.StatusTerminated}, now)
	return fx.Send
}

// shutTasks stops the timers and activities that are still open, those that
// the same turn has opened too.
func (o *Orchestration) shutTasks(fx *Effects, status history.Status, t *Turn) {
	recurse := false
	for _, m := range t.Messages {
		if b, ok := m.Event.Body.(*history.ExecutionTerminated); ok && b.Recurse {
			recurse = true
		}
	}
	for id, task := range o.tasks {
		switch task.Kind {
		case TimerTask:
			if i := slices.Index(fx.Timers, task); i >= 0 {
				fx.Timers = slices.Delete(fx.Timers, i, i+1)
			} else {
				fx.Stopped = append(fx.Stopped, task)
			}
		case ActivityTask:
			if i := slices.Index(fx.Activities, task); i >= 0 {
				fx.Activities = slices.Delete(fx.Activities, i, i+1)
			} else {
				fx.Abandoned = append(fx.Abandoned, id)
			}
		case ChildTask:
			if recurse && (status == history.StatusTerminated || status == history.StatusCanceled) {
				reason := history.Text{}
				for _, m := range t.Messages {
					if b, ok := m.Event.Body.(*history.ExecutionTerminated); ok {
						reason = b.Input
					}
				}
				fx.send(task.Target, o.ID, "", &history.ExecutionTerminated{Input: reason, Recurse: true}, t.Now)
			}
		}
	}
}

// unlockAll releases the locks that are held or asked for.
func (o *Orchestration) unlockAll(fx *Effects, now time.Time) {
	for id, s := range o.sections {
		for _, target := range s.set {
			if s.left[target] {
				fx.send(target, o.ID, "", &history.EntityUnlockSent{
					CriticalSectionID: id, LockSet: s.set,
					ParentInstanceID: history.Some(o.ID), ParentExecutionID: history.Some(o.Execution),
				}, now)
			}
		}
	}
	o.sections = nil
}

// tellParent reports the end to the orchestration that waits for it.
func (o *Orchestration) tellParent(fx *Effects, do *Complete, now time.Time) {
	if o.Parent == nil || o.Parent.Instance == nil {
		return
	}
	p := o.Parent
	var body history.Body
	if do.Status == history.StatusCompleted {
		body = &history.SubOrchestrationInstanceCompleted{TaskScheduledID: p.TaskScheduledID, Result: do.Result}
	} else {
		f := do.Failure
		if f == nil {
			f = &history.Failure{
				Type:    "Orchestration" + statusName(do.Status),
				Message: fmt.Sprintf("sub-orchestration %s was %s", o.ID, statusName(do.Status)),
			}
		}
		body = &history.SubOrchestrationInstanceFailed{TaskScheduledID: p.TaskScheduledID, Failure: f}
	}
	fx.send(p.Instance.InstanceID, o.ID, p.Instance.ExecutionID.S, body, now)
}

func cancelled(messages []*Message) bool {
	for _, m := range messages {
		if _, ok := m.Event.Body.(*history.ExecutionTerminated); ok {
			return m.Cancel
		}
	}
	return false
}

func statusName(s history.Status) string {
	switch s {
	case history.StatusTerminated:
		return "Terminated"
	case history.StatusCanceled:
		return "Canceled"
	}
	return "Failed"
}

// continueAsNew begins the next execution: its first messages go to the own
// inbox, before everything that waits there.
func (o *Orchestration) continueAsNew(fx *Effects, t *Turn, do *Complete) {
	version := o.Version
	if do.NewVersion.Set {
		version = do.NewVersion
	}
	tags := o.Tags
	if do.Tags != nil {
		tags = do.Tags
	}
	start := &history.Event{ID: 0, Time: t.Now, Body: &history.ExecutionStarted{
		Name: o.Name, Version: version, Input: do.Result, Parent: o.Parent, Tags: tags, ParentTrace: o.Trace,
		Instance: &history.Instance{InstanceID: o.ID, ExecutionID: history.Some(t.Execution)},
	}}
	own := []Outgoing{{Target: o.ID, Message: &Message{From: o.ID, Class: ClassStart, Execution: t.Execution, Event: start}}}
	for _, e := range do.Carryover {
		own = append(own, Outgoing{Target: o.ID, Message: &Message{From: o.ID, Class: ClassCarry, Event: e}})
	}
	for i, out := range fx.Send {
		if out.Target == o.ID { // sent to itself: it belongs to the new execution
			fx.Send[i].Message.Class = ClassCarry
		}
	}
	fx.Send = append(own, fx.Send...)
	next := NewOrchestration(o.ID, t.Execution)
	next.Name, next.Version, next.Tags, next.Parent, next.Trace = o.Name, version, tags, o.Parent, o.Trace
	next.Custom = o.Custom
	next.Started = o.Started
	fx.OldBranch = o.Execution
	*o = *next
}

// rewind replaces the history by the one that the orchestrator has cut.
func (o *Orchestration) rewind(t *Turn, do *Rewind) *Effects {
	old := *o
	fx := &Effects{Branch: t.Execution, NewBranch: true, OldBranch: old.Execution}
	*o = *NewOrchestration(old.ID, t.Execution)
	o.Custom = old.Custom
	for _, e := range do.NewHistory {
		if b, ok := e.Body.(*history.ExecutionStarted); ok {
			c := *b
			c.Instance = &history.Instance{InstanceID: old.ID, ExecutionID: history.Some(t.Execution)}
			if p := rewoundParent(t.Messages); p.Set && c.Parent != nil && c.Parent.Instance != nil {
				parent := *c.Parent
				parent.Instance = &history.Instance{InstanceID: c.Parent.Instance.InstanceID, ExecutionID: p}
				c.Parent = &parent
			}
			d := *e
			d.Body = &c
			e = &d
		}
		o.add(fx, e)
	}
	o.Status = history.StatusRunning
	if len(do.NewHistory) == 0 {
		return o.beginAgain(fx, t, do, &old)
	}
	o.lockAgain(fx, t)
	again := o.resolvedBy(do.Redeliver)
	for _, task := range o.tasks {
		if !again[task.ID] && !o.waitsForLock(task) {
			o.reopen(fx, task, t)
		}
	}
	// What goes on with the new history is a turn of its own.
	fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
		From: o.ID, Class: ClassStart, Execution: t.Execution,
		Event: &history.Event{ID: -1, Time: t.Now, Body: &history.OrchestratorStarted{}},
	}})
	o.redeliver(fx, t, do.Redeliver)
	return fx
}

// redeliver sends messages of turns that were cut off to the execution that
// goes on without them. Locks that were granted then have been given back.
func (o *Orchestration) redeliver(fx *Effects, t *Turn, events []*history.Event) {
	for _, e := range events {
		if _, void := e.Body.(*history.EntityLockGranted); void {
			continue
		}
		fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
			From: o.ID, Class: ClassCarry, Execution: t.Execution, Event: e,
		}})
	}
}

// beginAgain rewinds to before the first turn: the execution starts anew, with
// all that its first turn was given.
func (o *Orchestration) beginAgain(fx *Effects, t *Turn, do *Rewind, old *Orchestration) *Effects {
	o.Status = history.StatusPending
	o.Name, o.Version, o.Tags, o.Parent, o.Trace = old.Name, old.Version, old.Tags, old.Parent, old.Trace
	for i, e := range do.Redeliver {
		b, ok := e.Body.(*history.ExecutionStarted)
		if !ok {
			continue
		}
		c, d := *b, *e
		c.Instance = &history.Instance{InstanceID: o.ID, ExecutionID: history.Some(t.Execution)}
		d.Body = &c
		fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
			From: o.ID, Class: ClassStart, Execution: t.Execution, Event: &d,
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

func rewoundParent(messages []*Message) history.Text {
	for _, m := range messages {
		if b, ok := m.Event.Body.(*history.ExecutionRewound); ok {
			return b.ParentExecutionID
		}
	}
	return history.Text{}
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
		WithFold(fx.Send[len(fx.Send)-1].Message.Event, task.Options.Fold)
	case EntityTask, LockTask: // the end of the old execution has unlocked
		o.sendEntity(fx, task.Event.Body, t.Now)
	}
}
