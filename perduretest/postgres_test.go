package perduretest_test

import (
	"maps"
	"slices"
	"testing"

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

// TestCrashOnPostgresFails has a store acknowledge what is on its way to the database: it
// is found out.
func TestCrashOnPostgresFails(t *testing.T) {
	s := scenarios["chain"]
	s.Options = []perduretest.Option{crashes.Over(t)}
	want, commits := perduretest.EndOf(t, s)
	s.Options = append(s.Options, perduretest.Decorated(func(s store.Store) store.Store { return &hasty{Store: s} }))
	differ := 0
	for n := 2; n < commits; n++ {
		if !perduretest.Holds(s, n, false, want) {
			differ++
		}
	}
	if differ == 0 {
		t.Errorf("a store that acknowledges too early passed %d crashes, want it found out", commits-2)
	}
}
