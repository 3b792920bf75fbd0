package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/perdure/perdure/internal/history"
)

// patched returns a history of which the first n events are copied, without the turn at
// their end, with another outcome of a step; or what tells that outcome, if there is none
// among these. Past is not changed.
func (f *Forking) patched(past []*history.Event, n, turn int) (_, answer []*history.Event, err error) {
	p := f.Patch
	if p == nil {
		return past, nil, nil
	}
	if p.Event < 1 || p.Event > len(past) {
		return nil, nil, fmt.Errorf("event %d, whose step is to have another outcome, is not there", p.Event)
	}
	step := past[p.Event-1]
	body := p.outcome(step)
	if body == nil {
		return nil, nil, fmt.Errorf("event %d schedules no activity, run or call of an entity, so that there is no outcome to change", p.Event)
	}
	if p.Event > turn {
		return nil, nil, errors.New("the step whose outcome is to change is scheduled anew after that event: fork from a later one")
	}
	if i := OutcomeOf(past, p.Event-1); i >= 0 && i < n {
		past = slices.Clone(past)
		past[i] = &history.Event{ID: -1, Time: past[i].Time, Body: body}
		return past, nil, nil
	}
	return past, []*history.Event{{ID: -1, Time: step.Time, Body: body}}, nil
}

// outcome is what tells the outcome, nil if the event schedules nothing that has one.
func (p *Patch) outcome(step *history.Event) history.Body {
	failed := p.Failure != nil
	switch b := step.Body.(type) {
	case *history.TaskScheduled:
		if failed {
			return &history.TaskFailed{TaskScheduledID: step.ID, Failure: p.Failure}
		}
		return &history.TaskCompleted{TaskScheduledID: step.ID, Result: p.Result}
	case *history.SubOrchestrationInstanceCreated:
		if failed {
			return &history.SubOrchestrationInstanceFailed{TaskScheduledID: step.ID, Failure: p.Failure}
		}
		return &history.SubOrchestrationInstanceCompleted{TaskScheduledID: step.ID, Result: p.Result}
	case *history.EntityOperationCalled:
		if failed {
			return &history.EntityOperationFailed{RequestID: b.RequestID, Failure: p.Failure}
		}
		return &history.EntityOperationCompleted{RequestID: b.RequestID, Output: p.Result}
	}
	return nil
}

// OutcomeOf returns the index of the event that tells the outcome of the step which the
// event with an index has scheduled, -1 if there is none.
func OutcomeOf(past []*history.Event, step int) int {
	id, request := past[step].ID, ""
	called, entity := past[step].Body.(*history.EntityOperationCalled)
	if entity {
		request = called.RequestID
	}
	child := is[*history.SubOrchestrationInstanceCreated](past[step])
	for i, e := range past[step+1:] {
		ends := false
		switch b := e.Body.(type) {
		case *history.TaskCompleted:
			ends = !child && !entity && b.TaskScheduledID == id
		case *history.TaskFailed:
			ends = !child && !entity && b.TaskScheduledID == id
		case *history.SubOrchestrationInstanceCompleted:
			ends = child && b.TaskScheduledID == id
		case *history.SubOrchestrationInstanceFailed:
			ends = child && b.TaskScheduledID == id
		case *history.EntityOperationCompleted:
			ends = entity && b.RequestID == request
		case *history.EntityOperationFailed:
			ends = entity && b.RequestID == request
		}
		if ends {
			return step + 1 + i
		}
	}
	return -1
}
