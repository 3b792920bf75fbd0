// Package clock is where time comes from. Whatever waits or reads the time is
// given a Clock, so that tests and simulations decide how time passes.
package clock

import (
	"math"
	"time"
)

// Clock tells the time and makes timers. Its methods may be called
// concurrently. Times of one clock may be compared with each other, not with
// those of another.
type Clock interface {
	// Now returns the current time.
	Now() time.Time

	// NewTimer returns a timer that fires once d has passed, at once if d is
	// not positive.
	NewTimer(d time.Duration) Timer
}

// Timer fires once. Its owner alone calls Reset and Stop; the channel may be
// read by anyone. A timer that is dropped without Stop is collected, except
// that a Virtual clock keeps it until it is due.
type Timer interface {
	// C returns the channel that receives one value when the timer fires. The
	// value may be the time of an underlying clock: ask Now instead.
	C() <-chan time.Time

	// Reset makes the timer fire once d has passed from now on, whether it has
	// fired or not. A value of before is no longer received afterwards.
	Reset(d time.Duration)

	// Stop keeps the timer from firing. No value is received afterwards.
	Stop()
}

// System returns the clock of the operating system.
func System() Clock { return system{} }

// Steady reports whether a clock runs at the pace of the operating system's: what passes
// by that passes by c.
func Steady(c Clock) bool {
	for {
		switch of := c.(type) {
		case system:
			return true
		case offset:
			c = of.base
		default:
			return false
		}
	}
}

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) NewTimer(d time.Duration) Timer { return systemTimer{time.NewTimer(d)} }

type systemTimer struct{ t *time.Timer }

func (t systemTimer) C() <-chan time.Time   { return t.t.C }
func (t systemTimer) Reset(d time.Duration) { t.t.Reset(d) }
func (t systemTimer) Stop()                 { t.t.Stop() }

// Offset returns a clock that is ahead of base by d, behind it if d is
// negative. Its timers are those of base.
func Offset(base Clock, d time.Duration) Clock { return offset{base, d} }

type offset struct {
	base Clock
	d    time.Duration
}

func (c offset) Now() time.Time                 { return c.base.Now().Add(c.d) }
func (c offset) NewTimer(d time.Duration) Timer { return c.base.NewTimer(d) }

// Scaled returns a clock that shows base's time now and runs factor times as
// fast from now on. A timer never fires before its time by this clock. Scaled
// panics if factor is not a positive number.
func Scaled(base Clock, factor float64) Clock {
	if !(factor > 0) || math.IsInf(factor, 0) {
		panic("clock: the factor of a scaled clock must be positive")
	}
	return &scaled{base: base, start: base.Now(), factor: factor}
}

type scaled struct {
	base   Clock
	start  time.Time
	factor float64
}

func (c *scaled) Now() time.Time { return c.start.Add(c.passed(c.base.Now().Sub(c.start))) }

// passed returns how much time has passed when it was base by the base clock.
func (c *scaled) passed(base time.Duration) time.Duration {
	return duration(float64(base) * c.factor)
}

func (c *scaled) NewTimer(d time.Duration) Timer {
	return &scaledTimer{c.base.NewTimer(c.baseDuration(d)), c}
}

// baseDuration returns how long d takes by the base clock from now on. Floating
// point is inexact after months, so it asks passed for what is still missing.
func (c *scaled) baseDuration(d time.Duration) time.Duration {
	base := c.base.Now().Sub(c.start)
	passed := c.passed(base)
	if d <= 0 || d > math.MaxInt64-passed {
		return d // at once, or not in 292 years
	}
	due := passed + d
	wait := duration(math.Ceil(float64(d) / c.factor))
	for wait < math.MaxInt64-base && c.passed(base+wait) < due {
		missing := due - c.passed(base+wait)
		wait += duration(math.Ceil(float64(missing) / c.factor))
	}
	return wait
}

type scaledTimer struct {
	Timer
	clock *scaled
}

func (t *scaledTimer) Reset(d time.Duration) { t.Timer.Reset(t.clock.baseDuration(d)) }

// duration returns ns nanoseconds, at most the longest duration.
func duration(ns float64) time.Duration {
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}
