package series_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/series"
)

// sample is a bucket with all that a bucket can have.
func sample(names int) *series.Bucket {
	b := new(series.Bucket)
	for n := range names {
		r := b.Run(series.RunKey{Name: fmt.Sprint("run", n), Agent: "A"})
		r.Started, r.Completed, r.Failed, r.Stopped = 1, 2, 3, 4
		r.Took.Add(time.Duration(n) * time.Second)
		s := b.Step(fmt.Sprint("step", n))
		s.Completed, s.Failed = 5, 6
		s.Waited.Add(time.Millisecond)
		s.Took.Add(90 * 24 * time.Hour)
		*b.Model(series.ModelKey{Agent: "A", Model: fmt.Sprint("m", n)}) = series.Model{Calls: 1, Errors: 2, In: 3, Out: 4, Cached: 5, Nano: -6}
	}
	b.Store.Add(3 * time.Microsecond)
	return b
}

func same() cmp.Option { return cmp.AllowUnexported(series.Sketch{}) }

func TestBucketRoundTrip(t *testing.T) {
	for _, want := range []*series.Bucket{{}, sample(1), sample(20)} {
		data := want.Append(nil)
		got, err := series.Decode(data)
		if err != nil {
			t.Fatalf("Decode(Append(%d runs)) = %v", len(want.Runs), err)
		}
		if diff := cmp.Diff(want, got, same()); diff != "" {
			t.Errorf("Decode(Append(b)) (-want +got):\n%s", diff)
		}
		for n := range data {
			if _, err := series.Decode(data[:n]); err == nil {
				t.Errorf("Decode(%d of %d bytes) = nil error, want one", n, len(data))
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(new(series.Bucket).Append(nil))
	f.Add(sample(3).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := series.Decode(data)
		if err != nil {
			return
		}
		again, err := series.Decode(b.Append(nil))
		if err != nil {
			t.Fatalf("Decode(Append(Decode(%x))) = %v", data, err)
		}
		if diff := cmp.Diff(b.Append(nil), again.Append(nil)); diff != "" {
			t.Errorf("Append is not stable (-want +got):\n%s", diff)
		}
	})
}

func TestMerge(t *testing.T) {
	var sum series.Bucket
	sum.Merge(sample(2))
	sum.Merge(sample(2))
	r := sum.Run(series.RunKey{Name: "run1", Agent: "A"})
	if r.Started != 2 || r.Stopped != 8 || r.Took.Count() != 2 {
		t.Errorf("Merge: run1 = %+v, want twice the sample", r)
	}
	if m := *sum.Model(series.ModelKey{Agent: "A", Model: "m0"}); m != (series.Model{Calls: 2, Errors: 4, In: 6, Out: 8, Cached: 10, Nano: -12}) {
		t.Errorf("Merge: m0 = %+v, want twice the sample", m)
	}
	if n := sum.Store.Count(); n != 2 {
		t.Errorf("Merge: times of the store = %d, want 2", n)
	}
}

// TestBounded has names beyond a bound counted together, so that a hub with ids in its
// names does not fill the store.
func TestBounded(t *testing.T) {
	var b series.Bucket
	for n := range 10_000 {
		b.Step(fmt.Sprint("step", n)).Completed++
	}
	total := int64(0)
	for _, s := range b.Steps {
		total += s.Completed
	}
	if len(b.Steps) > 301 || total != 10_000 || b.Steps[series.Others].Completed < 9000 {
		t.Errorf("10,000 names: %d counted apart, %d steps, want at most 301 and 10,000", len(b.Steps), total)
	}
}

// TestSketchIsNear compares quantiles with those of the sorted durations.
func TestSketchIsNear(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, span := range []time.Duration{100 * time.Microsecond, 20 * time.Millisecond, time.Minute, 400 * 24 * time.Hour} {
		var s series.Sketch
		all := make([]time.Duration, 999)
		for i := range all {
			all[i] = time.Duration(random.Int64N(int64(span)))
			s.Add(all[i])
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 1} {
			want := all[max(int(q*float64(len(all))+0.999999), 1)-1]
			if got := s.Quantile(q); got < want-want*7/100-time.Microsecond || got > want+want*7/100+time.Microsecond {
				t.Errorf("Quantile(%v) of up to %v = %v, want %v within 7 %%", q, span, got, want)
			}
		}
	}
	var none series.Sketch
	if none.Quantile(0.5) != 0 || none.Count() != 0 {
		t.Errorf("Quantile of nothing = %v, want 0", none.Quantile(0.5))
	}
	var odd series.Sketch
	odd.Add(-time.Second)
	odd.Add(1<<63 - 1)
	if odd.Count() != 2 || odd.Quantile(0) != 0 || odd.Quantile(1) < 1<<61 {
		t.Errorf("Quantile of a negative and the longest duration = %v, %v", odd.Quantile(0), odd.Quantile(1))
	}
}
