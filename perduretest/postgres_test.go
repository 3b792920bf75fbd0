package perduretest_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store"
)

// TestCrashOnPostgres drops the process before and after each commit of scenarios over a
// real database; of all where there is time.
func TestCrashOnPostgres(t *testing.T) {
	all := scenarios
	if !crashes.Long() {
		all = map[string]perduretest.Scenario{"sub-orchestration": scenarios["sub-orchestration"], "event": scenarios["event"]}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { crashes.OnPostgres(t, all[name]) })
	}
}

// early is a store that calls a group durable before it has given it to the database,
// which it does when the next one comes.
type early struct {
	store.Store
	held *store.Group
}

func (e *early) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	if e.held != nil {
		r, err := e.Store.Submit(ctx, e.held)
		if err == nil {
			_, err = r.Wait(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	e.held = g
	return hastyReceipt{}, nil
}

func (e *early) Barrier(context.Context) error { return nil }

// TestCrashOnPostgresFails has a store acknowledge what has not reached the database: it
// is found out, by what is read or by what a crash has lost.
func TestCrashOnPostgresFails(t *testing.T) {
	s := scenarios["chain"]
	s.Options = []perduretest.Option{crashes.Over(t)}
	want, commits := perduretest.EndOf(t, s)
	s.Options = append(s.Options, perduretest.Decorated(func(s store.Store) store.Store { return &early{Store: s} }), perduretest.Limit(5*time.Second))
	for n := 2; n < commits; n++ {
		if perduretest.Holds(s, n, false, want) {
			t.Errorf("a store that acknowledges too early passed a crash at commit %d, want it found out", n)
		}
	}
}
