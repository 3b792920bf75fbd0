package agent

import (
	"context"
	"errors"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// A call that was sent, and whose turn ended before its outcome was known, is a
// question to a person. Nobody may be left to ask it: not the turn, not the process
// that made the call. So it is asked by whoever lists or looks for decisions; its
// id is the same for all.

// openMark is a mark without outcome in a turn that does not wait for it any more.
type openMark struct {
	turn string
	mark *sendMark
	raw  []byte
}

// openMarks returns the open marks of turns that have ended, of those for which
// wanted is true.
func openMarks(ctx context.Context, h hub.Hub, wanted func(turn string) bool) ([]openMark, error) {
	var list []openMark
	q := store.RowQuery{Kind: hub.RowHold, Index: 0}
	for {
		rows, next, err := h.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if !wanted(row.Owner) {
				continue
			}
			m, raw, err := markOf(ctx, h, row.Owner, string(row.Key))
			if err != nil {
				return nil, err
			}
			if m == nil || m.Settled != nil {
				continue // it was settled meanwhile
			}
			run, err := h.Instance(ctx, row.Owner, false)
			if perdure.CodeOf(err) == perdure.NotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			if !run.Status.Terminal() {
				continue
			}
			held, err := isHeld(ctx, h, row.Owner, m.Effect)
			if err != nil {
				return nil, err
			}
			if held { // else it has ended since the list was read, with the outcome
				list = append(list, openMark{row.Owner, m, raw})
			}
		}
		if next == nil {
			return list, nil
		}
		q.After = next
	}
}

// isHeld reports whether the mark of a call is open. Of a turn that has ended that is final
// but for settlements.
func isHeld(ctx context.Context, h hub.Rows, turn, effect string) (bool, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: hub.RowHold, Owner: turn, Prefix: []byte(effect), Limit: 1})
	return len(rows) > 0 && string(rows[0].Key) == effect, err
}

// askAll opens the decisions about calls whose turns have ended.
func askAll(ctx context.Context, h hub.Hub) error {
	list, err := openMarks(ctx, h, func(string) bool { return true })
	for _, o := range list {
		err = errors.Join(err, o.ask(ctx, h))
	}
	return err
}

// ask opens the decision about the call, if there is none.
func (o *openMark) ask(ctx context.Context, h hub.Hub) error {
	m := o.mark
	id := m.unknownID()
	if d, err := decisionOf(ctx, h, o.turn, id); err != nil || d != nil {
		return err
	}
	d := &storedDecision{Decision: Decision{
		ID: id, Kind: DecisionOutcomeUnknown, Run: o.turn, Agent: m.Agent, Session: m.Session, Turn: o.turn,
		Step: m.Step, CallID: m.CallID, Tool: m.Tool, ToolVersion: m.Version, Args: m.Args, ArgsHash: m.Hash,
		EffectID: m.Effect, Originator: m.Originator, RequestedAt: time.Now().UTC(), State: DecisionPending,
		Reason: "the turn has ended without the outcome of the call",
	}}
	w := &hub.WriteRows{Owner: o.turn, If: []hub.RowCondition{{Kind: rowMark, Key: []byte(m.Effect), Value: o.raw}}}
	if err := d.replaceIn(w); err != nil {
		return err
	}
	err := writeRows(ctx, h, w)
	if code := perdure.CodeOf(err); code == perdure.Conflict || code == perdure.NotFound {
		return nil // somebody else has asked, or the call has told its outcome
	}
	return err
}

// abandon gives the call up: its outcome will never be known. The decision about it
// tells who has given it up, and outlives the turn, without its arguments.
func (o *openMark) abandon(ctx context.Context, h hub.Hub, by string) error {
	if err := o.ask(ctx, h); err != nil {
		return err
	}
	now := time.Now().UTC()
	var err error
	for range maxRaces {
		m, raw, failed := markOf(ctx, h, o.turn, o.mark.Effect)
		if failed != nil || m == nil || m.Settled != nil {
			return failed
		}
		d, failed := decisionOf(ctx, h, o.turn, m.unknownID())
		if failed != nil || d == nil {
			return failed
		}
		w := &hub.WriteRows{Owner: o.turn}
		given := *d
		given.State, given.AnsweredBy, given.AnsweredAt = DecisionSuperseded, by, &now
		given.Comment, given.Args, given.keep = "given up: the end of the conversation was forced", nil, true
		failed = errors.Join(given.replaceIn(w), m.settle(w, raw, settlement{Error: "the call was given up", By: by, At: now}))
		if failed != nil {
			return failed
		}
		if err = writeRows(ctx, h, w); perdure.CodeOf(err) != perdure.Conflict {
			return err
		}
	}
	return err
}

// settleBy adds to the answer of a decision about the outcome of a call that the
// call's mark is settled with it. An answer that wants the call made again leaves
// that to the turn.
func settleBy(ctx context.Context, h hub.Hub, d *storedDecision, w *hub.WriteRows) error {
	if d.Kind != DecisionOutcomeUnknown {
		return nil
	}
	if d.Answer == AnswerRetry {
		run, err := h.Instance(ctx, d.Run, false)
		if err == nil && run.Status.Terminal() {
			err = conflict(d, "the run has ended: nobody can make the call again")
		}
		return err
	}
	m, raw, err := markOf(ctx, h, d.Run, d.EffectID)
	if err != nil || m == nil || m.Settled != nil {
		return err
	}
	s := settlement{Result: d.Result, By: d.AnsweredBy, At: *d.AnsweredAt}
	if d.Answer == AnswerDidNotHappen {
		s.Error = d.refusal().Error()
	}
	return m.settle(w, raw, s)
}
