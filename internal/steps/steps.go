// Package steps tells what an orchestration did, step by step, from its history:
// which steps it scheduled, how each went, in how many attempts, and what made it
// schedule them. It is pure.
package steps

import (
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// Kind is what a step is.
type Kind string

// The kinds of steps.
const (
	Activity Kind = "activity"
	Child    Kind = "child"  // a run of its own
	Timer    Kind = "timer"  // not the pause before another attempt: that belongs to its step
	Event    Kind = "event"  // an external event
	Sent     Kind = "sent"   // an event to another instance
	Entity   Kind = "entity" // an operation on an entity, with an answer
	Signal   Kind = "signal" // one without
	Lock     Kind = "lock"   // of entities
)

// Status is how a step is.
type Status string

// The statuses of steps.
const (
	Open      Status = "open" // it waits or runs
	Retrying  Status = "retrying"
	Completed Status = "completed"
	Failed    Status = "failed"
	Canceled  Status = "canceled" // the run does not wait for it any more
)

// Step is a step of an orchestration. Times that are not known are zero.
type Step struct {
	Attempt // the newest
	Kind    Kind
	Name    string // of activity, run, event, operation; "" = it has none
	Version string
	Status  Status
	// Attempts are those before the newest; nil = that was the first.
	Attempts    []Attempt
	Number      int       // of the newest attempt, from 1
	MaxAttempts int       // 0 = not known, or no bound
	FireAt      time.Time // of a timer
	Run         string    // instance id of a child
	Target      string    // instance id of the entity, or of the receiver of an event
	InputBytes  int
	OutputBytes int
	// Turn is the orchestrator turn, from 1, that scheduled the step, EndTurn the one that
	// was told of its end; 0 = none.
	Turn, EndTurn int
	// Closed is the number of the last event of the turn that cancelled the step, 0 = none
	// has. One that is Canceled without was open when the run ended.
	Closed int

	request string    // id of an operation or a section
	before  time.Time // when it was scheduled first, if a rewind has begun the attempt anew
}

// Attempt is an attempt of a step.
type Attempt struct {
	N            int   // number of the event that scheduled it, from 1
	EventID      int32 // id of that event
	EndN         int   // number of the event that ended it; 0 = none has
	Scheduled    time.Time
	Dequeued     time.Time // a worker took it
	Started      time.Time
	Completed    time.Time
	BackoffUntil time.Time // it failed, and another follows then
	Worker       string
	Failure      *history.Failure
}

// Run is what is told of an execution.
type Run struct {
	Steps  []Step // in the order in which they were scheduled
	Turns  int    // orchestrator turns
	Began  time.Time
	Newest time.Time // of the newest event
	Ended  bool
	// Turn is when the newest orchestrator turn was.
	Turn time.Time

	turnBefore time.Time
}

// Of returns the steps of the events of an execution, which may be cut off anywhere.
func Of(events []*history.Event) *Run {
	b := builder{run: &Run{}, byID: map[int32]int{}, byRequest: map[string]int{}}
	for n, e := range events {
		b.add(n+1, e)
	}
	for i := range b.run.Steps {
		s := &b.run.Steps[i]
		if s.Closed > len(events) { // later than what is told
			s.Closed = 0
		}
		if (s.Status == Open || s.Status == Retrying) && (b.run.Ended || s.Closed > 0) {
			s.Status = Canceled
		}
	}
	return b.run
}

// Outcomes returns for each turn, by its number, the places in Steps of those that
// it was told the ends of.
func (r *Run) Outcomes() [][]int {
	all := make([][]int, r.Turns+1)
	for i := range r.Steps {
		if t := r.Steps[i].EndTurn; t > 0 {
			all[t] = append(all[t], i)
		}
	}
	return all
}

// CancelTimers marks open timers as canceled: the instance waits for none any more,
// which its history does not say.
func (r *Run) CancelTimers() {
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Kind == Timer && s.Status == Open {
			s.Status = Canceled
		}
	}
}

// builder reads events one after the other.
type builder struct {
	run       *Run
	byID      map[int32]int  // place in Steps, by the id of the scheduling event
	byRequest map[string]int // by the id of an operation or a section
	failed    []int          // places of activities that failed and may be tried again
	paused    []pause
}

// pause is the time before another attempt.
type pause struct {
	timer int32 // event id
	fired bool
	place int // of the step
	retry engine.Retry
}

