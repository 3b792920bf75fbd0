package shard

import (
	"cmp"
	"context"
	"slices"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// How many incidents are kept.
const (
	maxLostWorkers = 100
	maxTakeovers   = 1000
)

// incidents are what was lost, the newest first.
type incidents struct {
	workers   []hub.LostWorker
	takeovers []hub.Takeover
}

// Incidents implements hub.Roster.
func (o *Owner) Incidents(ctx context.Context) (hub.Incidents, error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) {
		c.end(hub.Incidents{Workers: slices.Clone(l.incidents.workers), Takeovers: slices.Clone(l.incidents.takeovers)}, nil)
	})
	if err != nil {
		return hub.Incidents{}, named(err, "list incidents", "")
	}
	return v.(hub.Incidents), nil
}

// noteLost keeps that a worker was lost.
func (l *loop) noteLost(s *stream) {
	lost := hub.LostWorker{ID: s.worker.ID, At: l.clock.Now(), Items: len(s.leases)}
	l.incidents.workers = newest(l.incidents.workers, maxLostWorkers, lost)
}

// noteTakeover keeps that shards were taken from nodes that were lost.
func (l *loop) noteTakeover(orphaned []store.Lease) {
	from := map[string]int{}
	for _, lease := range orphaned {
		from[l.view.lastHolder(lease.Shard)]++
	}
	var list []hub.Takeover
	for node, n := range from {
		list = append(list, hub.Takeover{At: l.clock.Now(), From: node, Shards: n})
	}
	slices.SortFunc(list, func(a, b hub.Takeover) int { return cmp.Compare(a.From, b.From) })
	l.incidents.takeovers = newest(l.incidents.takeovers, maxTakeovers, list...)
}

// newest puts more before a list and keeps at most that many.
func newest[T any](list []T, most int, more ...T) []T {
	list = slices.Insert(list, 0, more...)
	return list[:min(len(list), most)]
}
