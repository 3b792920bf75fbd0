package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/perdure/perdure/store"
)

// Copying is a harness of a driver whose hubs can be copied.
type Copying interface {
	Harness
	// Import makes a hub of a copy in an empty store of its own, which next returns
	// item by item, io.EOF at the end, and opens it.
	Import(ctx context.Context, next func() (*store.Item, error)) (store.Store, error)
}

// Copy copies a hub into another store while commits go on: what arrives must be the
// state after one of the commits, no earlier than what was acknowledged when the copy
// began. The other store then takes commits, and is of the same lineage and another
// timeline. An error names what differs; steps is how long the load is.
func Copy(ctx context.Context, h Copying, seed uint64, steps int) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	load := &loaded{w: NewWorkload(seed), s: s}
	for range steps / 4 { // before anything is copied
		if err := load.step(); err != nil {
			return err
		}
	}
	ended := make(chan error, 1)
	go func() {
		for range steps {
			if err := load.step(); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	items, acked, submitted, copied := load.copy(ctx)
	if err := <-ended; err != nil {
		return fmt.Errorf("seed %d, under a copy: %w", seed, err)
	}
	if copied != nil {
		return fmt.Errorf("seed %d: Copy() = %w", seed, copied)
	}
	other, err := h.Import(ctx, from(items))
	if err != nil {
		return fmt.Errorf("seed %d: import: %w", seed, err)
	}
	if _, err := load.w.Check(ctx, other, acked, submitted); err != nil {
		return fmt.Errorf("seed %d, copied: %w", seed, err)
	}
	return load.goOn(ctx, other, items[0].Origin)
}

// loaded is a store under load.
type loaded struct {
	s  *session
	mu sync.Mutex // guards w; held by one step
	w  *Workload
}

func (l *loaded) step() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Step(l.s.ctx, l.s.store, l.s.leases)
}

// copy copies the store, and returns between which commits that was.
func (l *loaded) copy(ctx context.Context) (items []*store.Item, acked, submitted int, err error) {
	c, ok := l.s.store.(store.Copier)
	if !ok {
		return nil, 0, 0, errors.New("the store is no Copier")
	}
	l.mu.Lock()
	acked = l.w.Acked()
	l.mu.Unlock()
	err = c.Copy(ctx, func(it *store.Item) error {
		kept := keep(it)
		items = append(items, &kept)
		if len(items) == 1 { // let the load come between, also if the store is fast
			return l.step()
		}
		return nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && (len(items) == 0 || items[0].Origin == nil || items[0].Origin.Epoch < l.s.leases[0].Epoch) {
		err = errors.New("a copy does not begin with its origin")
	}
	return items, acked, l.w.Submitted(), err
}

// keep returns an item that shares nothing with the one that a store has given.
func keep(it *store.Item) store.Item {
	out := *it
	switch {
	case it.Origin != nil:
		c := *it.Origin
		out.Origin = &c
	case it.Record != nil:
		c := *it.Record
		out.Record = &c
	case it.Chunk != nil:
		c := *it.Chunk
		out.Chunk = &c
	case it.Message != nil:
		c := *it.Message
		out.Message = &c
	case it.Timer != nil:
		c := *it.Timer
		out.Timer = &c
	case it.Row != nil:
		c := *it.Row
		out.Row = &c
	}
	return out
}

// from returns a function that returns the items one after the other.
func from(items []*store.Item) func() (*store.Item, error) {
	return func() (*store.Item, error) {
		if len(items) == 0 {
			return nil, io.EOF
		}
		it := items[0]
		items = items[1:]
		return it, nil
	}
}

// goOn commits to a copy: versions, inboxes, timers and rows work on as in the original.
func (l *loaded) goOn(ctx context.Context, other store.Store, origin *store.Origin) error {
	id := other.Identity()
	if id.Lineage != origin.Identity.Lineage || id.Timeline == origin.Identity.Timeline || id.Timeline == [16]byte{} {
		return fmt.Errorf("the copy of %x has the identity %x, want the lineage kept and a new timeline", origin.Identity, id)
	}
	shards := make([]store.Shard, store.Shards)
	for i := range shards {
		shards[i] = store.Shard(i)
	}
	leases, err := other.Acquire(ctx, "node of the copy", shards, time.Hour)
	if err != nil || len(leases) != store.Shards {
		return fmt.Errorf("acquire in the copy: %d leases, %w", len(leases), err)
	}
	if leases[0].Epoch <= origin.Epoch {
		return fmt.Errorf("the copy gives the epoch %d, and the original has given %d", leases[0].Epoch, origin.Epoch)
	}
	at, err := l.w.Check(ctx, other, 0, l.w.Submitted())
	if err != nil {
		return err
	}
	l.w.resume(at)
	for range 50 {
		if err := l.w.Step(ctx, other, leases); err != nil {
			return fmt.Errorf("in the copy: %w", err)
		}
	}
	if err := l.w.Wait(ctx); err != nil {
		return fmt.Errorf("in the copy: %w", err)
	}
	_, err = l.w.Check(ctx, other, l.w.Submitted(), l.w.Submitted())
	return err
}
