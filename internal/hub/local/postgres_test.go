package local_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// postgresStore closes its connections with the hub.
type postgresStore struct {
	store.Store
	db *postgres.DB
}

func (s postgresStore) Close() error {
	if err := s.Store.Close(); err != nil {
		return err
	}
	return s.db.Close()
}

// TestHubOnPostgres takes two minutes: make check runs it. Hubs on a database are tested
// in make test too, by packages store/postgres, internal/peer, host and internal/chaos/nodes.
func TestHubOnPostgres(t *testing.T) {
	if fault.Enabled || os.Getenv("PERDURE_LONG") == "" && os.Getenv("PERDURE_SOAK") == "" {
		t.Skip("it runs in the normal build with PERDURE_LONG")
	}
	url, hubs := pgtest.Start(t).Database(), 0
	hubtest.Run(t, func(*testing.T) hubtest.Harness {
		hubs++
		name := fmt.Sprintf("hub%d", hubs)
		return harness{open: func(t testing.TB) store.Store {
			db, err := postgres.Open(context.Background(), url, postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := db.Hub(name, true)
			if err != nil {
				t.Fatal(err)
			}
			return postgresStore{s, db}
		}}
	})
}
