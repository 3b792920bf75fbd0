package shard

import (
	"context"
	"errors"
	"slices"
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
	ctx     context.Context
	begun   time.Time // when it was handed to the store
	took    time.Duration
	refused []store.Refused
	err     error
	struck  error // by a fault
}

// flush submits the next group, if there is room for one. While the store has no
// space only purges go out.
func (l *loop) flush() {
	for len(l.pending) > 0 && l.inFlight < maxInFlight && l.sound() {
		if !l.pressed.IsZero() {
			l.flushPurges()
			return
		}
		n, size := 0, 0
		for n < len(l.pending) && n < maxGroup && size < maxBytes {
			size += l.pending[n].size
			n++
		}
		group, later := l.chained(l.pending[:n:n])
		if len(group) == 0 || !l.submitGroup(group) {
			return
		}
		if l.pending = l.pending[n:]; len(later) > 0 {
			l.pending = append(later, l.pending...)
		}
	}
	if len(l.pending) == 0 {
		l.pending = nil
	}
}

// flushPurges submits the purges among what waits for space: they make some.
func (l *loop) flushPurges() {
	var purges, others []*change
	for _, ch := range l.pending {
		if ch.commit.Purge && len(purges) < maxGroup {
			purges = append(purges, ch)
		} else {
			others = append(others, ch)
		}
	}
	purges, later := l.chained(purges)
	if len(purges) > 0 && l.submitGroup(purges) {
		l.pending = append(later, others...)
	}
}

// submitGroup hands a group to the store, and reports whether it took it.
func (l *loop) submitGroup(changes []*change) bool {
	f := &flight{changes: changes, begun: time.Now()}
	g := &store.Group{Commits: make([]*store.Commit, len(changes)), Epochs: l.leases}
	for i, ch := range changes {
		g.Commits[i] = ch.commit
	}
	if l.shared != nil {
		g.Epochs = l.leasesOf(changes)
	}
	err := fault.Hit(fault.CommitBefore, l.node)
	if err != nil {
		l.fail(err)
		return false
	}
	receipt, err := l.store.Submit(l.io, g)
	if err != nil {
		unchain(changes)
	}
	if struck := fault.Hit(fault.CommitApplied, l.node); struck != nil && err == nil {
		l.fail(struck)
		return false
	}
	if fault.Mutant(fault.AckBeforeSync) {
		for _, ch := range changes {
			for _, a := range ch.acks {
				a.call.end(a.value, a.err)
			}
			ch.acks = nil
		}
	}
	switch {
	case errors.Is(err, store.ErrNoSpace):
		l.pressure(err)
		return false
	case err != nil:
		l.broke(err)
		return false
	}
	f.receipt, f.ctx = receipt, l.io
	l.inFlight++
	l.newcomers = 0
	if l.shared != nil {
		l.flying = append(l.flying, f)
	}
	l.flights <- f
	return true
}

// waitFlights waits for groups in their order and hands them back as mail. It
// ends when the channel is closed.
func (l *loop) waitFlights() {
	for f := range l.flights {
		f.refused, f.err = f.receipt.Wait(f.ctx)
		f.took = time.Since(f.begun)
		f.struck = fault.Hit(fault.CommitDurable, l.node)
		l.mail.add(item{group: f})
	}
}

// pressureRetry is how long the loop waits before it asks a full store again.
const pressureRetry = 500 * time.Millisecond

// pressure is what follows when the store has no space: calls get a typed
// error and what they asked for is taken back; what else was to be written
// waits, and is tried again by and by.
func (l *loop) pressure(err error) {
	if l.noSpace == nil {
		l.logger.Error("the store's disk is nearly full: nothing is accepted until there is space", "cause", err)
	}
	l.noSpace = &perdure.Error{
		Code: perdure.NoSpace, Message: "the store's disk is nearly full; free some space, then try again", Cause: err,
	}
	if l.pressed.IsZero() {
		l.pressed = l.clock.Now()
		l.timers.push(alarm{due: l.pressed.Add(pressureRetry), timer: &store.Timer{Task: spaceTimer}})
	}
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
		for s := range l.workers.streams {
			l.refill(s)
		}
	}
}

