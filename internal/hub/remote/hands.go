package remote

import "sync/atomic"

// maxIdleHands is how many goroutines wait for their next item.
const maxIdleHands = 64

// hands are the goroutines that carry out items. Some of them wait for another one:
// their stacks have grown to what code needs, which costs more than the item, mostly.
type hands struct {
	items chan func()
	idle  *atomic.Int32
}

func newHands() hands { return hands{items: make(chan func()), idle: new(atomic.Int32)} }

// do runs f on a goroutine of its own, which f may end.
func (h hands) do(f func()) {
	select {
	case h.items <- f:
	default:
		go h.work(f)
	}
}

func (h hands) work(f func()) {
	for open := true; open; {
		f()
		if h.idle.Add(1) > maxIdleHands {
			h.idle.Add(-1)
			return
		}
		f, open = <-h.items
		h.idle.Add(-1)
	}
}

// close ends the goroutines that wait. No item may come any more.
func (h hands) close() { close(h.items) }
