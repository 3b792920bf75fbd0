package shard

import (
	"slices"
	"time"

	"github.com/perdure/perdure/internal/fault"
)

// Early turns: a worker of ours gets a turn while what the turn takes is in memory only,
// and one commit stores that and the outcome. A turn that does not end in time has what
// it takes stored first, as a turn in this process. See docs/decisions/0022.

// earlyTurns are the early turns that are out, in the order in which their time is over.
// Those that have ended since are among them.
type earlyTurns struct {
	list  []*job
	timer *time.Timer // runs if the list is not empty; real time, as for turns in this process
}

func newEarlyTurns() earlyTurns {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return earlyTurns{timer: t}
}

// handEarly hands a turn out before what it takes is stored, and reports whether it did.
func (l *loop) handEarly(in *instance, it *workItem, j *job) bool {
	if it.line != nil || it.paused || l.stopping || !l.pressed.IsZero() || !mayBeEarly(in, j) {
		return false
	}
	s := l.workers.choose(it, in.home())
	if s == nil || !s.worker.Own {
		return false
	}
	it.job = j
	if !l.hand(it, s) || in.turning != j {
		it.job = nil
		return false
	}
	j.early, j.until = true, time.Now().Add(l.limits.TurnTime)
	if l.early.list = append(l.early.list, j); len(l.early.list) == 1 {
		l.early.timer.Reset(l.limits.TurnTime)
	}
	if fault.Mutant(fault.EarlyTurnAcked) {
		for _, e := range j.entries {
			for _, a := range e.acks {
				a.call.end(a.value, a.err)
			}
			e.acks = nil
		}
	}
	return true
}

// mayBeEarly reports whether a turn takes what is not durable, and nothing is in its way
// that must be: what else the instance has, and what becomes of one that it replaces or
// rewinds.
func mayBeEarly(in *instance, j *job) bool {
	return !j.durable() && len(j.dropped) == 0 && !slices.ContainsFunc(in.queue, inMemory) &&
		!slices.ContainsFunc(j.entries, func(e *entry) bool { return e.replace || rewinds(e) })
}

// durable reports whether all that the turn takes is on disk, and so is that its
// instance exists.
func (j *job) durable() bool {
	return j.in.rec != nil && !slices.ContainsFunc(j.entries, func(e *entry) bool { return !e.m.Stored || e.stored })
}

// home is the stream that has completed the instance's last turn, nil = none.
func (in *instance) home() *stream {
	if in.warm == nil {
		return nil
	}
	return in.warm.home
}

// begins reports whether the instance does not exist yet but may soon: its start is in
// its queue, or its first turn is out.
func (in *instance) begins() bool { return in.starting || in.rec == nil && in.turning != nil }

// storeLate has stored what those early turns take whose time is over.
func (l *loop) storeLate() {
	t := &l.early
	now := time.Now()
	for len(t.list) > 0 {
		j := t.list[0]
		if j.early && now.Before(j.until) {
			t.timer.Reset(j.until.Sub(now))
			return
		}
		t.list[0] = nil
		t.list = t.list[1:]
		l.storeNow(j)
	}
	t.list = nil
}

// storeNow has stored what an early turn takes: it will not end soon.
func (l *loop) storeNow(j *job) {
	if j != nil && j.early && !fault.Mutant(fault.EarlyTurnUnstored) {
		j.early = false
		if j.in.turning == j {
			l.makeReady(j.in)
		}
	}
}

// storeAll has stored what all early turns take.
func (l *loop) storeAll() {
	for _, j := range l.early.list {
		l.storeNow(j)
	}
}

// storesFirst reports whether a turn that is to be handed out once more takes what is
// not durable. Then it is offered when that is: only its first delivery may be early.
func (l *loop) storesFirst(it *workItem, home *stream) bool {
	j := it.job
	if j == nil || it.kind != ofTurn || j.durable() || fault.Mutant(fault.EarlyTurnUnstored) {
		return false
	}
	j.in.after = append(j.in.after, func() {
		if it.job == j && !it.out() && it.line == nil && !it.paused {
			l.offer(it, home)
		}
	})
	j.early = false
	l.makeReady(j.in)
	return true
}

// owes reports whether the instance has messages that are to be stored now, since no
// turn that ends soon takes them along.
func (in *instance) owes() bool {
	j := in.turning
	if j != nil && j.early {
		return false
	}
	return slices.ContainsFunc(in.queue[in.stored.in(in.queue):], inMemory) ||
		j != nil && j.item != nil && (in.orch != nil && in.rec == nil || !j.kept && slices.ContainsFunc(j.entries, inMemory))
}

// storeTurn stores what the turn that is out takes, and what has come since.
func (l *loop) storeTurn(in *instance) {
	if j := in.turning; j.item != nil && in.rec == nil && !slices.ContainsFunc(j.entries, inMemory) {
		l.recordStart(in, j.entries[0])
		return
	}
	l.keepEntries(in)
}
