package local_test

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

type counter struct{ N int }

func (c *counter) Add(n int) int { c.N += n; return c.N }

// TestCleansEntities puts into the store what cannot come about: an entity locked
// by a run that is no more, and one of which nothing is left. Cleaning mends both,
// and counts them.
func TestCleansEntities(t *testing.T) {
	disk := &memory.Disk{}
	h := harness{open: onDisk(disk)}
	reg := func() *perdure.Registry {
		r := perdure.NewRegistry()
		perdure.AddEntity[counter](r, "counter")
		return r
	}
	ctx := context.Background()
	idle := func(hub hubtest.Hub) {
		t.Helper()
		if _, err := hub.Idle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first, stop := h.Start(t, reg(), clock.System())
	for _, id := range []string{"@counter@locked", "@counter@empty", "@counter@fine"} {
		if err := first.Signal(ctx, &hub.Signal{InstanceID: id, Operation: "add", Input: history.Some("1")}); err != nil {
			t.Fatal(err)
		}
	}
	idle(first)
	stop()

	s := h.open(t)
	lock := &engine.Lock{Section: "s", Instance: "ghost", Execution: "x", Set: []string{"@counter@locked"}}
	damage(t, s, &engine.Entity{ID: "@counter@locked", State: history.Some(`{"N":1}`), Lock: lock},
		protowire.AppendString(protowire.AppendTag(nil, sumHolder, protowire.BytesType), "ghost"))
	damage(t, s, &engine.Entity{ID: "@counter@empty"},
		protowire.AppendVarint(protowire.AppendTag(nil, sumStateless, protowire.VarintType), 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	second, stop := h.Start(t, reg(), clock.System())
	defer stop()
	u := second.(hub.Upkeep)
	if err := second.Signal(ctx, &hub.Signal{InstanceID: "@counter@locked", Operation: "add", Input: history.Some("1")}); err != nil {
		t.Fatal(err)
	}
	idle(second)
	for _, want := range []hub.Cleaned{{Removed: 1, Released: 1}, {}} {
		if got, err := u.CleanEntities(ctx, &hub.CleanEntities{Empty: true, Locks: true}); err != nil || got != want {
			t.Errorf("CleanEntities() = %+v, %v, want %+v", got, err, want)
		}
	}
	idle(second)
	if e, err := second.Entity(ctx, "@counter@locked"); err != nil || e.LockedBy != "" || e.State.S != `{"N":2}` {
		t.Errorf("Entity() = %+v, %v, want it free, with the operation that has waited done", e, err)
	}
	if _, err := second.Entity(ctx, "@counter@empty"); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Entity(empty) = %v, want NotFound", err)
	}
}

// Fields of a record's summary, and the kind of an entity's row, as package shard
// stores them.
const (
	sumHolder    = 25
	sumStateless = 28
	rowEntity    = 2
)

// damage replaces the state of an entity, with fields added to its summary.
func damage(t *testing.T, s store.Store, ent *engine.Entity, fields []byte) {
	t.Helper()
	ctx := context.Background()
	old, err := s.Instance(ctx, ent.ID)
	if err != nil {
		t.Fatal(err)
	}
	rec := *old
	rec.Version++
	rec.Packed = append(slices.Clone(old.Packed), fields...)
	leases, err := s.Acquire(ctx, "test", []store.Shard{store.ShardOf(ent.ID)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := s.Submit(ctx, &store.Group{Epochs: leases, Commits: []*store.Commit{{
		ID: ent.ID, Shard: store.ShardOf(ent.ID), Expect: old.Version, Record: &rec, Was: old,
		Rows: []store.Row{{Kind: rowEntity, Owner: ent.ID, Value: ent.Encode()}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if refused, err := receipt.Wait(ctx); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
}
