package shard

import (
	"slices"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// prefix is a part of a queue, from its front, of which something is known, so
// that a message behind many others costs as much as one behind few. It holds for
// as long as what it begins and ends with stands where it stood: queues change at
// their ends, or as a whole. The zero value is empty.
type prefix struct {
	n           int
	front, back *entry
}

// prefixOf is the whole queue as a prefix of what it becomes.
func prefixOf(queue []*entry) prefix {
	if len(queue) == 0 {
		return prefix{}
	}
	return prefix{len(queue), queue[0], queue[len(queue)-1]}
}

// in returns how many entries of the queue the prefix covers.
func (p *prefix) in(queue []*entry) int {
	if p.n == 0 || p.n > len(queue) || queue[0] != p.front || queue[p.n-1] != p.back {
		return 0
	}
	return p.n
}

// waiting is the prefix of an entity's queue that waits for a lock to be given back.
type waiting struct {
	prefix
	lock   *engine.Lock // that it waits for
	barred bool         // it has a lock request
}

// waits returns how much of an entity's queue waits, and whether a lock request is
// among it.
func (in *instance) waits() (n int, barred bool) {
	if in.ent == nil || in.waiting.lock != in.ent.Lock {
		return 0, false
	}
	n = in.waiting.prefix.in(in.queue)
	return n, n > 0 && in.waiting.barred
}

// allWait notes that the whole queue waits, after it was planned from n on.
func (in *instance) allWait(n int, barred bool) {
	for _, e := range in.queue[n:] {
		_, request := e.m.Event.Body.(*history.EntityLockRequested)
		barred = barred || request
	}
	in.waiting = waiting{prefixOf(in.queue), in.ent.Lock, barred}
}

// unstored returns the messages of the instance that no commit has stored.
func (in *instance) unstored() (list []*entry) {
	if j := in.turning; j != nil && !j.kept {
		j.kept = true
		list = append(list, slices.DeleteFunc(slices.Clone(j.entries), func(e *entry) bool { return e.m.Stored })...)
	}
	for _, e := range in.queue[in.stored.in(in.queue):] {
		if !e.m.Stored {
			list = append(list, e)
		}
	}
	return list
}

// stays reports whether the instance is parked, waits for a worker or is suspended, and
// none of what is new in its queue can move it, so that it needs only be stored: what
// is away stays away.
func (l *loop) stays(in *instance) bool {
	if it := l.workers.items[in.id]; in.away == 0 || it != nil && it.forced || slices.ContainsFunc(in.queue, moves) {
		return false
	}
	return in.parked != "" || l.workers.waits(in.id) || l.paused(in) && !slices.ContainsFunc(in.queue, controls)
}

// moves reports whether a message may concern a run whose code does not run.
func moves(e *entry) bool {
	switch e.m.Event.Body.(type) {
	case *history.ExecutionStarted, *history.ExecutionTerminated, *history.ExecutionRewound:
		return true
	}
	return false
}

// fetch reads the messages that were left to the store back into the queue, before
// those that are new.
func (l *loop) fetch(in *instance) error {
	if in.away == 0 {
		return nil
	}
	in.away = 0
	l.spilled[in.id] = true
	fresh := in.queue
	in.queue = nil
	if err := l.loadInbox(in); err != nil {
		return err
	}
	for _, e := range fresh {
		l.enqueue(in, e)
	}
	return nil
}
