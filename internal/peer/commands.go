package peer

import (
	"context"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
)

// Start implements hub.Commands. Without an id the instance begins on this node, if
// that holds shards.
func (h *Hub) Start(ctx context.Context, r *hub.Start) (started hub.Started, err error) {
	q := *r
	if q.InstanceID == "" && q.RequestID == "" {
		if started, err = h.owner.Start(ctx, &q); !elsewhere(err) {
			return started, err
		}
		q.RequestID = newRequestID()
	}
	if q.InstanceID == "" {
		q.InstanceID = shard.StartID(q.RequestID)
	}
	err = h.route(ctx, store.ShardOf(q.InstanceID), call{op: "start", instance: q.InstanceID, request: &q.RequestID}, func(ctx context.Context, n node) error {
		started, err = n.Start(ctx, &q)
		return err
	})
	return started, err
}

// Raise implements hub.Commands.
func (h *Hub) Raise(ctx context.Context, r *hub.Raise) error {
	q := *r
	return h.route(ctx, store.ShardOf(q.InstanceID), call{op: "raise event", instance: q.InstanceID, request: &q.RequestID}, func(ctx context.Context, n node) error {
		return n.Raise(ctx, &q)
	})
}

// Signal implements hub.Commands.
func (h *Hub) Signal(ctx context.Context, r *hub.Signal) error {
	q := *r
	return h.route(ctx, store.ShardOf(q.InstanceID), call{op: "signal", instance: q.InstanceID, request: &q.RequestID}, func(ctx context.Context, n node) error {
		return n.Signal(ctx, &q)
	})
}

// Control implements hub.Commands. A restart under another id is a start of that.
func (h *Hub) Control(ctx context.Context, r *hub.Control) (id string, err error) {
	q := *r
	s := store.ShardOf(q.InstanceID)
	switch {
	case q.Kind != hub.Restart:
	case q.As != "":
		s = store.ShardOf(q.As)
	case q.NewID:
		if q.RequestID == "" {
			q.RequestID = newRequestID()
		}
		s = store.ShardOf(shard.StartID(q.RequestID))
	}
	err = h.route(ctx, s, call{op: "control", instance: q.InstanceID, request: &q.RequestID}, func(ctx context.Context, n node) error {
		id, err = n.Control(ctx, &q)
		return err
	})
	return id, err
}

// WriteRows implements hub.Rows.
func (h *Hub) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	q := *r
	return h.route(ctx, store.ShardOf(q.Owner), call{op: "write rows", instance: q.Owner, request: &q.RequestID}, func(ctx context.Context, n node) error {
		return n.WriteRows(ctx, &q)
	})
}

// Complete implements hub.Activities.
func (h *Hub) Complete(ctx context.Context, token string, result history.Text, f *history.Failure) error {
	return h.routeToken(ctx, "complete activity", hub.Delivery{Token: token}, func(ctx context.Context, n node, d hub.Delivery) error {
		return n.Complete(ctx, d.Token, result, f)
	})
}

// Heartbeat implements hub.Activities.
func (h *Hub) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	return h.routeToken(ctx, "heartbeat", hub.Delivery{Token: token}, func(ctx context.Context, n node, d hub.Delivery) error {
		return n.Heartbeat(ctx, d.Token, progress)
	})
}

// routeToken has the present holder of an item's shard do something; the token makes
// it repeatable.
func (h *Hub) routeToken(ctx context.Context, op string, d hub.Delivery, do func(context.Context, node, hub.Delivery) error) error {
	id := d.InstanceID
	if d.Token != "" {
		var ok bool
		if id, ok = shard.InstanceOf(d.Token); !ok {
			return &perdure.Error{Code: perdure.NotFound, Op: op, Instance: d.InstanceID, Message: "no such delivery: the token is none of this hub's"}
		}
	}
	return h.route(ctx, store.ShardOf(id), call{op: op, instance: id, once: d.Token == ""}, func(ctx context.Context, n node) error {
		return do(ctx, n, d)
	})
}

// WaitStart implements hub.Waits.
func (h *Hub) WaitStart(ctx context.Context, id string) (in *hub.Instance, err error) {
	err = h.route(ctx, store.ShardOf(id), call{op: "wait", instance: id, waits: true}, func(ctx context.Context, n node) error {
		in, err = n.WaitStart(ctx, id)
		return err
	})
	return in, err
}

// WaitCompletion implements hub.Waits.
func (h *Hub) WaitCompletion(ctx context.Context, id string) (in *hub.Instance, err error) {
	err = h.route(ctx, store.ShardOf(id), call{op: "wait", instance: id, waits: true}, func(ctx context.Context, n node) error {
		in, err = n.WaitCompletion(ctx, id)
		return err
	})
	return in, err
}

// Ask implements hub.Waits. The answer may be given by another node than the one that
// was asked: it is found by the request id.
func (h *Hub) Ask(ctx context.Context, r *hub.Ask) (answer history.Text, err error) {
	q := *r
	if q.RequestID == "" {
		q.RequestID = newRequestID()
	}
	err = h.route(ctx, store.ShardOf(q.InstanceID), call{op: "ask", instance: q.InstanceID, request: &q.RequestID, waits: true}, func(ctx context.Context, n node) error {
		answer, err = n.Ask(ctx, &q)
		return err
	})
	return answer, err
}

// TerminateNow implements hub.Upkeep.
func (h *Hub) TerminateNow(ctx context.Context, ids []string, reason history.Text) (left []string, err error) {
	for _, id := range ids {
		if id == "" || strings.HasPrefix(id, "@") {
			left = append(left, id)
			continue
		}
		err := h.route(ctx, store.ShardOf(id), call{op: "terminate now", instance: id, once: true}, func(ctx context.Context, n node) error {
			one, err := n.TerminateNow(ctx, []string{id}, reason)
			left = append(left, one...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return left, nil
}