// undo drops a change that was not written. Its calls are refused, and with them
// the messages that they sent; the instance is loaded anew for what is left.
func (l *loop) undo(ch *change, err error) {
	in := ch.in
	in.unsettled = false
	left := l.leftOf(ch)
	if ch.commit.Expect == 0 && !isEntity(in.id) { // what was for the run that the change was to begin
		left = slices.DeleteFunc(left, func(e *entry) bool {
			if !e.m.Stored {
				refuse(e.acks, err)
			}
			return !e.m.Stored
		})
	}
	writes := ch.writes
	refuse(ch.acks, err)
	for _, w := range in.writes {
		refuse(w.acks, err)
		if len(w.acks) == 0 && !w.touch {
			writes = append(writes, w)
		}
	}
	for _, c := range ch.commit.Timers {
		if c.Delete {
			l.timers.add(c.Timer)
		}
	}
	in.queue, in.writes = nil, nil
	l.spilled[in.id] = slices.ContainsFunc(left, func(e *entry) bool { return e.m.Stored }) // these are read again
	if !l.spilled[in.id] {
		delete(l.spilled, in.id)
	}
	l.evict(in)
	for _, e := range left {
		l.deliver(in.id, e)
	}
	if len(writes) == 0 || !l.sound() {
		return
	}
	if in, err = l.find(in.id); err != nil {
		l.broke(err)
		return
	}
	in.writes = append(in.writes, writes...)
	l.makeReady(in)
}

// leftOf returns the messages of an instance that are left when a change is
// dropped: those that the store has, those that the change was not to take, and
// results of activities, which nobody sends again.
func (l *loop) leftOf(ch *change) (left []*entry) {
	var turning, dropped []*entry
	if j := ch.in.turning; j != nil {
		turning, dropped = j.entries, j.dropped
	}
	seen := make(map[*entry]bool)
	for i, list := range [...][]*entry{ch.entries, ch.dropped, ch.keeps, turning, dropped, ch.in.queue} {
		for _, e := range list {
			if seen[e] {
				continue
			}
			seen[e] = true
			if e.stored {
				m := *e.m
				m.Stored, e.stored = false, false
				e.m = &m
			}
			switch e.m.Event.Body.(type) {
			case *history.TaskCompleted, *history.TaskFailed:
			default:
				if i < 3 && !e.m.Stored {
					continue // refused, or a timer that fires again
				}
			}
			left = append(left, e)
		}
	}
	return left
}

// settle releases the effects of a group that is durable.
func (l *loop) settle(f *flight) {
	l.inFlight--
	if l.shared != nil {
		l.flying = l.flying[1:]
		l.checkLeases()
	}
	if f.struck != nil {
		f.err = f.struck
		l.fail(f.err)
	}
	if f.err != nil {
		l.unknown(f)
		return
	}
	if err := fault.Hit(fault.EffectsBefore, l.node); err != nil {
		l.fail(err)
		return
	}
	l.count(f)
	now, counted := l.clock.Now(), false
	l.pace = f.took / time.Duration(len(f.changes))
	next := 0
	for i, ch := range f.changes {
		if next < len(f.refused) && f.refused[next].Index == i {
			ch.chain.end(false)
			l.refused(ch, f.refused[next].Err)
			next++
			continue
		}
		ch.chain.end(true)
		counted = l.countChange(ch, now) || counted
		if ch.in.lost {
			l.settleLost(ch, nil)
			continue
		}
		l.release(ch)
	}
	if counted { // the books' own commits are not worth a line in them
		l.books.at(now).bucket.Store.Add(f.took)
	}
	if len(l.others) > 0 {
		l.tellOthers()
	}
}

// unknown ends the changes of a group of which it is not known whether they were
// written.
func (l *loop) unknown(f *flight) {
	why := unavailable(f.err)
	if l.shared != nil {
		why = errDropped
	}
	for _, ch := range f.changes {
		l.undone(ch, why)
	}
	l.broke(f.err)
}

