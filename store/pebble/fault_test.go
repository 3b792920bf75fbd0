package pebble_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/storetest"
)

// badDisk fails operations from the n-th on: one, or all that follow.
type badDisk struct {
	mu    sync.Mutex
	n     int
	count int
	ever  bool
	err   error
	hit   bool
}

func (d *badDisk) before() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	if d.count == d.n || (d.ever && d.count > d.n) {
		d.hit = true
		return d.err
	}
	return nil
}

func (d *badDisk) wasHit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hit
}

// hangLimit is how long one run on a bad disk may take.
const hangLimit = 20 * time.Second

// TestT03_BadDisk is T3 of the guarantees for the store alone: an error at each
// operation of the disk in turn, until a run meets none.
func TestT03_BadDisk(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		ever bool
	}{
		{"EIO once", syscall.EIO, false},
		{"EIO ever after", syscall.EIO, true},
		{"ENOSPC once", syscall.ENOSPC, false},
		{"ENOSPC ever after", syscall.ENOSPC, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; ; n++ {
				d := &badDisk{n: n, err: c.err, ever: c.ever}
				done := make(chan error, 1)
				go func() { done <- badRun(t.Context(), d) }()
				select {
				case err := <-done:
					if err != nil {
						t.Fatalf("error at operation %d: %v", n, err)
					}
				case <-time.After(hangLimit):
					t.Fatalf("error at operation %d: hangs", n)
				}
				if !d.wasHit() {
					t.Logf("%d operations", n-1)
					return
				}
			}
		})
	}
}

// badRun commits on a bad disk and then looks at what a sound one finds.
func badRun(ctx context.Context, d *badDisk) error {
	mem := vfs.NewCrashableMem()
	work := storetest.NewWorkload(1)
	opts := smallTables(pebble.Options{FS: &faultyFS{FS: mem, before: d.before}})
	if err := badWork(ctx, work, opts); err != nil {
		return err
	}
	acked, submitted := work.Acked(), work.Submitted()
	db, err := pebble.Open(dir, smallTables(pebble.Options{FS: mem.CrashClone(vfs.CrashCloneCfg{})}))
	if err != nil {
		return fmt.Errorf("reopen: %w", err)
	}
	hub, err := db.Hub("default", acked == 0)
	if err == nil {
		_, err = work.Check(ctx, hub, acked, submitted)
	}
	return errors.Join(err, db.Close())
}

// badWork returns nil if all went well, or if the store failed as it should.
func badWork(ctx context.Context, work *storetest.Workload, opts pebble.Options) error {
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil
	}
	defer db.Close() // fails with the disk
	hub, err := db.Hub("default", true)
	if err != nil {
		return nil
	}
	shards := make([]store.Shard, store.Shards)
	for i := range shards {
		shards[i] = store.Shard(i)
	}
	leases, err := hub.Acquire(ctx, "node", shards, time.Hour)
	if err != nil {
		return failedAsItShould(err)
	}
	for i := range 12 {
		if err = work.Step(ctx, hub, leases); err == nil && i%5 == 4 {
			err = hub.Compact(ctx)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = work.Wait(ctx)
	}
	if err == nil {
		return nil
	}
	if err := failedAsItShould(err); err != nil {
		return err
	}
	acked := work.Acked()
	for range 3 {
		if err := work.Step(ctx, hub, leases); !errors.Is(err, store.ErrFailed) {
			return fmt.Errorf("commit after a failure: %v, want %v", err, store.ErrFailed)
		}
		if err := hub.Barrier(ctx); !errors.Is(err, store.ErrFailed) {
			return fmt.Errorf("Barrier after a failure: %v, want %v", err, store.ErrFailed)
		}
	}
	if work.Acked() != acked {
		return fmt.Errorf("%d commits acknowledged after a failure, want 0", work.Acked()-acked)
	}
	return nil
}

func failedAsItShould(err error) error {
	if errors.Is(err, store.ErrFailed) {
		return nil
	}
	return fmt.Errorf("%w, want %w", err, store.ErrFailed)
}

// TestHangingSync has a disk that never answers: everyone gets ErrFailed, and
// Close returns.
func TestHangingSync(t *testing.T) {
	h := newHarness(t)
	h.opts.StallLimit = 50 * time.Millisecond
	s, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leases := allLeases(t, s)
	if err := h.Inject(storetest.Fault{Kind: storetest.HoldSync}); err != nil {
		t.Fatal(err)
	}
	c := &store.Commit{ID: "a", Shard: store.ShardOf("a"), Record: &store.Record{ID: "a", Version: 1}}
	r, err := s.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(t.Context()); !errors.Is(err, store.ErrFailed) {
		t.Errorf("Wait(hanging disk) = %v, want %v", err, store.ErrFailed)
	}
	if err := s.Barrier(t.Context()); !errors.Is(err, store.ErrFailed) {
		t.Errorf("Barrier(hanging disk) = %v, want %v", err, store.ErrFailed)
	}
	if err := h.db.Close(); !errors.Is(err, store.ErrFailed) {
		t.Errorf("Close(hanging disk) = %v, want %v", err, store.ErrFailed)
	}
	if err := h.Crash(); err != nil { // lets the hanging sync go
		t.Fatal(err)
	}
	if _, err := h.Open(t.Context()); err != nil {
		t.Errorf("Open after a hanging disk: %v", err)
	}
}
