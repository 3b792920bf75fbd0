package peer

import (
	"context"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Reads are answered from the store, by any node: it shows what all have committed.

// Instance implements hub.Reads.
func (h *Hub) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	return h.owner.Instance(ctx, id, payloads)
}

// History implements hub.Reads.
func (h *Hub) History(ctx context.Context, id, execution string) ([]*history.Event, error) {
	return h.owner.History(ctx, id, execution)
}

// List implements hub.Reads.
func (h *Hub) List(ctx context.Context, q store.Query) (hub.Page, error) { return h.owner.List(ctx, q) }

// Counts implements hub.Reads.
func (h *Hub) Counts(ctx context.Context) ([]store.Count, error) { return h.owner.Counts(ctx) }

// Entity implements hub.Reads.
func (h *Hub) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	return h.owner.Entity(ctx, id)
}

// ReadRows implements hub.Rows.
func (h *Hub) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	return h.owner.ReadRows(ctx, q)
}

// Position implements hub.Waits.
func (h *Hub) Position(ctx context.Context) (store.Position, error) { return h.owner.Position(ctx) }

// Changes implements hub.Waits.
func (h *Hub) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	return h.owner.Changes(ctx, p, limit)
}

// Ended implements hub.Upkeep.
func (h *Hub) Ended(ctx context.Context, q *hub.EndedQuery) ([]string, string, error) {
	return h.owner.Ended(ctx, q)
}

// Entities implements hub.Upkeep.
func (h *Hub) Entities(ctx context.Context, q *hub.EntityQuery) ([]*hub.Entity, string, error) {
	return h.owner.Entities(ctx, q)
}
