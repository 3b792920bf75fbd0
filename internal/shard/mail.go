package shard

import (
	"sync"

	"github.com/perdure/perdure/store"
)

// mail is the loop's batch of incoming items. Anyone may add; the loop takes
// all at once.
type mail struct {
	mu    sync.Mutex
	items []item // guarded by mu
	ended error  // guarded by mu; set once the loop takes no more
	wake  chan struct{}
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
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// take returns what has come in, using spare's memory for what comes next.
func (m *mail) take(spare []item) []item {
	m.mu.Lock()
	items := m.items
	m.items = spare[:0]
	m.mu.Unlock()
	return items
}

// end refuses further items with err and returns those that are left.
func (m *mail) end(err error) []item {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = err
	items := m.items
	m.items = nil
	return items
}
