package shard

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/store"
)

// hubRow is the owner of the rows that belong to the hub itself.
const hubRow = "~hub"

// takeoverPage is how much of the inbox or of the list one step of a takeover reads:
// less if others are served meanwhile who have nothing to do with it.
func (l *loop) takeoverPage() int {
	if l.shared != nil {
		return 100
	}
	return 1000
}

// takeover is how far the reading of what was left behind has come.
type takeover struct {
	shards  []store.Shard
	inboxes []store.Shard // of these shards are still to be read
	cursor  []byte
	list    bool // the inboxes are read; now come the instances with work
	done    bool // these too
	// resumed are the instances whose activities run again: once, however often
	// an instance is loaded meanwhile.
	resumed map[string]bool

	ended    bool
	known    bool // whether somebody still has activities
	held     map[activityKey]heldItem
	waiting  []string // instances, to be resumed once that is known
	resuming int      // how many of them are to be resumed once they have settled
	after    []func() // what waits for that
}

// begun records that the hub runs, and finds out how it ended the last time.
func (l *loop) begun() error {
	rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: rowHub, Owner: hubRow, Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) > 0 && string(rows[0].Value) == "runs" {
		for i := range l.leases {
			l.leases[i].Orphaned = true
		}
	}
	if err = l.markHub("runs"); errors.Is(err, store.ErrNoSpace) {
		l.logger.Error("the store's disk is nearly full", "cause", err)
		return nil
	}
	return err
}

// markHub writes how the hub is, and waits until that is durable.
func (l *loop) markHub(state string) error {
	receipt, err := l.store.Submit(l.io, &store.Group{Epochs: l.leases, Commits: []*store.Commit{{
		ID: hubRow, Shard: store.ShardOf(hubRow),
		Rows: []store.Row{{Kind: rowHub, Owner: hubRow, Value: []byte(state)}},
	}}})
	if err != nil {
		return err
	}
	refused, err := receipt.Wait(l.ctx)
	if err == nil && len(refused) > 0 {
		err = refused[0].Err
	}
	return err
}

// takeOver does one step of reading what the last owner has left: messages that
// wait, then instances with work. It goes on by mail, so that others are served
// meanwhile.
func (l *loop) takeOver(t *takeover) {
	t.shards = slices.DeleteFunc(t.shards, func(s store.Shard) bool { return !l.takes(t, s) })
	var err error
	switch {
	case len(t.shards) == 0:
		t.done, t.known = true, true
	case !t.list:
		err = l.takeInboxes(t)
	default:
		err = l.takeWork(t)
	}
	switch {
	case err != nil:
		l.broke(fmt.Errorf("taking over: %w", err))
	case t.done:
		l.tookOver(t)
	default:
		l.mail.add(item{more: t})
	}
}

// tookOver ends a takeover that has read all, knows all and has resumed all.
func (l *loop) tookOver(t *takeover) {
	if !t.done || !t.known || t.resuming > 0 || t.ended {
		return
	}
	t.ended = true
	l.taking--
	for _, s := range t.shards {
		if l.takes(t, s) {
			l.held[s].take = nil
		}
	}
}

// takes reports whether a takeover is still that of a shard, which may have been lost.
func (l *loop) takes(t *takeover, s store.Shard) bool {
	return l.held[s] != nil && l.held[s].take == t
}

func (l *loop) takeInboxes(t *takeover) error {
	for left := l.takeoverPage(); left > 0; {
		if len(t.inboxes) == 0 {
			t.list = true
			return nil
		}
		s := t.inboxes[0]
		if !l.takes(t, s) || l.held[s].leaving { // another node takes it over
			t.inboxes, t.cursor = t.inboxes[1:], nil
			continue
		}
		messages, next, err := l.store.Messages(l.io, s, t.cursor, left)
		if err != nil {
			return err
		}
		for _, m := range messages {
			in, err := l.find(m.Target) // reads its inbox
			if err != nil {
				return err
			}
			l.makeReady(in)
		}
		left -= len(messages) + 1
		if t.cursor = next; next == nil {
			t.inboxes = t.inboxes[1:]
		}
	}
	return nil
}

func (l *loop) takeWork(t *takeover) error {
	q := store.Query{WorkOnly: true, Order: store.CreatedAsc, After: t.cursor, Limit: l.takeoverPage()}
	if l.shared != nil {
		q.Shards = t.shards
	}
	page, err := l.store.List(l.io, q)
	if err != nil {
		return err
	}
	for _, rec := range page.Records {
		if l.refuses(rec.ID) != nil { // another node takes its shard over
			continue
		}
		in, err := l.find(rec.ID)
		if err != nil {
			return err
		}
		if !in.unsettled {
			l.afterTurn(in)
		}
	}
	t.cursor, t.done = page.Next, page.Next == nil
	return nil
}

