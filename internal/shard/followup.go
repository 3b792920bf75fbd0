package shard

import (
	"time"

	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/hub"
)

// Follow-ups: a worker of ours that holds an orchestration warm, and has run the only
// thing that it waits for, carries out the next turn without being given it. What comes
// of that is taken as if the turn had been handed out early. See docs/decisions/0022.

// latestFollowUp is how far the time of a follow-up may lie behind the hub's.
const latestFollowUp = 2 * time.Second

// turnAt is the time that a worker is told with an activity, if it may carry out the
// turn that the outcome causes.
func (l *loop) turnAt(r *running, s *stream) time.Time {
	in := l.instances[r.key.id]
	if !s.worker.Follows || !s.worker.Own || s.worker.Forgets || !clock.Steady(l.clock) || in == nil || in.home() != s || !waitsFor(in, r) {
		return time.Time{}
	}
	return l.now(in)
}

// waitsFor reports whether an orchestration waits for an activity and nothing else, and
// nothing is in its way.
func waitsFor(in *instance, r *running) bool {
	o := in.orch
	return o != nil && in.rec != nil && o.Execution == r.key.execution && len(o.Tasks()) == 1 && o.Tasks()[r.key.task] != nil &&
		in.turning == nil && in.parked == "" && in.away == 0 && len(in.writes) == 0
}

// followUp takes in a turn that a stream's worker has carried out on the outcome of a
// delivery, which was taken in just now.
func (l *loop) followUp(t token, turn *hub.FollowUp, s *stream) {
	in := l.instances[t.key.id]
	if in == nil || s == nil || !l.followsUp(in, t, turn, s) {
		return
	}
	j := l.judge(in)
	if len(j.entries) == 0 || len(j.dropped) > 0 { // the outcome has no effect
		j.entries = append(j.entries, j.dropped...)
		l.putBack(in, j)
		return
	}
	j.now, j.messages = turn.At, messagesOf(j.entries)
	j.messages[0].Event.Time = turn.At
	j.fresh = engine.Fresh(j.now, j.messages)
	j.result = turn.Result
	turn.Taken = true
	l.cache.remove(in)
	l.apply(j)
}

// followsUp reports whether a turn is the one that its worker would be given next.
func (l *loop) followsUp(in *instance, t token, turn *hub.FollowUp, s *stream) bool {
	if in.orch == nil || in.rec == nil || in.orch.Execution != t.key.execution || in.unsettled || !in.ready {
		return false
	}
	if fault.Mutant(fault.FollowUpUnchecked) {
		return true
	}
	alone := in.turning == nil && len(in.queue) == 1 && in.queue[0] == in.outcomeBy(t.delivery) && inMemory(in.queue[0]) &&
		in.parked == "" && in.away == 0 && len(in.writes) == 0 && !l.paused(in)
	willing := !l.code.Knows(in.orch.Name) && !l.stopping && l.pressed.IsZero()
	warm := in.home() == s && !s.gone && s.worker.Follows
	return alone && willing && warm && l.mayBe(turn.At, in) && causeOf(&turn.Result) == ""
}

// mayBe reports whether a follow-up may have a time: no later than now, nor earlier than
// what came before.
func (l *loop) mayBe(at time.Time, in *instance) bool {
	now := l.now(in)
	return !at.After(now) && now.Sub(at) < latestFollowUp && !at.Before(in.sum.Updated)
}
