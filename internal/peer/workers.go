package peer

import (
	"context"

	"github.com/perdure/perdure/internal/hub"
)

// CompleteOrchestration implements hub.Workers.
func (h *Hub) CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error {
	q := *done
	fits := func(it *item) bool { return it.kind == ofTurn }
	return h.outcomeOf(ctx, "complete orchestration", done.Delivery, fits, func(ctx context.Context, n node, d hub.Delivery) error {
		q.Delivery = d
		return n.CompleteOrchestration(ctx, &q)
	})
}

// CompleteActivity implements hub.Workers.
func (h *Hub) CompleteActivity(ctx context.Context, done *hub.ActivityDone) error {
	q := *done
	fits := func(it *item) bool { return it.kind == ofActivity && it.task == done.TaskID }
	return h.outcomeOf(ctx, "complete activity", done.Delivery, fits, func(ctx context.Context, n node, d hub.Delivery) error {
		q.Delivery = d
		return n.CompleteActivity(ctx, &q)
	})
}

// CompleteEntity implements hub.Workers.
func (h *Hub) CompleteEntity(ctx context.Context, done *hub.EntityDone) error {
	q := *done
	fits := func(it *item) bool { return it.kind == ofBatch }
	return h.outcomeOf(ctx, "complete entity", done.Delivery, fits, func(ctx context.Context, n node, d hub.Delivery) error {
		q.Delivery = d
		return n.CompleteEntity(ctx, &q)
	})
}

// Abandon implements hub.Workers.
func (h *Hub) Abandon(ctx context.Context, d hub.Delivery) error {
	fits := func(it *item) bool { return it.kind != ofActivity || it.task == d.TaskID }
	return h.outcomeOf(ctx, "abandon work item", d, fits, func(ctx context.Context, n node, d hub.Delivery) error {
		return n.Abandon(ctx, d)
	})
}

// outcomeOf tells the present holder of its shard what became of an item. Its place at
// the worker is free from now on.
func (h *Hub) outcomeOf(ctx context.Context, op string, d hub.Delivery, fits func(*item) bool, tell func(context.Context, node, hub.Delivery) error) error {
	d = h.items.named(d, fits)
	it := h.items.of(d.Token)
	if it != nil {
		it.stream.answered(it)
	}
	var by node
	err := h.routeToken(ctx, op, d, func(ctx context.Context, n node, d hub.Delivery) error {
		by = n
		return tell(ctx, n, d)
	})
	if it != nil {
		it.stream.told(it)
	}
	if it != nil && settled(err) {
		h.items.remove(it)
		if by != it.source.node {
			h.vacate(it)
		}
	}
	return err
}

// vacate tells the node that has given an item to a worker that this has answered, for
// the answer went to another one: the shard has moved.
func (h *Hub) vacate(it *item) {
	h.start(func() {
		ctx, cancel := context.WithTimeout(h.ctx, letterTime)
		defer cancel()
		_ = it.source.node.Abandon(ctx, hub.Delivery{Token: it.work.Token}) // it says that the shard is not held there, or is gone
	})
}
