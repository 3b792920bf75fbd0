package shard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// disconnect ends a stream: what it has goes to others, under new tokens. What its
// worker had fetched counts as lost with it, if the worker was lost.
func (l *loop) disconnect(s *stream, lost bool) {
	w := l.workers
	if !w.streams[s] || s.gone {
		return
	}
	s.gone = true
	delete(w.streams, s)
	l.stats.Workers.Add(-1)
	if lost {
		l.stats.WorkersLost.Add(1)
		l.noteLost(s)
		l.logger.Warn("worker lost", "worker", s.worker.ID, "items", len(s.leases))
	}
	for k := range kinds {
		w.rank(s, k)
	}
	for _, b := range w.leave(s.class, l.clock.Now()) {
		b.looksAll = true
		l.watchUnserved(b)
	}
	leases := make([]*lease, 0, len(s.leases))
	for _, le := range s.leases {
		leases = append(leases, le)
	}
	slices.SortFunc(leases, func(a, b *lease) int { return cmp.Compare(a.delivery.count, b.delivery.count) })
	for _, le := range leases {
		it := le.item
		w.answered(le)
		if it == nil {
			continue
		}
		it.lease = nil
		if it.run != nil { // its time counts from when it runs again
			it.run.due = time.Time{}
		}
		if lost && le.fetched {
			l.countLoss(it)
		} else {
			l.offer(it, nil)
		}
	}
}

// loseItem takes an item from its stream: whoever did it was lost with it.
func (l *loop) loseItem(le *lease) {
	it, s := le.item, le.stream
	l.workers.answered(le)
	it.lease = nil
	if it.run != nil {
		it.run.due = time.Time{}
	}
	l.countLoss(it)
	l.refill(s)
}

// leave takes a stream from its class, and a class without streams from its buckets. It
// returns those with items that no stream takes any more.
func (w *workers) leave(c *class, now time.Time) (unserved []*bucket) {
	if c.streams--; c.streams > 0 {
		return nil
	}
	delete(w.classes, c.key)
	for _, b := range w.buckets {
		i := slices.Index(b.classes, c)
		if i < 0 {
			continue
		}
		b.classes = slices.Delete(b.classes, i, i+1)
		delete(b.queued, c)
		if len(b.classes) > 0 {
			continue
		}
		if b.lost = now; !b.empty() {
			unserved = append(unserved, b)
		}
	}
	return unserved
}

// turnLoss stands for a turn or a batch in summary.Losses; no task has this number.
const turnLoss int32 = math.MinInt32

// task is the number under which the item's losses are counted.
func (it *workItem) task() int32 {
	if it.run != nil {
		return it.run.key.task
	}
	return turnLoss
}

// countLoss records that an item was lost with its worker, then offers it again, but
// for one that was lost too often. From the second loss on no stream has it together
// with another such item, so that only the culprit is blamed.
func (l *loop) countLoss(it *workItem) {
	in, err := l.find(it.id)
	if err != nil {
		l.broke(err)
		return
	}
	if in.sum == nil {
		l.offer(it, nil)
		return
	}
	if in.sum.Losses == nil {
		in.sum.Losses = make(map[int32]int32)
	}
	n := in.sum.Losses[it.task()] + 1
	in.sum.Losses[it.task()] = n
	it.suspect = n >= suspectLosses
	again := func() {
		if it.lease == nil && it.line == nil && (it.run != nil && !it.run.ended || it.job != nil) {
			l.offer(it, nil)
		}
	}
	if n > l.limits.Losses {
		l.stats.Parked.Add(1)
		l.logger.Error("work item parked", "instance", in.id, "item", it.bucket.key.name, "losses", n)
		again = nil
		if it.run == nil {
			l.takeBack(in)
			in.parked = l.lostTooOften(in)
		}
	}
	l.write(in.id, &rowWrite{touch: true, then: again})
}

// lostTooOften says why an instance's turn or batch is not tried any more; "" = it is.
func (l *loop) lostTooOften(in *instance) string {
	if in.sum == nil || in.sum.Losses[turnLoss] <= l.limits.Losses {
		return ""
	}
	return fmt.Sprintf("its turn was running in %d crashes of its worker and is not tried again; terminate or purge it",
		in.sum.Losses[turnLoss])
}

// Abandoned items are delivered again after a pause that doubles each time.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = time.Minute
)

