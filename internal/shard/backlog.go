package shard

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Backlog is the work of one kind, name and version that is ready.
type Backlog struct {
	Kind    string // "activity", "orchestration" or "entity"
	Name    string
	Version string // that workers' filters go by; "" = none
	Waiting int    // for a place in this process, or for a worker
	Running int    // in this process, or at a worker
	Served  bool   // somebody who is here takes it
}

// Backlog returns what is ready in the shards that are held here, by kind, name and
// version. It does not wait for the store.
func (o *Owner) Backlog(ctx context.Context) ([]Backlog, error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) { c.end(l.backlog(), nil) })
	if err != nil {
		return nil, named(err, "read backlog", "")
	}
	return v.([]Backlog), nil
}

func (k kind) String() string { return [kinds]string{"activity", "orchestration", "entity"}[k] }

func (l *loop) backlog() []Backlog {
	sums := make(map[bucketKey]*Backlog)
	of := func(k bucketKey, served bool) *Backlog {
		b := sums[k]
		if b == nil {
			b = &Backlog{Kind: k.kind.String(), Name: k.name, Version: k.version, Served: served}
			sums[k] = b
		}
		return b
	}
	for key, b := range l.workers.buckets {
		if n := b.waiting.n + b.suspects.n + b.big.n + b.held.n; n > 0 {
			of(key, b.served()).Waiting += n
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
	list := make([]Backlog, 0, len(sums))
	for _, b := range sums {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Backlog) int {
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
