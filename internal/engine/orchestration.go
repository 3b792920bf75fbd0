package engine

import (
	"strings"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// Orchestration is the state of one orchestration instance: what its history
// says, folded, and nothing else. It is not safe for concurrent use.
type Orchestration struct {
	ID        string
	Execution string // the current execution

	Name    string
	Version history.Text
	Tags    map[string]string
	Parent  *history.ParentInstance
	Trace   *history.TraceContext

	Status    history.Status // Running, Suspended or terminal; Pending before the first turn
	Started   time.Time
	Completed time.Time
	Events    int64 // of the current execution

	// Custom and Waits come from the newest turn's result, not from events.
	Custom history.Text
	Waits  []string

	seed     string        // that was given to the execution, "" = its id
	salts    []string      // of the forks from which on it has gone its own way
	fork     *history.Fork // of what it is a copy; nil = of none
	tasks    map[int32]*Task
	counts   [LockTask + 1]int // of tasks, by kind
	newest   *Task             // scheduled last; it may have ended
	timers   map[int32]*Task   // the tasks that are timers
	requests map[string]int32  // request id of an entity call -> task
	sections map[string]*section
	legacy   map[string]bool // requests and sections whose answers are events, see Local
}

// TaskKind is the kind of an open task.
type TaskKind uint8

// The kinds of tasks.
const (
	ActivityTask TaskKind = iota + 1
	TimerTask
	ChildTask
	EntityTask
	LockTask
)

// Task is a step that has been scheduled and has no outcome yet.
type Task struct {
	ID      int32
	Kind    TaskKind
	Name    string         // of the activity, child orchestration or operation
	Target  string         // instance id of a child or entity, section of a lock
	Due     time.Time      // of a timer
	Event   *history.Event // that scheduled it
	Options Options        // of an activity, a timer or a child
	At      int64          // number of Event in the history, from 1: no two tasks of an execution share it
}

// section is a critical section: locks asked for or held.
type section struct {
	set     []string
	granted bool
	again   bool            // given back when the run failed, and asked for again
	left    map[string]bool // not unlocked yet
}

// NewOrchestration returns the state before the first turn.
func NewOrchestration(id, execution string) *Orchestration {
	return &Orchestration{ID: id, Execution: execution, Status: history.StatusPending}
}

// Tasks returns the open tasks; the map belongs to the state.
func (o *Orchestration) Tasks() map[int32]*Task { return o.tasks }

// HoldsLocks reports whether it holds or asks for locks.
func (o *Orchestration) HoldsLocks() bool { return len(o.sections) > 0 }

// HasSection reports whether it holds or asks for the locks of a section.
func (o *Orchestration) HasSection(id string) bool { return o.sections[id] != nil }

// Count returns how many tasks of a kind are open.
func (o *Orchestration) Count(k TaskKind) int { return o.counts[k] }

// Timers returns the open timers; the map belongs to the state.
func (o *Orchestration) Timers() map[int32]*Task { return o.timers }

// Newest returns the task that was scheduled last, if it is open, else any open
// task, nil if there is none.
func (o *Orchestration) Newest() *Task {
	if o.newest != nil && o.tasks[o.newest.ID] == o.newest {
		return o.newest
	}
	for _, t := range o.tasks {
		return t
	}
	return nil
}

func (o *Orchestration) open(t *Task) {
	if o.tasks == nil {
		o.tasks = make(map[int32]*Task)
	}
	o.shut(t.ID)
	t.At = o.Events
	o.tasks[t.ID] = t
	o.counts[t.Kind]++
	o.newest = t
	if t.Kind == TimerTask {
		if o.timers == nil {
			o.timers = make(map[int32]*Task)
		}
		o.timers[t.ID] = t
	}
}

// shut removes a task that has ended.
func (o *Orchestration) shut(id int32) {
	t := o.tasks[id]
	if t == nil {
		return
	}
	delete(o.tasks, id)
	o.counts[t.Kind]--
	if t.Kind == TimerTask {
		delete(o.timers, id)
	}
}

// Fold brings the state up to date with an event of the history.
func (o *Orchestration) Fold(e *history.Event) {
	o.Events++
	if seed := seedIn(e); seed != "" {
		o.seed = seed
	}
	if f, parts := ForkIn(e); f != nil {
		o.fork = f
		if parts { // what its source was begun by waits for that alone
			o.salts, o.Parent = append(o.salts, f.Salt), nil
		}
	}
	switch b := e.Body.(type) {
	case *history.ExecutionStarted:
		o.Name, o.Version, o.Tags, o.Parent, o.Trace = b.Name, b.Version, b.Tags, b.Parent, b.ParentTrace
		if b.Instance != nil && b.Instance.ExecutionID.Set {
			o.Execution = b.Instance.ExecutionID.S
		}
		o.Status, o.Started = history.StatusRunning, e.Time
	case *history.ExecutionCompleted:
		o.Status, o.Completed = b.Status, e.Time
		o.tasks, o.timers, o.requests, o.sections, o.legacy, o.Waits = nil, nil, nil, nil, nil, nil
		o.counts, o.newest = [LockTask + 1]int{}, nil
	case *history.ExecutionSuspended:
		o.Status = history.StatusSuspended
	case *history.ExecutionResumed:
		o.Status = history.StatusRunning
	case *history.ExecutionRewound:
		o.Status, o.Completed = history.StatusRunning, time.Time{}
	case *history.TaskScheduled:
		o.open(&Task{ID: e.ID, Kind: ActivityTask, Name: b.Name, Event: e, Options: optionsOf(e)})
	case *history.TaskCompleted:
		o.shut(b.TaskScheduledID)
	case *history.TaskFailed:
		o.shut(b.TaskScheduledID)
	case *history.TimerCreated:
		o.open(&Task{ID: e.ID, Kind: TimerTask, Due: b.FireAt, Event: e, Options: optionsOf(e)})
	case *history.TimerFired:
		o.shut(b.TimerID)
	case *history.SubOrchestrationInstanceCreated:
		o.open(&Task{ID: e.ID, Kind: ChildTask, Name: b.Name, Target: b.InstanceID, Event: e, Options: optionsOf(e)})
	case *history.SubOrchestrationInstanceCompleted:
		o.shut(b.TaskScheduledID)
	case *history.SubOrchestrationInstanceFailed:
		o.shut(b.TaskScheduledID)
	case *history.EventSent:
		o.foldLegacy(e, b)
	case *history.EventRaised:
		o.foldAnswer(b.Name)
	default:
		o.foldEntity(e)
	}
}

// foldEntity is Fold for the events between orchestrations and entities.
func (o *Orchestration) foldEntity(e *history.Event) {
	switch b := e.Body.(type) {
	case *history.EntityOperationCalled:
		o.open(&Task{ID: e.ID, Kind: EntityTask, Name: b.Operation, Target: b.TargetInstanceID.S, Event: e})
		if o.requests == nil {
			o.requests = make(map[string]int32)
		}
		o.requests[b.RequestID] = e.ID
	case *history.EntityOperationCompleted:
		o.closeRequest(b.RequestID)
	case *history.EntityOperationFailed:
		o.closeRequest(b.RequestID)
	case *history.EntityLockRequested:
		o.open(&Task{ID: e.ID, Kind: LockTask, Target: b.CriticalSectionID, Event: e})
		s := &section{set: lockOrder(b.LockSet), left: make(map[string]bool, len(b.LockSet))}
		for _, id := range s.set {
			s.left[id] = true
		}
		if o.sections == nil {
			o.sections = make(map[string]*section)
		}
		o.sections[b.CriticalSectionID] = s
	case *history.GenericEvent:
		if id, ok := strings.CutPrefix(b.Data.S, RelockPrefix); ok && o.sections[id] != nil {
			o.sections[id].granted, o.sections[id].again = false, true
		}
	case *history.EntityLockGranted:
		o.grant(b.CriticalSectionID)
	case *history.EntityUnlockSent:
		if s := o.sections[b.CriticalSectionID]; s != nil {
			delete(s.left, b.TargetInstanceID.S)
			if len(s.left) == 0 {
				delete(o.sections, b.CriticalSectionID)
			}
		}
	}
}

// grant takes note that the locks of a section are held.
func (o *Orchestration) grant(id string) {
	if s := o.sections[id]; s != nil {
		s.granted, s.again = true, false
	}
	for task, t := range o.tasks {
		if t.Kind == LockTask && t.Target == id {
			o.shut(task)
		}
	}
}

func (o *Orchestration) closeRequest(id string) {
	if task, ok := o.requests[id]; ok {
		delete(o.requests, id)
		o.shut(task)
	}
}

// Close removes a task that was cancelled; for loading, since a cancellation
// leaves no event.
func (o *Orchestration) Close(task int32) { o.shut(task) }

// Verdict says what is to be done with a message.
type Verdict uint8

// The verdicts.
const (
	Drop    Verdict = iota // it has no effect any more
	Deliver                // it belongs into the next turn
	Create                 // it begins a new incarnation
	Refuse                 // it cannot begin one, for the instance is alive
)

// Accept judges a message to the orchestration; o is nil if there is none.
func (o *Orchestration) Accept(m *Message) Verdict {
	switch b := m.Event.Body.(type) {
	case *history.ExecutionStarted:
		return o.acceptStart(m, b)
	case *history.ExecutionRewound:
		return o.acceptRewind(m, b)
	}
	if o == nil || o.Status.Terminal() || m.Execution != "" && m.Execution != o.Execution {
		return Drop
	}
	switch b := m.Event.Body.(type) {
	case *history.TaskCompleted:
		return o.ifOpen(b.TaskScheduledID, ActivityTask)
	case *history.TaskFailed:
		return o.ifOpen(b.TaskScheduledID, ActivityTask)
	case *history.TimerFired:
		return o.ifOpen(b.TimerID, TimerTask)
	case *history.SubOrchestrationInstanceCompleted:
		return o.ifOpen(b.TaskScheduledID, ChildTask)
	case *history.SubOrchestrationInstanceFailed:
		return o.ifOpen(b.TaskScheduledID, ChildTask)
	case *history.EntityOperationCompleted:
		return o.ifRequested(b.RequestID)
	case *history.EntityOperationFailed:
		return o.ifRequested(b.RequestID)
	case *history.EntityLockGranted:
		if s := o.sections[b.CriticalSectionID]; s == nil || s.granted || b.ParentExecutionID.Set && b.ParentExecutionID.S != o.Execution {
			return Drop
		}
		return Deliver
	case *history.EventRaised, *history.ExecutionTerminated,
		*history.ExecutionSuspended, *history.ExecutionResumed, *history.OrchestratorStarted:
		return Deliver
	}
	return Drop
}

// acceptRewind judges a rewind. One to an event is of a run that has ended, unless the
// step that has begun the run begins it with something else now.
func (o *Orchestration) acceptRewind(m *Message, b *history.ExecutionRewound) Verdict {
	switch {
	case o == nil || m.Execution != "" && m.Execution != o.Execution:
		return Drop
	case o.Status == history.StatusFailed || b.To > 0 && o.Status.Terminal():
		return Deliver
	case b.To == 1 && b.Name.Set && o.Status != history.StatusPending:
		return Deliver
	}
	return Drop
}

func (o *Orchestration) acceptStart(m *Message, b *history.ExecutionStarted) Verdict {
	switch {
	case o == nil:
		return Create
	case o.Status == history.StatusPending && b.Instance != nil && b.Instance.ExecutionID.S == o.Execution:
		return Deliver // its own start, stored by an earlier commit
	case o.Status.Terminal():
		return Create
	}
	return Refuse
}

func (o *Orchestration) ifOpen(id int32, kind TaskKind) Verdict {
	if t := o.tasks[id]; t != nil && t.Kind == kind {
		return Deliver
	}
	return Drop
}

func (o *Orchestration) ifRequested(id string) Verdict {
	if _, ok := o.requests[id]; ok {
		return Deliver
	}
	return Drop
}
