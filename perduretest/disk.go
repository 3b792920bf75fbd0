package perduretest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// Over has hubs keep their state in a store of another kind than the memory, such as
// the one that the code will run on. create is called once for each hub and returns
// what opens that hub's own store: for each process of the hub once, when the one
// before is gone and its store closed. The hub has the store for itself.
//
// A crash then takes the process and leaves the store alone: nothing more reaches that,
// and nobody hears what becomes of what is on its way to it.
func Over(create func(testing.TB) (open func() (store.Store, error))) Option {
	return func(c *config) { c.over = create }
}

// onGroup is asked right before and right after a group of commits is durable. n counts
// groups from 1 on, through all processes.
type onGroup func(n int, durable bool) memory.Verdict

// disk is what survives the processes of a hub.
type disk interface {
	// open opens the store for the next process.
	open() (store.Store, error)
	// crash takes the store from the process that has it.
	crash()
}

func newDisk(t testing.TB, over func(testing.TB) func() (store.Store, error), hook onGroup) disk {
	t.Helper()
	if hook == nil {
		hook = func(int, bool) memory.Verdict { return memory.Proceed }
	}
	if over != nil {
		return &foreign{opener: over(t), hook: hook}
	}
	d := &memory.Disk{}
	d.OnGroup(func(g memory.GroupEvent) memory.Verdict { return hook(g.N, g.Durable) })
	return inMemory{d}
}

type inMemory struct{ *memory.Disk }

func (d inMemory) open() (store.Store, error) { return memory.Open(d.Disk) }
func (d inMemory) crash()                     { d.Crash() }

// foreign is a store of another kind.
type foreign struct {
	opener func() (store.Store, error)
	hook   onGroup

	mu     sync.Mutex // guards the rest, and the order of groups
	groups int
	now    *severed // of the newest process; nil = none
}

func (d *foreign) open() (store.Store, error) {
	s, err := d.opener()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = &severed{Store: s, disk: d}
	return d.now, nil
}

func (d *foreign) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now != nil {
		d.now.dead.Store(true)
	}
}

// severed is a store that a process has until it dies. Then it takes no more writes,
// and says nothing of those that it has taken.
type severed struct {
	store.Store
	disk *foreign
	dead atomic.Bool
}

// alive returns an error once the process is dead.
func (s *severed) alive() error {
	if s.dead.Load() {
		return memory.ErrCrashed
	}
	return nil
}

// struck asks what happens at a moment, and reports whether the process lives on.
func (s *severed) struck(n int, durable bool) error {
	if s.disk.hook(n, durable) != memory.Proceed {
		s.dead.Store(true)
	}
	return s.alive()
}

// Submit implements store.Commits.
func (s *severed) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if err := s.alive(); err != nil {
		return nil, err
	}
	s.disk.groups++
	n := s.disk.groups
	if err := s.struck(n, false); err != nil {
		return nil, err
	}
	r, err := s.Store.Submit(ctx, g)
	if err != nil {
		return nil, err
	}
	return &heard{Receipt: r, store: s, n: n}, nil
}

// heard is the receipt of group n.
type heard struct {
	store.Receipt
	store *severed
	n     int
	once  sync.Once // the moment at which it is durable
}

// Wait implements store.Receipt.
func (r *heard) Wait(ctx context.Context) ([]store.Refused, error) {
	refused, err := r.Receipt.Wait(ctx)
	if err == nil {
		r.once.Do(func() { err = r.store.struck(r.n, true) })
	}
	if dead := r.store.alive(); dead != nil {
		return nil, dead
	}
	return refused, err
}

// Barrier implements store.Commits.
func (s *severed) Barrier(ctx context.Context) error {
	if err := s.alive(); err != nil {
		return err
	}
	return s.Store.Barrier(ctx)
}

// Release implements store.Leases: a dead process gives nothing back.
func (s *severed) Release(ctx context.Context, node string, leases []store.Lease) error {
	if err := s.alive(); err != nil {
		return err
	}
	return s.Store.Release(ctx, node, leases)
}
