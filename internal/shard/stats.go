package shard

import (
	"slices"
	"sync/atomic"
	"time"
)

// Stats are what an Owner has counted since it was made, and what it holds now. All
// fields may be read and written at any time; counting costs an atomic add.
type Stats struct {
	Commits   atomic.Int64 // that are durable
	Refused   atomic.Int64 // commits that somebody else was before
	GroupSize *Histogram   // commits of a group
	// CommitTime is from when a commit was asked for, StoreTime from when its group was
	// handed to the store, until both were durable.
	CommitTime, StoreTime *Histogram

	Leases     atomic.Int64 // shards held now
	Takeovers  atomic.Int64 // shards taken whose last holder had not given them back
	LeasesLost atomic.Int64 // shards that another node has taken, or whose time ran out

	// WarmHits are turns of orchestrations whose code, or whose worker, still had the
	// history in memory, WarmMisses those for which it was read or sent again.
	WarmHits, WarmMisses atomic.Int64
	TimerLate            *Histogram // from when a timer was due until it fired

	Workers     atomic.Int64 // streams of workers that are connected now
	WorkersLost atomic.Int64 // that ended without a word
	Parked      atomic.Int64 // activities, turns and batches that were lost too often
	Purged      atomic.Int64 // runs that were deleted because of their age
	Shed        atomic.Int64 // calls that were refused because there was too much to do
}

func newStats() *Stats {
	return &Stats{
		GroupSize: newHistogram(1, 1, 2, 4, 8, 16, 32, 64, 128, 256, maxGroup), CommitTime: newTimes(),
		StoreTime: newTimes(), TimerLate: newTimes(),
	}
}

// Stats returns what the owner counts.
func (o *Owner) Stats() *Stats { return o.stats }

// Waiting is how much work waits to begin.
func (o *Owner) Waiting() int { return o.mail.waiting() }

// Histogram counts values by size. It may be used concurrently.
type Histogram struct {
	bounds []int64 // upper, inclusive
	counts []atomic.Int64
	sum    atomic.Int64
	unit   float64
}

// newHistogram returns a histogram of values that are shown as multiples of unit.
func newHistogram(unit float64, bounds ...int64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Int64, len(bounds)+1), unit: unit}
}

// newTimes returns a histogram of durations, which are shown in seconds.
func newTimes() *Histogram {
	var bounds []int64
	for _, ms := range [...]float64{0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000} {
		bounds = append(bounds, int64(ms*float64(time.Millisecond)))
	}
	return newHistogram(float64(time.Second), bounds...)
}

// add counts n values of one size.
func (h *Histogram) add(v, n int64) {
	i, _ := slices.BinarySearch(h.bounds, v)
	h.counts[i].Add(n)
	h.sum.Add(v * n)
}

// Distribution is what a Histogram holds at a moment.
type Distribution struct {
	Count int64
	Sum   float64
	// UpTo is how many values were not above a bound.
	UpTo map[float64]int64
}

// Read returns what the histogram holds. What is counted meanwhile may be in it in
// part.
func (h *Histogram) Read() Distribution {
	d := Distribution{Sum: float64(h.sum.Load()) / h.unit, UpTo: make(map[float64]int64, len(h.bounds))}
	for i := range h.counts {
		d.Count += h.counts[i].Load()
		if i < len(h.bounds) {
			d.UpTo[float64(h.bounds[i])/h.unit] = d.Count
		}
	}
	return d
}
