package postgres_test

import (
	"context"
	"testing"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
	"github.com/perdure/perdure/store/storetest"
)

func BenchmarkCommits(b *testing.B) {
	server := pgtest.Start(b)
	storetest.Benchmark(b, func(b *testing.B) store.Store { return onServer(b, server) })
}

// onServer opens a hub in a new database.
func onServer(tb testing.TB, server *pgtest.Server) *postgres.Hub {
	db, err := postgres.Open(context.Background(), server.Database(), postgres.Options{Logger: quiet()})
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
