package engine

import (
	"slices"

	"github.com/perdure/perdure/internal/history"
)

// SeedPrefix begins the data of a GenericEvent that holds the seed of ids and chance
// where it is not the execution's id: after a rewind that code has answered, which
// gives the execution a new id and must not change the ids that it made.
const SeedPrefix = "seed:"

// Cut answers a rewind to an event, in place of the code. What came before the turn
// that has the n-th event, from 1, is kept; what that turn was given before the event
// is taken again, so that the code makes the turn anew. All else is given up: what it
// has ended is open again, what it has scheduled is scheduled if the code asks for it.
//
// Past is the whole history of the execution, r the message that asks for the rewind.
// Neither is changed.
func Cut(past []*history.Event, r *history.Event, execution string) *Rewind {
	n := int(min(r.Body.(*history.ExecutionRewound).To, int64(len(past)))) - 1
	turn := TurnOf(past, n)
	seed := SeedOf(past, execution)
	do := &Rewind{}
	for _, e := range past[turn:n] {
		if IsMessage(e) && !is[*history.ExecutionStarted](e) {
			do.Redeliver = append(do.Redeliver, e)
		}
	}
	fork := parting(past[turn:])
	if start := startIn(past[turn:]); start != nil {
		if fork != nil {
			start, seed = orphan(WithFork(start, fork)), ForkSeed(seed, fork.Salt)
		}
		do.Redeliver = append([]*history.Event{withSeed(start, seed)}, do.Redeliver...)
	} else {
		do.NewHistory = append(do.NewHistory, past[:turn]...)
		do.NewHistory = append(do.NewHistory, WithFork(Begin(r.Time), fork), withSeed(r, seed))
	}
	if pausedBy(past[:n]) {
		do.Redeliver = append(do.Redeliver, &history.Event{ID: -1, Time: r.Time, Body: &history.ExecutionResumed{
			Input: history.Some("rewound"),
		}})
	}
	do.tell(r)
	return do
}

// tell has the execution that goes on given the event first that the rewind r tells it,
// if it tells one.
func (do *Rewind) tell(r *history.Event) {
	told := r.Body.(*history.ExecutionRewound).Tell
	if told == nil {
		return
	}
	first := 0
	if len(do.Redeliver) > 0 && is[*history.ExecutionStarted](do.Redeliver[0]) {
		first = 1
	}
	do.Redeliver = slices.Insert(do.Redeliver, first, &history.Event{ID: -1, Time: r.Time, Body: told})
}

// CutFailed answers a rewind to before the failure in place of a worker that knows no
// rewinds, and so must be given a history in which nothing tells of one: the last turn is
// made anew without the failures that it was told of, whose steps run again. Failures before
// it are given up too if the code has done nothing since; else it may have dealt with them.
//
// Past is the whole history of the execution, r the message that asks for the rewind.
// Neither is changed.
func CutFailed(past []*history.Event, r *history.Event, execution string) *Rewind {
	last := TurnOf(past, len(past)-1)
	from := last
	if first := slices.IndexFunc(past, fails); first >= 0 && !slices.ContainsFunc(past[first:], schedules) {
		from = 0
	}
	failed := map[int32]bool{}
	for _, e := range past[from:] {
		if b, ok := e.Body.(*history.TaskFailed); ok {
			failed[b.TaskScheduledID] = true
		}
	}
	seed, fork := SeedOf(past, execution), parting(past[last:])
	do := &Rewind{}
	for _, e := range past[last:] {
		switch {
		case is[*history.ExecutionStarted](e):
			if fork != nil {
				e, seed = orphan(WithFork(e, fork)), ForkSeed(seed, fork.Salt)
			}
			do.Redeliver = append(do.Redeliver, withSeed(e, seed))
		case IsMessage(e) && !fails(e):
			do.Redeliver = append(do.Redeliver, e)
		}
	}
	if last == 0 {
		return do
	}
	for i, e := range past[:last] {
		if i >= from && fails(e) || is[*history.TaskScheduled](e) && failed[e.ID] {
			continue
		}
		do.NewHistory = append(do.NewHistory, e)
	}
	do.NewHistory = append(do.NewHistory, WithFork(Begin(r.Time), fork), withSeed(r, seed))
	return do
}

// fails reports whether an event tells of the failure of a step that a rewind runs again.
func fails(e *history.Event) bool {
	switch e.Body.(type) {
	case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.EntityOperationFailed:
		return true
	}
	return false
}

// schedules reports whether code has made the event.
func schedules(e *history.Event) bool {
	switch e.Body.(type) {
	case *history.OrchestratorStarted, *history.ExecutionCompleted, *history.ExecutionRewound, *history.EntityUnlockSent:
		return false
	}
	return !IsMessage(e)
}

// parting returns the last point at which a fork goes its own way in these events, moved to
// before them, nil if there is none. A rewind to there must not make of it its source.
func parting(events []*history.Event) *history.Fork {
	var last *history.Fork
	for _, e := range events {
		if f, parts := ForkIn(e); parts {
			moved := *f
			if last != nil {
				moved.As = last.As
			}
			last = &moved
		}
	}
	return last
}

// orphan returns a start without a parent.
func orphan(start *history.Event) *history.Event {
	b, c := *start.Body.(*history.ExecutionStarted), *start
	b.Parent = nil
	c.Body = &b
	return &c
}

// TurnOf returns the index of the event that begins the turn with the n-th event, from 0.
func TurnOf(past []*history.Event, n int) int {
	for n > 0 && !is[*history.OrchestratorStarted](past[n]) {
		n--
	}
	return n
}

// startIn returns the event that starts the execution, nil if it is not among these.
func startIn(events []*history.Event) *history.Event {
	for _, e := range events {
		if is[*history.ExecutionStarted](e) {
			return e
		}
	}
	return nil
}

// pausedBy reports whether an execution with this history is suspended.
func pausedBy(events []*history.Event) bool {
	paused := false
	for _, e := range events {
		switch e.Body.(type) {
		case *history.ExecutionSuspended:
			paused = true
		case *history.ExecutionResumed:
			paused = false
		}
	}
	return paused
}

// IsMessage reports whether the event was given to its turn, not made by it.
func IsMessage(e *history.Event) bool {
	switch e.Body.(type) {
	case *history.ExecutionStarted, *history.EventRaised, *history.TaskCompleted, *history.TaskFailed,
		*history.TimerFired, *history.SubOrchestrationInstanceCompleted, *history.SubOrchestrationInstanceFailed,
		*history.EntityOperationCompleted, *history.EntityOperationFailed, *history.EntityLockGranted,
		*history.ExecutionSuspended, *history.ExecutionResumed:
		return true
	}
	return false
}

func is[B history.Body](e *history.Event) bool {
	_, ok := e.Body.(B)
	return ok
}
