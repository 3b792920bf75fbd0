package replay

import (
	"strings"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// rewind answers an ExecutionRewound: the history without what failed and
// without the end. Where the code has handled an earlier failure and gone on,
// that history does not fit the code; then only what failed in the last turn is
// left out. Where the code ended by its own error, no history that holds its last
// turn fits: then that turn is cut off, and what it was given is delivered anew.
func (m *machine) rewind(past, fresh []*history.Event) engine.TurnResult {
	events := m.rewound(past, fresh, 0)
	begin := &history.Event{ID: -1, Time: fresh[0].Time, Body: &history.OrchestratorStarted{}}
	if !m.accepts(events, begin) {
		last := max(0, len(past)-1)
		for last > 0 && !is[*history.OrchestratorStarted](past[last]) {
			last--
		}
		gentle := m.rewound(past, fresh, last)
		if !m.accepts(gentle, begin) {
			return m.cutOff(past, fresh, last)
		}
		events = gentle
	}
	return engine.TurnResult{Actions: []engine.Action{{ID: -1, Do: &engine.Rewind{NewHistory: events, Relock: true}}}}
}

// cutOff leaves out the turn that begins with the event with the index last.
func (m *machine) cutOff(past, fresh []*history.Event, last int) engine.TurnResult {
	do := &engine.Rewind{Relock: true}
	for _, ev := range past[last:] {
		if engine.IsMessage(ev) {
			do.Redeliver = append(do.Redeliver, ev)
		}
	}
	if last > 0 {
		do.NewHistory = m.rewound(past[:last], fresh, last)
	}
	return engine.TurnResult{Actions: []engine.Action{{ID: -1, Do: do}}}
}

// accepts reports whether the code could have written the history, as far as
// can be told.
func (m *machine) accepts(events []*history.Event, begin *history.Event) bool {
	e := m.runner.Open(m.info.InstanceID, m.info.ExecutionID)
	defer e.Evict()
	return e.Turn(events, []*history.Event{begin}).Diverged == nil
}

// rewound returns the past without the end and what failed at or after the event
// with the index from. It adds the seed of ids, since the engine gives the
// execution a new id.
func (m *machine) rewound(past, fresh []*history.Event, from int) []*history.Event {
	failed := failedTasks(past, from)
	kept := make([]*history.Event, 0, len(past)+len(fresh)+1)
	for i, ev := range past {
		if dropped(past, i, from, failed) {
			continue
		}
		if b, ok := ev.Body.(*history.GenericEvent); ok && strings.HasPrefix(b.Data.S, engine.SeedPrefix) {
			continue
		}
		kept = append(kept, ev)
	}
	if parent := newParent(fresh); parent.Set {
		reparent(kept, parent)
	}
	kept = append(kept, fresh...)
	return append(kept, &history.Event{ID: -1, Time: fresh[0].Time, Body: &history.GenericEvent{
		Data: history.Some(engine.SeedPrefix + engine.SeedOf(past, m.info.ExecutionID)),
	}})
}

// dropped reports whether a rewind leaves out the event past[i].
func dropped(past []*history.Event, i, from int, failed map[int32]bool) bool {
	switch b := past[i].Body.(type) {
	case *history.TaskScheduled, *history.TimerCreated:
		return failed[past[i].ID]
	case *history.TimerFired:
		return failed[b.TimerID]
	case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.EntityOperationFailed:
		return i >= from
	case *history.ExecutionCompleted:
		return true
	case *history.EntityUnlockSent:
		return atEnd(past[i:])
	}
	return false
}

// failedTasks returns the ids of activities that failed at or after the event
// with the index from, and of the timers before their further attempts, which
// the engine has marked with the retry.
func failedTasks(past []*history.Event, from int) map[int32]bool {
	failed := make(map[int32]bool)
	for _, ev := range past[from:] {
		switch b := ev.Body.(type) {
		case *history.TaskFailed:
			failed[b.TaskScheduledID] = true
		case *history.TimerCreated:
			if ev.Meta != nil && len(ev.Meta.Options) > 0 {
				failed[ev.ID] = true
			}
		}
	}
	return failed
}

// atEnd reports whether the events are the releases of an execution that ends.
func atEnd(events []*history.Event) bool {
	for _, ev := range events {
		switch ev.Body.(type) {
		case *history.EntityUnlockSent:
		case *history.ExecutionCompleted:
			return true
		default:
			return false
		}
	}
	return false
}

// newParent returns the execution id that a rewound parent has now.
func newParent(fresh []*history.Event) history.Text {
	for _, ev := range fresh {
		if b, ok := ev.Body.(*history.ExecutionRewound); ok {
			return b.ParentExecutionID
		}
	}
	return history.Text{}
}

// reparent replaces the ExecutionStarted of a child by one that names its
// parent's new execution.
func reparent(events []*history.Event, execution history.Text) {
	for i, ev := range events {
		b, ok := ev.Body.(*history.ExecutionStarted)
		if !ok || b.Parent == nil || b.Parent.Instance == nil {
			continue
		}
		started, parent, instance, moved := *b, *b.Parent, *b.Parent.Instance, *ev
		instance.ExecutionID = execution
		parent.Instance = &instance
		started.Parent = &parent
		moved.Body = &started
		events[i] = &moved
		return
	}
}
