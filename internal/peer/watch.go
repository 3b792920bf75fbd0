package peer

import (
	"context"
	"sync"

	"github.com/perdure/perdure/store"
)

// WatchRows implements hub.Rows. A watch of one owner follows the owner's shard; one of
// all watches at all nodes. Who could have missed something on the way is told once
// more.
func (h *Hub) WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error) {
	open := func(ctx context.Context, n node) (opened, error) { return n.watch(ctx, kind, owner) }
	if owner == "" {
		return h.watchAll(ctx, "watch rows", open)
	}
	if err := h.hasBegun(ctx, "watch rows"); err != nil {
		return nil, err
	}
	w := h.newWatch(open)
	at, err := w.atHolder(ctx, owner)
	if err != nil {
		return nil, err
	}
	return w.goOn(at.opened, func() {
		for {
			over := at.follow(ctx, w)
			at.opened.leave(false)
			if over || ctx.Err() != nil || h.ctx.Err() != nil {
				return
			}
			if at, err = w.atHolder(ctx, owner); err != nil {
				return
			}
			ring(w.written)
		}
	})
}

// watchAll watches something at all nodes until ctx ends.
func (h *Hub) watchAll(ctx context.Context, op string, open func(context.Context, node) (opened, error)) (<-chan struct{}, error) {
	if err := h.hasBegun(ctx, op); err != nil {
		return nil, err
	}
	w := h.newWatch(open)
	here, err := open(ctx, h.here)
	if err != nil {
		return nil, err
	}
	others := make(map[string]opened)
	for name, m := range h.members() {
		if name == h.cfg.Node.Name {
			continue
		}
		if o, err := open(ctx, h.neighbour(m)); err == nil { // else it is tried again
			others[name] = o
		}
	}
	return w.goOn(here, func() { w.atAll(ctx, here, others) })
}

// watch is a watch that goes on at other nodes.
type watch struct {
	hub     *Hub
	open    func(context.Context, node) (opened, error)
	written chan struct{} // has room for one
}

func (h *Hub) newWatch(open func(context.Context, node) (opened, error)) *watch {
	return &watch{hub: h, open: open, written: make(chan struct{}, 1)}
}

// goOn does what a watch does after it has begun, until that or the hub ends.
func (w *watch) goOn(first opened, do func()) (<-chan struct{}, error) {
	if !w.hub.start(func() {
		defer close(w.written)
		do()
	}) {
		first.leave(false)
		return nil, errStopped
	}
	return w.written, nil
}

// place is a node at which a watch is open, as the holder of the owner's shard.
type place struct {
	opened opened
	tenure context.Context // ends with the node's tenure of the shard; nil = of no matter
}

// atHolder begins the watch at the holder of the owner's shard.
func (w *watch) atHolder(ctx context.Context, owner string) (at place, err error) {
	s := store.ShardOf(owner)
	err = w.hub.route(ctx, s, call{op: "watch rows", instance: owner, waits: true}, func(ctx context.Context, n node) error {
		holder, epoch, _, ok := w.hub.owner.Holder(s)
		if !ok || w.hub.nodeOf(holder) != n { // it has moved since it was routed
			return errElsewhere
		}
		o, err := w.open(ctx, n)
		at = place{o, w.hub.tenureOf(s, holder.Name, epoch)}
		return err
	})
	return at, err
}

// follow passes on what comes of a watch until it ends there. It reports true if it has
// ended for good: the holder has ended it.
func (at *place) follow(ctx context.Context, w *watch) (over bool) {
	if at.tenure != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(at.tenure, cancel)()
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		_, err := at.opened.fetch(ctx, 1)
		switch {
		case err == nil:
			ring(w.written)
			pause = firstPause
		case ctx.Err() != nil:
			return false
		case passes(err):
			w.hub.sleep(ctx, jitter(pause))
		default:
			return isOver(err)
		}
	}
}

// atAll watches at all nodes until ctx ends.
func (w *watch) atAll(ctx context.Context, here opened, others map[string]opened) {
	h := w.hub
	at := make(map[string]context.CancelFunc)
	var group sync.WaitGroup
	defer group.Wait()
	begin := func(name string, n node, o opened) {
		watching, cancel := context.WithCancel(ctx)
		at[name] = cancel
		group.Go(func() { w.atNode(watching, n, o) })
	}
	begin(h.cfg.Node.Name, h.here, here)
	for ctx.Err() == nil && h.ctx.Err() == nil {
		moved := h.owner.Moved()
		members := h.members()
		for name, cancel := range at {
			if _, lives := members[name]; !lives {
				cancel()
				delete(at, name)
				ring(w.written)
			}
		}
		for name, m := range members {
			if at[name] == nil {
				begin(name, h.neighbour(m), others[name])
				delete(others, name)
			}
		}
		h.sleep(ctx, lookPause)
		h.awaits(ctx, moved, nil)
	}
	for _, cancel := range at {
		cancel()
	}
	for _, o := range others {
		if o != nil {
			o.leave(false)
		}
	}
}

// atNode watches at one node until ctx ends; o is what is open there already.
func (w *watch) atNode(ctx context.Context, n node, o opened) {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
		if o == nil {
			var err error
			if o, err = w.open(ctx, n); err != nil {
				o = nil
				w.hub.sleep(ctx, jitter(pause))
				continue
			}
			ring(w.written)
			pause = firstPause
		}
		at := &place{opened: o}
		at.follow(ctx, w)
		o.leave(false)
		o = nil
		if w.hub.ctx.Err() != nil {
			return
		}
	}
}
