package series

import (
	"math/bits"
	"time"
)

// Sketch tells how long things took: how many in each class of durations. There are
// eight classes to a doubling, from a microsecond on, so that what is read from it is
// within 7 % of the truth. The zero Sketch is empty.
type Sketch struct {
	counts []uint64 // by class
}

// finest is how many classes there are to a doubling: a power of two.
const (
	finest     = 8
	finestBits = 3
)

// classOf returns the class of a duration.
func classOf(d time.Duration) int {
	us := uint64(max(d, 0)) / uint64(time.Microsecond)
	if us < finest {
		return int(us)
	}
	shift := bits.Len64(us) - 1 - finestBits
	return shift*finest + int(us>>shift)
}

// middleOf returns the middle of a class.
func middleOf(class int) time.Duration {
	if class < 2*finest {
		return time.Duration(class) * time.Microsecond
	}
	shift := class/finest - 1
	low := uint64(class%finest+finest) << shift
	const longest = uint64(1<<63-1) / uint64(time.Microsecond)
	return time.Duration(min(low+1<<shift/2, longest)) * time.Microsecond
}

// classes is how many classes there are: durations end at 292 years.
var classes = classOf(1<<63-1) + 1

// Add counts one that took d.
func (s *Sketch) Add(d time.Duration) { s.count(classOf(d), 1) }

func (s *Sketch) count(class int, n uint64) {
	if class >= len(s.counts) {
		s.counts = append(s.counts, make([]uint64, class+1-len(s.counts))...)
	}
	s.counts[class] += n
}

// Merge counts what another sketch has counted.
func (s *Sketch) Merge(o *Sketch) {
	for class, n := range o.counts {
		if n > 0 {
			s.count(class, n)
		}
	}
}

// Count returns how many were counted.
func (s *Sketch) Count() (n int64) {
	for _, c := range s.counts {
		n += int64(c)
	}
	return n
}

// Quantile returns a duration that the share q of all, between 0 and 1, did not exceed;
// 0 if there is none.
func (s *Sketch) Quantile(q float64) time.Duration {
	total := s.Count()
	if total == 0 {
		return 0
	}
	rank := max(int64(q*float64(total)+0.999999), 1)
	for class, c := range s.counts {
		if rank -= int64(c); rank <= 0 {
			return middleOf(class)
		}
	}
	return middleOf(len(s.counts) - 1)
}
