package shard

import (
	"errors"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// flight is a group on its way to the disk.
type flight struct {
	changes []*change
	receipt store.Receipt
	refused []store.Refused
	err     error
}

// flush submits the next group, if there is room for one.
func (l *loop) flush() {
	for len(l.pending) > 0 && l.inFlight < maxInFlight && l.failed == nil && l.pressed.IsZero() {
		n, size := 0, 0
		for n < len(l.pending) && n < maxGroup && size < maxBytes {
			size += l.pending[n].size
			n++
		}
		f := &flight{changes: l.pending[:n:n]}
		g := &store.Group{Commits: make([]*store.Commit, n), Epochs: l.leases}
		for i, ch := range f.changes {
			g.Commits[i] = ch.commit
		}
		err := fault.Hit(fault.CommitBefore, l.node)
		var receipt store.Receipt
		if err == nil {
			receipt, err = l.store.Submit(l.ctx, g)
		}
		if err == nil {
			err = fault.Hit(fault.CommitApplied, l.node)
		}
		if fault.Mutant(fault.AckBeforeSync) {
			for _, ch := range f.changes {
				for _, a := range ch.acks {
					a.call.end(a.value, a.err)
				}
				ch.acks = nil
			}
		}
		switch {
		case errors.Is(err, store.ErrNoSpace):
			l.pressure(err)
			return
		case err != nil:
			l.fail(err)
			return
		}
		f.receipt = receipt
		l.pending = l.pending[n:]
		l.inFlight++
		l.flights <- f
	}
	if len(l.pending) == 0 {
		l.pending = nil
	}
}

// waitFlights waits for groups in their order and hands them back as mail. It
// ends when the channel is closed.
func (l *loop) waitFlights() {
	for f := range l.flights {
		f.refused, f.err = f.receipt.Wait(l.ctx)
		if err := fault.Hit(fault.CommitDurable, l.node); err != nil {
			f.err = err
		}
		l.mail.add(item{group: f})
	}
}

// pressureRetry is how long the loop waits before it asks a full store again.
const pressureRetry = 500 * time.Millisecond

// pressure is what follows when the store has no space: calls get a typed
// error and what they asked for is taken back; what else was to be written
// waits, and is tried again by and by.
func (l *loop) pressure(err error) {
	l.noSpace = &perdure.Error{
		Code: perdure.NoSpace, Message: "the store's disk is nearly full; free some space, then try again", Cause: err,
	}
	if l.pressed.IsZero() {
		l.logger.Error("the store's disk is nearly full: nothing is accepted until there is space", "cause", err)
	}
	l.pressed = l.clock.Now()
	l.timers.push(alarm{due: l.pressed.Add(pressureRetry), timer: &store.Timer{Task: spaceTimer}})
	pending := l.pending
	l.pending = nil
	var stay []*change
	for _, ch := range pending {
		if len(ch.acks) > 0 && !ch.purge {
			l.undo(ch, l.noSpace)
		} else {
			stay = append(stay, ch)
		}
	}
	l.pending = append(stay, l.pending...)
}

// spaceTimer marks the alarm at which a full store is asked again.
const spaceTimer int32 = -3

// askSpace tries to write again what the store had no space for.
func (l *loop) askSpace() {
	l.pressed = time.Time{}
	l.flush()
	if l.pressed.IsZero() {
		l.logger.Info("the store has space again")
		l.noSpace = nil
	}
}

// undo drops a change that was not written.
func (l *loop) undo(ch *change, err error) {
	in := ch.in
	in.unsettled = false
	l.spilled[in.id] = true // what is stored is read again
	refuse(ch.acks, err)
	for _, w := range in.writes {
		refuse(w.acks, err)
	}
	l.postpone(ch)
	queue := in.queue
	in.queue, in.writes = nil, nil
	l.evict(in)
	l.requeue(in.id, append(append(ch.entries, ch.keeps...), queue...))
}

// settle releases the effects of a group that is durable.
func (l *loop) settle(f *flight) {
	l.inFlight--
	if f.err != nil {
		l.fail(f.err)
		for _, ch := range f.changes {
			refuse(ch.acks, unavailable(f.err))
		}
		return
	}
	if err := fault.Hit(fault.EffectsBefore, l.node); err != nil {
		l.fail(err)
		return
	}
	next := 0
	for i, ch := range f.changes {
		if next < len(f.refused) && f.refused[next].Index == i {
			l.refused(ch, f.refused[next].Err)
			next++
			continue
		}
		l.release(ch)
	}
}

// refused takes back a change that failed its check: somebody else has written
// the instance. It is loaded anew.
func (l *loop) refused(ch *change, err error) {
	l.logger.Warn("commit refused", "instance", ch.in.id, "cause", err)
	l.undo(ch, &perdure.Error{Code: perdure.Unavailable, Instance: ch.in.id, Message: "somebody else has changed it; try again", Cause: err})
}

func unavailable(err error) error {
	return &perdure.Error{Code: perdure.Unavailable, Message: "the hub has stopped; whether it happened is not known", Cause: err}
}

// release lets happen what follows from a durable change.
func (l *loop) release(ch *change) {
	in, fx := ch.in, ch.fx
	in.unsettled = false
	for _, a := range fx.Replies {
		l.answer(a)
	}
	for _, a := range ch.acks {
		a.call.end(a.value, a.err)
	}
	for _, e := range ch.entries {
		delete(in.known, e.m.ID)
	}
	for _, e := range ch.keeps {
		e.stored = false
	}
	l.tell(ch)
	if fx.Ended || ch.purge {
		l.endAsks(in.id)
	}
	if fx.OldBranch != "" || fx.Ended {
		l.activities.dropInstance(l, in.id)
	}
	for _, task := range fx.Abandoned {
		l.activities.abandon(l, in.id, fx.Branch, task)
	}
	for _, t := range fx.Activities {
		l.activities.dispatch(l, in, fx.Branch, t)
	}
	for _, t := range ch.commit.Timers {
		if t.Delete {
			l.timers.remove(t.Timer)
		}
	}
	for _, t := range fx.Timers {
		l.timers.add(l.storeTimer(in, fx.Branch, t))
	}
	if ch.startTimer != nil {
		l.timers.add(*ch.startTimer)
	}
	for _, out := range fx.Send {
		l.deliver(out.Target, &entry{m: out.Message})
	}
	l.rowsWritten(ch)
	if ch.purge || ch.gone {
		l.forget(in)
		return
	}
	l.afterTurn(in)
}

// deliver hands a stored message to its target on this node.
func (l *loop) deliver(target string, e *entry) {
	in, err := l.find(target)
	if err == nil {
		err = fault.Hit(fault.InboxAppend, l.node)
	}
	if err != nil {
		l.fail(err)
		return
	}
	if l.spilled[target] && e.m.Stored {
		return
	}
	l.enqueue(in, e)
}

// requeue hands entries to the instance loaded anew.
func (l *loop) requeue(id string, entries []*entry) {
	for _, e := range entries {
		if e.m.Stored && e.stored {
			m := *e.m
			m.Stored, e.stored = false, false
			e.m = &m
		}
		if len(e.acks) == 0 && !e.m.Stored && e.m.Event.Body.Kind() == history.KindExecutionStarted {
			continue // its caller was told that it failed
		}
		if in, err := l.find(id); err == nil {
			l.enqueue(in, e)
		} else {
			l.fail(err)
		}
	}
}

// postpone gives back what a dropped change had taken and only memory holds:
// results of activities, which nobody sends again, and timers.
func (l *loop) postpone(ch *change) {
	for _, list := range [2]*[]*entry{&ch.entries, &ch.keeps} {
		kept := (*list)[:0]
		for _, e := range *list {
			switch e.m.Event.Body.(type) {
			case *history.TaskCompleted, *history.TaskFailed:
				kept = append(kept, e)
			default:
				if e.m.Stored {
					kept = append(kept, e)
				}
			}
		}
		*list = kept
	}
	for _, c := range ch.commit.Timers {
		if c.Delete {
			l.timers.add(c.Timer)
		}
	}
}

// forget drops an instance that is no more.
func (l *loop) forget(in *instance) {
	if len(in.queue) > 0 || len(in.writes) > 0 {
		in.orch, in.ent, in.past = nil, nil, nil
		l.cool(in)
		l.makeReady(in)
		return
	}
	l.activities.dropInstance(l, in.id)
	l.evict(in)
}
