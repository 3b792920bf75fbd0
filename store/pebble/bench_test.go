package pebble_test

import (
	"testing"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/storetest"
)

func BenchmarkCommits(b *testing.B) {
	for _, c := range []struct {
		name string
		opts pebble.Options
	}{
		{"sync", pebble.Options{Logger: quiet()}},
		{"unsafe_no_sync", pebble.Options{Logger: quiet(), UnsafeNoSync: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			storetest.Benchmark(b, func(b *testing.B) store.Store { return onDisk(b, c.opts) })
		})
	}
}

// onDisk opens a hub in a temporary directory.
func onDisk(tb testing.TB, opts pebble.Options) *pebble.Hub {
	db, err := pebble.Open(tb.TempDir(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	h, err := db.Hub("default", true)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}
