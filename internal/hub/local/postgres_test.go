package local_test

import (
	"context"
	"fmt"
	"testing"

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

func TestHubOnPostgres(t *testing.T) {
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
