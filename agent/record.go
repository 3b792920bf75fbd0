package agent

import (
	"context"
	"math"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// keyRecord is the key of the row that holds a turn's record.
const keyRecord = "record"

// record is what remains of a turn with options when it is folded, beside its
// messages and options.
type record struct {
	Inputs   int       `json:"inputs"` // messages that it answers
	First    int64     `json:"first"`
	Response *Response `json:"response,omitempty"` // without text and value
	Trail    []Frame   `json:"trail,omitempty"`
}

// note keeps a frame for the record: in which order calls have ended and waited is
// nowhere else.
func (t *turn) note(f Frame) {
	switch f.Type {
	case FrameToolResult, FrameDecision, FrameDecided:
		if t.in.Options != nil {
			f.Result = nil
			t.trail = append(t.trail, f)
		}
	}
}

// leave writes the record, in the turn's last commit.
func (t *turn) leave(r *Response) {
	if t.in.Options == nil {
		return
	}
	left := record{Inputs: len(t.in.Messages), First: t.first, Trail: t.trail}
	if r != nil {
		copied := *r
		copied.Text, copied.Value = "", nil
		left.Response = &copied
	}
	row, err := turnRow(keyRecord, &left)
	if err != nil { // it holds what was encoded before
		panic(err)
	}
	t.put([]perdure.Row{row})
}

// recall completes a turn that was folded from what remains of it.
func (t *Turn) recall(ctx context.Context, h hub.Rows) error {
	t.Folded = true
	var left record
	err := readTurnRow(ctx, h, t.ID, keyRecord, &left)
	if perdure.CodeOf(err) == perdure.Internal { // it had no options
		if t.Status == TurnCompleted {
			return &UnavailableError{Turn: t.ID}
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := readTurnRow(ctx, h, t.ID, keyOptions, &t.Options); err != nil {
		return err
	}
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowLog, Owner: t.ID, Limit: max(left.Inputs, 1)})
	if err != nil {
		return err
	}
	t.First, t.Response, t.trail = left.First, left.Response, left.Trail
	for _, row := range rows[:min(left.Inputs, len(rows))] {
		m, err := readMessage(row)
		if err != nil {
			return err
		}
		t.Messages = append(t.Messages, m.Message)
	}
	return nil
}

// Retell returns the stream of a turn that was folded, as far as its messages
// tell it: whole texts, with other offsets than it had.
func (s *Service) Retell(ctx context.Context, t *Turn) ([]Frame, error) {
	to := int64(math.MaxInt64)
	if t.Response != nil {
		to = t.Response.Messages
	}
	list, err := s.Messages(ctx, t.Session, t.First, int(min(to-t.First, math.MaxInt32)))
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		return nil, err
	}
	r := retelling{results: map[string]*model.FunctionResult{}, trail: t.trail}
	var said []*model.Message
	for n, m := range list {
		if t.Response == nil && m.Turn != t.ID {
			break // of a later turn
		}
		if n >= len(t.Messages) {
			said = append(said, m.Message)
			for _, c := range m.Message.Contents {
				if result, ok := c.(*model.FunctionResult); ok {
					r.results[result.CallID] = result
				}
			}
		}
	}
	for _, m := range said {
		r.tell(m)
	}
	r.add(Frame{Type: FrameEnd, Status: t.Status})
	return r.frames, nil
}

// retelling makes frames of messages.
type retelling struct {
	frames  []Frame
	step    int
	results map[string]*model.FunctionResult // that were not told
	trail   []Frame
}

func (r *retelling) add(f Frame) {
	f.Offset, f.Step = int64(len(r.frames)), r.step
	r.frames = append(r.frames, f)
}

// tell adds the frames of a message.
func (r *retelling) tell(m *model.Message) {
	if m.Role != model.RoleAssistant {
		for _, c := range m.Contents {
			if result, ok := c.(*model.FunctionResult); ok {
				r.result(Frame{Type: FrameToolResult, CallID: result.CallID})
			}
		}
		return
	}
	r.step++
	r.add(Frame{Type: FrameStep})
	for _, f := range framesOf(r.step, &model.Update{Contents: m.Contents}) {
		r.add(f)
	}
	for len(r.trail) > 0 && r.trail[0].Step <= r.step {
		if f := r.trail[0]; f.Type == FrameToolResult {
			r.result(f)
		} else {
			r.add(f)
		}
		r.trail = r.trail[1:]
	}
}

// result adds the frame of a result that was not told.
func (r *retelling) result(f Frame) {
	result := r.results[f.CallID]
	if result == nil {
		return
	}
	delete(r.results, f.CallID)
	f.Result, f.Error = result.Result, result.Error
	r.add(f)
}
