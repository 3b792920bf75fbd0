package pebble_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/storetest"
)

// copying is a harness whose hubs are copied into a directory of their own.
type copying struct {
	*harness
	wrap func(store.Store) store.Store // nil = as it is
}

// Open implements storetest.Harness.
func (c copying) Open(ctx context.Context) (store.Store, error) {
	s, err := c.harness.Open(ctx)
	if err == nil && c.wrap != nil {
		s = c.wrap(s)
	}
	return s, err
}

// Import implements storetest.Copying.
func (c copying) Import(ctx context.Context, next func() (*store.Item, error)) (store.Store, error) {
	db, err := pebble.Open("other", pebble.Options{FS: vfs.NewMem(), Logger: quiet()})
	if err != nil {
		return nil, err
	}
	c.t.Cleanup(func() { _ = db.Close() })
	if err := db.Import(ctx, "copy", next); err != nil {
		return nil, err
	}
	return db.Hub("copy", false)
}

// TestT22_CopyUnderLoad copies hubs into other stores while commits go on.
func TestT22_CopyUnderLoad(t *testing.T) {
	for seed := range uint64(40) {
		if err := storetest.Copy(t.Context(), copying{harness: newHarness(t)}, seed, 60); err != nil {
			t.Fatal(err)
		}
	}
}

// twoTimes is a driver that copies the records at one moment and the rest at another.
type twoTimes struct{ store.Store }

// Copy implements store.Copier.
func (s twoTimes) Copy(ctx context.Context, fn func(*store.Item) error) error {
	record := func(it *store.Item) bool { return it.Record != nil || it.Origin != nil }
	err := s.Store.(store.Copier).Copy(ctx, func(it *store.Item) error {
		if !record(it) {
			return nil
		}
		return fn(it)
	})
	if err != nil {
		return err
	}
	return s.Store.(store.Copier).Copy(ctx, func(it *store.Item) error {
		if record(it) {
			return nil
		}
		return fn(it)
	})
}

// noTimers is a driver that forgets timers.
type noTimers struct{ store.Store }

// Copy implements store.Copier.
func (s noTimers) Copy(ctx context.Context, fn func(*store.Item) error) error {
	return s.Store.(store.Copier).Copy(ctx, func(it *store.Item) error {
		if it.Timer != nil {
			return nil
		}
		return fn(it)
	})
}

// TestCopyControls shows that copies of two moments, and such as lack something, are
// found.
func TestCopyControls(t *testing.T) {
	for name, wrap := range map[string]func(store.Store) store.Store{
		"two moments": func(s store.Store) store.Store { return twoTimes{s} },
		"no timers":   func(s store.Store) store.Store { return noTimers{s} },
	} {
		found := false
		for seed := uint64(0); seed < 20 && !found; seed++ {
			found = storetest.Copy(t.Context(), copying{newHarness(t), wrap}, seed, 60) != nil
		}
		if !found {
			t.Errorf("a driver whose copies are of %s passes", name)
		}
	}
}

// origin begins a copy.
func origin() *store.Item {
	return &store.Item{Origin: &store.Origin{Identity: store.Identity{Lineage: [16]byte{1}}, Epoch: 5 << 32}}
}

func TestImportIsWholeOrNothing(t *testing.T) {
	errCut := errors.New("cut")
	h := newHarness(t)
	if _, err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := func(n int, end error) func() (*store.Item, error) {
		i := -1
		return func() (*store.Item, error) {
			switch i++; {
			case i == 0:
				return origin(), nil
			case i <= n:
				return &store.Item{Row: &store.Row{Kind: 7, Owner: "a", Key: []byte{byte(i)}, Value: make([]byte, 400<<10)}}, nil
			}
			return nil, end
		}
	}
	hubs := func(want ...string) {
		t.Helper()
		if got, err := h.db.Hubs(); err != nil || !slices.Equal(got, want) {
			t.Errorf("Hubs() = %q, %v, want %q", got, err, want)
		}
	}
	if err := h.db.Import(t.Context(), "copy", rows(9, errCut)); !errors.Is(err, errCut) {
		t.Errorf("Import of a copy that is cut = %v, want %v", err, errCut)
	}
	hubs("default")

	// A crash in the middle leaves what the next import clears away; a hub that is made
	// before that has none of it.
	i := 0
	err := h.db.Import(t.Context(), "copy", func() (*store.Item, error) {
		if i++; i == 1 {
			return origin(), nil
		}
		if i == 9 {
			if err := h.Crash(); err != nil {
				t.Fatal(err)
			}
			h.db = nil // it is dead
			return nil, errCut
		}
		return &store.Item{Row: &store.Row{Kind: 7, Owner: "a", Key: []byte{byte(i)}, Value: make([]byte, 400<<10)}}, nil
	})
	if err == nil {
		t.Error("Import in a crash = nil")
	}
	if _, err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	hubs("default")
	fresh, err := h.db.Hub("fresh", true)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := fresh.Rows(t.Context(), store.RowQuery{Kind: 7, Owner: "a"}); err != nil || len(got) > 0 {
		t.Errorf("a new hub after the crash has %d rows, %v, want none", len(got), err)
	}
	if err := h.db.Import(t.Context(), "copy", rows(3, io.EOF)); err != nil {
		t.Fatal(err)
	}
	hubs("copy", "default", "fresh")
	s, err := h.db.Hub("copy", false)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Rows(t.Context(), store.RowQuery{Kind: 7, Owner: "a"}); err != nil || len(got) != 3 {
		t.Errorf("the copy has %d rows, %v, want the 3 of the second import", len(got), err)
	}
	if err := h.db.Import(t.Context(), "copy", rows(3, io.EOF)); !errors.Is(err, store.ErrExists) {
		t.Errorf("Import over a hub = %v, want %v", err, store.ErrExists)
	}
}

// TestCopyEndsWithItsHub ends a hub in the middle of a copy.
func TestCopyEndsWithItsHub(t *testing.T) {
	h := newHarness(t)
	s, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "c"} {
		commitTo(t, s.(*pebble.Hub), id)
	}
	ended := make(chan error, 1)
	n := 0
	err = s.(store.Copier).Copy(t.Context(), func(*store.Item) error {
		if n++; n == 1 {
			go func() { ended <- h.db.Drop("default") }()
		}
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrClosed) {
		t.Errorf("Copy() = %v, want all of it or %v", err, store.ErrClosed)
	}
	if err := <-ended; err != nil {
		t.Errorf("Drop() = %v", err)
	}
}

// TestCopyIsDurable copies what is not durable yet: the copy must not end well.
func TestCopyIsDurable(t *testing.T) {
	h := newHarness(t)
	s, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leases := allLeases(t, s.(*pebble.Hub))
	if err := h.Inject(storetest.Fault{Kind: storetest.HoldSync}); err != nil {
		t.Fatal(err)
	}
	c := &store.Commit{ID: "a", Shard: store.ShardOf("a"), Record: &store.Record{ID: "a", Version: 1}}
	if _, err := s.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.(store.Copier).Copy(ctx, func(*store.Item) error { return nil }); err == nil {
		t.Error("Copy() = nil before what it has copied was durable")
	}
	if err := h.Crash(); err != nil {
		t.Fatal(err)
	}
}
