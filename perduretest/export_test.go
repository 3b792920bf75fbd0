package perduretest

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// Decorated has the hub work on what decorate makes of its store.
func Decorated(decorate func(store.Store) store.Store) Option {
	return func(c *config) { c.store = decorate }
}

// EndOf runs a scenario without a crash.
func EndOf(t testing.TB, s Scenario) (end string, commits int) {
	t.Helper()
	end, commits, _ = s.run(t)
	return end, commits
}

// EndOfTwice runs a scenario with a crash at the n-th commit and another later.
func EndOfTwice(t testing.TB, s Scenario, n, later int, durable [2]bool) (end string, crashes int) {
	t.Helper()
	end, _, crashes = s.run(t, moment{commit: n, durable: durable[0]}, moment{commit: n + later, durable: durable[1]})
	return end, crashes
}

// EndOfFailed runs a scenario in which the sync of the n-th commit fails, with what
// it was to make durable kept all the same or not.
func EndOfFailed(t testing.TB, s Scenario, n int, kept bool) (end string, failures int) {
	t.Helper()
	verdict := memory.FailLost
	if kept {
		verdict = memory.FailKept
	}
	end, _, failures = s.run(t, moment{commit: n, verdict: verdict})
	return end, failures
}

// Recorder is a test that is told what goes wrong instead of failing.
type Recorder struct {
	testing.TB
	Errors   []string
	cleanups []func()
}

// Record runs f as a test of its own.
func Record(f func(t testing.TB)) *Recorder {
	r := &Recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
			for _, c := range slices.Backward(r.cleanups) {
				c()
			}
		}()
		f(r)
	}()
	<-done
	return r
}

func (r *Recorder) Helper()           {}
func (r *Recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *Recorder) Error(args ...any) { r.Errors = append(r.Errors, fmt.Sprint(args...)) }
func (r *Recorder) Errorf(format string, a ...any) {
	r.Errors = append(r.Errors, fmt.Sprintf(format, a...))
}
func (r *Recorder) Fatal(args ...any)              { r.Error(args...); runtime.Goexit() }
func (r *Recorder) Fatalf(format string, a ...any) { r.Errorf(format, a...); runtime.Goexit() }

// Holds reports whether a scenario comes to the end that is wanted with a crash
// at the n-th commit.
func Holds(s Scenario, n int, durable bool, want string) bool {
	var end string
	r := Record(func(t testing.TB) { end, _, _ = s.run(t, moment{commit: n, durable: durable}) })
	return len(r.Errors) == 0 && end == want
}
