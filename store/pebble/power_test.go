package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/storetest"
)

// modelSeeds are the seeds of a normal run and of a long one.
func modelSeeds() uint64 {
	if soak() {
		return 1000
	}
	return 50
}

func TestModel(t *testing.T) {
	for seed := range modelSeeds() {
		h := newHarness(t)
		if seed%2 == 1 {
			h.rng = rand.New(rand.NewPCG(seed, 1))
		}
		if err := storetest.Model(t.Context(), h, seed, 60); err != nil {
			t.Errorf("Model: %v", err)
		}
		h.closeDB()
	}
}

// smallTables make flushes and compactions part of a short run.
func smallTables(o pebble.Options) pebble.Options {
	o.Logger, o.CacheBytes, o.MemTableBytes = quiet(), 1<<20, 64<<10
	return o
}

// cut is a disk as a power cut left it, and what was promised by then.
type cut struct {
	disk             *vfs.MemFS
	acked, submitted int
}

// powerRun commits at random and cuts the power before random operations of the
// disk, each time on a copy, so that one run gives many cuts.
type powerRun struct {
	rng  *rand.Rand // of the cuts; guarded by mu
	work *storetest.Workload

	mu               sync.Mutex
	mem              *vfs.MemFS
	next             int // operations until the next cut
	acked, submitted int
	cuts             []cut
}

const operationsPerCut = 40

func (p *powerRun) before() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next--; p.next > 0 {
		return nil
	}
	p.next = 1 + p.rng.IntN(2*operationsPerCut)
	p.cuts = append(p.cuts, cut{disk: cutPower(p.mem, p.rng), acked: p.acked, submitted: p.submitted})
	return nil
}

// cutPower keeps none, half or all of what is not synced.
func cutPower(mem *vfs.MemFS, rng *rand.Rand) *vfs.MemFS {
	return mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50 * rng.IntN(3), RNG: rng})
}

func (p *powerRun) promise(acked, submitted int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acked, p.submitted = acked, submitted
}

// run makes the cuts of a seed.
func (p *powerRun) run(t *testing.T, seed uint64, opts pebble.Options) {
	const steps, perStep = 80, 4
	p.rng, p.work = rand.New(rand.NewPCG(seed, 2)), storetest.NewWorkload(seed)
	p.mem, p.next = vfs.NewCrashableMem(), 1
	opts.FS = &faultyFS{FS: p.mem, before: p.before}
	db, hub := openHub(t, opts)
	leases := allLeases(t, hub)
	for range steps {
		p.promise(p.work.Acked(), p.work.Submitted()+perStep)
		if err := p.work.Step(t.Context(), hub, leases); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.work.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.promise(p.work.Acked(), p.work.Submitted())
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// recover opens a disk after a cut, cuts the power again during that, and checks
// both. It returns why acknowledged commits are not there.
func (p *powerRun) recover(t *testing.T, c cut, opts pebble.Options) error {
	c.submitted = min(c.submitted, p.work.Submitted())
	fs := &faultyFS{FS: c.disk}
	var again []*vfs.MemFS
	operation, at := 0, p.rng.IntN(30)
	var mu sync.Mutex
	fs.before = func() error {
		mu.Lock()
		defer mu.Unlock()
		if operation++; operation == at {
			again = append(again, cutPower(c.disk, p.rng))
		}
		return nil
	}
	opts.FS = fs
	if err := p.check(t, c, opts); err != nil {
		return err
	}
	for _, disk := range again {
		opts.FS = disk
		if err := p.check(t, c, opts); err != nil {
			return fmt.Errorf("after a second cut: %w", err)
		}
	}
	return nil
}

func (p *powerRun) check(t *testing.T, c cut, opts pebble.Options) error {
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return err
	}
	defer db.Close()
	hub, err := db.Hub("default", c.acked == 0)
	if err != nil {
		return err
	}
	_, err = p.work.Check(t.Context(), hub, c.acked, c.submitted)
	return err
}

func openHub(t *testing.T, opts pebble.Options) (*pebble.DB, *pebble.Hub) {
	t.Helper()
	db, err := pebble.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	hub, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	return db, hub
}

func allLeases(t *testing.T, s store.Store) []store.Lease {
	t.Helper()
	shards := make([]store.Shard, store.Shards)
	for i := range shards {
		shards[i] = store.Shard(i)
	}
	leases, err := s.Acquire(t.Context(), "node", shards, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

// TestT01_PowerLoss is T1 of the guarantees, for the store alone.
func TestT01_PowerLoss(t *testing.T) {
	points := 0
	for seed := range modelSeeds() {
		var p powerRun
		opts := smallTables(pebble.Options{})
		p.run(t, seed, opts)
		for i, c := range p.cuts {
			if err := p.recover(t, c, opts); err != nil {
				t.Errorf("seed %d cut %d: %v", seed, i, err)
			}
		}
		points += len(p.cuts)
	}
	t.Logf("%d power cuts, each with one more in recovery", points)
	if points < int(modelSeeds())*3 {
		t.Errorf("%d power cuts, want more", points)
	}
}

// TestT01_ControlNoSync shows that the test sees commits that are acknowledged
// before they are durable.
func TestT01_ControlNoSync(t *testing.T) {
	points, lost := 0, 0
	for seed := range uint64(10) {
		var p powerRun
		opts := smallTables(pebble.Options{UnsafeNoSync: true})
		p.run(t, seed, opts)
		for _, c := range p.cuts {
			points++
			if err := p.recover(t, c, opts); err != nil {
				lost++
			}
		}
	}
	t.Logf("%d of %d power cuts lost acknowledged commits", lost, points)
	if lost == 0 {
		t.Errorf("0 of %d power cuts lost commits that were not synced, want some", points)
	}
}

// TestT01_ControlNoBarrier shows that a read without Barrier returns what a
// power cut then takes away.
func TestT01_ControlNoBarrier(t *testing.T) {
	h := newHarness(t)
	s, err := h.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leases := allLeases(t, s)
	if err := h.Inject(storetest.Fault{Kind: storetest.HoldSync}); err != nil {
		t.Fatal(err)
	}
	c := &store.Commit{ID: "a", Shard: store.ShardOf("a"), Record: &store.Record{ID: "a", Version: 1}}
	if _, err := s.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Instance(t.Context(), "a"); err != nil {
		t.Errorf("Instance before the sync: %v, want the record", err)
	}
	if err := h.Crash(); err != nil {
		t.Fatal(err)
	}
	if s, err = h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Instance(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Instance after the cut = %v, %v, want %v", r, err, store.ErrNotFound)
	}
}
