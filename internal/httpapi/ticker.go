package httpapi

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/store"
)

// ticker follows the change feed for all viewers of screens, so that it is read once for
// them, whatever their number. It reads at ticks, which are the further apart the more
// happens, and does nothing in between. One of the viewers reads for all: without viewers
// there is nobody who does. Its methods may be called concurrently.
type ticker struct {
	changes changesFunc
	least   time.Duration // between ticks
	turn    chan struct{} // holds a token: who has it reads for all
	numbers atomic.Uint64 // of ticks

	mu       sync.Mutex       // guards what follows, and viewers where they say so
	viewers  map[*viewer]bool // that have come to where the ticker is
	held     map[idMark]int   // how many of them hold it
	position store.Position   // up to which was read for them
	read     time.Time        // when that was
}

// changesFunc is hub.Waits.Changes.
type changesFunc func(context.Context, store.Position, int) ([]store.Change, store.Position, bool, error)

const (
	// ticksApart is how many times as long as in quiet times the pause between two ticks
	// is at most.
	ticksApart = 10
	// quietRate is how many changes a second leave the pause as short as it is.
	quietRate = 100
	// changesAtOnce is how many changes the ticker reads at once.
	changesAtOnce = 4000
)

func newTicker(changes changesFunc, least time.Duration) *ticker {
	t := &ticker{changes: changes, least: least, turn: make(chan struct{}, 1), viewers: map[*viewer]bool{}, held: map[idMark]int{}}
	t.turn <- struct{}{}
	return t
}

// follow tells a viewer what changes after a position, until ctx ends or the feed fails. The
// viewer reads by itself until it has come to where the others are.
func (t *ticker) follow(ctx context.Context, v *viewer, position store.Position) {
	var p pacer
	for joined := !v.every && t.join(v, time.Time{}, position); !joined; {
		began := time.Now()
		changes, next, reset, err := t.changes(ctx, position, changesLimit)
		n := t.own(v, changes)
		n.next, n.reset, n.err = next, reset, err
		select {
		case v.own <- n:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		position = next
		more := len(changes) == changesLimit
		joined = !v.every && !more && t.join(v, began, position)
		if !v.every { // who wants each change has a pace of his own
			p.pause(ctx, t.least, len(changes), more)
		}
	}
	defer t.leave(v)
	select {
	case <-t.turn:
		t.lead(ctx)
		t.turn <- struct{}{}
	case <-ctx.Done():
	}
}

// own is what a viewer is told of changes that it has read by itself.
func (t *ticker) own(v *viewer, changes []store.Change) tick {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := divide(changes, v.every || len(changes) <= quietTick, v.holds)
	n.number = t.numbers.Add(1)
	return n
}

// lead reads for all viewers until ctx ends or the feed fails, which all are told.
func (t *ticker) lead(ctx context.Context) {
	var p pacer
	for {
		changes, next, reset, err := t.changes(ctx, t.at(), changesAtOnce)
		if ctx.Err() != nil {
			return // another goes on from where this one has begun
		}
		t.tell(changes, next, reset, err)
		if err != nil {
			return
		}
		p.pause(ctx, t.least, len(changes), len(changes) == changesAtOnce)
	}
}

func (t *ticker) at() store.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.position
}

// join lets a viewer that stands at a position be told by whoever reads for all. It reports
// false if that one may be further: nobody can tell if two positions differ, unless the
// viewer has begun to read, up to the end, when the other had read.
func (t *ticker) join(v *viewer, began time.Time, position store.Position) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.viewers) == 0 {
		t.position, t.read = position, time.Now()
	}
	if position != t.position && t.read.After(began) {
		return false
	}
	t.viewers[v] = true
	for m := range v.marks {
		t.held[m]++
	}
	return true
}

// leave forgets a viewer that has joined.
func (t *ticker) leave(v *viewer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.viewers, v)
	for m := range v.marks {
		t.drop(m)
	}
}

// drop counts a mark that a viewer holds no more. The caller holds the lock.
func (t *ticker) drop(m idMark) {
	if t.held[m]--; t.held[m] <= 0 {
		delete(t.held, m)
	}
}

// hold notes that a viewer was told of an instance.
func (t *ticker) hold(v *viewer, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	added, dropped, full := v.hold(idMarkOf(id))
	if !t.viewers[v] || !added {
		return
	}
	t.held[idMarkOf(id)]++
	if full {
		t.drop(dropped)
	}
}

// tell tells all viewers of changes.
func (t *ticker) tell(changes []store.Change, next store.Position, reset bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.position, t.read = next, time.Now()
	}
	entities := false // somebody is shown some
	for v := range t.viewers {
		entities = entities || len(v.prefixes) > 0
	}
	quiet := len(changes) <= quietTick
	all := divide(changes, quiet, func(c *store.Change) bool { return t.held[idMarkOf(c.ID)] > 0 || entities && isEntity(c.ID) })
	all.number, all.next, all.reset, all.err = t.numbers.Add(1), next, reset, err
	for v := range t.viewers {
		n := all
		if !quiet {
			n = divide(all.look, false, v.holds)
			n.begun, n.skipped = n.begun+all.begun, n.skipped+all.skipped
			n.number, n.next, n.reset, n.err = all.number, all.next, all.reset, all.err
		}
		v.give(n)
	}
}

// pacer pauses between ticks: the longer the more happens.
type pacer struct {
	began time.Time // when the pause before has begun
	n     int       // changes since
}

// pause pauses after n more changes, unless there is more to read.
func (p *pacer) pause(ctx context.Context, least time.Duration, n int, more bool) {
	if p.n += n; more {
		return
	}
	wait := least
	if !p.began.IsZero() {
		rate := float64(p.n) / time.Since(p.began).Seconds()
		wait = time.Duration(float64(least) * min(max(rate/quietRate, 1), ticksApart))
	}
	p.began, p.n = time.Now(), 0
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
