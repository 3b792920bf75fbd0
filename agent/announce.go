package agent

import (
	"context"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/store"
)

// Somebody outside may be told of decisions when they open, such as by a webhook.
// Whom was told is noted with the decision, so that after a crash those are told of
// again, and only those, of which it is not known.

// Unannounced lists open decisions of which nobody outside is known to have been
// told, from a cursor on (nil = from the start). It reads the open decisions, all of
// them after a while: ask sparsely, or when WatchDecisions says so.
func (s *Service) Unannounced(ctx context.Context, after []byte) (DecisionPage, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return DecisionPage{}, err
	}
	if after == nil {
		if err := askAll(ctx, h); err != nil {
			return DecisionPage{}, err
		}
	}
	page := DecisionPage{Decisions: []*Decision{}}
	rows, next, err := h.ReadRows(ctx, store.RowQuery{
		Kind: rowDecision, From: append([]byte(DecisionPending), 0), To: append([]byte(DecisionPending), 1), After: after, Limit: 1000,
	})
	if err != nil {
		return DecisionPage{}, err
	}
	page.Next = next
	for _, row := range rows {
		d, err := readDecision(row)
		if err != nil {
			return DecisionPage{}, err
		}
		if !d.Announced.IsZero() {
			continue
		}
		if err := supersede(ctx, h, d); err != nil {
			return DecisionPage{}, err
		}
		if d.State == DecisionPending {
			page.Decisions = append(page.Decisions, &d.Decision)
		}
	}
	return page, nil
}

// Announced notes that somebody outside was told of a decision. Of one that is gone
// nothing is noted.
func (s *Service) Announced(ctx context.Context, id string) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	for range maxRaces {
		d, failed := findDecision(ctx, h, id)
		if perdure.CodeOf(failed) == perdure.NotFound {
			return nil
		}
		if failed != nil || !d.Announced.IsZero() {
			return failed
		}
		noted := *d
		noted.Announced = time.Now().UTC()
		if err = replace(ctx, h, &noted, false); perdure.CodeOf(err) != perdure.Conflict {
			return err
		}
	}
	return err
}

// WatchDecisions returns a channel that holds a value when a decision was asked for
// or has changed after the call. It is closed when the watch ends, with ctx or with
// the hub: watch anew then. What becomes of calls whose turn has ended it tells of
// only once Decisions or Unannounced has looked.
func (s *Service) WatchDecisions(ctx context.Context) (<-chan struct{}, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	return h.WatchRows(ctx, rowDecision, "")
}
