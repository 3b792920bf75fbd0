package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Kinds of rows of a turn. The numbers are stored.
const (
	rowMark = 111 // a tool was called, or is about to be; the key is the effect id
	rowStop = 112 // the execution that is the key was told to stop: no more calls are sent
)

// sendMark is durable before an irreversible or reversible tool is called, and
// before a call that was approved. It is open until its outcome is known: in the
// journal of the turn, which then removes the hold (see holdRow), or, when the turn
// does not wait for it any more, as Settled.
type sendMark struct {
	Effect    string          `json:"effect"`
	Class     string          `json:"class,omitempty"` // of the tool's effects; "" = not told by whoever has sent it
	Tool      string          `json:"tool"`
	Version   string          `json:"version,omitempty"` // of the tool
	Args      json.RawMessage `json:"args"`              // canonical
	Edited    bool            `json:"edited,omitempty"`  // the arguments are a person's, not the model's
	Hash      string          `json:"hash"`              // of tool, arguments and effect id
	Attempt   int             `json:"attempt"`           // how many times it was sent
	Decision  string          `json:"decision,omitempty"`
	Token     string          `json:"token"` // of the attempt
	Execution string          `json:"execution"`
	Agent     string          `json:"agent"`
	Session   string          `json:"session,omitempty"`
	CallID    string          `json:"callId"`
	Step      int             `json:"step,omitempty"`
	// Originator is in whose name the call is made.
	Originator Principal   `json:"originator,omitzero"`
	At         time.Time   `json:"at"`
	Settled    *settlement `json:"settled,omitempty"`    // nil = open, or its outcome is in the journal
	Repeatable bool        `json:"repeatable,omitempty"` // the tool may be called twice with one effect id
}

// settlement is the outcome of a call that is not in the journal of its turn.
type settlement struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`  // told to the model; "" = it was carried out
	Undone bool            `json:"undone,omitempty"` // it did nothing: it may be made again
	By     string          `json:"by,omitempty"`     // who says so; "" = the call itself
	At     time.Time       `json:"at"`
}

// unknownID is the id of the decision about what became of the newest attempt:
// the same for everybody who asks.
func (m *sendMark) unknownID() string {
	return digest("decision", m.Effect, DecisionOutcomeUnknown, fmt.Sprint(m.Attempt))
}

func (m *sendMark) row(turn string) (store.Row, error) {
	value, err := json.Marshal(m)
	if err != nil {
		return store.Row{}, fmt.Errorf("send mark of %s: %w", m.Tool, err)
	}
	return store.Row{Kind: rowMark, Owner: turn, Key: []byte(m.Effect), Value: value}, nil
}

// holdRow keeps a turn with an open mark from being purged, and lists the mark.
func (m *sendMark) holdRow(turn string) store.Row {
	return store.Row{
		Kind: hub.RowHold, Owner: turn, Key: []byte(m.Effect), Index: [2][]byte{[]byte(m.Effect)},
		Value: []byte(m.held()),
	}
}

// held says why a turn with this mark must not be purged.
func (m *sendMark) held() string {
	return unknownCall(m.Tool, m.unknownID())
}

// unknownCall says what has to be done about a call whose outcome is not known.
func unknownCall(tool, decision string) string {
	return fmt.Sprintf("what became of a call of %s is not known: answer the decision %s first", tool, decision)
}

// noHold removes the hold of a mark.
func noHold(turn, effect string) store.Row {
	return store.Row{Kind: hub.RowHold, Owner: turn, Key: []byte(effect), Delete: true}
}

// markOf returns the mark of a call and what its row holds, nil if there is none.
func markOf(ctx context.Context, h hub.Rows, turn, effect string) (*sendMark, []byte, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowMark, Owner: turn, Prefix: []byte(effect), Limit: 1})
	if err != nil || len(rows) == 0 || string(rows[0].Key) != effect {
		return nil, nil, err
	}
	m := &sendMark{}
	if err := json.Unmarshal(rows[0].Value, m); err != nil {
		return nil, nil, &perdure.Error{Code: perdure.Internal, Op: "read send mark", Instance: turn, Message: "it is damaged", Cause: err}
	}
	return m, rows[0].Value, nil
}

// settle adds to a write that an open mark is settled, if nobody has changed it
// since it was read.
func (m *sendMark) settle(w *hub.WriteRows, raw []byte, s settlement) error {
	settled := *m
	settled.Settled = &s
	row, err := settled.row(w.Owner)
	if err != nil {
		return err
	}
	w.Rows = append(w.Rows, row, noHold(w.Owner, m.Effect))
	w.If = append(w.If, hub.RowCondition{Kind: rowMark, Key: row.Key, Value: raw})
	return nil
}

// lateTime bounds the writing of what a call says after nobody waits for it.
const lateTime = 10 * time.Second

// report settles the mark of the gate's own attempt from outside of the journal.
// An open decision about it is closed, and a turn that waits for that goes on.
func (g *gate) report(ctx context.Context, s settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateTime)
	defer cancel()
	s.At = time.Now().UTC()
	var err error
	for range maxRaces {
		m, raw, failed := markOf(ctx, g.hub, g.turn, g.effectID)
		if failed != nil {
			return failed
		}
		if m == nil || m.Settled != nil || m.Token != g.mark.Token {
			return nil // somebody else knows better
		}
		w := &hub.WriteRows{Owner: g.turn}
		if err := m.settle(w, raw, s); err != nil {
			return err
		}
		d, failed := decisionOf(ctx, g.hub, g.turn, m.unknownID())
		if failed != nil {
			return failed
		}
		if d != nil && d.State == DecisionPending {
			told := *d
			told.State, told.Comment = DecisionSuperseded, "the call has told its outcome itself"
			if err := told.replaceIn(w); err != nil {
				return err
			}
			w.Event = &hub.Raise{InstanceID: g.turn, Name: decisionEvent(d.ID)}
		}
		if err = writeRows(ctx, g.hub, w); perdure.CodeOf(err) != perdure.Conflict {
			return err
		}
	}
	return err
}

// answer is the outcome that a settled mark has for the step.
func (s *settlement) answer() (*toolOutput, error) {
	if s.Error != "" {
		return nil, perdure.NonRetryable(errors.New(s.Error))
	}
	return &toolOutput{Result: s.Result}, nil
}