func (b *builder) add(n int, e *history.Event) {
	r := b.run
	if n == 1 {
		r.Began = e.Time
	}
	r.Newest = e.Time
	switch body := e.Body.(type) {
	case *history.OrchestratorStarted:
		r.Turns++
		r.turnBefore, r.Turn = r.Turn, e.Time
		b.failed = nil // a turn retries what it is told of, or never
	case *history.TaskScheduled:
		b.activity(n, e, body)
	case *history.TaskCompleted:
		b.end(body.TaskScheduledID, n, e, len(body.Result.S), nil)
	case *history.TaskFailed:
		b.end(body.TaskScheduledID, n, e, 0, body.Failure)
	case *history.SubOrchestrationInstanceCreated:
		b.child(n, e, body)
	case *history.SubOrchestrationInstanceCompleted:
		b.end(body.TaskScheduledID, n, e, len(body.Result.S), nil)
	case *history.SubOrchestrationInstanceFailed:
		b.end(body.TaskScheduledID, n, e, 0, body.Failure)
	case *history.TimerCreated:
		b.timer(n, e, body)
	case *history.TimerFired:
		b.fire(n, e, body.TimerID)
	case *history.EventRaised:
		// The run may have waited since the turn before the one that is told.
		began := r.turnBefore
		if began.IsZero() || began.After(e.Time) {
			began = e.Time
		}
		b.open(n, e, Step{Kind: Event, Name: body.Name, Status: Completed, OutputBytes: size(e, body.Input), EndTurn: r.Turns})
		s := &r.Steps[len(r.Steps)-1]
		s.Scheduled, s.Completed, s.EndN, s.Turn = began, e.Time, n, max(r.Turns-1, 1)
	case *history.EventSent:
		b.open(n, e, Step{Kind: Sent, Name: body.Name, Status: Completed, Target: body.InstanceID, InputBytes: size(e, body.Input)})
		r.Steps[len(r.Steps)-1].Completed = e.Time
	case *history.ExecutionCompleted:
		r.Ended = true
	case *history.ExecutionRewound:
		r.Ended = false
		b.rewound(e.Time)
	default:
		b.entity(n, e)
	}
}

// rewound has the work that is open begin anew: it was given up for the rewind, and what
// scheduled it may be long ago.
func (b *builder) rewound(at time.Time) {
	for i := range b.run.Steps {
		s := &b.run.Steps[i]
		switch s.Kind {
		case Activity, Child, Entity, Lock:
			if s.Status == Open {
				s.before, s.Scheduled = s.Scheduled, at
			}
		}
	}
}

// entity takes in the events of operations and locks.
func (b *builder) entity(n int, e *history.Event) {
	switch body := e.Body.(type) {
	case *history.EntityOperationSignaled:
		b.open(n, e, Step{Kind: Signal, Name: body.Operation, Status: Completed, Target: body.TargetInstanceID.S, InputBytes: size(e, body.Input)})
		b.run.Steps[len(b.run.Steps)-1].Completed = e.Time
	case *history.EntityOperationCalled:
		b.open(n, e, Step{Kind: Entity, Name: body.Operation, Target: body.TargetInstanceID.S, InputBytes: size(e, body.Input), request: body.RequestID})
	case *history.EntityOperationCompleted:
		b.answer(body.RequestID, n, e, len(body.Output.S), nil)
	case *history.EntityOperationFailed:
		b.answer(body.RequestID, n, e, 0, body.Failure)
	case *history.EntityLockRequested:
		s := Step{Kind: Lock, request: body.CriticalSectionID}
		if len(body.LockSet) > 0 {
			s.Target = body.LockSet[0]
		}
		b.open(n, e, s)
	case *history.EntityLockGranted:
		b.answer(body.CriticalSectionID, n, e, 0, nil)
	}
}

// open adds a step.
func (b *builder) open(n int, e *history.Event, s Step) {
	s.Attempt = Attempt{N: n, EventID: e.ID, Scheduled: e.Time}
	if s.Status == "" {
		s.Status = Open
	}
	s.Number, s.Turn, s.Closed = 1, b.run.Turns, closed(e)
	place := len(b.run.Steps)
	b.run.Steps = append(b.run.Steps, s)
	if e.ID >= 0 && s.Kind != Event {
		b.byID[e.ID] = place
	}
	if s.request != "" {
		b.byRequest[s.request] = place
	}
}

