package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// The end of a conversation, by delete, reset or expiry: the session has its
// running turn stop; when that has told its end, a run of its own, the cleanup,
// purges the session's turns, with all their messages and streams; when that has
// told its end, the session is gone or begins anew. Messages that come meanwhile
// wait and belong to the next conversation. The cleanup itself, which holds no
// messages, is purged by who has asked for the end, else by the next cleanup.

// cleanPrefix begins the name of the orchestration and the activity that purge
// turns, cleanMark the last part of the cleanup's id.
const (
	cleanPrefix = "perdure.session/"
	cleanMark   = "end-"
)

// closing is the end of a conversation in progress.
type closing struct {
	Delete  bool     `json:"delete,omitempty"`  // the session is deleted, not reset
	Cleanup string   `json:"cleanup,omitempty"` // id of the cleanup; "" = it has not begun
	Replies []string `json:"replies,omitempty"` // tokens of callers that wait
	Quiet   []string `json:"quiet,omitempty"`   // those of callers that expect no result
}

// closeRequest is the input of the operations delete and reset.
type closeRequest struct {
	Reply bool `json:"reply"` // the caller purges the cleanup, which the result names
}

// closeReply is the answer of the operations delete and reset.
type closeReply struct {
	Cleanup string `json:"cleanup"`
}

// cleanInput is the input of the cleanup, and of the operation cleaned.
type cleanInput struct {
	Session     SessionID `json:"session"`
	Incarnation string    `json:"incarnation"`
}

// close begins the end of the conversation. Messages that wait are dropped, and
// those who wait for them are told.
func (s *session) close(remove bool) error {
	if s.Created.IsZero() {
		return nil
	}
	if s.Closing == nil {
		s.Closing = &closing{}
	}
	s.Closing.Delete = s.Closing.Delete || remove
	if !perdure.OperationOf(s.ctx).Signal {
		token := s.ctx.Defer()
		var r closeRequest
		if err := s.ctx.Input(&r); err == nil && r.Reply { // others may send anything
			s.Closing.Replies = append(s.Closing.Replies, token)
		} else {
			s.Closing.Quiet = append(s.Closing.Quiet, token)
		}
	}
	for _, a := range slices.Concat(s.Queue, s.Steering) {
		for _, token := range a.Replies {
			s.ctx.FailReply(token, dropped(a.Turn))
		}
	}
	s.Queue, s.Steering = nil, nil
	if s.Running != nil {
		return s.stopRunning()
	}
	return s.clean()
}

func dropped(turn string) error {
	return &perdure.Error{Code: perdure.Canceled, Op: "run agent", Instance: turn,
		Message: "the conversation was ended before the message was answered"}
}

// clean starts the cleanup.
func (s *session) clean() error {
	if s.Closing.Cleanup != "" {
		return nil
	}
	turn := s.id.Turn("")
	s.Closing.Cleanup = strings.TrimSuffix(turn, short(turn)) + cleanMark + s.Incarnation
	_, err := s.ctx.StartOrchestration(cleanPrefix+s.id.Agent, cleanInput{s.id, s.Incarnation}, perdure.WithID(s.Closing.Cleanup))
	return err
}

// cleaned is the operation by which the cleanup tells its end.
func (s *session) cleaned() error {
	var in cleanInput
	if err := s.ctx.Input(&in); err != nil {
		return err
	}
	if s.Closing == nil || s.Incarnation != in.Incarnation {
		return nil
	}
	for _, token := range s.Closing.Replies {
		if err := s.ctx.ResolveReply(token, closeReply{s.Closing.Cleanup}); err != nil {
			return err
		}
	}
	for _, token := range s.Closing.Quiet {
		if err := s.ctx.ResolveReply(token, nil); err != nil {
			return err
		}
	}
	old := *s.sessionState
	*s.sessionState = sessionState{Agent: s.agent.Name, Queue: old.Queue}
	switch {
	case !old.Closing.Delete:
		s.Created, s.Turns, s.Failed, s.Usage, s.Spent = old.Created, old.Turns, old.Failed, old.Usage, old.Spent
	case len(old.Queue) > 0:
		s.Created = s.ctx.Now()
	default:
		s.ctx.DeleteState()
		return nil
	}
	s.Incarnation = incarnation(old.Incarnation, s.ctx.Now())
	return s.next()
}

