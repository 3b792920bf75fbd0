package shard

import (
	"errors"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// holding is a shard that is held here.
type holding struct {
	lease   store.Lease
	take    *takeover // that is under way; nil = it is through
	crashed bool      // its last holder was lost in the middle of things
	leaving bool      // it is to be given back: nothing begins any more
	chain   chain     // of the audit
}

var (
	// errLease is why a node stops that could not renew its leases in time.
	errLease = errors.New("the leases were not renewed in time")
	// errDropped is told to callers of what was on its way when shards were lost.
	errDropped = &perdure.Error{Code: perdure.Unavailable, Message: "this node has lost the instance; whether it happened is not known"}
)

// refuses returns why a call about an instance cannot be carried out here; nil = it can.
func (l *loop) refuses(id string) error {
	if l.shared == nil {
		return nil
	}
	if s := store.ShardOf(id); l.held[s] == nil || l.held[s].leaving {
		return &ElsewhereError{s}
	}
	return nil
}

// heldShards returns the shards that are held here.
func (l *loop) heldShards() (list []store.Shard) {
	for s, h := range l.held {
		if h != nil {
			list = append(list, store.Shard(s))
		}
	}
	return list
}

// acquired takes shards over that are held from now on.
func (l *loop) acquired(leases []store.Lease) {
	if l.stopping {
		l.keeper.letGo(leases)
		return
	}
	if l.shared != nil && l.io.Err() != nil { // it ended with the leases before
		l.io = l.keeper.calls(l.ctx)
	}
	t := &takeover{resumed: make(map[string]bool), known: true}
	var crashed []store.Lease
	for _, lease := range leases {
		l.held[lease.Shard] = &holding{lease: lease, take: t, crashed: lease.Orphaned}
		t.shards = append(t.shards, lease.Shard)
		if lease.Orphaned {
			crashed = append(crashed, lease)
		}
		if l.shared != nil {
			l.view.holds(lease.Shard, lease.Epoch)
		}
	}
	t.inboxes = slices.Clone(t.shards)
	l.taking++
	l.stats.Leases.Add(int64(len(leases)))
	if len(crashed) > 0 {
		l.stats.Takeovers.Add(int64(len(crashed)))
		l.noteTakeover(crashed)
		l.logger.Warn("shards taken over", "node", l.node, "shards", len(crashed), "cause", "their last holder did not stop in order")
	}
	l.raiseHorizonOf(t.shards)
	l.askHeld(t)
	l.takeOver(t)
}

// lose forgets shards that another node has taken.
func (l *loop) lose(leases []store.Lease) {
	var shards []store.Shard
	for _, lease := range leases {
		if h := l.held[lease.Shard]; h != nil && h.lease.Epoch == lease.Epoch {
			shards = append(shards, lease.Shard)
		}
	}
	if len(shards) == 0 {
		return
	}
	l.stats.LeasesLost.Add(int64(len(shards)))
	l.logger.Warn("shards lost to another node", "node", l.node, "shards", len(shards))
	l.drop(shards)
}

// reset gives up all shards, for what became of their commits is not known, or the time
// of the leases is over. They are released, which decides the fate of the commits, and
// taken over again.
func (l *loop) reset(cause error) {
	l.upset = nil
	var leases []store.Lease
	var shards []store.Shard
	for s, h := range l.held {
		if h != nil {
			leases, shards = append(leases, h.lease), append(shards, store.Shard(s))
		}
	}
	if len(shards) > 0 {
		l.logger.Error("all shards are given up and taken over anew", "node", l.node, "shards", len(shards), "cause", cause)
	}
	l.stats.LeasesLost.Add(int64(len(shards)))
	l.drop(shards)
	l.owner.endCalls()
	l.io = l.keeper.calls(l.ctx)
	l.keeper.letGo(leases)
}

// moveAway gives shards to other nodes, as soon as what is being written has settled.
func (l *loop) moveAway(shards []store.Shard) {
	for _, s := range shards {
		if h := l.held[s]; h != nil && !h.leaving {
			h.leaving = true
			l.leaving++
		}
	}
}

// letSettledGo lets the shards go that are to be given back and have settled.
func (l *loop) letSettledGo() {
	var busy [store.Shards]bool
	for _, ch := range l.pending {
		busy[ch.in.shard] = true
	}
	for _, f := range l.flying {
		for _, ch := range f.changes {
			busy[ch.in.shard] = true
		}
	}
	var leases []store.Lease
	var shards []store.Shard
	for s, h := range l.held {
		if h != nil && h.leaving && (!busy[s] || !l.pressed.IsZero()) {
			leases, shards = append(leases, h.lease), append(shards, store.Shard(s))
		}
	}
	if len(shards) > 0 {
		l.drop(shards)
		l.keeper.letGo(leases)
	}
}

// giveAllBack gives all shards to other nodes, for this one stops. What runs in this
// process has a moment to end, so that it need not be looked after elsewhere, and what was
// counted is written first.
func (l *loop) giveAllBack() {
	l.keeper.close()
	all := make([]store.Shard, store.Shards)
	for s := range all {
		all[s] = store.Shard(s)
	}
	saved := l.saveBooks(func() {
		if l.activities.active == 0 {
			l.moveAway(all)
		}
	})
	if l.activities.active == 0 && !saved {
		l.moveAway(all)
		return
	}
	m := l.mail
	time.AfterFunc(endingTime, func() { _ = m.add(item{do: func(l *loop) { l.moveAway(all) }}) })
}

// endingTime is how long the shards of a node that stops wait for its activities.
const endingTime = 200 * time.Millisecond

// drop takes all that belongs to shards out of memory. Calls that wait for it hear that
// nothing was done, but for those whose commit is on its way.
func (l *loop) drop(shards []store.Shard) {
	var gone [store.Shards]bool
	for _, s := range shards {
		h := l.held[s]
		if h == nil {
			continue
		}
		if h.leaving {
			l.leaving--
		}
		gone[s], l.held[s] = true, nil
		l.view.holds(s, 0)
		l.stats.Leases.Add(-1)
	}
	l.dropPending(&gone)
	l.dropActivities(&gone)
	for _, in := range l.instances {
		if gone[in.shard] {
			l.dropInstance(in)
		}
	}
	for id, it := range l.workers.items { // of those that wait outside of the memory
		if gone[store.ShardOf(id)] {
			l.workers.drop(it)
		}
	}
	for id := range l.spilled {
		if gone[store.ShardOf(id)] {
			delete(l.spilled, id)
		}
	}
	l.timers.drop(&gone)
	l.dropCallers(&gone)
}

// dropPending takes back the changes that were not handed to the store yet.
func (l *loop) dropPending(gone *[store.Shards]bool) {
	l.pending = slices.DeleteFunc(l.pending, func(ch *change) bool {
		if !gone[ch.in.shard] {
			return false
		}
		l.undone(ch, &ElsewhereError{ch.in.shard})
		return true
	})
}

// undone ends what waits for a change that was not written, or of which that is not
// known.
func (l *loop) undone(ch *change, why error) {
	refuse(ch.acks, why)
	ch.acks = nil
	for _, list := range [...][]*entry{ch.entries, ch.dropped, ch.keeps} {
		for _, e := range list {
			l.handOn(e)
		}
	}
}

// dropInstance forgets an instance with all that waits for it.
func (l *loop) dropInstance(in *instance) {
	why := &ElsewhereError{in.shard}
	in.lost = true
	lists := [][]*entry{in.queue, in.void}
	if j := in.turning; j != nil {
		lists = append(lists, j.entries, j.dropped)
		refuse(j.acks, why)
		j.acks = nil
	}
	for _, list := range lists {
		for _, e := range list {
			refuse(e.acks, why)
			e.acks = nil
			l.handOn(e)
		}
	}
	for _, w := range in.writes {
		refuse(w.acks, why)
	}
	in.queue, in.void, in.writes, in.away = nil, nil, nil, 0
	l.evict(in)
}

// dropCallers ends the waits for instances.
func (l *loop) dropCallers(gone *[store.Shards]bool) {
	for id, list := range l.waiters {
		if s := store.ShardOf(id); gone[s] {
			for _, w := range list {
				w.call.end(nil, &ElsewhereError{s})
			}
			delete(l.waiters, id)
		}
	}
	for request, w := range l.asks {
		if gone[store.ShardOf(w.instance)] { // it may have been taken in
			delete(l.asks, request)
			delete(l.asksOf, w.instance)
			for _, c := range w.calls {
				c.end(nil, errDropped)
			}
		}
	}
	for k := range l.watchers {
		if k.owner != "" && gone[store.ShardOf(k.owner)] {
			l.endWatches(k)
		}
	}
}

// settleLost ends a change whose shard was lost while it was on its way. What it says is
// true if it was written; what follows from it is for the next holder to do.
func (l *loop) settleLost(ch *change, refused error) {
	if refused != nil {
		l.undone(ch, &ElsewhereError{ch.in.shard})
		return
	}
	for _, a := range ch.acks {
		a.call.end(a.value, a.err)
	}
	for _, out := range ch.fx.Send {
		l.deliver(out.Target, &entry{m: out.Message})
	}
}

// handOn has the outcome of an activity of this process, which no commit has stored,
// taken in by whoever holds the shard next.
func (l *loop) handOn(e *entry) {
	r := e.run
	if l.shared == nil || r == nil || e.m.Stored && !e.stored {
		return
	}
	e.run = nil
	switch b := e.m.Event.Body.(type) {
	case *history.TaskCompleted:
		l.pass(r, &hub.ActivityDone{Result: b.Result})
	case *history.TaskFailed:
		l.pass(r, &hub.ActivityDone{Failure: b.Failure})
	}
}

// leasesOf returns the leases of the shards that changes touch.
func (l *loop) leasesOf(changes []*change) []store.Lease {
	var touched [store.Shards]bool
	var leases []store.Lease
	for _, ch := range changes {
		if s := ch.in.shard; !touched[s] {
			touched[s] = true
			leases = append(leases, l.held[s].lease)
		}
	}
	return leases
}
