package replay

import (
	"strings"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// rewind answers an ExecutionRewound: the history without what failed and
// without the end. It adds the seed of ids, since the engine gives the execution
// a new id.
func rewind(past, fresh []*history.Event, executionID string) engine.TurnResult {
	failed := failedTasks(past)
	seed := executionID
	kept := make([]*history.Event, 0, len(past)+len(fresh)+1)
	for i, ev := range past {
		switch b := ev.Body.(type) {
		case *history.TaskScheduled, *history.TimerCreated:
			if failed[ev.ID] {
				continue
			}
		case *history.TimerFired:
			if failed[b.TimerID] {
				continue
			}
		case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.ExecutionCompleted:
			continue
		case *history.EntityUnlockSent:
			if atEnd(past[i:]) {
				continue
			}
		case *history.GenericEvent:
			if s, ok := strings.CutPrefix(b.Data.S, seedPrefix); ok {
				seed = s
				continue
			}
		}
		kept = append(kept, ev)
	}
	if parent := newParent(fresh); parent.Set && len(kept) > 0 {
		reparent(kept, parent)
	}
	kept = append(kept, fresh...)
	at := fresh[0].Time
	kept = append(kept, &history.Event{ID: -1, Time: at, Body: &history.GenericEvent{
		Data: history.Some(seedPrefix + seed),
	}})
	return engine.TurnResult{Actions: []engine.Action{{ID: -1, Do: &engine.Rewind{NewHistory: kept}}}}
}

// failedTasks returns the ids of activities that failed and of the timers before
// their further attempts, which the engine has marked with the retry.
func failedTasks(past []*history.Event) map[int32]bool {
	failed := make(map[int32]bool)
	for _, ev := range past {
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
