package agent

import (
	"context"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// Newest is what lists show of a session beyond its state.
type Newest struct {
	Message *model.Message // the newest of the last few that has a text; nil = none has
	Asks    bool           // the running turn waits for a decision
	Failed  bool           // the turn that wrote the newest message has failed
}

// lastFew messages are looked at for one with a text: calls of tools have none.
const lastFew = 8

// Newest returns what is newest in a session.
func (s *Service) Newest(ctx context.Context, session *Session) (Newest, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return Newest{}, err
	}
	state, err := readSession(ctx, h, session.ID)
	if perdure.CodeOf(err) == perdure.NotFound {
		return Newest{}, nil // it was deleted meanwhile
	}
	if err != nil {
		return Newest{}, err
	}
	var n Newest
	log := logID(session.ID.String(), state.Incarnation)
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowLog, From: logIndex(log, 0), To: logIndex(log, state.shown()), Desc: true, Limit: lastFew})
	if err != nil {
		return Newest{}, err
	}
	turn := session.Running
	for _, row := range rows {
		m, err := readMessage(row)
		if err != nil {
			return Newest{}, err
		}
		if turn == "" {
			turn = m.Turn
		}
		if n.Message == nil && m.Message.Text() != "" {
			n.Message = m.Message
		}
	}
	if turn == "" {
		return n, nil
	}
	i, err := h.Instance(ctx, turn, false)
	if perdure.CodeOf(err) == perdure.NotFound {
		return n, nil
	}
	if err != nil {
		return Newest{}, err
	}
	n.Asks = i.Phase == store.WaitingApproval
	n.Failed = i.Status == store.Failed
	return n, nil
}
