package perduretest

import (
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
)

// Settle waits until nothing moves by itself: all that can happen now has
// happened, and what is left waits for time, events or completions from outside.
func (e *Env) Settle() {
	e.t.Helper()
	e.settle()
}

// settle is Settle; it returns what the clock brings next, zero = nothing.
func (e *Env) settle() time.Time {
	e.t.Helper()
	next, err := again(e, e.ctx, func(p *process) (time.Time, error) { return p.hub.Idle(e.ctx) })
	if err != nil {
		e.t.Fatalf("the hub did not come to rest: %v", err)
	}
	return next
}

// After has do called on the test's goroutine when the hub's time has moved on by
// d: it is for what happens while the test waits, such as events.
func (e *Env) After(d time.Duration, do func()) {
	e.later = append(e.later, delayed{e.clock.Now().Add(d), do})
	slices.SortStableFunc(e.later, func(a, b delayed) int { return a.at.Compare(b.at) })
}

// Advance lets d pass, with all that happens meanwhile.
func (e *Env) Advance(d time.Duration) {
	e.t.Helper()
	to := e.clock.Now().Add(d)
	for e.step(to) {
	}
	e.clock.Advance(max(to.Sub(e.clock.Now()), 0))
	e.settle()
}

// step moves the time to what happens next, unless that is later than to (zero =
// no bound), and reports whether something did.
func (e *Env) step(to time.Time) bool {
	e.t.Helper()
	next := e.settle()
	mine := len(e.later) > 0 && (next.IsZero() || !e.later[0].at.After(next))
	if mine {
		next = e.later[0].at
	}
	if next.IsZero() || !to.IsZero() && next.After(to) {
		return false
	}
	e.clock.Advance(max(next.Sub(e.clock.Now()), 0))
	if mine {
		do := e.later[0].do
		e.later = e.later[1:]
		do()
	}
	return true
}

// Wait lets time pass until the run has ended and returns it. It fails the test
// if the run will never end.
func (e *Env) Wait(id string) *client.Instance {
	e.t.Helper()
	for {
		e.settle()
		in, err := e.client.Get(e.ctx, id)
		if err != nil {
			e.t.Fatal(err)
		}
		if in.Status.Ended() {
			return in
		}
		if !e.step(time.Time{}) {
			in, err = e.client.Get(e.ctx, id)
			if err == nil && in.Status.Ended() {
				return in
			}
			e.t.Fatalf("%s will never end: it is %s (%s), step %q, waits for %q %s",
				id, in.Status, in.Phase, in.Step, in.WaitName, in.PhaseCause)
		}
	}
}

// Result lets time pass until the run has ended and returns its result, or a
// *client.RunError if it did not complete.
func Result[T any](e *Env, id string) (T, error) {
	e.t.Helper()
	e.Wait(id)
	return client.Result[T](e.ctx, e.client, id)
}

// Start starts an orchestration and returns its instance id.
func Start[In, Out any](e *Env, fn func(*perdure.Context, In) (Out, error), in In) string {
	e.t.Helper()
	s, err := client.Start(e.ctx, e.client, fn, in, client.StartOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	return s.ID
}

// Run starts an orchestration, lets time pass until it has ended, and returns its
// result.
func Run[In, Out any](e *Env, fn func(*perdure.Context, In) (Out, error), in In) (Out, error) {
	e.t.Helper()
	return Result[Out](e, Start(e, fn, in))
}
