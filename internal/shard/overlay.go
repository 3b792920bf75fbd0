package shard

import (
	"context"

	"github.com/perdure/perdure/internal/hub"
)

// Standing implements hub.Overlay, for the shards that are held here.
func (o *Owner) Standing(ctx context.Context, ids []string, most int) ([]hub.Standing, error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) {
		var list []hub.Standing
		for _, id := range ids {
			list = append(list, l.standing(id, most)...)
		}
		c.end(list, nil)
	})
	if err != nil {
		return nil, named(err, "tell how work stands", "")
	}
	return v.([]hub.Standing), nil
}

// standing tells how the work of one instance stands, what is executed first.
func (l *loop) standing(id string, most int) []hub.Standing {
	var executed, queued []hub.Standing
	add := func(s hub.Standing) {
		if list := &queued; s.Executing || len(queued) < most {
			if s.Executing {
				list = &executed
			}
			*list = append(*list, s)
		}
	}
	if s, due := l.standingTurn(id); due {
		add(s)
	}
	for r := l.activities.held[id].first; r != nil && len(executed) < most; r = r.next {
		s := hub.Standing{InstanceID: id, Kind: hub.ActivityItems, Task: r.key.task, Name: r.task.Name}
		switch {
		case r.outside: // whoever has its token
			s.Executing, s.Worker, s.Since = true, r.worker, r.dequeued
		case r.item != nil && r.item.out():
			s.Executing, s.Worker, s.Since = true, r.item.lease.stream.worker.ID, r.dequeued
		case r.item == nil && r.cancel != nil:
			s.Executing, s.Worker, s.Since = true, l.node, r.dequeued
		}
		add(s)
	}
	list := append(executed, queued...)
	return list[:min(len(list), most)]
}

// standingTurn tells how the turn of an orchestration, or the batch of an entity, stands;
// it is not due if there is nothing to be done.
func (l *loop) standingTurn(id string) (s hub.Standing, due bool) {
	in := l.instances[id]
	it := l.workers.items[id]
	s.InstanceID = id
	switch {
	case it != nil && it.out():
		s.Executing, s.Worker = true, it.lease.stream.worker.ID
	case it != nil && (it.line != nil || it.paused):
	case in != nil && in.rec != nil && in.turning != nil && in.turning.item == nil:
		s.Executing, s.Worker = true, l.node
	case in != nil && in.rec != nil && in.ready:
	default:
		return s, false
	}
	if it != nil {
		s.Kind, s.Name = workKind(it.kind), it.bucket.key.name
	} else {
		key, _ := l.workOf(in)
		s.Kind, s.Name = workKind(key.kind), key.name
	}
	return s, true
}

// workKind is a kind as the hub's contract names it.
func workKind(k kind) hub.WorkKind {
	return [kinds]hub.WorkKind{ofTurn: hub.Orchestrations, ofActivity: hub.ActivityItems, ofBatch: hub.EntityItems}[k]
}
