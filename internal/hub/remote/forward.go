package remote

import (
	"context"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// with has the side that the far hub speaks do something.
func with[T any](ctx context.Context, h *Hub, do func(side) (T, error)) (T, error) {
	s, err := h.speak(ctx)
	if err != nil {
		var none T
		return none, err
	}
	return do(s)
}

// Start implements hub.Commands.
func (h *Hub) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	return with(ctx, h, func(s side) (hub.Started, error) { return s.Start(ctx, r) })
}

// Raise implements hub.Commands.
func (h *Hub) Raise(ctx context.Context, r *hub.Raise) error {
	s, err := h.speak(ctx)
	if err != nil {
		return err
	}
	return s.Raise(ctx, r)
}

// Signal implements hub.Commands.
func (h *Hub) Signal(ctx context.Context, r *hub.Signal) error {
	s, err := h.speak(ctx)
	if err != nil {
		return err
	}
	return s.Signal(ctx, r)
}

// Control implements hub.Commands.
func (h *Hub) Control(ctx context.Context, r *hub.Control) (string, error) {
	return with(ctx, h, func(s side) (string, error) { return s.Control(ctx, r) })
}

// Purge implements hub.Commands.
func (h *Hub) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	return with(ctx, h, func(s side) (hub.Purged, error) { return s.Purge(ctx, r) })
}

// Complete implements hub.Activities.
func (h *Hub) Complete(ctx context.Context, token string, result history.Text, failure *history.Failure) error {
	s, err := h.speak(ctx)
	if err != nil {
		return err
	}
	return s.Complete(ctx, token, result, failure)
}

// Heartbeat implements hub.Activities.
func (h *Hub) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	s, err := h.speak(ctx)
	if err != nil {
		return err
	}
	return s.Heartbeat(ctx, token, progress)
}

// Instance implements hub.Reads.
func (h *Hub) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	return with(ctx, h, func(s side) (*hub.Instance, error) { return s.Instance(ctx, id, payloads) })
}

// History implements hub.Reads.
func (h *Hub) History(ctx context.Context, id, execution string) ([]*history.Event, error) {
	return with(ctx, h, func(s side) ([]*history.Event, error) { return s.History(ctx, id, execution) })
}

// List implements hub.Reads.
func (h *Hub) List(ctx context.Context, q store.Query) (hub.Page, error) {
	return with(ctx, h, func(s side) (hub.Page, error) { return s.List(ctx, q) })
}

// Counts implements hub.Reads.
func (h *Hub) Counts(ctx context.Context) ([]store.Count, error) {
	return with(ctx, h, func(s side) ([]store.Count, error) { return s.Counts(ctx) })
}

// Entity implements hub.Reads.
func (h *Hub) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	return with(ctx, h, func(s side) (*hub.Entity, error) { return s.Entity(ctx, id) })
}

// WaitStart implements hub.Waits.
func (h *Hub) WaitStart(ctx context.Context, id string) (*hub.Instance, error) {
	return with(ctx, h, func(s side) (*hub.Instance, error) { return s.WaitStart(ctx, id) })
}

// WaitCompletion implements hub.Waits.
func (h *Hub) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	return with(ctx, h, func(s side) (*hub.Instance, error) { return s.WaitCompletion(ctx, id) })
}

// Ask implements hub.Waits.
func (h *Hub) Ask(ctx context.Context, r *hub.Ask) (history.Text, error) {
	return with(ctx, h, func(s side) (history.Text, error) { return s.Ask(ctx, r) })
}

// Position implements hub.Waits.
func (h *Hub) Position(ctx context.Context) (store.Position, error) {
	return with(ctx, h, func(s side) (store.Position, error) { return s.Position(ctx) })
}

// Changes implements hub.Waits.
func (h *Hub) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	s, err := h.speak(ctx)
	if err != nil {
		return nil, "", false, err
	}
	return s.Changes(ctx, p, limit)
}

// ReadRows implements hub.Rows.
func (h *Hub) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	s, err := h.speak(ctx)
	if err != nil {
		return nil, nil, err
	}
	return s.ReadRows(ctx, q)
}

// WriteRows implements hub.Rows.
func (h *Hub) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	s, err := h.speak(ctx)
	if err != nil {
		return err
	}
	return s.WriteRows(ctx, r)
}

// WatchRows implements hub.Rows.
func (h *Hub) WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error) {
	return with(ctx, h, func(s side) (<-chan struct{}, error) { return s.WatchRows(ctx, kind, owner) })
}

// Ended implements hub.Upkeep.
func (h *Hub) Ended(ctx context.Context, q *hub.EndedQuery) ([]string, string, error) {
	s, err := h.speak(ctx)
	if err != nil {
		return nil, "", err
	}
	return s.Ended(ctx, q)
}

// Entities implements hub.Upkeep.
func (h *Hub) Entities(ctx context.Context, q *hub.EntityQuery) ([]*hub.Entity, string, error) {
	s, err := h.speak(ctx)
	if err != nil {
		return nil, "", err
	}
	return s.Entities(ctx, q)
}

// CleanEntities implements hub.Upkeep.
func (h *Hub) CleanEntities(ctx context.Context, r *hub.CleanEntities) (hub.Cleaned, error) {
	return with(ctx, h, func(s side) (hub.Cleaned, error) { return s.CleanEntities(ctx, r) })
}

// TerminateNow implements hub.Upkeep.
func (h *Hub) TerminateNow(ctx context.Context, ids []string, reason history.Text) ([]string, error) {
	return with(ctx, h, func(s side) ([]string, error) { return s.TerminateNow(ctx, ids, reason) })
}
