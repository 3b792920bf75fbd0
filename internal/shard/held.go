package shard

import (
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Activities outlive the move of their shard. Who gives it up goes on with those that
// run in its process, and hands their outcomes on; workers go on with theirs. Who takes
// it over asks all nodes which activities they still have, and lets these be completed
// by their tokens instead of running them again; it asks again now and then, and runs
// what nobody has any more.

const (
	// askTime bounds how long a takeover waits for what other nodes say of activities.
	askTime = 2 * time.Second
	// askAgain is the time between two questions whether activities are still held.
	askAgain = time.Second
)

// HoldsItems returns the activities of the shards that run in this process, or are at
// workers connected to this Owner, also those of shards that it has given up. An error
// says that it cannot tell now: what it does not name then must not count as free.
func (o *Owner) HoldsItems(ctx context.Context, shards []store.Shard) ([]hub.Held, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	v, err := o.call(ctx, "", func(l *loop, c *call) { c.end(l.holdsItems(shards), nil) })
	if err == nil {
		return v.([]hub.Held), nil
	}
	select {
	case <-o.done: // the loop has ended, and what it had with it
		return nil, nil
	default:
		return nil, named(err, "tell what runs", "")
	}
}

func (l *loop) holdsItems(shards []store.Shard) []hub.Held {
	wanted := setOf(shards)
	list := l.movedOf(&wanted)
	for k, r := range l.activities.open {
		switch {
		case !wanted[store.ShardOf(k.id)] || r.outside:
		case r.item == nil && r.cancel != nil:
			list = append(list, hub.Held{Token: l.passport(r), Node: l.node})
		case r.item != nil && r.item.out():
			list = append(list, hub.Held{Token: l.sealed(r.item.token()), Worker: r.item.lease.stream.worker.ID, Node: l.node})
		}
	}
	return list
}

// movedOf returns the activities of the shards that have outlived a move.
func (l *loop) movedOf(wanted *[store.Shards]bool) (list []hub.Held) {
	for token, r := range l.moved {
		if wanted[store.ShardOf(r.key.id)] {
			list = append(list, hub.Held{Token: token, Node: l.node})
		}
	}
	for _, le := range l.workers.leases {
		if le.left.Token != "" && wanted[le.leftShard] {
			list = append(list, le.left)
		}
	}
	return list
}

func setOf(shards []store.Shard) (set [store.Shards]bool) {
	for _, s := range shards {
		set[s] = true
	}
	return set
}

// passport is the token by which an activity of this process is known elsewhere.
func (l *loop) passport(r *running) string {
	return l.sealed(token{key: r.key, delivery: r.delivery, at: r.task.At})
}

// dropActivities forgets the activities of shards that were lost. What runs goes on.
func (l *loop) dropActivities(gone *[store.Shards]bool) {
	for k, r := range l.activities.open {
		s := store.ShardOf(k.id)
		if !gone[s] {
			continue
		}
		delete(l.adopted, r)
		if r.item == nil && r.cancel != nil && !r.outside {
			r.moved.Store(true)
			l.moved[l.passport(r)] = r
		}
		var le *lease
		var left hub.Held
		if r.item != nil && r.item.out() {
			le = r.item.lease
			left = hub.Held{Token: l.sealed(r.item.token()), Worker: le.stream.worker.ID, Node: l.node}
		}
		l.activities.end(l, r)
		if le != nil && l.workers.leases[le.delivery] == le { // its worker has it
			le.left, le.leftShard = left, s
		}
	}
}

// movedEnded takes in the end of an activity that has outlived the move of its shard.
func (l *loop) movedEnded(end *activityEnd) {
	r := end.run
	switch {
	case end.lost, l.stopping && end.failure != nil && context.Cause(r.ctx) == errStopping:
		delete(l.moved, l.passport(r)) // it is run again
	case end.pending:
		l.pass(r, &hub.ActivityDone{Pending: true})
	default:
		l.pass(r, &hub.ActivityDone{Result: end.result, Failure: end.failure})
	}
}

// pass hands the outcome of an activity to whoever holds its shard now. Until that has
// it, the activity counts as held here.
func (l *loop) pass(r *running, done *hub.ActivityDone) {
	done.Token = l.passport(r)
	if l.shared.Done == nil {
		delete(l.moved, done.Token)
		return
	}
	l.moved[done.Token] = r
	l.passing++
	l.helpers.Go(func() {
		err := passUntil(l.helping, l.shared.Done, done)
		_ = l.mail.add(item{do: func(l *loop) {
			l.passing--
			delete(l.moved, done.Token)
			if err != nil {
				l.logger.Warn("the outcome of an activity was not taken", "instance", r.key.id, "activity", r.task.Name, "cause", err)
			}
		}})
	})
}

// passUntil hands an outcome on until somebody has taken or refused it, or ctx ends.
func passUntil(ctx context.Context, hand func(context.Context, *hub.ActivityDone) error, done *hub.ActivityDone) error {
	for {
		err := hand(ctx, done)
		switch perdure.CodeOf(err) {
		case perdure.Unavailable, perdure.DeadlineExceeded, perdure.Canceled:
		default:
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return err
		}
	}
}

// beatElsewhere tells whoever holds the shard now that an activity is alive. It is
// called on the activity's goroutine.
func (l *loop) beatElsewhere(r *running, progress []byte) error {
	if l.shared.Beat == nil {
		return nil
	}
	text := history.Text{}
	if progress != nil {
		text = history.Some(string(progress))
	}
	return l.shared.Beat(r.ctx, l.passport(r), text)
}

// heldItem is an activity that somebody still has.
type heldItem struct {
	token token
	node  string
}

// askHeld has a takeover know which activities of its shards somebody still has.
func (l *loop) askHeld(t *takeover) {
	if l.shared == nil {
		return
	}
	t.known = false
	l.askUntil(t, time.Now().Add(l.shared.Lease))
}

// askUntil asks until all have answered, or some have not by the deadline: a node that
// is dead is none of the members before.
func (l *loop) askUntil(t *takeover, deadline time.Time) {
	if t.ended {
		return // its shards were lost since
	}
	l.askNodes(t.shards, func(l *loop, held map[activityKey]heldItem, err error) {
		if err != nil && time.Now().Before(deadline) {
			m := l.mail
			time.AfterFunc(retryPause, func() { _ = m.add(item{do: func(l *loop) { l.askUntil(t, deadline) }}) })
			return
		}
		if err != nil {
			l.logger.Warn("nodes have not said which activities they have; what they may have is run again", "cause", err)
		}
		t.held, t.known = held, true
		waiting := t.waiting
		t.waiting, t.resuming = nil, len(waiting)
		for _, id := range waiting {
			l.resumeLater(id, t)
		}
		after := t.after
		t.after = nil
		for _, f := range after {
			f()
		}
		l.tookOver(t)
	})
}

// askNodes asks all nodes which activities of the shards they have, and has the loop go on
// with the answer.
func (l *loop) askNodes(shards []store.Shard, then func(*loop, map[activityKey]heldItem, error)) {
	wanted := setOf(shards)
	own := l.movedOf(&wanted)
	if l.shared.Held == nil {
		then(l, l.readHeld(own), nil)
		return
	}
	shards = slices.Clone(shards)
	l.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(l.helping, askTime)
		defer cancel()
		list, err := l.shared.Held(ctx, shards)
		_ = l.mail.add(item{do: func(l *loop) { then(l, l.readHeld(append(own, list...)), err) }})
	})
}

