package shard

import (
	"sync"

	"github.com/perdure/perdure/store"
)

// mail is the loop's batch of incoming items. Anyone may add; the loop takes
// all at once.
type mail struct {
	mu     sync.Mutex // guards all but wake
	items  []item
	begins begins
	ended  error // set once the loop takes no more
	wake   chan struct{}
}

// item is one piece of mail; exactly one field is set.
type item struct {
	do     func(*loop)   // a command of a client
	result *activityEnd  // an activity has ended
	group  *flight       // a group is durable, or has failed
	slow   *job          // a turn that took too long has ended
	timers []store.Timer // read from the store
	more   *takeover     // has more to read
}

func newMail() *mail { return &mail{wake: make(chan struct{}, 1)} }

// add appends an item; it returns an error when the loop has ended.
func (m *mail) add(it item) error {
	m.mu.Lock()
	if m.ended != nil {
		m.mu.Unlock()
		return m.ended
	}
	m.items = append(m.items, it)
	first := len(m.items) == 1
	m.mu.Unlock()
	if first {
		m.ring()
	}
	return nil
}

// begin appends work that begins, unless too much waits already: then it tells how much,
// and takes nothing. It returns an error when the loop has ended.
func (m *mail) begin(b begin, limits *Limits) (waiting int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended != nil {
		return 0, m.ended
	}
	if m.begins.full(&b, limits) {
		return len(m.begins.list), nil
	}
	m.begins.add(b)
	m.ring()
	return 0, nil
}

// ring wakes the loop.
func (m *mail) ring() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take returns what has come in and, with it, as much of what begins as there is room
// for, and how much that is. It uses spare's memory for what comes next.
func (m *mail) take(spare []item, room int) (items []item, begun int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	items = m.items
	m.items = spare[:0]
	return m.begins.take(items, room)
}

// waiting is how much waits to begin.
func (m *mail) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.begins.list)
}

// end refuses further items with err and returns those that are left.
func (m *mail) end(err error) []item {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = err
	items := m.items
	m.items, m.begins = nil, begins{}
	return items
}
