package shard

import (
	"errors"
	"time"

	"github.com/perdure/perdure/store"
)

// Retention says how long runs are kept after their end, by the status in which they
// have ended. Where nothing is said they are kept for ever.
//
// A sweep purges what is older, a part at a time, as a purge by a client does: what is
// held (hub.RowHold) stays. So do turns of sessions, which have the session's messages
// and go with it, and children of the current execution of a run, until that is gone:
// it may be rewound. Nothing is remembered of a sweep; one that a crash cuts short
// begins anew.
type Retention map[store.Status]time.Duration

const (
	// retainPart is how many runs one step of a sweep purges at most, retainLook how
	// many it looks at.
	retainPart, retainLook = 200, 2000
	// retainPause is the time between two steps, so that others are served meanwhile.
	retainPause = 100 * time.Millisecond
	// retainEvery is the time between two sweeps, shorter if runs are kept for less.
	retainEvery = 10 * time.Minute
	retainLeast = time.Second
)

// sweep is a sweep that is under way.
type sweep struct {
	keep    Retention
	now     time.Time
	cursor  []byte
	waiting int // purges that are not durable yet
}

// shortest is the shortest time for which anything is kept; 0 = all is kept for ever.
func (r Retention) shortest() (least time.Duration) {
	for _, d := range r {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

// retain begins a sweep, if the hub does not keep all for ever.
func (l *loop) retain() {
	if l.retention.shortest() > 0 {
		l.sweepPart(&sweep{keep: l.retention, now: l.clock.Now()})
	}
}

// sweepPart purges a part of what is too old.
func (l *loop) sweepPart(s *sweep) {
	if l.stopping {
		return
	}
	shortest := s.keep.shortest()
	if l.taking > 0 || !l.pressed.IsZero() {
		l.later(retainPause, func(l *loop) { l.sweepPart(s) })
		return
	}
	q := store.Query{
		CompletedTo: s.now.Add(-shortest), Order: store.CompletedAsc, After: s.cursor, Limit: retainPart, Budget: retainLook, Match: s.aged,
	}
	if l.shared != nil { // other nodes sweep theirs
		if q.Shards = l.heldShards(); len(q.Shards) == 0 {
			l.later(retainEvery, (*loop).retain)
			return
		}
	}
	page, err := l.store.List(l.io, q)
	if err != nil {
		l.logger.Warn("old runs are not purged", "cause", err)
		l.later(retainEvery, (*loop).retain)
		return
	}
	s.cursor = page.Next
	s.waiting = 1 // this part itself
	for _, rec := range page.Records {
		if err := l.purgeAged(s, rec); err != nil {
			l.later(retainEvery, (*loop).retain)
			l.broke(err)
			return
		}
	}
	l.swept(s)
}

// aged reports whether a run is too old to be kept.
func (s *sweep) aged(rec *store.Record) bool {
	d := s.keep[rec.Status]
	return d > 0 && rec.Session == "" && !rec.Completed.After(s.now.Add(-d))
}

// purgeAged has a run purged, unless something still needs it.
func (l *loop) purgeAged(s *sweep, rec *store.Record) error {
	if l.refuses(rec.ID) != nil {
		return nil
	}
	needed, err := l.neededByParent(rec)
	if err != nil || needed {
		return err
	}
	in, err := l.find(rec.ID)
	if err != nil {
		return err
	}
	if in.rec == nil || in.unsettled || in.turning != nil || len(in.queue)+len(in.writes) > 0 {
		l.afterTurn(in)
		return nil // it is being changed: another sweep sees what becomes of it
	}
	s.waiting++
	c := newCall()
	c.then = func(_ any, err error) {
		if err == nil {
			l.stats.Purged.Add(1)
		}
		l.swept(s)
	}
	l.write(rec.ID, &rowWrite{purge: true, acks: []ack{{call: c}}})
	return nil
}

// neededByParent reports whether a run is a child of what its parent does now.
func (l *loop) neededByParent(rec *store.Record) (bool, error) {
	if rec.Parent == "" {
		return false, nil
	}
	sum, err := decodeSummary(rec.Packed)
	if err != nil {
		return true, nil // whoever reads it hears of it
	}
	parent, err := l.store.Instance(l.io, rec.Parent)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && parent.Execution == sum.ParentExec, err
}

// swept goes on once a purge of the part is over, and all others are.
func (l *loop) swept(s *sweep) {
	if s.waiting--; s.waiting > 0 {
		return
	}
	if s.cursor != nil {
		l.later(retainPause, func(l *loop) { l.sweepPart(s) })
		return
	}
	l.later(max(min(retainEvery, s.keep.shortest()/2), retainLeast), (*loop).retain)
}

// later has something done after a while.
func (l *loop) later(d time.Duration, do func(*loop)) {
	l.timers.push(alarm{due: l.clock.Now().Add(d), call: do})
}
