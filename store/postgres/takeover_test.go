package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// other is a session that takes over as a node does, statement by statement.
type other struct {
	t    *testing.T
	conn *pgx.Conn
}

func openHub(t *testing.T) (*postgres.Hub, *other) {
	t.Helper()
	address := pgtest.Start(t).Database()
	db, err := postgres.Open(t.Context(), address, postgres.Options{Logger: quiet(), Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return h, &other{t, conn}
}

func (o *other) do(statements ...string) {
	o.t.Helper()
	for _, sql := range statements {
		if _, err := o.conn.Exec(o.t.Context(), sql); err != nil {
			o.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// waits reports whether somebody comes to wait for what the session has locked.
func (o *other) waits(done <-chan error) bool {
	o.t.Helper()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		var waiting bool
		if err := o.conn.QueryRow(o.t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))`).Scan(&waiting); err != nil {
			o.t.Fatal(err)
		}
		if waiting || len(done) > 0 {
			return waiting
		}
	}
	return false
}

const (
	takes  = `UPDATE perdure.leases SET node = 'other', owner = 7, epoch = epoch + 1`
	joins  = `INSERT INTO perdure.nodes (hub, name, until) SELECT id, 'other', now() + interval '1 min' FROM perdure.hubs`
	raises = `UPDATE perdure.committers SET fence = fence + 1`
)

// TestFirstGroupDuringTakeover takes the shards of a process over while that writes its
// first group, so that its committer's fence may not be there yet to be raised: what it
// writes once the takeover is complete is refused.
func TestFirstGroupDuringTakeover(t *testing.T) {
	h, o := openHub(t)
	leases, err := h.Acquire(t.Context(), "slow", []store.Shard{store.ShardOf("a")}, time.Minute)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Acquire() = %v, %v, want one lease", leases, err)
	}
	write := func(version uint64) error {
		commit := &store.Commit{ID: "a", Shard: store.ShardOf("a"), Expect: version - 1, Record: &store.Record{ID: "a", Version: version, Name: "n"}}
		if version > 1 {
			commit.Was = &store.Record{ID: "a", Version: version - 1, Name: "n"}
		}
		receipt, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{commit}})
		if err != nil {
			return err
		}
		refused, err := receipt.Wait(t.Context())
		if err == nil && len(refused) > 0 {
			err = refused[0].Err
		}
		return err
	}
	o.do("BEGIN", "SELECT 1 FROM perdure.leases FOR UPDATE", raises) // there is no fence yet
	first := make(chan error, 1)
	go func() { first <- write(1) }()
	o.waits(first)
	o.do(takes, joins, "COMMIT")
	if err := <-first; err != nil && !errors.Is(err, store.ErrFenced) {
		t.Fatalf("the first group: %v", err)
	}
	for version := uint64(1); version <= 2; version++ {
		if err := write(version); !errors.Is(err, store.ErrFenced) && !errors.Is(err, store.ErrConflict) {
			t.Errorf("a commit after the takeover = %v, want ErrFenced", err)
		}
	}
}

// TestAcquireDuringAcquire has two nodes want the same shards at the same time: the one
// that comes later gets none, as the first one lives.
func TestAcquireDuringAcquire(t *testing.T) {
	h, o := openHub(t)
	o.do("BEGIN", joins, takes)
	type answer struct {
		leases []store.Lease
		err    error
	}
	var got answer
	done := make(chan error, 1)
	go func() {
		got.leases, got.err = h.Acquire(t.Context(), "late", []store.Shard{1, 2, 3}, time.Minute)
		done <- got.err
	}()
	if !o.waits(done) {
		t.Fatalf("Acquire() does not wait for one that is under way: %v", got)
	}
	o.do("COMMIT")
	if err := <-done; err != nil || len(got.leases) != 0 {
		t.Errorf("Acquire() = %v, %v, want none: a node that lives was faster", got.leases, err)
	}
}