// activity adds an activity, or another attempt of one.
func (b *builder) activity(n int, e *history.Event, body *history.TaskScheduled) {
	if e.Meta != nil && e.Meta.Attempt > 1 && b.again(n, e, Activity, body.Name, e.Meta.Attempt) {
		return
	}
	b.open(n, e, Step{Kind: Activity, Name: body.Name, Version: body.Version.S, InputBytes: size(e, body.Input)})
}

// child adds a run, or another one in place of one that failed.
func (b *builder) child(n int, e *history.Event, body *history.SubOrchestrationInstanceCreated) {
	if b.again(n, e, Child, body.Name, 0) {
		b.run.Steps[b.byID[e.ID]].Run = body.InstanceID
		return
	}
	b.open(n, e, Step{Kind: Child, Name: body.Name, Version: body.Version.S, Run: body.InstanceID, InputBytes: size(e, body.Input)})
}

// again notes that an event begins another attempt of a step, if a pause before it is
// over. The number 0 is any.
func (b *builder) again(n int, e *history.Event, kind Kind, name string, number int32) bool {
	for i, p := range b.paused {
		s := &b.run.Steps[p.place]
		if !p.fired || s.Kind != kind || p.retry.Name != name || number > 0 && p.retry.Attempt != number {
			continue
		}
		b.paused = append(b.paused[:i], b.paused[i+1:]...)
		s.Attempts = append(s.Attempts, s.Attempt)
		s.Attempt = Attempt{N: n, EventID: e.ID, Scheduled: e.Time}
		s.Number, s.Status, s.EndTurn, s.Closed = int(p.retry.Attempt), Open, 0, closed(e)
		b.byID[e.ID] = p.place
		return true
	}
	return false
}

// timer adds a timer, or notes the pause before another attempt.
func (b *builder) timer(n int, e *history.Event, body *history.TimerCreated) {
	if retry := engine.RetryOf(e); retry != nil {
		for i, place := range b.failed {
			s := &b.run.Steps[place]
			if s.Name == retry.Name && s.Number == int(retry.Attempt)-1 {
				b.failed = append(b.failed[:i], b.failed[i+1:]...)
				s.Status, s.BackoffUntil, s.MaxAttempts, s.Closed = Retrying, body.FireAt, int(retry.MaxAttempts), closed(e)
				b.paused = append(b.paused, pause{timer: e.ID, place: place, retry: *retry})
				return
			}
		}
	}
	b.open(n, e, Step{Kind: Timer, FireAt: body.FireAt})
}

func (b *builder) fire(n int, e *history.Event, timer int32) {
	for i := range b.paused {
		if p := &b.paused[i]; p.timer == timer && !p.fired {
			p.fired = true
			return
		}
	}
	b.end(timer, n, e, 0, nil)
}

// end ends the step that the event with an id scheduled.
func (b *builder) end(id int32, n int, e *history.Event, bytes int, f *history.Failure) {
	if place, known := b.byID[id]; known {
		b.close(place, n, e, bytes, f)
		if f != nil && b.run.Steps[place].Kind != Timer {
			b.failed = append(b.failed, place)
		}
	}
}

func (b *builder) answer(request string, n int, e *history.Event, bytes int, f *history.Failure) {
	if place, known := b.byRequest[request]; known {
		b.close(place, n, e, bytes, f)
	}
}

func (b *builder) close(place, n int, e *history.Event, bytes int, f *history.Failure) {
	s := &b.run.Steps[place]
	if e.Time.Before(s.Scheduled) { // it had ended before the rewind, and is told again
		s.Scheduled = s.before
	}
	s.EndN, s.Completed, s.Failure, s.EndTurn, s.OutputBytes = n, e.Time, f, b.run.Turns, bytes
	s.Status = Completed
	if f != nil {
		s.Status = Failed
	}
	if m := e.Meta; m != nil {
		s.Dequeued, s.Started, s.Worker = m.DequeuedAt, m.StartedAt, m.Worker
		if bytes == 0 && m.Payload != nil {
			s.OutputBytes = int(m.Payload.Size)
		}
	}
}

// closed is where the step that the event schedules was cancelled, 0 = nowhere.
func closed(e *history.Event) int {
	if e.Meta == nil {
		return 0
	}
	return int(e.Meta.Closed)
}

// size is the length of a payload, which may lie apart.
func size(e *history.Event, t history.Text) int {
	if !t.Set && e.Meta != nil && e.Meta.Payload != nil {
		return int(e.Meta.Payload.Size)
	}
	return len(t.S)
}