// readHeld reads tokens; of several of one activity the newest counts.
func (l *loop) readHeld(list []hub.Held) map[activityKey]heldItem {
	held := make(map[activityKey]heldItem, len(list))
	for _, h := range list {
		t, err := activityOf(h.Token, markOf(l.store.Identity()))
		if err != nil {
			continue
		}
		if old, ok := held[t.key]; ok && !old.token.delivery.before(t.delivery) {
			continue
		}
		held[t.key] = heldItem{t, h.Node}
	}
	return held
}

func (d delivery) before(other delivery) bool {
	return d.epoch < other.epoch || d.epoch == other.epoch && d.count < other.count
}

// resumeLater resumes an instance that was loaded before it was known which of its
// activities somebody still has, once it has settled. The takeover is not over before.
func (l *loop) resumeLater(id string, t *takeover) {
	if l.takes(t, store.ShardOf(id)) { // else the shard was lost since
		in, err := l.find(id)
		switch {
		case err != nil:
			l.broke(err)
		case in.unsettled:
			in.after = append(in.after, func() { l.resumeLater(id, t) })
			return
		default:
			l.resumeKnown(in, t)
		}
	}
	t.resuming--
	l.tookOver(t)
}

// resumeKnown resumes an instance that has settled, now that it is known who has its
// activities.
func (l *loop) resumeKnown(in *instance, t *takeover) {
	if err := l.fetch(in); err != nil { // outcomes may wait in its inbox
		l.broke(err)
		return
	}
	if l.resume(in, t); !in.unsettled {
		l.afterTurn(in)
	}
}

