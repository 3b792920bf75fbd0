package responses

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// asked is what a request says that the turn itself does not need. It is kept
// with the turn, beside the request's metadata.
type asked struct {
	Previous     string   `json:"previous,omitempty"`     // id of the response before
	Conversation string   `json:"conversation,omitempty"` // id
	Background   bool     `json:"background,omitempty"`
	Unstored     bool     `json:"unstored,omitempty"`
	Instructions *string  `json:"instructions,omitempty"`
	ToolChoice   string   `json:"toolChoice,omitempty"` // as it was written
	Strict       []string `json:"strict,omitempty"`     // names of tools
}

// askedKey is the entry of a turn's metadata that holds asked. Requests cannot
// have one of this name.
const askedKey = "perdure.responses"

// segment is a response: a turn, or the part of it between two pauses.
type segment struct {
	*Handler
	id    responseID
	agent agent.Info
	turn  *agent.Turn // as it was when it was read
	asked asked
}

// find returns a response. One that was deleted, or not stored, is not found.
func (h *Handler) find(ctx context.Context, id responseID) (*segment, error) {
	s, err := h.segment(ctx, id)
	if err != nil {
		return nil, err
	}
	gone, err := h.deleted(ctx, id)
	if err != nil {
		return nil, err
	}
	if gone || s.asked.Unstored {
		return nil, noResponse(id.String())
	}
	return s, nil
}

// segment returns a response whether or not it may be seen.
func (h *Handler) segment(ctx context.Context, id responseID) (*segment, error) {
	s := &segment{Handler: h, id: id}
	info, err := h.agentOf(id.session.Agent)
	if err != nil {
		return nil, noResponse(id.String())
	}
	s.agent = info
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	if id.segment > 0 { // it is there once the one before has ended
		t := s.translator(nil)
		t.segment = id.segment - 1
		if err := s.soFar(ctx, t); err != nil {
			return nil, err
		}
		if t.ended != outcomePaused {
			return nil, noResponse(id.String())
		}
	}
	return s, nil
}

// read reads the turn.
func (s *segment) read(ctx context.Context) error {
	turn, err := s.Service.Turn(ctx, s.id.turnID())
	if perdure.CodeOf(err) == perdure.NotFound {
		return noResponse(s.id.String())
	}
	if err != nil {
		return err
	}
	s.turn = turn
	if text := turn.Options.Metadata[askedKey]; text != "" {
		if err := json.Unmarshal([]byte(text), &s.asked); err != nil {
			return &perdure.Error{Code: perdure.Internal, Op: "read response", Instance: turn.ID, Message: "what was asked is damaged", Cause: err}
		}
	}
	if s.id.segment > 0 {
		before := s.id
		before.segment--
		s.asked.Previous = before.String()
	}
	return nil
}

// translator returns one that has read nothing.
func (s *segment) translator(emit func(event)) *translator {
	t := &translator{ref: s.id.itemRef(), label: s.agent.Name, segment: s.id.segment, emit: emit, functions: map[string]bool{}}
	for _, f := range s.turn.Options.Tools {
		t.functions[f.Name] = true
	}
	return t
}

// soFar has a translator read what there is of the turn.
func (s *segment) soFar(ctx context.Context, t *translator) error {
	var frames []agent.Frame
	var err error
	if s.turn.Folded {
		frames, err = s.Service.Retell(ctx, s.turn)
	} else {
		frames, err = s.Service.Frames(ctx, s.turn.ID, 0)
	}
	if err != nil {
		return err
	}
	for _, f := range frames {
		t.frame(f)
	}
	if t.ended == "" && !s.turn.Ended.IsZero() { // somebody else has ended it
		t.frame(agent.Frame{Type: agent.FrameEnd, Status: s.turn.Status})
	}
	return nil
}

// now returns the response as it is.
func (s *segment) now(ctx context.Context) (*object, error) {
	t := s.translator(nil)
	if err := s.soFar(ctx, t); err != nil {
		return nil, err
	}
	return s.result(ctx, t)
}

// result is the response after a translator has read what there was.
func (s *segment) result(ctx context.Context, t *translator) (*object, error) {
	if t.ended != "" && s.turn.Ended.IsZero() {
		if err := s.read(ctx); err != nil {
			return nil, err
		}
	}
	o := s.view(t)
	return o, s.addResults(ctx, o.Output)
}

// addResults puts the results of the agent's tools that are too long for the
// stream into calls.
func (s *segment) addResults(ctx context.Context, output []*item) error {
	lacks := func(i *item) bool { return i.Type == itemCall && len(i.Output) == 0 && i.Status == statusCompleted }
	if !slices.ContainsFunc(output, lacks) {
		return nil
	}
	log, err := s.messages(ctx)
	if err != nil {
		return err
	}
	for _, m := range log {
		for _, c := range m.Message.Contents {
			r, ok := c.(*model.FunctionResult)
			if !ok {
				continue
			}
			for _, i := range output {
				if lacks(i) && i.CallID == r.CallID {
					i.Output = r.Result
				}
			}
		}
	}
	return nil
}

// messages returns the messages that the turn has added to the conversation so
// far, those that it answers included.
func (s *segment) messages(ctx context.Context) ([]agent.LogMessage, error) {
	var messages []agent.LogMessage
	for at := s.turn.First; ; {
		page, err := s.Service.Messages(ctx, s.turn.Session, at, pageMessages)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.Turn != s.turn.ID {
				return messages, nil
			}
			messages = append(messages, m)
			at = m.Position + 1
		}
		if len(page) < pageMessages {
			return messages, nil
		}
	}
}

// pageMessages is how many messages are read at once.
const pageMessages = 100

// rowDeleted marks a response that was deleted, beside its turn. The number is
// stored.
const rowDeleted = 103

func deletedKey(id responseID) []byte {
	return []byte{byte(id.segment >> 16), byte(id.segment >> 8), byte(id.segment)}
}

// deleted reports whether a response was deleted.
func (h *Handler) deleted(ctx context.Context, id responseID) (bool, error) {
	at, err := h.Client.Hub(ctx)
	if err != nil {
		return false, err
	}
	rows, _, err := at.ReadRows(ctx, store.RowQuery{Kind: rowDeleted, Owner: id.turnID(), Prefix: deletedKey(id), Limit: 1})
	return len(rows) > 0, err
}
