package shard

import (
	"context"
	"maps"
	"time"
)

// A node whose process is gone holds its shards until its leases run out. Nobody needs
// to wait for all of that: it works under them for two thirds of their time by its own
// clock (see keeper.extend), and the last third is only a margin for clocks. Who is told
// by the machine of the node that nothing listens at its address needs no margin. See
// docs/decisions/0019.

// certain is for how long a node must have let nobody in until it counts as gone.
const certain = 500 * time.Millisecond

// Refused says that the machine of a node refuses connections to it, or (refuses =
// false) that it does not. It is to be said again at each attempt.
func (o *Owner) Refused(node string, refuses bool) {
	if o.shared != nil {
		o.keeper.suspect(node, refuses)
	}
}

func (k *keeper) suspect(node string, refuses bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, before := k.refused[node]
	switch {
	case !refuses:
		delete(k.refused, node)
	case !before:
		if k.refused == nil {
			k.refused = make(map[string]time.Time)
		}
		k.refused[node] = time.Now()
		k.ring()
	}
}

// suspects returns the nodes that began to let nobody in no longer ago than a lease
// lasts: those that still renew theirs after that live, and only cannot be reached. The
// caller holds the lock.
func (k *keeper) suspects() map[string]time.Time {
	list := maps.Clone(k.refused)
	maps.DeleteFunc(list, func(node string, since time.Time) bool {
		return node == k.shared.Node.Name || time.Since(since) > k.shared.Lease
	})
	return list
}

// bury ends the leases of nodes that are gone, once these do not work under them any
// more, and reports whether the time of one is over.
func (k *keeper) bury(ctx context.Context, suspects map[string]time.Time) (over bool, err error) {
	for node, since := range suspects {
		if time.Since(since) < certain {
			continue
		}
		gone, err := k.shared.Nodes.Expire(ctx, node, k.shared.Lease/3-k.shared.Renew/15)
		if err != nil {
			return over, err
		}
		if !gone {
			continue
		}
		k.logger.Warn("a node is gone: its machine refuses connections and it does not renew its leases", "node", node)
		k.suspect(node, false)
		over = true
	}
	return over, nil
}
