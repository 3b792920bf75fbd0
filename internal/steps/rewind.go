package steps

import (
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// Fate is what a rewind does to a step.
type Fate string

// The fates of steps.
const (
	Reused Fate = "reused" // its outcome stays
	Again  Fate = "again"  // it is open again, or the turn that is made anew schedules it
	Later  Fate = "later"  // it is given up, and runs again if the code comes to it
)

// Rewind tells what a rewind to the n-th event, from 1, does to each of the steps, which
// are those of all events. That code makes the same turn of the same messages is taken
// for granted: what it would do if it was changed cannot be told.
func (r *Run) Rewind(events []*history.Event, n int) []Fate {
	n = min(n, len(events))
	begins := engine.TurnOf(events, n-1)
	turn := 0
	for _, e := range events[:begins+1] {
		if isBegin(e) {
			turn++
		}
	}
	same := !losesMessages(events[max(n-1, begins+1):])
	fates := make([]Fate, len(r.Steps))
	for i := range r.Steps {
		fates[i] = r.Steps[i].fate(n, turn, same)
	}
	return fates
}

// losesMessages reports whether a turn whose events from some on are given up was given
// messages among them, other than its start, so that it is not the same when it is made
// anew.
func losesMessages(rest []*history.Event) bool {
	for _, e := range rest {
		if isBegin(e) {
			return false
		}
		if _, start := e.Body.(*history.ExecutionStarted); engine.IsMessage(e) && !start {
			return true
		}
	}
	return false
}

func isBegin(e *history.Event) bool {
	_, ok := e.Body.(*history.OrchestratorStarted)
	return ok
}

// fate is what becomes of a step if the n-th event and those after it are given up, and
// the turn with that number is made anew, of the same messages or not.
func (s *Step) fate(n, turn int, same bool) Fate {
	ended := s.EndN > 0 && s.EndN < n && s.Status != Open && s.Status != Retrying
	switch {
	case s.Kind == Event && ended:
		return Reused
	case s.Kind == Event:
		return Later // when it is raised again
	case s.Turn > turn || s.Turn == turn && !same:
		return Later
	case s.Turn == turn:
		return Again
	case ended || s.Kind == Sent || s.Kind == Signal || s.Kind == Child && s.Status == Completed: // which tells its outcome again
		return Reused
	}
	return Again
}
