package perduretest_test

import (
	"context"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store"
)

// hasty is a store that calls a group durable while it is on its way: it waits for
// the one before.
type hasty struct {
	store.Store
	last store.Receipt
}

func (h *hasty) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	if h.last != nil {
		if _, err := h.last.Wait(ctx); err != nil {
			return nil, err
		}
	}
	r, err := h.Store.Submit(ctx, g)
	if err == nil {
		h.last = r
		return hastyReceipt{}, nil
	}
	return r, err
}

func (h *hasty) Barrier(context.Context) error { return nil }

type hastyReceipt struct{}

func (hastyReceipt) Wait(context.Context) ([]store.Refused, error) { return nil, nil }

// TestCrashesAreSeen plants a store that acknowledges before it is durable: a crash
// then takes back a step whose effects were seen.
func TestCrashesAreSeen(t *testing.T) {
	for _, planted := range []bool{false, true} {
		env := perduretest.New(t, chained(), perduretest.Decorated(func(s store.Store) store.Store {
			if planted {
				return &hasty{Store: s}
			}
			return s
		}))
		start(env, "chain", "run", 1)
		before := len(env.Calls("Step"))
		env.Crash()
		_, err := env.Client().Get(env.Context(), "run")
		lost := perdure.CodeOf(err) == perdure.NotFound
		if err == nil {
			env.Wait("run")
		}
		again := len(env.Calls("Step")) > before
		if (lost || again) != planted {
			t.Errorf("planted %v: after the crash the run was lost: %v, a finished step ran again: %v", planted, lost, again)
		}
	}
}

func chained() *perdure.Registry {
	r := perdure.NewRegistry()
	perdure.AddActivity(r, Step)
	perdure.AddOrchestrationNamed(r, "chain", func(ctx *perdure.Context, n int) (int, error) {
		for range 3 {
			var err error
			if n, err = perdure.Call(ctx, Step, n).Await(); err != nil {
				return 0, err
			}
		}
		return n, nil
	})
	return r
}

// TestCrashEverywhereFails runs CrashEverywhere's judgement over the planted store.
func TestCrashEverywhereFails(t *testing.T) {
	s := scenarios["chain"]
	want, commits := perduretest.EndOf(t, s)
	s.Options = []perduretest.Option{perduretest.Decorated(func(s store.Store) store.Store { return &hasty{Store: s} })}
	differ := 0
	for n := 2; n < commits; n++ {
		for _, durable := range []bool{false, true} {
			if !perduretest.Holds(s, n, durable, want) {
				differ++
			}
		}
	}
	if differ == 0 {
		t.Errorf("a store that acknowledges too early passed %d crashes, want it found out", 2*(commits-2))
	}
}
