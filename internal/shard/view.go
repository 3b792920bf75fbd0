package shard

import (
	"context"
	"slices"
	"sync"

	"github.com/perdure/perdure/store"
)

// view is what this node knows of who holds what.
type view struct {
	mu      sync.Mutex // guards all below
	nodes   []store.Node
	holders [store.Shards]store.Holder // as read last; without a node: nobody
	epochs  [store.Shards]uint64       // of what is held here; 0 = it is not
	moved   chan struct{}              // closed at the next change; nil = nobody waits for it
}

// Moved returns a channel that is closed when what Holder and Members tell has changed
// since the call.
func (o *Owner) Moved() <-chan struct{} {
	v := &o.view
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.moved == nil {
		v.moved = make(chan struct{})
	}
	return v.moved
}

// change tells who waits that something has changed. The caller holds the lock.
func (v *view) change() {
	if v.moved != nil {
		close(v.moved)
		v.moved = nil
	}
}

// Holder implements hub.Roster.
func (o *Owner) Holder(s store.Shard) (n store.Node, epoch uint64, here, ok bool) {
	if o.shared == nil {
		return store.Node{Name: o.cfg.Node}, 0, true, true
	}
	v := &o.view
	v.mu.Lock()
	defer v.mu.Unlock()
	if epoch := v.epochs[s]; epoch > 0 {
		return o.shared.Node, epoch, true, true
	}
	h := v.holders[s]
	i := slices.IndexFunc(v.nodes, func(n store.Node) bool { return n.Name == h.Node })
	if i < 0 || h.Node == o.shared.Node.Name { // it is on its way to or from here
		return store.Node{}, 0, false, false
	}
	return v.nodes[i], h.Epoch, false, true
}

// lastHolder returns the name of the node that was last known to hold a shard, "" if
// none was. A nil view knows none.
func (v *view) lastHolder(s store.Shard) string {
	if v == nil {
		return ""
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.holders[s].Node
}

// Members implements hub.Roster.
func (o *Owner) Members() []store.Node {
	if o.shared == nil {
		return []store.Node{{Name: o.cfg.Node}}
	}
	o.view.mu.Lock()
	defer o.view.mu.Unlock()
	return slices.Clone(o.view.nodes)
}

// Refresh has the view of Holder and Members made anew. Calls that come close together
// share one look.
func (o *Owner) Refresh(ctx context.Context) error {
	if o.shared == nil {
		return nil
	}
	seen := make(chan error, 1)
	o.keeper.look(seen)
	select {
	case err := <-seen:
		if err != nil {
			return storeError("look at the nodes", "", err)
		}
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	case <-o.done:
		return o.ended
	}
}

// holds notes whether a shard is held here; epoch 0 = it is not.
func (v *view) holds(s store.Shard, epoch uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epochs[s] = epoch
	v.change()
}

// meet notes which nodes live, and reports whether others did before.
func (v *view) meet(nodes []store.Node) (changed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	changed = !slices.EqualFunc(v.nodes, nodes, func(a, b store.Node) bool { return a.Name == b.Name })
	v.nodes = nodes
	if changed {
		v.change()
	}
	return changed
}

// read notes who holds what, and returns the shards that no living node holds.
func (v *view) read(holders []store.Holder) (free []store.Shard) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := v.holders
	clear(v.holders[:])
	for _, h := range holders {
		v.holders[h.Shard] = h
	}
	if v.holders != before {
		v.change()
	}
	for s := range v.holders {
		name := v.holders[s].Node
		if v.epochs[s] == 0 && !slices.ContainsFunc(v.nodes, func(n store.Node) bool { return n.Name == name }) {
			free = append(free, store.Shard(s))
		}
	}
	return free
}
