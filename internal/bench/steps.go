package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
)

// The steps that are compared: firstBegin up to firstEnd and the last
// lastSteps, counted from 1.
const (
	firstBegin = 101
	firstEnd   = 200
	lastSteps  = 100
	leastSteps = firstEnd + lastSteps // below which nothing is compared
)

// stepTrack notes when the activities of sequences begin, to compare early
// steps with late ones. A nil *stepTrack notes nothing. Its methods may be
// called concurrently.
type stepTrack struct {
	steps       int // of an orchestration
	all         atomic.Int64
	first, last histogram

	mu       sync.Mutex // guards what follows
	open     map[string]*steps
	firstCPU []float64 // milliseconds a step, one for each orchestration
	lastCPU  []float64
}

// steps is where an orchestration is. Its activities run one at a time.
type steps struct {
	done int
	at   time.Time // the newest step began
	mark mark      // where the part that is measured began
}

// mark is what the process has used and done at a moment.
type mark struct {
	cpu time.Duration
	all int64
}

// newStepTrack returns nil unless the workload has enough steps to compare.
func newStepTrack(c Config) *stepTrack {
	if c.Workload != Sequence || c.Steps < leastSteps {
		return nil
	}
	return &stepTrack{steps: c.Steps, open: make(map[string]*steps)}
}

// begin notes that an activity begins.
func (t *stepTrack) begin(ctx context.Context) {
	if t == nil {
		return
	}
	now, all := time.Now(), t.all.Add(1)
	id := perdure.Activity(ctx).InstanceID
	t.mu.Lock()
	s := t.open[id]
	if s == nil {
		s = &steps{}
		t.open[id] = s
	}
	t.mu.Unlock()
	s.done++
	took := now.Sub(s.at)
	s.at = now
	lastBegin := t.steps - lastSteps + 1
	if s.done >= firstBegin && s.done <= firstEnd {
		t.first.add(took)
	}
	if s.done >= lastBegin {
		t.last.add(took)
	}
	switch s.done {
	case firstEnd:
		t.note(&t.firstCPU, s.mark, all)
	case t.steps:
		t.note(&t.lastCPU, s.mark, all)
		t.mu.Lock()
		delete(t.open, id)
		t.mu.Unlock()
	}
	if s.done == firstBegin-1 || s.done == lastBegin-1 {
		s.mark = mark{cpuTime(), all}
	}
}

// note adds the processor time of a step since the mark.
func (t *stepTrack) note(list *[]float64, from mark, all int64) {
	perStep := milliseconds(cpuTime()-from.cpu) / float64(all-from.all)
	t.mu.Lock()
	*list = append(*list, perStep)
	t.mu.Unlock()
}

// flat compares what was noted.
func (t *stepTrack) flat() *Flat {
	t.mu.Lock()
	defer t.mu.Unlock()
	return flat(t.first.milliseconds(0.5), t.last.milliseconds(0.5), median(t.firstCPU), median(t.lastCPU))
}

// flat compares early times with the last ones, in milliseconds.
func flat(first, last, firstCPU, lastCPU float64) *Flat {
	return &Flat{
		First: round(first, 4), Last: round(last, 4), Ratio: ratio(last, first),
		FirstCPU: round(firstCPU, 5), LastCPU: round(lastCPU, 5), CPURatio: ratio(lastCPU, firstCPU),
	}
}

// median is the middle of a list, 0 of an empty one.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
