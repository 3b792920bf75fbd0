package engine

import (
	"fmt"
	"slices"
	"strings"
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
	// Unchanged says that the state is as before: only messages go.
	Unchanged bool
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
	if target == "" { // there is nobody whom it could reach
		return
	}
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
	if r := rewinding(t.Messages); r != nil {
		return o.rewindBy(t, r)
	}
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
		if _, ends := a.Do.(*Complete); !ends {
			o.carryOut(fx, t, a)
		} else if end == nil {
			end = a
		}
	}
	if end = o.ending(t, end); end != nil {
		o.end(fx, t, end)
	}
	return fx
}

// add appends an event to the history.
func (o *Orchestration) add(fx *Effects, e *history.Event) {
	fx.Events = append(fx.Events, e)
	o.Fold(e)
}

// carryOut does what an action asks for. One that is not known is ignored.
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
		created := &history.TimerCreated{FireAt: do.FireAt}
		if do.FireAt.IsZero() {
			created.FireAt = t.Now
		}
		e := event(created)
		if do.Retry != nil {
			e.Meta = &history.Meta{Options: Options{Retry: do.Retry}.encode()}
		}
		o.add(fx, e)
		fx.Timers = append(fx.Timers, o.tasks[a.ID])
	case *CreateSubOrchestration:
		o.createChild(fx, t, a, do)
	case *SendEvent:
		sent := &history.EventSent{InstanceID: do.InstanceID, Name: do.Name, Input: do.Data}
		o.add(fx, event(sent))
		switch body := legacyBody(sent); {
		case body != nil:
			o.sendEntity(fx, body, t.Now)
		case !strings.HasPrefix(do.InstanceID, "@"): // to an entity it says nothing
			fx.send(do.InstanceID, o.ID, "", &history.EventRaised{Name: do.Name, Input: do.Data}, t.Now)
		}
	case *SendEntityMessage:
		if body := withoutParent(do.Body); body != nil {
			o.add(fx, event(body))
			o.sendEntity(fx, do.Body, t.Now)
		}
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
	} else if o.fork != nil {
		id = ForkedID(o.ID, id, o.fork.Salt)
	}
	start := &history.ExecutionStarted{
		Name: do.Name, Version: do.Version, Input: do.Input, ParentTrace: do.ParentTrace, Tags: do.Tags,
	}
	out := Outgoing{Target: id, Detach: do.Detached, Message: &Message{
		From: o.ID, Class: ClassStart,
		Event: o.seeded(WithFold(&history.Event{ID: 0, Time: t.Now, Body: start}, do.Fold), id, o.childSeed(a.ID, id), ""),
	}}
	if do.Detached {
		o.add(fx, &history.Event{ID: a.ID, Time: t.Now, Body: &history.EventSent{InstanceID: id, Name: do.Name, Input: do.Input}})
	} else {
		start.Parent = o.asParent(a.ID)
		o.add(fx, WithFold(&history.Event{ID: a.ID, Time: t.Now, Body: &history.SubOrchestrationInstanceCreated{
			InstanceID: id, Name: do.Name, Version: do.Version, Input: do.Input, ParentTrace: do.ParentTrace, Tags: do.Tags,
		}}, do.Fold))
	}
	if do.Refused != nil {
		if !do.Detached {
			fx.send(o.ID, o.ID, o.Execution, &history.SubOrchestrationInstanceFailed{TaskScheduledID: a.ID, Failure: do.Refused}, t.Now)
		}
		return
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
