package postgres_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
	"github.com/perdure/perdure/store/storetest"
)

// copying is a harness whose hubs are copied into a database of their own.
type copying struct {
	*harness
	torn bool // a copy is of two moments
}

// Open implements storetest.Harness.
func (c copying) Open(ctx context.Context) (store.Store, error) {
	s, err := c.harness.Open(ctx)
	if err == nil && c.torn {
		s = tornCopies{s}
	}
	return s, err
}

// Import implements storetest.Copying.
func (c copying) Import(ctx context.Context, next func() (*store.Item, error)) (store.Store, error) {
	db, err := postgres.Open(ctx, c.server.Database(), postgres.Options{Logger: quiet()})
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { _ = db.Close() })
	if err := db.Import(ctx, "copy", next); err != nil {
		return nil, err
	}
	return db.Hub("copy", false)
}

// tornCopies is a driver that copies records at one moment and the rest at another.
type tornCopies struct{ store.Store }

// Copy implements store.Copier.
func (s tornCopies) Copy(ctx context.Context, fn func(*store.Item) error) error {
	for _, records := range []bool{true, false} {
		err := s.Store.(store.Copier).Copy(ctx, func(it *store.Item) error {
			if records != (it.Record != nil || it.Origin != nil) {
				return nil
			}
			return fn(it)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// TestT22_CopyUnderLoad copies hubs into other databases while commits go on; a driver
// whose copies are of two moments is found.
func TestT22_CopyUnderLoad(t *testing.T) {
	server := pgtest.Start(t)
	seeds := uint64(4)
	if soak() {
		seeds = 100
	}
	for seed := range seeds {
		if err := storetest.Copy(t.Context(), copying{harness: newHarness(t, server)}, seed, 40); err != nil {
			t.Fatal(err)
		}
	}
	for seed := uint64(0); ; seed++ {
		if storetest.Copy(t.Context(), copying{newHarness(t, server), true}, seed, 40) != nil {
			break
		}
		if seed == 10 {
			t.Fatal("a driver whose copies are of two moments passes")
		}
	}
}

func TestImportIsWholeOrNothing(t *testing.T) {
	h := newHarness(t, pgtest.Start(t))
	if _, err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	errCut := errors.New("cut")
	rows := func(n int, end error) func() (*store.Item, error) {
		i := -1
		return func() (*store.Item, error) {
			switch i++; {
			case i == 0:
				return &store.Item{Origin: &store.Origin{Identity: store.Identity{Lineage: [16]byte{1}}, Epoch: 5 << 32}}, nil
			case i <= n:
				return &store.Item{Row: &store.Row{Kind: 7, Owner: "a", Key: []byte{byte(i)}, Value: make([]byte, 400<<10)}}, nil
			}
			return nil, end
		}
	}
	if err := h.db.Import(t.Context(), "copy", rows(9, errCut)); !errors.Is(err, errCut) {
		t.Errorf("Import of a copy that is cut = %v, want %v", err, errCut)
	}
	if got, err := h.db.Hubs(); err != nil || !slices.Equal(got, []string{"default"}) {
		t.Errorf("Hubs() = %q, %v, want no copy", got, err)
	}
	if err := h.db.Import(t.Context(), "copy", rows(5, io.EOF)); err != nil {
		t.Fatal(err)
	}
	s, err := h.db.Hub("copy", false)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Rows(t.Context(), store.RowQuery{Kind: 7, Owner: "a"}); err != nil || len(got) != 5 {
		t.Errorf("the copy has %d rows, %v, want 5", len(got), err)
	}
	if err := h.db.Import(t.Context(), "copy", rows(5, io.EOF)); !errors.Is(err, store.ErrExists) {
		t.Errorf("Import over a hub = %v, want %v", err, store.ErrExists)
	}
}
