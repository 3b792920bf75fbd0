package shard

import (
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/internal/clock"
)

// storeClock tells the time of the store, which is that of the hub when nodes share
// one. It knows it by what is said of leases, and goes on by the process's monotonic
// clock in between, so that a step of the node's clock changes nothing. It may be late
// by as long as an answer of the store takes, and is never early by more than clocks
// drift apart between two answers.
type storeClock struct{ known atomic.Pointer[moment] }

// moment is when it was so late at the store.
type moment struct {
	at    time.Time // of the store
	local time.Time // of this process
}

var _ clock.Clock = (*storeClock)(nil)

// Now implements clock.Clock. Before the store has said anything it is the node's time.
func (c *storeClock) Now() time.Time {
	if m := c.known.Load(); m != nil {
		return m.at.Add(time.Since(m.local))
	}
	return time.Now()
}

// NewTimer implements clock.Clock.
func (c *storeClock) NewTimer(d time.Duration) clock.Timer { return clock.System().NewTimer(d) }

// learn takes note of the store's time at a moment between asked, which was by the
// process's clock, and now. It reports whether the clock was moved by so much that
// whoever waits for a time has to look again.
func (c *storeClock) learn(at, asked time.Time) bool {
	local := time.Now()
	at = at.Round(0) // without a reading of the process's clock
	first, shown := c.known.Load() == nil, c.Now()
	if latest := at.Add(local.Sub(asked)); !first && shown.After(at) && !shown.After(latest) {
		return false
	}
	c.known.Store(&moment{at, local})
	moved := at.Sub(shown)
	return first || moved > movedBy || moved < -movedBy
}

// movedBy is by how much a clock is moved without a word.
const movedBy = 10 * time.Millisecond
