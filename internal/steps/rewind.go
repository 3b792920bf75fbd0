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
		if c := r.Steps[i].Closed; c > 0 && c <= begins { // it stays cancelled
			fates[i] = Reused
		}
	}
	return fates
}

// Doubt is what only the code can tell of a rewind to before the failure.
type Doubt struct {
	// Handled are the places of steps that have failed before the last turn, with which
	// the code may have dealt: whether they run again. They do if it fits a history that
	// has not got these failures; else they stay failed.
	Handled []int
	// Turn says that the last turn, which was told of failures, did more than fail: whether
	// what has failed runs again. It does if the code fits a history without the failures;
	// else the last turn is made anew, with them.
	Turn bool
}

// Exact reports whether there is no doubt.
func (d *Doubt) Exact() bool { return len(d.Handled) == 0 && !d.Turn }

// BeforeFailure tells what a rewind to before the failure does to each of the steps, which
// are those of all events: what has failed runs again, or if nothing has, the last turn is
// made anew. Kept is how many events that leaves before what is made anew. Where there is
// doubt, what has failed is told to run again. That code makes the same turn of the same
// messages is taken for granted.
func (r *Run) BeforeFailure(events []*history.Event) (fates []Fate, kept int, doubt *Doubt) {
	last := engine.TurnOf(events, len(events)-1)
	failed, failedLast, first, retried := 0, false, len(events), false
	doubt = &Doubt{}
	for i := range r.Steps {
		s := &r.Steps[i]
		retried = retried || len(s.Attempts) > 0 || s.Status == Retrying
		if s.Status == Failed {
			failed++
			first = min(first, s.EndN-1)
			if s.EndN > last {
				failedLast = true
			} else {
				doubt.Handled = append(doubt.Handled, i)
			}
		}
	}
	if !retried && onlyFails(events[first:]) { // the code is where it was before the first failure
		doubt.Handled = nil
	}
	doubt.Turn = failedLast && !onlyFails(events[last+1:])
	remade, kept := r.Turns+1, len(events) // no turn
	if failed == 0 {
		remade, kept = r.Turns, last
	}
	fates = make([]Fate, len(r.Steps))
	for i := range r.Steps {
		s := &r.Steps[i]
		switch fates[i] = s.fate(len(events)+1, remade, true); {
		case s.Status == Failed:
			fates[i] = Again
		case s.Closed > 0 && s.Closed <= last:
			fates[i] = Reused
		}
	}
	return fates, kept, doubt
}

// onlyFails reports whether what was told of failures in these events did nothing but end
// with them, so that the code is where it was before if it is not told of them.
func onlyFails(events []*history.Event) bool {
	failed := false
	for _, e := range events {
		switch e.Body.(type) {
		case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.EntityOperationFailed:
			failed = true
		case *history.OrchestratorStarted, *history.ExecutionCompleted, *history.EntityUnlockSent:
		case *history.TimerCreated:
			if engine.RetryOf(e) == nil { // which is given up with the failure before it
				return false
			}
		default:
			if failed || !engine.IsMessage(e) {
				return false
			}
		}
	}
	return true
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
