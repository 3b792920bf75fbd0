package chaos_test

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// A flow is an orchestration written against the protocol alone, as the SDKs of other
// languages do it: each turn runs it from its start against the whole history.

// flow is a turn of an orchestration.
type flow struct {
	id, execution string
	name          string
	input         int
	began         time.Time
	events        []*history.Event
	scheduled     map[int32]bool // by the number of the action
	raised        []*history.Event
	actions       []engine.Action
	last          int32 // action
	broken        string
}

// waiting ends a turn: what it needs has not happened.
type waiting struct{}

func newFlow(w *hub.OrchestrationWork) (*flow, error) {
	f := &flow{id: w.InstanceID, execution: w.ExecutionID, scheduled: make(map[int32]bool)}
	for _, list := range [][][]byte{w.Past, w.New} {
		for _, b := range list {
			e, err := history.Decode(b)
			if err != nil {
				return nil, err
			}
			f.events = append(f.events, e)
			if e.ID > 0 {
				f.scheduled[e.ID] = true
			}
			switch b := e.Body.(type) {
			case *history.ExecutionStarted:
				f.name, f.began = b.Name, e.Time
				f.input, _ = strconv.Atoi(b.Input.S)
			case *history.EventRaised:
				f.raised = append(f.raised, e)
			}
		}
	}
	return f, nil
}

// run returns what the turn does.
func (f *flow) run(code func(*flow)) []engine.Action {
	func() {
		defer func() {
			if r := recover(); r != nil && r != (waiting{}) {
				panic(r)
			}
		}()
		code(f)
	}()
	return f.actions
}

// do schedules an action, unless the history has it.
func (f *flow) do(op engine.Op) (id int32) {
	f.last++
	if !f.scheduled[f.last] {
		f.actions = append(f.actions, engine.Action{ID: f.last, Do: op})
	}
	return f.last
}

// await looks for the event that ends a wait.
func await[B history.Body](f *flow, is func(B) bool) B {
	for _, e := range f.events {
		if b, ok := e.Body.(B); ok && is(b) {
			return b
		}
	}
	panic(waiting{})
}

func (f *flow) double(n int) (task int32) {
	return f.do(&engine.ScheduleTask{Name: "double", Input: history.Some(strconv.Itoa(n))})
}

func (f *flow) result(task int32) int {
	return f.number(await(f, func(b *history.TaskCompleted) bool { return b.TaskScheduledID == task }).Result)
}

func (f *flow) child(name string, input int) int {
	task := f.do(&engine.CreateSubOrchestration{InstanceID: f.id + ":" + name, Name: name, Input: history.Some(strconv.Itoa(input))})
	return f.number(await(f, func(b *history.SubOrchestrationInstanceCompleted) bool { return b.TaskScheduledID == task }).Result)
}

func (f *flow) sleep(d time.Duration) {
	task := f.do(&engine.CreateTimer{FireAt: f.began.Add(d)})
	await(f, func(b *history.TimerFired) bool { return b.TimerID == task })
}

// event takes the next event raised to the orchestration.
func (f *flow) event() int {
	if len(f.raised) == 0 {
		panic(waiting{})
	}
	e := f.raised[0]
	f.raised = f.raised[1:]
	return f.number(e.Body.(*history.EventRaised).Input)
}

// guid is the same each time that the flow comes to it.
func (f *flow) guid() string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", f.id, f.execution, f.last))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// lock enters a critical section and returns its id.
func (f *flow) lock(entities ...string) string {
	id := f.guid()
	f.do(&engine.SendEntityMessage{Body: &history.EntityLockRequested{
		CriticalSectionID: id, LockSet: entities, ParentInstanceID: history.Some(f.id),
	}})
	await(f, func(b *history.EntityLockGranted) bool { return b.CriticalSectionID == id })
	return id
}

func (f *flow) unlock(section string, entities ...string) {
	for _, e := range entities {
		f.do(&engine.SendEntityMessage{Body: &history.EntityUnlockSent{
			CriticalSectionID: section, ParentInstanceID: history.Some(f.id), TargetInstanceID: history.Some(e),
		}})
	}
}

// add calls an entity.
func (f *flow) add(entity string, n int) int {
	id := f.guid()
	f.do(&engine.SendEntityMessage{Body: &history.EntityOperationCalled{
		RequestID: id, Operation: "add", Input: history.Some(strconv.Itoa(n)),
		ParentInstanceID: history.Some(f.id), ParentExecutionID: history.Some(f.execution), TargetInstanceID: history.Some(entity),
	}})
	return f.number(await(f, func(b *history.EntityOperationCompleted) bool { return b.RequestID == id }).Output)
}

func (f *flow) signal(entity string, n int) {
	f.do(&engine.SendEntityMessage{Body: &history.EntityOperationSignaled{
		RequestID: f.guid(), Operation: "add", Input: history.Some(strconv.Itoa(n)), TargetInstanceID: history.Some(entity),
	}})
}

func (f *flow) finish(n int) {
	f.do(&engine.Complete{Status: history.StatusCompleted, Result: history.Some(strconv.Itoa(n))})
}

// anew begins the next execution, with the events that are left.
func (f *flow) anew(n int) {
	f.do(&engine.Complete{Status: history.StatusContinuedAsNew, Result: history.Some(strconv.Itoa(n)), Carryover: f.raised})
}

func (f *flow) number(t history.Text) int {
	n, err := strconv.Atoi(t.S)
	if err != nil && f.broken == "" {
		f.broken = fmt.Sprintf("%s got %q, want a number", f.id, t.S)
	}
	return n
}