// onceKnown reports whether it is not known yet whether somebody has an activity, which
// is not open here: then it has f called once it is, nil = nothing.
func (l *loop) onceKnown(k activityKey, f func()) bool {
	h := l.held[store.ShardOf(k.id)]
	if h == nil || h.take == nil || h.take.known || l.activities.open[k] != nil {
		return false
	}
	if f != nil {
		h.take.after = append(h.take.after, f)
	}
	return true
}

// adoptHeld lets an activity that somebody still has be completed by its token.
func (l *loop) adoptHeld(k activityKey, task *engine.Task, h heldItem) bool {
	if h.token.at != task.At || fault.Mutant(fault.HeldItemRerun) {
		return false
	}
	l.activities.outside(l, k, task, h.token.delivery, l.clock.Now())
	l.adopted[l.activities.open[k]] = h.node
	if !l.asking {
		l.asking = true
		l.askLater()
	}
	return true
}

// askLater asks after a while whether the activities that were adopted are still held.
func (l *loop) askLater() {
	m := l.mail
	time.AfterFunc(askAgain, func() { _ = m.add(item{do: (*loop).askAgain}) })
}

func (l *loop) askAgain() {
	asked := make(map[*running]string, len(l.adopted))
	var shards []store.Shard
	for r, node := range l.adopted {
		if r.ended {
			delete(l.adopted, r)
			continue
		}
		asked[r] = node
		if s := store.ShardOf(r.key.id); !slices.Contains(shards, s) {
			shards = append(shards, s)
		}
	}
	if len(asked) == 0 {
		l.asking = false
		return
	}
	l.askNodes(shards, func(l *loop, held map[activityKey]heldItem, err error) {
		for r, node := range asked {
			if h, ok := held[r.key]; ok && h.token.delivery == r.delivery {
				continue
			}
			if _, still := l.adopted[r]; !still || r.ended || err != nil && l.lives(node) {
				continue
			}
			l.runAgain(r)
		}
		l.askLater()
	})
}

// lives reports whether a node does, as far as is known.
func (l *loop) lives(node string) bool {
	l.view.mu.Lock()
	defer l.view.mu.Unlock()
	return slices.ContainsFunc(l.view.nodes, func(n store.Node) bool { return n.Name == node })
}

// runAgain runs an activity that nobody has any more.
func (l *loop) runAgain(r *running) {
	delete(l.adopted, r)
	l.activities.end(l, r)
	in, err := l.find(r.key.id)
	if err != nil {
		l.broke(err)
		return
	}
	if in.orch != nil && in.orch.Execution == r.key.execution && in.orch.Tasks()[r.key.task] != nil {
		l.activities.dispatch(l, in, r.key.execution, r.task)
	}
	l.afterTurn(in)
}
