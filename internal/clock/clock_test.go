package clock_test

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure/internal/clock"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func fired(t clock.Timer) bool {
	select {
	case <-t.C():
		return true
	default:
		return false
	}
}

// TestTimers holds every clock to the contract; pass lets time pass.
func TestTimers(t *testing.T) {
	type test struct {
		name  string
		clock func() (c clock.Clock, pass func(time.Duration))
	}
	virtual := func(over func(clock.Clock) clock.Clock) func() (clock.Clock, func(time.Duration)) {
		return func() (clock.Clock, func(time.Duration)) {
			v := clock.NewVirtual(start)
			return over(v), v.Advance
		}
	}
	// The scaled clocks run at twice and half the speed: their timers are
	// tested with the base time that corresponds.
	for _, test := range []test{
		{"system", func() (clock.Clock, func(time.Duration)) { return clock.System(), time.Sleep }},
		{"virtual", virtual(func(c clock.Clock) clock.Clock { return c })},
		{"offset", virtual(func(c clock.Clock) clock.Clock { return clock.Offset(c, -time.Hour) })},
		{"fast", func() (clock.Clock, func(time.Duration)) {
			v := clock.NewVirtual(start)
			return clock.Scaled(v, 2), func(d time.Duration) { v.Advance(d / 2) }
		}},
		{"slow", func() (clock.Clock, func(time.Duration)) {
			v := clock.NewVirtual(start)
			return clock.Scaled(v, 0.5), func(d time.Duration) { v.Advance(2 * d) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, pass := test.clock()
				checkTimer(t, c, pass)
			})
		})
	}
}

func checkTimer(t *testing.T, c clock.Clock, pass func(time.Duration)) {
	const margin = time.Millisecond
	expect := func(what string, tm clock.Timer, want bool) {
		t.Helper()
		synctest.Wait()
		if got := fired(tm); got != want {
			t.Errorf("%s: fired = %v, want %v", what, got, want)
		}
	}
	before := c.Now()
	tm := c.NewTimer(time.Minute)
	pass(time.Minute - margin)
	expect("before its time", tm, false)
	pass(2 * margin)
	if got := c.Now().Sub(before); got != time.Minute+margin {
		t.Errorf("time passed = %v, want %v", got, time.Minute+margin)
	}
	expect("after its time", tm, true)
	pass(time.Hour)
	expect("a second time", tm, false)

	tm.Reset(time.Minute)
	tm.Reset(2 * time.Minute)
	pass(time.Minute + margin)
	expect("at the time before Reset", tm, false)
	pass(time.Minute)
	expect("at the time of Reset", tm, true)

	tm.Reset(time.Minute)
	pass(time.Minute + margin)
	tm.Reset(time.Minute)
	expect("after Reset of a fired timer", tm, false)
	tm.Stop()
	pass(time.Hour)
	expect("after Stop", tm, false)

	tm.Reset(time.Minute)
	pass(time.Hour)
	tm.Stop()
	expect("after Stop of a fired timer", tm, false)

	pass(margin)
	for _, d := range []time.Duration{0, -time.Hour} {
		tm := c.NewTimer(d)
		pass(margin)
		expect("with nothing to wait for", tm, true)
	}
	long := c.NewTimer(math.MaxInt64)
	pass(1000 * time.Hour)
	expect("the longest timer", long, false)
	long.Stop()
}

func TestOffset(t *testing.T) {
	v := clock.NewVirtual(start)
	for _, d := range []time.Duration{time.Hour, -time.Hour} {
		if got, want := clock.Offset(v, d).Now(), start.Add(d); !got.Equal(want) {
			t.Errorf("Offset(clock, %v).Now() = %v, want %v", d, got, want)
		}
	}
}

func TestScaledTimersAreNeverEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := clock.NewVirtual(start)
		factor := rapid.Float64Range(0.001, 10).Draw(t, "factor")
		c := clock.Scaled(v, factor)
		v.Advance(time.Duration(rapid.Int64Range(0, int64(200*24*time.Hour)).Draw(t, "passed")))
		d := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "d"))
		due := c.Now().Add(d)
		tm := c.NewTimer(d)
		v.AdvanceToNext()
		if !fired(tm) {
			t.Fatalf("timer of %v did not fire", d)
		}
		if now := c.Now(); now.Before(due) {
			t.Fatalf("timer of %v at factor %v fired %v early", d, factor, due.Sub(now))
		}
	})
}

func TestScaledRefusesFactors(t *testing.T) {
	for _, factor := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Scaled(clock, %v) did not panic", factor)
				}
			}()
			clock.Scaled(clock.System(), factor)
		}()
	}
}

func TestVirtualFiresInOrder(t *testing.T) {
	v := clock.NewVirtual(start)
	if at, ok := v.Next(); ok {
		t.Errorf("Next() = %v, want none", at)
	}
	if v.AdvanceToNext() {
		t.Error("AdvanceToNext() = true, want false")
	}
	late, early, same := v.NewTimer(3*time.Second), v.NewTimer(time.Second), v.NewTimer(time.Second)
	gone := v.NewTimer(2 * time.Second)
	gone.Stop()
	if at, ok := v.Next(); !ok || !at.Equal(start.Add(time.Second)) {
		t.Errorf("Next() = %v, %v, want %v", at, ok, start.Add(time.Second))
	}
	if !v.AdvanceToNext() || !fired(early) || !fired(same) || fired(late) {
		t.Error("AdvanceToNext() fired others than the two timers of one second")
	}
	if got, want := v.Now(), start.Add(time.Second); !got.Equal(want) {
		t.Errorf("Now() = %v, want %v", got, want)
	}
	v.Advance(5 * time.Second)
	if at := <-late.C(); !at.Equal(start.Add(3 * time.Second)) {
		t.Errorf("value of the late timer = %v, want its time", at)
	}
	if got, want := v.Now(), start.Add(6*time.Second); !got.Equal(want) {
		t.Errorf("Now() = %v, want %v", got, want)
	}
}

func TestVirtualDoesNotGoBack(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Advance(-1) did not panic")
		}
	}()
	clock.NewVirtual(start).Advance(-1)
}

func TestVirtualIsSafeForConcurrentUse(t *testing.T) {
	v := clock.NewVirtual(start)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			tm := v.NewTimer(time.Duration(i) * time.Millisecond)
			for n := range 200 {
				if n%3 == 0 {
					tm.Stop()
				}
				tm.Reset(time.Duration(n%7) * time.Millisecond)
				v.Advance(time.Millisecond)
				v.AdvanceToNext()
				v.Next()
				v.Now()
			}
			tm.Stop()
		})
	}
	wg.Wait()
	if at, ok := v.Next(); ok {
		t.Errorf("Next() = %v after all timers were stopped, want none", at)
	}
}
