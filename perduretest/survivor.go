package perduretest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// survivor is the hub as a client sees it that repeats what a crash has cut off,
// with request ids, until there is an answer.
type survivor struct{ env *Env }

var _ hub.Hub = (*survivor)(nil)

// again carries f out on the process that runs, and once more on the next one if
// that dies meanwhile.
func again[T any](e *Env, ctx context.Context, f func(p *process) (T, error)) (T, error) {
	for {
		p, err := e.current(ctx)
		if err != nil {
			var none T
			return none, err
		}
		v, err := f(p)
		if perdure.CodeOf(err) != perdure.Unavailable && !errors.Is(err, store.ErrClosed) {
			return v, err
		}
		select {
		case <-p.dead:
		case <-ctx.Done():
			return v, err
		}
	}
}

// repeatable gives a request an id if it has none.
func repeatable(id *string) {
	if *id == "" {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		*id = hex.EncodeToString(b[:])
	}
}

type nothing struct{}

func (s *survivor) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	c := *r
	repeatable(&c.RequestID)
	return again(s.env, ctx, func(p *process) (hub.Started, error) { return p.hub.Start(ctx, &c) })
}

func (s *survivor) Raise(ctx context.Context, r *hub.Raise) error {
	c := *r
	repeatable(&c.RequestID)
	_, err := again(s.env, ctx, func(p *process) (nothing, error) { return nothing{}, p.hub.Raise(ctx, &c) })
	return err
}

func (s *survivor) Signal(ctx context.Context, r *hub.Signal) error {
	c := *r
	repeatable(&c.RequestID)
	_, err := again(s.env, ctx, func(p *process) (nothing, error) { return nothing{}, p.hub.Signal(ctx, &c) })
	return err
}

func (s *survivor) Control(ctx context.Context, r *hub.Control) (string, error) {
	c := *r
	repeatable(&c.RequestID)
	return again(s.env, ctx, func(p *process) (string, error) { return p.hub.Control(ctx, &c) })
}

func (s *survivor) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	c := *r
	repeatable(&c.RequestID)
	return again(s.env, ctx, func(p *process) (hub.Purged, error) { return p.hub.Purge(ctx, &c) })
}

func (s *survivor) Complete(ctx context.Context, token string, result history.Text, f *history.Failure) error {
	_, err := again(s.env, ctx, func(p *process) (nothing, error) { return nothing{}, p.hub.Complete(ctx, token, result, f) })
	return err
}

func (s *survivor) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	_, err := again(s.env, ctx, func(p *process) (nothing, error) { return nothing{}, p.hub.Heartbeat(ctx, token, progress) })
	return err
}

func (s *survivor) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	return again(s.env, ctx, func(p *process) (*hub.Instance, error) { return p.hub.Instance(ctx, id, payloads) })
}

func (s *survivor) History(ctx context.Context, id, execution string) ([]*history.Event, error) {
	return again(s.env, ctx, func(p *process) ([]*history.Event, error) { return p.hub.History(ctx, id, execution) })
}

func (s *survivor) List(ctx context.Context, q store.Query) (hub.Page, error) {
	return again(s.env, ctx, func(p *process) (hub.Page, error) { return p.hub.List(ctx, q) })
}

func (s *survivor) Counts(ctx context.Context) ([]store.Count, error) {
	return again(s.env, ctx, func(p *process) ([]store.Count, error) { return p.hub.Counts(ctx) })
}

func (s *survivor) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	return again(s.env, ctx, func(p *process) (*hub.Entity, error) { return p.hub.Entity(ctx, id) })
}

func (s *survivor) WaitStart(ctx context.Context, id string) (*hub.Instance, error) {
	return again(s.env, ctx, func(p *process) (*hub.Instance, error) { return p.hub.WaitStart(ctx, id) })
}

func (s *survivor) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	return again(s.env, ctx, func(p *process) (*hub.Instance, error) { return p.hub.WaitCompletion(ctx, id) })
}

func (s *survivor) Ask(ctx context.Context, r *hub.Ask) (history.Text, error) {
	c := *r
	repeatable(&c.RequestID)
	return again(s.env, ctx, func(p *process) (history.Text, error) { return p.hub.Ask(ctx, &c) })
}

func (s *survivor) Position(ctx context.Context) (store.Position, error) {
	return again(s.env, ctx, func(p *process) (store.Position, error) { return p.hub.Position(ctx) })
}

func (s *survivor) Changes(ctx context.Context, pos store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	type answer struct {
		changes []store.Change
		next    store.Position
		reset   bool
	}
	a, err := again(s.env, ctx, func(p *process) (answer, error) {
		changes, next, reset, err := p.hub.Changes(ctx, pos, limit)
		return answer{changes, next, reset}, err
	})
	return a.changes, a.next, a.reset, err
}

func (s *survivor) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	type answer struct {
		rows []store.Row
		next []byte
	}
	a, err := again(s.env, ctx, func(p *process) (answer, error) {
		rows, next, err := p.hub.ReadRows(ctx, q)
		return answer{rows, next}, err
	})
	return a.rows, a.next, err
}

func (s *survivor) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	c := *r
	repeatable(&c.RequestID)
	_, err := again(s.env, ctx, func(p *process) (nothing, error) { return nothing{}, p.hub.WriteRows(ctx, &c) })
	return err
}

func (s *survivor) WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error) {
	return again(s.env, ctx, func(p *process) (<-chan struct{}, error) { return p.hub.WatchRows(ctx, kind, owner) })
}
