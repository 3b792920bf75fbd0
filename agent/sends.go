package agent

import (
	"context"
	"encoding/json"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Send tells of a call of a tool that left a mark before it was sent, as those do that
// are irreversible, reversible or need an approval: after a crash the mark says that the
// call may have been carried out.
type Send struct {
	Tool     string
	CallID   string
	Step     int       // model step that made the call, from 1
	EffectID string    // the same for each attempt
	Effect   string    // the class of its effects as it was when it was sent; "" = not known
	Attempt  int       // how many times it was sent
	At       time.Time // when it was sent last
	Open     bool      // its outcome is not known
}

// mostSends bounds the sends of a run that are told.
const mostSends = 10000

// Sends returns the calls of a run that were marked, in no particular order.
func (s *Service) Sends(ctx context.Context, run string) ([]Send, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	marks, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowMark, Owner: run, Limit: mostSends})
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	holds, _, err := h.ReadRows(ctx, store.RowQuery{Kind: hub.RowHold, Owner: run, Limit: mostSends})
	if err != nil {
		return nil, err
	}
	open := map[string]bool{}
	for _, row := range holds {
		open[string(row.Key)] = true
	}
	var sends []Send
	for _, row := range marks {
		m := &sendMark{}
		if err := json.Unmarshal(row.Value, m); err != nil {
			return nil, &perdure.Error{Code: perdure.Internal, Op: "read send mark", Instance: run, Message: "it is damaged", Cause: err}
		}
		sends = append(sends, Send{
			Tool: m.Tool, CallID: m.CallID, Step: m.Step, EffectID: m.Effect, Effect: m.Class, Attempt: m.Attempt, At: m.At,
			Open: m.Settled == nil && open[m.Effect],
		})
	}
	return sends, nil
}
