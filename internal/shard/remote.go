package shard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure/internal/engine"
)

// Turns and batches whose code does not run in this process: the messages that they
// take are stored first, but for early turns, then the turn or batch waits for a worker
// or is handed to one, and stays the instance's until its outcome is taken in.

// prepareRemote has a turn that the queue gives rise to carried out by a worker.
func (l *loop) prepareRemote(in *instance, j *job) *job {
	if why := l.lostTooOften(in); why != "" {
		in.parked = why
		if slices.ContainsFunc(j.entries, terminates) {
			return l.withoutCode(in, j)
		}
		if l.goesOut(in, j) {
			l.putBack(in, j)
			l.rest(in)
		}
		return nil
	}
	it := l.workers.itemOf(in.id, turnKey(in.orch))
	if slices.ContainsFunc(j.entries, terminates) && l.endsAlone(in, it) {
		return l.withoutCode(in, j)
	}
	l.queueUp(in, it, j)
	if l.handEarly(in, it, j) || !l.goesOut(in, j) {
		return nil
	}
	if it.line != nil || it.paused {
		it.forced = false
		l.putBack(in, j)
		l.rest(in)
		return nil
	}
	it.job = j
	l.offer(it, in.home())
	if in.turning != j {
		it.job = nil
		l.putBack(in, j)
		l.rest(in)
	}
	return nil
}

// prepareRemoteBatch has a batch of operations carried out by a worker.
func (l *loop) prepareRemoteBatch(in *instance, j *job) *job {
	name, _ := splitEntity(in.id)
	if in.parked = l.lostTooOften(in); in.parked != "" {
		if l.goesOut(in, j) {
			l.putBack(in, j)
		}
		return nil
	}
	it := l.workers.itemOf(in.id, bucketKey{kind: ofBatch, name: strings.ToLower(name)})
	l.queueUp(in, it, j)
	if !l.goesOut(in, j) {
		return nil
	}
	if it.line == nil && !it.paused {
		it.job = j
		if l.offer(it, nil); in.turning == j {
			return nil
		}
		it.job = nil
	}
	l.putBack(in, j)
	l.rest(in)
	return nil
}

// turnKey is the bucket of an orchestration's turns.
func turnKey(o *engine.Orchestration) bucketKey {
	return bucketKey{ofTurn, o.Name, o.Version.S}
}

// goesOut reports whether a turn can be given to a worker: all that it takes is
// durable, and clients see the instance. Else that is on its way, and the turn is made anew then.
func (l *loop) goesOut(in *instance, j *job) bool {
	switch {
	case len(j.dropped) > 0:
		l.putBack(in, j)
		l.commitDrops(in, j)
		return false
	case slices.ContainsFunc(j.entries, inMemory) || slices.ContainsFunc(in.queue, inMemory):
		l.putBack(in, j)
		l.keepEntries(in)
		return false
	case in.orch != nil && in.rec == nil: // its start was stored by who sent it
		l.putBack(in, j)
		l.recordStart(in, in.queue[0])
		return false
	}
	return true
}

// recordStart records a run that another one has begun. The start, which waits in the
// inbox, is stored anew with the execution that it has now; of a child that a rewind
// creates anew it was the rewind.
func (l *loop) recordStart(in *instance, start *entry) {
	ch := l.newChange(in, &engine.Effects{}, nil)
	ch.keeps, ch.dropped, ch.now = []*entry{start}, []*entry{{m: start.m}}, l.now(in)
	l.commit(ch)
}

// readyJob makes the turn or batch of an instance whose turn has come, by next; nil =
// not now.
func (l *loop) readyJob(in *instance, next func(*instance) *job) *job {
	in.parked = ""
	if in.unsettled || len(in.writes) > 0 || in.turning != nil {
		l.lookLater(in)
		return nil
	}
	if err := l.fetch(in); err != nil {
		l.broke(err)
		return nil
	}
	if len(in.queue) == 0 {
		l.afterTurn(in)
		return nil
	}
	j := next(in)
	if j == nil || !l.goesOut(in, j) {
		return nil
	}
	return j
}

// lookLater has an instance whose turn has come be looked at once it has settled: what
// it waits with may lie in the store alone, where nobody would look.
func (l *loop) lookLater(in *instance) {
	id := in.id
	in.after = append(in.after, func() {
		in, err := l.find(id)
		if err == nil {
			err = l.fetch(in)
		}
		if err != nil {
			l.broke(err)
			return
		}
		if len(in.queue) > 0 {
			l.makeReady(in)
		}
	})
}

// cannotGoOn parks a run whose worker says that it cannot, until another one comes.
func (l *loop) cannotGoOn(j *job, cause string) {
	in, key := j.in, j.item.bucket.key
	l.logger.Warn("orchestration cannot go on", "instance", in.id, "cause", cause)
	for _, a := range j.acks {
		a.call.end(nil, nil)
	}
	l.workers.drop(j.item)
	l.cool(in)
	in.queue = append(slices.Concat(j.entries, j.dropped), in.queue...)
	l.hold(l.workers.itemOf(in.id, key), cause)
}

