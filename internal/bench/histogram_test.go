package bench

import (
	"math"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	for _, unit := range []time.Duration{1, 997, time.Microsecond, time.Millisecond, 3 * time.Second} {
		var h histogram
		for i := 1000; i >= 1; i-- {
			h.add(time.Duration(i) * unit)
		}
		for _, test := range []struct {
			q    float64
			rank int
		}{{0, 1}, {0.5, 500}, {0.99, 990}, {1, 1000}} {
			got, want := h.milliseconds(test.q), milliseconds(time.Duration(test.rank)*unit)
			if math.Abs(got-want) > want/200 {
				t.Errorf("milliseconds(%v) of 1 to 1000 times %v = %v, want %v within 0.5%%", test.q, unit, got, want)
			}
		}
	}
	var h histogram
	if got := h.milliseconds(0.5); got != 0 {
		t.Errorf("milliseconds(0.5) of nothing = %v, want 0", got)
	}
	h.add(-time.Second)
	h.add(math.MaxInt64)
	if got, want := h.milliseconds(1), milliseconds(math.MaxInt64); math.Abs(got-want) > want/200 {
		t.Errorf("milliseconds(1) of the longest duration = %v, want %v", got, want)
	}
}

func TestCompare(t *testing.T) {
	turns := make([]turn, 500)
	for i := range turns {
		switch {
		case i >= 100 && i < 200:
			turns[i] = turn{2, 1}
		case i >= 400:
			turns[i] = turn{3, 4}
		default:
			turns[i] = turn{100, 100}
		}
	}
	want := Flat{First: 2, Last: 3, Ratio: 1.5, FirstCPU: 1, LastCPU: 4, CPURatio: 4}
	if got := *compare(turns); got != want {
		t.Errorf("compare() = %+v, want %+v", got, want)
	}
}
