package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Virtual is a clock that stands still until it is told to move. Timers fire
// in the order of their times; the same calls lead to the same order. Its
// methods may be called concurrently.
type Virtual struct {
	mu     sync.Mutex // guards all below and the fields of its timers
	now    time.Time
	timers timerHeap
}

// NewVirtual returns a clock that shows start.
func NewVirtual(start time.Time) *Virtual { return &Virtual{now: start} }

// Now implements Clock.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// NewTimer implements Clock.
func (v *Virtual) NewTimer(d time.Duration) Timer {
	t := &virtualTimer{clock: v, c: make(chan time.Time, 1), index: -1}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set(t, d)
	return t
}

// Advance moves the time by d and fires the timers that are due by then. It
// panics if d is negative.
func (v *Virtual) Advance(d time.Duration) {
	if d < 0 {
		panic("clock: a virtual clock cannot go back")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.moveTo(v.now.Add(d))
}

// AdvanceToNext moves the time to that of the next timer and fires all timers
// of that time. It reports whether there was one.
func (v *Virtual) AdvanceToNext() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.timers) == 0 {
		return false
	}
	v.moveTo(v.timers[0].at)
	return true
}

// Next returns when the next timer fires; false if there is none.
func (v *Virtual) Next() (time.Time, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.timers) == 0 {
		return time.Time{}, false
	}
	return v.timers[0].at, true
}

func (v *Virtual) moveTo(to time.Time) {
	for len(v.timers) > 0 && !v.timers[0].at.After(to) {
		t := heap.Pop(&v.timers).(*virtualTimer)
		v.now = t.at
		t.c <- v.now // has room: set drained it
	}
	v.now = to
}

func (v *Virtual) set(t *virtualTimer, d time.Duration) {
	v.clear(t)
	if d <= 0 {
		t.c <- v.now
		return
	}
	t.at = v.now.Add(d)
	heap.Push(&v.timers, t)
}

// clear takes a timer out of the heap and its channel.
func (v *Virtual) clear(t *virtualTimer) {
	if t.index >= 0 {
		heap.Remove(&v.timers, t.index)
	}
	select {
	case <-t.c:
	default:
	}
}

type virtualTimer struct {
	clock *Virtual
	c     chan time.Time
	at    time.Time
	index int // in the heap, -1 if not there
}

func (t *virtualTimer) C() <-chan time.Time { return t.c }

func (t *virtualTimer) Reset(d time.Duration) {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.clock.set(t, d)
}

func (t *virtualTimer) Stop() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	t.clock.clear(t)
}

// timerHeap implements heap.Interface: the next timer comes first.
type timerHeap []*virtualTimer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*virtualTimer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