// overtaken reports whether a turn at a worker is void: its run is to be terminated and
// no worker will do it.
func (l *loop) overtaken(in *instance) bool {
	it := in.turning.item
	return !it.out() && !it.paused && slices.ContainsFunc(in.queue, terminates) && l.endsAlone(in, it)
}

// mayEnd reports whether a run that waits for a worker can be ended without one.
func (l *loop) mayEnd(in *instance) bool {
	it := l.workers.items[in.id]
	return in.orch != nil && slices.ContainsFunc(in.queue, terminates) && l.endsAlone(in, it)
}

// rest lets an instance wait for a worker outside of the memory.
func (l *loop) rest(in *instance) {
	if !in.unsettled && len(in.queue) > 0 && !l.canMove(in) {
		l.spill(in)
	}
}

// queueUp has an item wait in its bucket that no worker serves, and parks its instance
// for that reason, which the commit that stores its messages shows.
func (l *loop) queueUp(in *instance, it *workItem, j *job) {
	switch {
	case it.line == &it.bucket.held:
	case it.bucket.served():
		in.parked = ""
	default:
		it.reported = in.sum == nil || in.sum.Cause != "" || slices.ContainsFunc(j.entries, inMemory)
		in.parked = unserved(it.bucket.key)
		if it.line == nil && !it.paused {
			l.letWait(it)
		}
	}
}

func unserved(k bucketKey) string {
	what := [kinds]string{ofTurn: "orchestration", ofActivity: "activity", ofBatch: "entity"}[k.kind]
	if k.version != "" {
		return fmt.Sprintf("no worker serves %s %q in version %q", what, k.name, k.version)
	}
	return fmt.Sprintf("no worker serves %s %q", what, k.name)
}

// drop forgets a turn or batch: it is over, or will be offered anew.
func (w *workers) drop(it *workItem) {
	it.leave()
	w.moved = true
	if w.items[it.id] == it {
		delete(w.items, it.id)
	}
	w.release(it)
	it.job, it.delivery, it.paused = nil, delivery{}, false
	w.tidy(it.bucket)
}

// release takes an item from the stream that has it. Its place there is free only
// when the worker answers, unless it has not fetched the item.
func (w *workers) release(it *workItem) {
	le := it.lease
	if le == nil {
		return
	}
	it.lease, le.item = nil, nil
	if le.stream.recall(le) {
		w.answered(le)
	}
}

// answered frees the place that a lease takes at its stream.
func (w *workers) answered(le *lease) {
	s := le.stream
	delete(w.leases, le.delivery)
	w.moved = true
	delete(s.leases, le.delivery)
	s.out[le.kind]--
	if s.suspect == le {
		s.suspect = nil
	}
	if !s.gone {
		w.rank(s, le.kind)
	}
}

// tidy forgets a bucket without items, if there are many.
func (w *workers) tidy(b *bucket) {
	const many = 1000
	if b != nil && len(w.buckets) > many && b.empty() && !b.alarmed {
		delete(w.buckets, b.key)
	}
}

func (b *bucket) empty() bool { return b.waiting.n+b.suspects.n+b.big.n+b.held.n == 0 }

// carried reports whether a worker is connected that can be sent an item of its size.
func (w *workers) carried(it *workItem) bool {
	for s := range w.streams {
		if slices.Contains(it.bucket.classes, s.class) && s.carries(it) {
			return true
		}
	}
	return false
}

func tooBig(it *workItem) string {
	return fmt.Sprintf("its history needs %d bytes in a work item; no connected worker takes so many, "+
		"or reads histories itself", it.bytes)
}

// hold lets an item wait until another worker comes, and shows why.
func (l *loop) hold(it *workItem, why string) {
	it.leave()
	it.bucket.held.push(it)
	l.workers.moved = true
	in, err := l.find(it.id)
	if err != nil {
		l.broke(err)
		return
	}
	if in.parked != why {
		in.parked = why
		l.write(in.id, &rowWrite{touch: true})
	}
}

// withdraw takes an instance's turn back from the worker that has it, if one has.
func (l *loop) withdraw(in *instance) {
	j := in.turning
	in.turning, in.blocked = nil, ""
	if j != nil && j.item != nil {
		refuse(j.acks, errToken)
		l.workers.drop(j.item)
	}
}

// takeBack puts what a turn or batch was to take into the queue again.
func (l *loop) takeBack(in *instance) {
	j := in.turning
	l.withdraw(in)
	in.queue = slices.Insert(in.queue, j.behind, slices.Concat(j.entries, j.dropped)...)
	j.entries = nil
}