// slowStore is how long a group may be on its way before operators hear of it, at most
// once in slowEvery.
const (
	slowStore = time.Second
	slowEvery = 10 * time.Second
)

// count counts a group that is durable.
func (l *loop) count(f *flight) {
	s, now := l.stats, time.Now()
	s.Commits.Add(int64(len(f.changes) - len(f.refused)))
	s.Refused.Add(int64(len(f.refused)))
	s.GroupSize.add(int64(len(f.changes)), 1)
	s.StoreTime.add(int64(f.took), 1)
	for _, ch := range f.changes {
		s.CommitTime.add(int64(now.Sub(ch.asked)), 1)
	}
	if f.took >= slowStore && now.Sub(l.toldSlow) >= slowEvery {
		l.toldSlow = now
		l.logger.Warn("the store is slow", "took", f.took.Round(time.Millisecond), "commits", len(f.changes))
	}
}

// refused takes back a change that failed its check: somebody else has written
// the instance. It is loaded anew.
func (l *loop) refused(ch *change, err error) {
	if ch.in.lost {
		l.settleLost(ch, err)
		return
	}
	if l.shared != nil && errors.Is(err, store.ErrFenced) {
		l.settleLost(ch, err)
		l.lose([]store.Lease{l.held[ch.in.shard].lease})
		return
	}
	l.logger.Warn("commit refused", "instance", ch.in.id, "cause", err)
	l.undo(ch, &perdure.Error{Code: perdure.Unavailable, Instance: ch.in.id, Message: "somebody else has changed it; try again", Cause: err})
}

func unavailable(err error) *perdure.Error {
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
	for _, list := range [2][]*entry{ch.entries, ch.dropped} {
		for _, e := range list {
			delete(in.known, e.m.ID)
		}
	}
	for _, e := range ch.keeps {
		e.stored = false
	}
	l.tell(ch)
	if fx.Ended || ch.purge {
		l.endAsks(in.id)
	}
	if fx.OldBranch != "" || fx.Ended || ch.commit.Replace {
		l.activities.dropInstance(l, in.id)
	}
	for _, task := range fx.Abandoned {
		l.activities.abandon(l, in.id, fx.Branch, task)
	}
	for _, t := range fx.Activities {
		if l.leaving > 0 && l.refuses(in.id) != nil {
			break // whoever takes the shard over runs them
		}
		l.activities.dispatch(l, in, fx.Branch, t)
	}
	for _, t := range ch.commit.Timers {
		if t.Delete {
			l.timers.remove(t.Timer)
		}
	}
	for _, t := range ch.commit.Timers {
		if !t.Delete {
			l.timers.add(t.Timer)
		}
	}
	for _, out := range fx.Send {
		l.deliver(out.Target, &entry{m: out.Message})
	}
	l.rowsWritten(ch)
	for _, w := range ch.writes {
		if w.then != nil {
			w.then()
		}
	}
	if ch.purge || ch.gone {
		l.forget(in)
		return
	}
	l.afterTurn(in)
}

// deliver hands a stored message to its target on this node.
func (l *loop) deliver(target string, e *entry) {
	in, err := l.find(target)
	if err != nil {
		l.elsewhere(target)
		l.broke(err)
		return
	}
	if err := fault.Hit(fault.InboxAppend, l.node); err != nil {
		l.fail(err)
		return
	}
	l.seen.add(e.m.ID)
	if l.spilled[target] && e.m.Stored {
		return
	}
	l.enqueue(in, e)
}

// forget drops an instance that is no more.
func (l *loop) forget(in *instance) {
	if in.turning != nil { // its turn was that of one that is no more
		l.takeBack(in)
	}
	if it := l.workers.items[in.id]; it != nil {
		l.workers.drop(it)
	}
	if err := l.fetch(in); err != nil {
		l.broke(err)
		return
	}
	if len(in.queue) > 0 || len(in.writes) > 0 {
		in.orch, in.ent, in.past = nil, nil, nil
		l.cool(in)
		l.makeReady(in)
		return
	}
	l.activities.dropInstance(l, in.id)
	l.evict(in)
}
