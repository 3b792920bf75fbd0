package shard

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/perdure/perdure/internal/hub"
)

// Backlog implements hub.Roster.
func (o *Owner) Backlog(ctx context.Context) ([]hub.Backlog, error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) { c.end(l.backlog(), nil) })
	if err != nil {
		return nil, named(err, "read backlog", "")
	}
	return v.([]hub.Backlog), nil
}

func (k kind) String() string { return [kinds]string{"activity", "orchestration", "entity"}[k] }

func (l *loop) backlog() []hub.Backlog {
	sums := make(map[bucketKey]*hub.Backlog)
	of := func(k bucketKey, served bool) *hub.Backlog {
		b := sums[k]
		if b == nil {
			b = &hub.Backlog{Kind: k.kind.String(), Name: k.name, Version: k.version, Served: served}
			sums[k] = b
		}
		return b
	}
	for key, b := range l.workers.buckets {
		if n := b.waiting.n + b.suspects.n + b.big.n + b.held.n; n > 0 {
			sum := of(key, b.served())
			sum.Waiting += n
			for _, q := range []*line{&b.waiting, &b.suspects, &b.big, &b.held} {
				if q.n > 0 && (sum.Oldest.IsZero() || q.head.since.Before(sum.Oldest)) {
					sum.Oldest = q.head.since
				}
			}
		}
	}
	for _, le := range l.workers.leases {
		if le.item != nil && le.item.bucket != nil {
			of(le.item.bucket.key, le.item.bucket.served()).Running++
		}
	}
	for _, r := range l.activities.open {
		switch {
		case r.item != nil || r.outside:
		case r.cancel == nil:
			of(bucketKey{kind: ofActivity, name: r.task.Name}, true).Waiting++
		default:
			of(bucketKey{kind: ofActivity, name: r.task.Name}, true).Running++
		}
	}
	for _, in := range l.ready {
		if it := l.workers.items[in.id]; in.rec == nil || it != nil && (it.line != nil || it.out()) {
			continue // it is among those above
		}
		key, here := l.workOf(in)
		away := l.workers.buckets[key]
		of(key, here || away != nil && away.served()).Waiting++
	}
	list := make([]hub.Backlog, 0, len(sums))
	for _, b := range sums {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b hub.Backlog) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return list
}

// workOf names the work that an instance is, and whether its code is in this process.
func (l *loop) workOf(in *instance) (key bucketKey, here bool) {
	if isEntity(in.id) {
		name, _ := splitEntity(in.id)
		return bucketKey{kind: ofBatch, name: strings.ToLower(name)}, l.code.KnowsEntity(name)
	}
	if l.code.Knows(in.rec.Name) {
		return bucketKey{kind: ofTurn, name: in.rec.Name}, true
	}
	return turnKey(in.orch), false
}

// Connected implements hub.Roster.
func (o *Owner) Connected(ctx context.Context) ([]hub.Connected, error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) { c.end(l.workers.connected(), nil) })
	if err != nil {
		return nil, named(err, "list workers", "")
	}
	return v.([]hub.Connected), nil
}

func (w *workers) connected() []hub.Connected {
	list := make([]hub.Connected, 0, len(w.streams))
	for s := range w.streams {
		places := func(n [kinds]int) hub.Places {
			return hub.Places{Orchestrations: n[ofTurn], Activities: n[ofActivity], Entities: n[ofBatch]}
		}
		list = append(list, hub.Connected{ID: s.worker.ID, Client: s.worker.Client, Address: s.worker.Address, Since: s.since, Filters: s.worker.Filters, Own: s.worker.Own,
			Capacity: places([kinds]int{ofTurn: s.limit(ofTurn), ofActivity: s.limit(ofActivity), ofBatch: s.limit(ofBatch)}),
			InFlight: places(s.out)})
	}
	slices.SortFunc(list, func(a, b hub.Connected) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
