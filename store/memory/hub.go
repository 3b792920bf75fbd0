// Package memory keeps a hub in memory, on a simulated disk that knows what is
// durable and loses the rest in a simulated power cut. It is for tests: hooks
// crash it right before or after any group, fail a sync, fill or damage the
// disk. It starts no goroutines and makes no system calls.
package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/store"
)

// Hub is the open hub of a Disk. It implements store.Store.
type Hub struct {
	disk *Disk

	// The disk's mutex guards the rest.
	current  state
	pending  []*pending // applied, not durable
	epochs   [store.Shards]uint64
	err      error         // why the hub no longer works; nil = it does
	down     chan struct{} // closed when err is set
	feed     feed
	arrivals arrivals
	commits  int64
	groups   int64
}

var _ store.Store = (*Hub)(nil)

// pending is a group on its way to the disk. It implements store.Receipt.
type pending struct {
	hub     *Hub
	group   *store.Group
	state   state // with the group applied
	refused []store.Refused
	changes []store.Change
	done    chan struct{} // closed when the group's fate is decided
	err     error         // to be read after done; nil = the group is durable
}

// broken returns why the hub cannot be used now. Called with the disk's mutex held.
func (h *Hub) broken() error {
	if h.err == nil && h.disk.cut {
		return errCut
	}
	return h.err
}

// stop ends the hub for the reason given. Called with the disk's mutex held.
func (h *Hub) stop(err error) {
	if h.err == nil || errors.Is(h.err, store.ErrFailed) {
		if h.err == nil {
			close(h.down)
		}
		h.err = err
	}
}

var errShard = errors.New("commit names a shard that is not its instance's")

// Submit implements store.Commits.
func (h *Hub) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := validate(g); err != nil {
		return nil, err
	}
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, err
	}
	if d.full && slices.ContainsFunc(g.Commits, func(c *store.Commit) bool { return !c.Purge }) {
		return nil, fmt.Errorf("submit: %w", store.ErrNoSpace)
	}
	p := &pending{hub: h, group: g, done: make(chan struct{})}
	epochs := make(map[store.Shard]uint64, len(g.Epochs))
	for _, l := range g.Epochs {
		epochs[l.Shard] = l.Epoch
	}
	for i, c := range g.Commits {
		next := h.current
		err := h.fence(c.Shard, epochs)
		var change store.Change
		if err == nil {
			change, err = next.apply(c)
		}
		if err != nil {
			p.refused = append(p.refused, store.Refused{Index: i, Err: err})
			continue
		}
		h.current = next
		if change.ID != "" {
			p.changes = append(p.changes, change)
		}
	}
	p.state = h.current
	h.pending = append(h.pending, p)
	return p, nil
}

func (h *Hub) fence(s store.Shard, epochs map[store.Shard]uint64) error {
	if e, ok := epochs[s]; !ok || e != h.epochs[s] && !fault.Mutant(fault.EpochOutsideWrite) {
		return fmt.Errorf("%w: shard %d epoch %d", store.ErrFenced, s, e)
	}
	return nil
}

func validate(g *store.Group) error {
	for _, c := range g.Commits {
		next := c.Expect + 1
		if c.Replace {
			next = 1
		}
		switch {
		case c.Shard != store.ShardOf(c.ID):
			return fmt.Errorf("%w: %q", errShard, c.ID)
		case c.Record != nil && c.Record.Version != next:
			return fmt.Errorf("commit of %q writes version %d, not %d", c.ID, c.Record.Version, next)
		case c.Record != nil && c.Purge, c.Record == nil && (c.Replace || len(c.Chunk) > 0),
			c.Fold != nil && (c.Record == nil || c.Replace):
			return fmt.Errorf("commit of %q contradicts itself", c.ID)
		}
	}
	return nil
}

// Wait implements store.Receipt.
func (p *pending) Wait(ctx context.Context) ([]store.Refused, error) {
	if err := p.hub.settled(ctx, p); err != nil {
		return nil, err
	}
	return p.refused, nil
}

// settled makes a group durable, or waits until the test does.
func (h *Hub) settled(ctx context.Context, p *pending) error {
	d := h.disk
	d.mu.Lock()
	if i := slices.Index(h.pending, p); i >= 0 && !d.manual && h.err == nil {
		d.settle(i + 1)
	}
	d.mu.Unlock()
	select {
	case <-p.done:
		return p.err
	default:
	}
	select {
	case <-p.done:
		return p.err
	case <-h.down:
		d.mu.Lock()
		defer d.mu.Unlock()
		return h.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Barrier implements store.Commits.
func (h *Hub) Barrier(ctx context.Context) error {
	h.disk.mu.Lock()
	err := h.broken()
	var last *pending
	if n := len(h.pending); n > 0 {
		last = h.pending[n-1]
	}
	h.disk.mu.Unlock()
	if err != nil || last == nil {
		return err
	}
	return h.settled(ctx, last)
}

// Acquire implements store.Leases: a disk has one open hub, so everything is
// granted.
func (h *Hub) Acquire(_ context.Context, _ string, shards []store.Shard, d time.Duration) ([]store.Lease, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	leases := make([]store.Lease, 0, len(shards))
	for _, s := range shards {
		h.epochs[s]++
		leases = append(leases, store.Lease{Shard: s, Epoch: h.epochs[s], Until: h.disk.now().Add(d)})
	}
	return leases, nil
}

// Renew implements store.Leases.
func (h *Hub) Renew(_ context.Context, _ string, leases []store.Lease, d time.Duration) ([]store.Lease, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	var held []store.Lease
	for _, l := range leases {
		if l.Epoch == h.epochs[l.Shard] {
			l.Until = h.disk.now().Add(d)
			held = append(held, l)
		}
	}
	return held, nil
}

// Release implements store.Leases.
func (h *Hub) Release(_ context.Context, _ string, leases []store.Lease) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	for _, l := range leases {
		if l.Epoch == h.epochs[l.Shard] {
			h.epochs[l.Shard]++
		}
	}
	return nil
}

// view returns the newest state for a read.
func (h *Hub) view(ctx context.Context) (*state, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil && !errors.Is(err, store.ErrFailed) {
		return nil, err
	}
	s := h.current
	return &s, nil
}

// Identity implements store.Admin.
func (h *Hub) Identity() store.Identity { return h.disk.identity }

// Stats implements store.Admin.
func (h *Hub) Stats(ctx context.Context) (store.Stats, error) {
	if _, err := h.view(ctx); err != nil {
		return store.Stats{}, err
	}
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	return store.Stats{Commits: h.commits, Groups: h.groups, Syncs: h.groups}, nil
}

// Compact implements store.Admin.
func (h *Hub) Compact(ctx context.Context) error {
	_, err := h.view(ctx)
	return err
}

// Close implements store.Admin. What was submitted becomes durable, unless the
// disk is manual.
func (h *Hub) Close() error {
	d := h.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hub != h {
		return nil
	}
	if h.err == nil && !d.manual {
		d.settle(len(h.pending))
	}
	if d.hub == h {
		h.stop(store.ErrClosed)
		d.hub = nil
	}
	return nil
}
