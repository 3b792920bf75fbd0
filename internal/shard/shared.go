package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Shared is what an Owner needs that shares its store with other nodes: it holds
// some of the shards, by lease, and carries on their instances only. Nodes and
// Node.Name are required; a nil function means that there is nobody to ask or tell.
type Shared struct {
	Nodes store.Nodes
	Node  store.Node    // this start of this process
	Lease time.Duration // for which shards are held; 0 = 5 s
	Renew time.Duration // between two renewals; 0 = 1.5 s

	// Tell is told after a commit that messages lie in the inboxes of instances whose
	// shards another node holds; without targets, that shards have become free. It
	// must not block. A notice that is lost delays the messages by some seconds.
	Tell func(node store.Node, targets []string)
	// Held asks the other nodes which activities of the shards they, or workers
	// connected to them, still have; an item whose outcome is on its way counts. An
	// error says that the answer lacks some nodes'. It is asked for at most 2 s.
	Held func(ctx context.Context, shards []store.Shard) ([]hub.Held, error)
	// Done hands the outcome of an activity that has outlived the move of its shard to
	// whoever holds that now, Beat its heartbeats: as hub.Workers and hub.Activities
	// of all nodes do.
	Done func(ctx context.Context, done *hub.ActivityDone) error
	Beat func(ctx context.Context, token string, progress history.Text) error
}

func (s *Shared) filled() (*Shared, error) {
	if s == nil {
		return nil, nil
	}
	c := *s
	if c.Nodes == nil || c.Node.Name == "" {
		return nil, errors.New("shard: Shared needs Nodes and the node's name")
	}
	if c.Lease == 0 {
		c.Lease = 5 * time.Second
	}
	if c.Renew == 0 {
		c.Renew = 1500 * time.Millisecond
	}
	if c.Renew <= 0 || 2*c.Renew > c.Lease {
		return nil, fmt.Errorf("shard: leases of %v are to be renewed every %v, which leaves no time to try twice", c.Lease, c.Renew)
	}
	return &c, nil
}

// ElsewhereError says that another node holds the shard of the instance that a call
// is about, or nobody does. Nothing was done.
type ElsewhereError struct{ Shard store.Shard }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("shard %d is not held here", e.Shard)
}

// view is what this node knows of who holds what.
type view struct {
	mu      sync.Mutex // guards all below
	nodes   []store.Node
	holders [store.Shards]store.Holder // as read last; without a node: nobody
	epochs  [store.Shards]uint64       // of what is held here; 0 = it is not
}

// Holder returns who holds a shard as far as this node knows, and under which epoch;
// here = this node does. It is not ok if nobody is known.
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

// Members returns the nodes that live as far as this one knows, itself too, by name.
func (o *Owner) Members() []store.Node {
	if o.shared == nil {
		return []store.Node{{Name: o.cfg.Node}}
	}
	o.view.mu.Lock()
	defer o.view.mu.Unlock()
	return slices.Clone(o.view.nodes)
}

// Refresh has the view of Holder and Members made anew.
func (o *Owner) Refresh(ctx context.Context) error {
	if o.shared == nil {
		return nil
	}
	holders, err := o.shared.Nodes.Holders(ctx)
	if err != nil {
		return storeError("look at the nodes", "", err)
	}
	o.view.read(holders)
	return nil
}

func (v *view) read(holders []store.Holder) {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.holders[:])
	for _, h := range holders {
		v.holders[h.Shard] = h
	}
}

// Arrived says that messages have come into the inboxes of instances; without targets,
// that shards have become free.
func (o *Owner) Arrived(targets []string) {
	_ = o.mail.add(item{do: func(l *loop) { l.arrived(targets) }}) // it fails if the loop has ended
}

// HoldsItems returns the activities of the shards that run in this process or are at
// workers connected to this Owner.
func (o *Owner) HoldsItems(shards []store.Shard) []hub.Held {
	v, err := o.call(context.Background(), func(l *loop, c *call) { c.end(l.holdsItems(shards), nil) })
	if err != nil {
		return nil // the loop has ended, and what it had with it
	}
	return v.([]hub.Held)
}

func (l *loop) holdsItems(shards []store.Shard) (list []hub.Held) {
	var wanted [store.Shards]bool
	for _, s := range shards {
		wanted[s] = true
	}
	for k, r := range l.activities.open {
		if !wanted[store.ShardOf(k.id)] || r.outside {
			continue
		}
		switch {
		case r.item == nil && r.cancel != nil:
			list = append(list, hub.Held{Token: l.sealed(token{key: k, delivery: r.delivery, at: r.task.At}), Node: l.node})
		case r.item != nil && r.item.out():
			list = append(list, hub.Held{Token: l.sealed(r.item.token()), Worker: r.item.lease.stream.worker.ID, Node: l.node})
		}
	}
	return list
}