// cleanup is the orchestration that purges the turns of a conversation.
func (c *code) cleanup(ctx *perdure.Context, in cleanInput) (struct{}, error) {
	_, err := perdure.CallNamed[struct{}](ctx, cleanPrefix+fold(c.agent.Name), in, perdure.WithRetry(perdure.RetryPolicy{})).Await()
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, perdure.SignalEntity(ctx, in.Session.Entity(), opCleaned, in)
}

// purge is the activity that purges the turns of a session that have ended, and
// the cleanups of earlier conversations.
func (c *code) purge(ctx context.Context, in cleanInput) (struct{}, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return struct{}{}, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return struct{}{}, err
	}
	turn := in.Session.Turn("")
	q := store.Query{IDPrefix: strings.TrimSuffix(turn, short(turn)), Limit: 1000}
	self := perdure.Activity(ctx).InstanceID
	for {
		page, err := h.List(ctx, q)
		if err != nil {
			return struct{}{}, err
		}
		var ids []string
		for _, i := range page.Items {
			// The key of another session may begin like an id of a turn.
			if id, ok := sessionOfTurn(i.ID); ok && id == in.Session && i.ID != self {
				ids = append(ids, i.ID)
			}
		}
		if len(ids) > 0 {
			if _, err := h.Purge(ctx, &hub.Purge{IDs: ids, Recursive: true}); err != nil {
				return struct{}{}, fmt.Errorf("purge the turns of %s: %w", in.Session, err)
			}
		}
		if page.Next == nil {
			return struct{}{}, nil
		}
		q.After = page.Next
	}
}

// Delete deletes a session: its running turn is stopped, the messages that wait
// are dropped, and all that was said is gone on return. When ctx ends first, the
// deletion goes on. A message that is sent meanwhile begins a new session.
// NotFound if there is no such session.
func (s *Service) Delete(ctx context.Context, session SessionID) error {
	return s.end(ctx, session, opDelete)
}

// Reset deletes what was said in a session, as Delete does, but keeps its totals.
func (s *Service) Reset(ctx context.Context, session SessionID) error {
	return s.end(ctx, session, opReset)
}

func (s *Service) end(ctx context.Context, session SessionID, operation string) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	if _, err := readSession(ctx, h, session); err != nil {
		return err
	}
	in, err := perdure.Encode(closeRequest{Reply: true})
	if err != nil {
		return err
	}
	ask := &hub.Ask{RequestID: NewSessionKey(), InstanceID: session.String(), Name: operation, Input: in}
	for {
		// A turn that was terminated does not tell its end: somebody has to look.
		if _, err := s.unblock(ctx, h, session); err != nil && perdure.CodeOf(err) != perdure.ResourceExhausted {
			return err
		}
		patience, cancel := context.WithTimeout(ctx, lookAfter)
		answer, err := h.Ask(patience, ask)
		late := patience.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && late {
			continue
		}
		if err != nil || !answer.Set {
			return err
		}
		var reply closeReply
		if err := perdure.Decode(answer, &reply); err != nil || reply.Cleanup == "" {
			return err
		}
		_, err = h.Purge(ctx, &hub.Purge{IDs: []string{reply.Cleanup}})
		return err
	}
}

// Export is a session with all that was said in it.
type Export struct {
	Session  *Session
	Messages []LogMessage // those of a running turn included
}

// Export returns a session with its messages, NotFound if there is none. It holds
// them all in memory.
func (s *Service) Export(ctx context.Context, id SessionID) (*Export, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	state, err := readSession(ctx, h, id)
	if err != nil {
		return nil, err
	}
	messages, err := readLog(ctx, h, logID(id.String(), state.Incarnation), 0, 1<<62, 1<<62)
	if err != nil {
		return nil, err
	}
	return &Export{Session: viewSession(id, state), Messages: append([]LogMessage{}, messages...)}, nil
}
