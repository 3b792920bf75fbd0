package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// ending returns the action that ends the execution; end is the one that the turn
// asks for, nil if none. A termination that the turn was given is not lost to code
// that has not seen it, or that continues as new before it does.
func (o *Orchestration) ending(t *Turn, end *Action) *Action {
	var do *Complete
	id := int32(0)
	if end != nil {
		do, id = end.Do.(*Complete), end.ID
		if do.Status != history.StatusContinuedAsNew && !do.Status.Terminal() {
			do = &Complete{Status: history.StatusFailed, Failure: &history.Failure{
				Type: "InvalidCompletion", Message: "the orchestration was completed with the status " + do.Status.String(),
			}}
		}
	}
	if do == nil || do.Status == history.StatusContinuedAsNew {
		if stop := termination(t.Messages); stop != nil {
			do = &Complete{Status: history.StatusTerminated, Result: stop.Input}
		}
	}
	switch {
	case do == nil:
		return nil
	case end == nil:
		id = o.NextID(t.Result.Actions)
	}
	return &Action{ID: id, Do: do}
}

// NextID is an action id that the execution has not used, and actions do not use.
func (o *Orchestration) NextID(actions []Action) int32 {
	id := int32(o.Events)
	for t := range o.tasks {
		id = max(id, t)
	}
	for i := range actions {
		id = max(id, actions[i].ID)
	}
	return id + 1
}

// termination is the first one among the messages, nil if there is none.
func termination(messages []*Message) *history.ExecutionTerminated {
	for _, m := range messages {
		if b, ok := m.Event.Body.(*history.ExecutionTerminated); ok {
			return b
		}
	}
	return nil
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
	for _, id := range slices.Sorted(maps.Keys(o.tasks)) {
		task := o.tasks[id]
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
	for _, id := range slices.Sorted(maps.Keys(o.sections)) {
		s := o.sections[id]
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
// inbox, before everything that waits there. One that is suspended stays so.
func (o *Orchestration) continueAsNew(fx *Effects, t *Turn, do *Complete) {
	version := o.Version
	if do.NewVersion.Set {
		version = do.NewVersion
	}
	tags := o.Tags
	if do.Tags != nil {
		tags = do.Tags
	}
	begun := &history.ExecutionStarted{
		Name: o.Name, Version: version, Input: do.Result, Parent: o.Parent, Tags: tags, ParentTrace: o.Trace,
	}
	start := o.seeded(WithFork(&history.Event{ID: 0, Time: t.Now, Body: begun}, o.fork), o.ID, derive(o.Seed(), "next"), t.Execution)
	execution := begun.Instance.ExecutionID.S
	own := []Outgoing{{Target: o.ID, Message: &Message{From: o.ID, Class: ClassStart, Execution: execution, Event: start}}}
	if o.Status == history.StatusSuspended {
		own = append(own, Outgoing{Target: o.ID, Message: &Message{From: o.ID, Class: ClassCarry, Event: &history.Event{
			ID: -1, Time: t.Now, Body: &history.ExecutionSuspended{},
		}}})
	}
	for _, e := range do.Carryover {
		c := *e
		if c.ID = -1; c.Time.IsZero() {
			c.Time = t.Now
		}
		own = append(own, Outgoing{Target: o.ID, Message: &Message{From: o.ID, Class: ClassCarry, Event: &c}})
	}
	for i, out := range fx.Send {
		if out.Target == o.ID { // sent to itself: it belongs to the new execution
			fx.Send[i].Message.Class = ClassCarry
		}
	}
	fx.Send = append(own, fx.Send...)
	next := NewOrchestration(o.ID, execution)
	next.Name, next.Version, next.Tags, next.Parent, next.Trace = o.Name, version, tags, o.Parent, o.Trace
	next.Custom = o.Custom
	next.Started = o.Started
	fx.OldBranch = o.Execution
	*o = *next
}
