package bench

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in a fixed amount of memory, each within 0.4% of
// its length. Its methods may be called concurrently; the zero value is empty.
type histogram struct {
	counts [cells]atomic.Int64
}

const (
	exact = 256 // nanoseconds up to which each has a cell; a power of two
	half  = exact / 2
	cells = exact + (64-8)*half
)

func (h *histogram) add(d time.Duration) { h.counts[cellOf(uint64(max(d, 0)))].Add(1) }

// cellOf keeps the eight leading bits of a number.
func cellOf(n uint64) int {
	shift := max(bits.Len64(n)-8, 0)
	return shift*half + int(n>>shift)
}

// middle is the reverse of cellOf.
func middle(cell int) float64 {
	if cell < exact {
		return float64(cell)
	}
	shift := cell/half - 1
	low := uint64(cell-shift*half) << shift
	return float64(low) + float64(uint64(1)<<shift)/2
}

// milliseconds is the quantile q, from 0 to 1, of what was added; 0 if nothing
// was.
func (h *histogram) milliseconds(q float64) float64 {
	var total int64
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	if total == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(q*float64(total))), 1)
	for i := range h.counts {
		if rank -= h.counts[i].Load(); rank <= 0 {
			return middle(i) / float64(time.Millisecond)
		}
	}
	return 0
}
