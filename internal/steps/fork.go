package steps

import (
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// Fork tells what becomes of each of the steps, which are those of all events, in a fork
// from the n-th event, from 1, or from after the last one. As for a rewind it is taken for
// granted that code makes the same turn of the same messages.
func (r *Run) Fork(events []*history.Event, n int) []Fate {
	for i, e := range events {
		if _, ends := e.Body.(*history.ExecutionCompleted); ends {
			n = min(n, i+1)
		}
	}
	turn, same, begins := 0, true, len(events)
	if n <= len(events) {
		begins = engine.TurnOf(events, n-1)
		for _, e := range events[:begins+1] {
			if isBegin(e) {
				turn++
			}
		}
		same = !losesMessages(events[max(n-1, begins+1):])
	} else {
		turn = len(events) + 1 // all turns are copied
	}
	fates := make([]Fate, len(r.Steps))
	for i := range r.Steps {
		s := &r.Steps[i]
		if fates[i] = s.fate(n, turn, same); s.Kind == Child && s.Turn < turn && s.EndN >= n {
			fates[i] = Again // as a run of its own
		}
		if s.Closed > 0 && s.Closed <= begins { // it stays cancelled
			fates[i] = Reused
		}
	}
	return fates
}

// ForkPoint returns the number of the event from which a fork is made if none is given:
// the outcome of the step that the event with a number has scheduled, 0 = of the first that
// has failed; or the end.
func ForkPoint(events []*history.Event, step int) int {
	if step > 0 {
		if i := engine.OutcomeOf(events, step-1); i >= 0 {
			return i + 1
		}
		return len(events) + 1
	}
	at := len(events) + 1
	for _, s := range Of(events).Steps {
		if s.Status == Failed && s.EndN > 0 {
			at = min(at, s.EndN)
		}
	}
	for i, e := range events {
		if _, ends := e.Body.(*history.ExecutionCompleted); ends {
			at = min(at, i+1)
		}
	}
	return at
}