// resume lets the activities of an instance that was left behind run again. If
// they may have been lost in a crash, that is counted before.
func (l *loop) resume(in *instance, t *takeover) {
	if in.orch == nil || in.orch.Status.Terminal() {
		return
	}
	var open []*engine.Task
	for _, task := range in.orch.Tasks() {
		if task.Kind != engine.ActivityTask {
			continue
		}
		k := activityKey{in.id, in.orch.Execution, task.ID}
		if l.activities.open[k] != nil {
			continue // scheduled, or resumed, since
		}
		row, err := l.pendingRow(k)
		if err != nil {
			l.broke(err)
			return
		}
		if ended := func(e *entry) bool { return resolves(e, in.orch.Execution, task.ID) }; slices.ContainsFunc(in.waitingEntries(), ended) {
			continue // its outcome waits in the inbox
		}
		if h, ok := t.held[k]; ok && l.adoptHeld(k, task, h) {
			continue
		}
		if row.delivery != (delivery{}) && !row.done {
			l.activities.adopt(l, k, task, row)
			continue
		}
		if in.sum.Losses[task.ID] <= l.limits.Losses {
			open = append(open, task)
		}
	}
	if len(open) == 0 {
		return
	}
	here := open[:0:0] // what runs in this process; workers outside of it have outlived the crash
	for _, task := range open {
		if l.held[in.shard].crashed && l.code.KnowsActivity(task.Name) {
			here = append(here, task)
		} else {
			l.activities.dispatch(l, in, in.orch.Execution, task)
		}
	}
	if len(here) > 0 {
		l.countLosses(in, here)
	}
}

// countLosses records that activities were lost, then lets them run again, but
// for those that were lost too often. The first two losses blame whatever was
// open; from then on an activity runs alone, behind a recorded start, so that
// only the culprit is blamed.
func (l *loop) countLosses(in *instance, open []*engine.Task) {
	if in.sum.Losses == nil {
		in.sum.Losses = make(map[int32]int32)
	}
	fx := &engine.Effects{Branch: in.orch.Execution}
	for _, task := range open {
		n := in.sum.Losses[task.ID]
		if n < suspectLosses || l.startRecorded(activityKey{in.id, in.orch.Execution, task.ID}) {
			n++
			in.sum.Losses[task.ID] = n
		}
		if n > l.limits.Losses {
			l.stats.Parked.Add(1)
			l.logger.Error("activity parked", "instance", in.id, "activity", task.Name, "losses", n)
			continue
		}
		fx.Activities = append(fx.Activities, task)
	}
	ch := l.newChange(in, fx, nil)
	ch.now, ch.quiet = l.now(in), true
	l.commit(ch)
}

// suspectLosses is the number of losses from which on an activity runs alone.
const suspectLosses = 2

// startRecorded reports whether an activity was running, alone, in the crash.
func (l *loop) startRecorded(k activityKey) bool {
	key := pendingKey(k)
	rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: rowStarted, Owner: k.id, Prefix: key, Limit: 1})
	if err != nil {
		l.broke(err)
	}
	return len(rows) == 1 && string(rows[0].Key) == string(key)
}

// stop begins an orderly end: activities are told, and what they and the
// orchestrations still do until the deadline is written. Real time counts, not
// the hub's.
func (l *loop) stop() {
	l.stopping = true
	l.activities.stop()
	if l.shared != nil {
		l.giveAllBack()
	}
	for s := range l.workers.streams {
		s.end(errHubStops)
	}
	l.storeAll()
	l.deadline = time.Now().Add(l.limits.Drain)
	l.late = time.After(l.limits.Drain)
}

// drained reports whether nothing is left to wait for.
func (l *loop) drained() bool {
	return l.inFlight == 0 && len(l.pending) == 0 && l.activities.active == 0 && (l.shared == nil || l.left && l.passing == 0)
}

// shutDown frees what the loop holds.
func (l *loop) shutDown(err error) {
	l.activities.stop()
	if err == nil && l.shared == nil {
		if err := l.markHub("stopped"); err != nil {
			l.logger.Warn("the end of the hub was not recorded", "cause", err)
		}
	}
	for k := range l.watchers {
		l.endWatches(k)
	}
	l.workers.endWatches()
	for s := range l.workers.streams {
		s.end(l.owner.ended)
	}
	for _, in := range l.instances {
		l.cool(in)
		l.giveUp(in)
	}
	if l.runner != nil {
		close(l.runner.work)
	}
	l.timers.close(l.ctx)
	l.patience.Stop()
	l.early.timer.Stop()
}
