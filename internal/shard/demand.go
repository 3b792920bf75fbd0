package shard

import (
	"context"
	"slices"

	"github.com/perdure/perdure/internal/hub"
)

// Demand implements hub.Demand.
func (o *Owner) Demand(ctx context.Context) ([]hub.Load, error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) { c.end(l.workers.demand(), nil) })
	if err != nil {
		return nil, named(err, "read the demand", "")
	}
	return v.([]hub.Load), nil
}

// WatchDemand implements hub.Demand.
func (o *Owner) WatchDemand(ctx context.Context) (<-chan struct{}, error) {
	b := make(watcher, 1)
	_, err := o.call(ctx, "", func(l *loop, c *call) {
		l.workers.watchers = append(l.workers.watchers, b)
		c.end(nil, nil)
	})
	leave := func() { o.mail.add(item{do: func(l *loop) { l.workers.unwatch(b) }}) }
	if err != nil {
		leave() // it may have begun all the same
		return nil, named(err, "watch the demand", "")
	}
	context.AfterFunc(ctx, leave)
	return b, nil
}

func (w *workers) unwatch(b watcher) {
	if i := slices.Index(w.watchers, b); i >= 0 {
		close(b)
		w.watchers = slices.Delete(w.watchers, i, i+1)
	}
}

// tell tells those who watch the demand if it may have changed since the last time.
func (w *workers) tell() {
	if !w.moved {
		return
	}
	w.moved = false
	for _, b := range w.watchers {
		select {
		case b <- struct{}{}:
		default: // it was not received since the last one
		}
	}
}

// endWatches ends the watches of the demand.
func (w *workers) endWatches() {
	for _, b := range w.watchers {
		close(b)
	}
	w.watchers = nil
}

// demand counts what waits and what is out. It costs as much as there are names, and
// items at workers.
func (w *workers) demand() []hub.Load {
	loads := make(map[bucketKey]*hub.Load)
	of := func(k bucketKey) *hub.Load {
		if loads[k] == nil {
			loads[k] = &hub.Load{Kind: workKind(k.kind), Name: k.name, Version: k.version}
		}
		return loads[k]
	}
	for k, b := range w.buckets {
		if b.empty() {
			continue
		}
		load := of(k)
		load.Waiting += b.waiting.n + b.suspects.n + b.big.n
		load.Held += b.held.n
	}
	for _, le := range w.leases {
		if le.item != nil {
			of(le.item.bucket.key).Running++
		}
	}
	for it := range w.pausing {
		if it.paused {
			of(it.bucket.key).Waiting++
		}
	}
	list := make([]hub.Load, 0, len(loads))
	for _, load := range loads {
		list = append(list, *load)
	}
	slices.SortFunc(list, hub.CompareLoads)
	return list
}
