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
