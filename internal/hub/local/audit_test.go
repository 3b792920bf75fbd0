package local_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestS23ChangedByteIsNamed changes one byte of an entry in each store, as somebody would
// who can write to it, and finds that entry named; the control is the entry as it was.
func TestS23ChangedByteIsNamed(t *testing.T) {
	disk, dir, url := &memory.Disk{}, t.TempDir(), pgtest.Start(t).Database()
	for name, open := range map[string]func(testing.TB) store.Store{
		"memory": onDisk(disk),
		"pebble": func(t testing.TB) store.Store {
			db, err := pebble.Open(dir, pebble.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := db.Hub("default", true)
			if err != nil {
				t.Fatal(err)
			}
			return pebbleStore{s, db}
		},
		"postgres": func(t testing.TB) store.Store {
			db, err := postgres.Open(context.Background(), url, postgres.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := db.Hub("default", true)
			if err != nil {
				t.Fatal(err)
			}
			return postgresStore{s, db}
		},
	} {
		t.Run(name, func(t *testing.T) { changeOneByte(t, harness{open: open}) })
	}
}

func changeOneByte(t *testing.T, h harness) {
	c := clock.System()
	ctx := hub.WithActor(t.Context(), &hub.Actor{By: "ann", Action: "note"})
	l, stop := h.Start(t, perdure.NewRegistry(), c)
	for range 10 {
		if err := l.WriteRows(ctx, &hub.WriteRows{Owner: "~x"}); err != nil {
			t.Fatal(err)
		}
	}
	stop()

	check := func(victim []byte, misfits int) {
		t.Helper()
		l, stop := h.Start(t, perdure.NewRegistry(), c)
		defer stop()
		r, err := audit.Check(t.Context(), l, c.Now(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Entries != 10 || r.Wrong != misfits || misfits > 0 && (r.First[0].Target != "~x" || !bytes.Equal(r.First[0].Key, victim)) {
			t.Errorf("Check() = %d entries, %+v, want 10, of which %d do not fit, the first with the key %x", r.Entries, r.First, misfits, victim)
		}
	}
	check(nil, 0)
	s := h.open(t)
	rows, _, err := s.Rows(t.Context(), store.RowQuery{Kind: hub.RowAudit, Owner: "~x"})
	if err != nil || len(rows) != 10 {
		t.Fatalf("Rows() = %d, %v, want the entries", len(rows), err)
	}
	victim := rows[6]
	i := bytes.Index(victim.Value, []byte("ann"))
	victim.Value[i] = 'e'
	shard := store.ShardOf("~x")
	leases, err := s.Acquire(t.Context(), "eve", []store.Shard{shard}, time.Minute)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Acquire() = %v, %v", leases, err)
	}
	receipt, err := s.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{{ID: "~x", Shard: shard, Rows: []store.Row{victim}}}})
	if err != nil {
		t.Fatal(err)
	}
	if refused, err := receipt.Wait(t.Context()); err != nil || len(refused) > 0 {
		t.Fatalf("Wait() = %v, %v", refused, err)
	}
	if err := s.Release(t.Context(), "eve", leases); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(victim.Key, 1)
}