// giveBack takes an item from its stream, which cannot do it now.
func (l *loop) giveBack(it *workItem) {
	le := it.lease
	it.lease, it.delivery = nil, delivery{}
	it.avoid, it.paused = le.stream, true
	l.storeNow(it.job)
	if it.run != nil {
		it.run.delivery, it.run.due = delivery{}, time.Time{}
	}
	pause := min(firstPause<<min(it.given, 20), maxPause)
	it.given++
	l.workers.pausing[it] = true
	l.workers.answered(le)
	l.refill(le.stream)
	l.timers.push(alarm{due: l.clock.Now().Add(pause), call: func(l *loop) {
		delete(l.workers.pausing, it)
		if it.paused {
			l.offer(it, nil)
		}
	}})
}

// endsAlone reports whether a run that is to be terminated ends without its code:
// no worker has come for it for so long that none may come any more.
func (l *loop) endsAlone(in *instance, it *workItem) bool {
	b := it.bucket
	switch {
	case it.forced || it.line == &b.held:
		return true
	case b.served():
		return false
	case b.lost.IsZero() && in.orch.Events == 0:
		return true // it has never begun
	}
	if !l.clock.Now().Before(l.graceOf(b)) {
		return true
	}
	if !it.ending {
		it.ending = true
		b.looks = append(b.looks, it)
		l.watchUnserved(b)
	}
	return false
}

// graceOf is until when a bucket without streams counts as served all the same.
func (l *loop) graceOf(b *bucket) time.Time {
	since := b.lost
	if since.IsZero() {
		since = l.workers.began
	}
	return since.Add(l.limits.WorkerGrace)
}

// watchUnserved looks after the items of a bucket without streams, once its workers
// have been away for a while.
func (l *loop) watchUnserved(b *bucket) {
	if b.alarmed {
		return
	}
	b.alarmed = true
	l.timers.push(alarm{due: l.graceOf(b), call: func(l *loop) {
		b.alarmed = false
		switch {
		case b.served():
			b.looks, b.looksAll = nil, false
		case l.clock.Now().Before(l.graceOf(b)):
			l.watchUnserved(b)
		default:
			l.reportUnserved(b)
		}
	}})
}

// reportUnserved shows that no worker serves the bucket's items, takes back those that
// were at workers, and ends runs that wait for that. It does a part at a time.
func (l *loop) reportUnserved(b *bucket) {
	if b.served() || l.failed != nil {
		return
	}
	if b.looksAll {
		b.looksAll, b.looks = false, nil
		for _, q := range [...]*line{&b.waiting, &b.suspects, &b.big} {
			for it := q.head; it != nil; it = it.next {
				b.looks = append(b.looks, it)
			}
		}
	}
	const most = 200
	looks := b.looks
	if len(looks) > most {
		looks = looks[:most]
	}
	b.looks = b.looks[len(looks):]
	for _, it := range looks {
		if it.bucket == b && it.line != nil && (!it.reported || it.job != nil || it.ending) {
			l.report(it)
		}
	}
	if len(b.looks) > 0 {
		l.mail.add(item{do: func(l *loop) { l.reportUnserved(b) }})
	}
}

func (l *loop) report(it *workItem) {
	it.reported = true
	if it.run != nil {
		l.activities.unserved(l, it.run)
		return
	}
	in, err := l.find(it.id)
	if err != nil {
		l.broke(err)
		return
	}
	if it.job != nil {
		key := it.bucket.key
		l.takeBack(in)
		again := l.workers.itemOf(in.id, key)
		again.reported, again.ending, again.since = true, it.ending, it.since
		l.workers.wait(again)
		it = again
	}
	in.parked = unserved(it.bucket.key)
	if it.ending && in.orch != nil {
		it.ending, it.forced = false, true
		if err := l.fetch(in); err != nil {
			l.broke(err)
		}
		l.makeReady(in)
		return
	}
	l.write(in.id, &rowWrite{touch: true})
}

// ended reports whether an event ends the wait of a task of an execution; see resume.
func resolves(e *entry, execution string, task int32) bool {
	if e.m.Execution != "" && e.m.Execution != execution {
		return false
	}
	switch b := e.m.Event.Body.(type) {
	case *history.TaskCompleted:
		return b.TaskScheduledID == task
	case *history.TaskFailed:
		return b.TaskScheduledID == task
	}
	return false
}
