package pebble

import (
	"context"
	"encoding/binary"
	"sort"
	"sync"
	"time"

	"github.com/perdure/perdure/store"
)

// feedAge is how long a change is kept.
const feedAge = 10 * time.Minute

// defaultChanges is how many changes are returned without a limit.
const defaultChanges = 1000

// feed keeps the newest changes of a hub in memory. It may be used concurrently.
type feed struct {
	openID [16]byte
	bytes  int
	now    func() time.Time

	mu     sync.Mutex // guards the rest
	groups []feedGroup
	size   int
	next   uint64        // number of the next change; the first is 1
	more   chan struct{} // closed when something is published; nil without waiters
	closed bool
}

// feedGroup is the changes of one group, the first of which has this number.
type feedGroup struct {
	first   uint64
	at      time.Time
	changes []store.Change
	size    int
}

func newFeed(openID [16]byte, bytes int, now func() time.Time) *feed {
	return &feed{openID: openID, bytes: bytes, now: now, next: 1}
}

// changeSize is about the memory of a change without its id.
const changeSize = 64

// publish adds the changes of a group that is durable.
func (f *feed) publish(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	g := feedGroup{at: f.now(), changes: changes}
	for i := range changes {
		g.size += changeSize + len(changes[i].ID)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	g.first = f.next
	f.next += uint64(len(changes))
	f.groups = append(f.groups, g)
	f.size += g.size
	drop := 0
	for drop < len(f.groups)-1 && (f.size > f.bytes || g.at.Sub(f.groups[drop].at) > feedAge) {
		f.size -= f.groups[drop].size
		f.groups[drop] = feedGroup{}
		drop++
	}
	f.groups = f.groups[drop:]
	f.wake()
}

func (f *feed) wake() {
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wake()
}

func (f *feed) position(next uint64) store.Position {
	return store.Position(binary.BigEndian.AppendUint64(f.openID[:len(f.openID):len(f.openID)], next))
}

// number reads a position of this open; anything else is none.
func (f *feed) number(p store.Position) (uint64, bool) {
	if len(p) != len(f.openID)+8 || string(p[:len(f.openID)]) != string(f.openID[:]) {
		return 0, false
	}
	return binary.BigEndian.Uint64([]byte(p[len(f.openID):])), true
}

// after returns the changes from number n on, or a channel to wait on; known is
// false if changes since n are no longer kept.
func (f *feed) after(n uint64, limit int) (list []store.Change, wait <-chan struct{}, known bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, nil, false, store.ErrClosed
	case n == f.next:
		if f.more == nil {
			f.more = make(chan struct{})
		}
		return nil, f.more, true, nil
	case n > f.next || len(f.groups) == 0 || n < f.groups[0].first:
		return nil, nil, false, nil
	}
	holds := sort.Search(len(f.groups), func(i int) bool { return n < f.groups[i].first+uint64(len(f.groups[i].changes)) })
	for _, g := range f.groups[holds:] {
		list = append(list, g.changes[n-g.first:]...)
		n = g.first + uint64(len(g.changes))
		if len(list) >= limit {
			return list[:limit], nil, true, nil
		}
	}
	return list, nil, true, nil
}

func (f *feed) end() store.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position(f.next)
}

// Position implements store.Feed.
func (h *Hub) Position(context.Context) (store.Position, error) {
	if err := h.open(); err != nil {
		return "", err
	}
	return h.feed.end(), nil
}

// Changes implements store.Feed. Positions of an earlier open are too old.
func (h *Hub) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	if limit <= 0 {
		limit = defaultChanges
	}
	for {
		n, known := h.feed.number(p)
		var list []store.Change
		var wait <-chan struct{}
		var err error
		if known {
			list, wait, known, err = h.feed.after(n, limit)
		}
		switch {
		case err != nil:
			return nil, p, false, err
		case !known:
			return nil, h.feed.end(), true, h.open()
		case len(list) > 0:
			return list, h.feed.position(n + uint64(len(list))), false, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, p, false, context.Cause(ctx)
		case <-h.db.state.down:
			return nil, p, false, h.db.state.err()
		}
	}
}
