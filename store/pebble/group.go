package pebble

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// settleQueue is how many groups may be applied and not yet durable.
const settleQueue = 256

// group is a group of commits in flight. It implements store.Receipt.
type group struct {
	hub      *Hub
	batches  []*engine.Batch // of the group; more than one only with purges
	refused  []store.Refused
	changes  []store.Change
	done     chan struct{} // closed by the settler when the group is durable
	watchdog atomic.Pointer[time.Timer]
}

// Wait implements store.Receipt. It may be called more than once.
func (g *group) Wait(ctx context.Context) ([]store.Refused, error) {
	if err := g.wait(ctx); err != nil {
		return nil, err
	}
	return g.refused, nil
}

func (g *group) wait(ctx context.Context) error {
	select {
	case <-g.done:
		return nil
	default:
	}
	select {
	case <-g.done:
		return nil
	case <-g.hub.db.state.down:
		return g.hub.db.state.err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settleGroup waits until the group is durable and tells everyone.
func (db *DB) settleGroup(g *group) {
	defer func() { g.watchdog.Load().Stop() }()
	for _, batch := range g.batches {
		if !db.opts.UnsafeNoSync {
			if err := batch.SyncWait(); err != nil {
				db.state.fail(err)
				return
			}
		}
		batch.Close()
	}
	g.batches = nil
	if db.state.failed() {
		return
	}
	db.groups.Add(1)
	g.hub.feed.publish(g.changes)
	g.changes = nil
	close(g.done)
}

// runSettler settles groups in the order in which they were applied.
func (db *DB) runSettler() {
	defer db.workers.Done()
	for g := range db.settle {
		db.settleGroup(g)
	}
}

// stallTicks is in how many parts the time is measured that a group may take: a
// process that was stopped, or had no processor, sees one of them pass, not all.
const stallTicks = 10

// watch fails the store if the group does not become durable within StallLimit.
func (g *group) watch() {
	part := g.hub.db.opts.StallLimit / stallTicks
	var ticks atomic.Int32
	g.watchdog.Store(time.AfterFunc(part, func() {
		select {
		case <-g.done:
			return
		default:
		}
		if ticks.Add(1) >= stallTicks {
			g.hub.db.state.fail(errStalled)
			return
		}
		if timer := g.watchdog.Load(); timer != nil {
			timer.Reset(part)
		}
	}))
}

var errStalled = errors.New("a commit did not become durable in time")

// Submit implements store.Commits. It builds one batch for the group and applies
// it; the log's next sync makes it durable.
func (h *Hub) Submit(ctx context.Context, sg *store.Group) (store.Receipt, error) {
	if err := validate(sg); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.writable(); err != nil {
		return nil, err
	}
	if err := h.db.space.admit(sg); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	g := &group{hub: h, done: make(chan struct{})}
	g.watch()
	// A reader that sees the group must find it here: set before it is applied.
	h.newest.Store(g)
	b := newBuilder(h, g, sg)
	for i, c := range sg.Commits {
		if err := b.add(c); err != nil {
			g.refused = append(g.refused, store.Refused{Index: i, Err: err})
		}
		if b.failed != nil {
			return nil, b.failed
		}
	}
	if err := b.finish(); err != nil {
		return nil, err
	}
	select {
	case h.db.settle <- g:
		return g, nil
	case <-h.db.state.down:
		return nil, h.db.state.err()
	}
}

// Barrier implements store.Commits.
func (h *Hub) Barrier(ctx context.Context) error {
	if err := h.open(); err != nil {
		return err
	}
	return h.durable(ctx)
}

// durable waits until all that was applied is durable.
func (h *Hub) durable(ctx context.Context) error {
	if err := h.db.state.check(); err != nil {
		return err
	}
	if g := h.newest.Load(); g != nil {
		return g.wait(ctx)
	}
	return nil
}

// validate finds mistakes of the caller, so that a group is refused as a whole
// before any of it is written.
func validate(g *store.Group) error {
	for _, c := range g.Commits {
		switch {
		case c.ID == "":
			return errors.New("commit without an instance id")
		case c.Shard != store.ShardOf(c.ID):
			return fmt.Errorf("commit of %q names shard %d, not %d", c.ID, c.Shard, store.ShardOf(c.ID))
		case c.Purge && c.Record != nil:
			return fmt.Errorf("purge of %q with a record", c.ID)
		case c.Replace && c.Record == nil:
			return fmt.Errorf("commit replaces %q by nothing", c.ID)
		case c.Fold != nil && (c.Record == nil || c.Replace):
			return fmt.Errorf("fold of %q without its record", c.ID)
		case len(c.Chunk) > 0 && c.Record == nil:
			return fmt.Errorf("chunk of %q without a record", c.ID)
		case c.Record != nil && c.Record.Version != nextVersion(c):
			return fmt.Errorf("commit of %q writes version %d, not %d", c.ID, c.Record.Version, nextVersion(c))
		}
	}
	return nil
}

func nextVersion(c *store.Commit) uint64 {
	if c.Replace {
		return 1
	}
	return c.Expect + 1
}
