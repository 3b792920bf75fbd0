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
//
// A conversation with a call whose outcome nobody knows does not end: the cleanup
// purges nothing and the session goes on, until a person has decided what became of
// the call, or the end is forced.

// cleanPrefix begins the name of the orchestration and the activity that purge
// turns, cleanMark the last part of the cleanup's id.
const (
	cleanPrefix = "perdure.session/"
	cleanMark   = "end-"
)

// closing is the end of a conversation in progress.
type closing struct {
	Delete  bool     `json:"delete,omitempty"`  // the session is deleted, not reset
	Force   string   `json:"force,omitempty"`   // who forces it; "" = nobody
	Cleanup string   `json:"cleanup,omitempty"` // id of the cleanup; "" = it has not begun
	Replies []string `json:"replies,omitempty"` // tokens of callers that wait
	Quiet   []string `json:"quiet,omitempty"`   // those of callers that expect no result
}

// closeReply is the answer of the operations delete and reset.
type closeReply struct {
	Cleanup string `json:"cleanup"`
}

// closeRequest is the input of the operations delete and reset.
type closeRequest struct {
	Reply bool   `json:"reply"`           // the caller purges the cleanup, which the result names
	Force string `json:"force,omitempty"` // who forces it; "" = nobody
}

// cleanInput is the input of the cleanup, and of the operation cleaned.
type cleanInput struct {
	Session     SessionID `json:"session"`
	Incarnation string    `json:"incarnation"`
	Force       string    `json:"force,omitempty"`
	Cleanup     string    `json:"cleanup,omitempty"` // its id
	Held        string    `json:"held,omitempty"`    // why nothing was purged; "" = all was
}

// cleanOutput is the outcome of the activity that purges.
type cleanOutput struct {
	Held string `json:"held,omitempty"`
}

// closeNow is the operation that ends the conversation.
func (s *session) closeNow(remove bool) error {
	var r closeRequest
	if err := s.ctx.Input(&r); err != nil { // others may send anything
		r = closeRequest{}
	}
	return s.close(remove, r)
}

// close begins the end of the conversation. Messages that wait are dropped, and
// those who wait for them are told.
func (s *session) close(remove bool, r closeRequest) error {
	if s.Created.IsZero() {
		return nil
	}
	if s.Closing == nil {
		s.Closing = &closing{}
	}
	s.Closing.Delete = s.Closing.Delete || remove
	if r.Force != "" {
		s.Closing.Force = r.Force
	}
	if !perdure.OperationOf(s.ctx).Signal {
		token := s.ctx.Defer()
		if r.Reply {
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
	s.Cleanups++
	turn := s.id.Turn("")
	s.Closing.Cleanup = fmt.Sprintf("%s%s%s-%d", strings.TrimSuffix(turn, short(turn)), cleanMark, s.Incarnation, s.Cleanups)
	_, err := s.ctx.StartOrchestration(cleanPrefix+s.id.Agent, cleanInput{
		Session: s.id, Incarnation: s.Incarnation, Force: s.Closing.Force, Cleanup: s.Closing.Cleanup,
	}, perdure.WithID(s.Closing.Cleanup))
	return err
}

// cleaned is the operation by which the cleanup tells its end.
func (s *session) cleaned() error {
	var in cleanInput
	if err := s.ctx.Input(&in); err != nil {
		return err
	}
	if s.Closing == nil || s.Incarnation != in.Incarnation || in.Cleanup != s.Closing.Cleanup {
		return nil
	}
	if in.Held != "" {
		return s.goOn(in.Held)
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
		s.Recent, s.Broken = old.Recent, old.Broken // what was answered is not answered again
		s.Owner = old.Owner
	case len(old.Queue) > 0:
		s.Created = s.ctx.Now()
		for _, a := range old.Queue {
			if a.Caller != "" {
				s.Owner = a.Caller
			}
		}
	default:
		s.ctx.DeleteState()
		return nil
	}
	s.Incarnation = incarnation(old.Incarnation, s.ctx.Now())
	return s.next()
}

// goOn takes the end of the conversation back, which something holds up, unless
// somebody has forced it meanwhile.
func (s *session) goOn(why string) error {
	if s.Closing.Force != "" {
		s.Closing.Cleanup = ""
		return s.clean()
	}
	for _, token := range slices.Concat(s.Closing.Replies, s.Closing.Quiet) {
		s.ctx.FailReply(token, heldUp(s.id, why))
	}
	s.Closing = nil
	return s.next()
}

// heldUp is the error of who ends a conversation that must not end yet.
func heldUp(id SessionID, why string) error {
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "end session", Instance: id.String(), Message: why + ", or force it"}
}

// cleanup is the orchestration that purges the turns of a conversation.
func (c *code) cleanup(ctx *perdure.Context, in cleanInput) (struct{}, error) {
	out, err := perdure.CallNamed[cleanOutput](ctx, cleanPrefix+fold(c.agent.Name), in, perdure.WithRetry(perdure.RetryPolicy{})).Await()
	if err != nil {
		return struct{}{}, err
	}
	in.Held = out.Held
	return struct{}{}, perdure.SignalEntity(ctx, in.Session.Entity(), opCleaned, in)
}

// purge is the activity that purges the turns of a session that have ended, and
// the cleanups of earlier conversations. If a call of one of them has no outcome it
// purges none, and says so.
func (c *code) purge(ctx context.Context, in cleanInput) (cleanOutput, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return cleanOutput{}, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return cleanOutput{}, err
	}
	if held, err := holds(ctx, h, in.Session, in.Force); err != nil || held != "" {
		return cleanOutput{Held: held}, err
	}
	turn := in.Session.Turn("")
	q := store.Query{IDPrefix: strings.TrimSuffix(turn, short(turn)), Limit: 1000}
	self := perdure.Activity(ctx).InstanceID
	for {
		page, err := h.List(ctx, q)
		if err != nil {
			return cleanOutput{}, err
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
				return cleanOutput{}, fmt.Errorf("purge the turns of %s: %w", in.Session, err)
			}
		}
		if page.Next == nil {
			return cleanOutput{}, nil
		}
		q.After = page.Next
	}
}

// holds returns why the turns of a session must not be purged: a call of one that
// has ended has no outcome. By, if set, gives such calls up.
func holds(ctx context.Context, h hub.Hub, session SessionID, by string) (why string, err error) {
	open, err := openMarks(ctx, h, func(turn string) bool {
		id, ok := sessionOfTurn(turn)
		return ok && id == session
	})
	if err != nil {
		return "", err
	}
	for _, o := range open {
		if by != "" {
			if err := o.abandon(ctx, h, by); err != nil {
				return "", err
			}
			continue
		}
		if err := o.ask(ctx, h); err != nil {
			return "", err
		}
		why = o.mark.held()
	}
	return why, nil
}

// EndOption changes how a session is deleted or reset.
type EndOption func(*closeRequest)

// Force ends the conversation even if it is not known what became of a call in
// it. Their decisions are superseded and say who has given them up; by is required.
// They stay listed, without the arguments of the calls, after the session is gone.
func Force(by string) EndOption { return func(r *closeRequest) { r.Force = by } }

// Delete deletes a session: its running turn is stopped, the messages that wait
// are dropped, and all that was said is gone on return. When ctx ends first, the
// deletion goes on. A message that is sent meanwhile begins a new session.
// NotFound if there is no such session. If it is not known what became of a call of
// an irreversible or reversible tool in it, it is FailedPrecondition, names the
// decision that has to be answered first, and nothing is deleted; a turn that waits for
// that decision goes on waiting. See Force.
func (s *Service) Delete(ctx context.Context, session SessionID, opts ...EndOption) error {
	return s.end(ctx, session, opDelete, opts)
}

// Reset deletes what was said in a session, as Delete does, but keeps its totals,
// and knows which messages it has answered.
func (s *Service) Reset(ctx context.Context, session SessionID, opts ...EndOption) error {
	return s.end(ctx, session, opReset, opts)
}

func (s *Service) end(ctx context.Context, session SessionID, operation string, opts []EndOption) error {
	request := closeRequest{Reply: true}
	for _, opt := range opts {
		opt(&request)
	}
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	state, err := readSession(ctx, h, session)
	if err != nil {
		return err
	}
	if request.Force == "" {
		why, err := holds(ctx, h, session, "")
		if err == nil && why == "" && state.Running != nil {
			why, err = s.asks(ctx, state.Running.Turn)
		}
		if err != nil {
			return err
		}
		if why != "" {
			return heldUp(session, why)
		}
	}
	input, err := perdure.Encode(request)
	if err != nil {
		return err
	}
	ask := &hub.Ask{RequestID: NewSessionKey(), InstanceID: session.String(), Name: operation, Input: input}
	itself := hub.WithActor(ctx, nil) // for what nobody has asked for, so that the audit has one entry
	for {
		// A turn that was terminated does not tell its end: somebody has to look.
		if _, err := s.unblock(itself, h, session); err != nil && perdure.CodeOf(err) != perdure.ResourceExhausted {
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
		_, err = h.Purge(itself, &hub.Purge{IDs: []string{reply.Cleanup}})
		return err
	}
}

// asks returns why a turn that runs must not be stopped for the end of its session:
// it asks a person what became of a call, and the end would be refused after it.
func (s *Service) asks(ctx context.Context, turn string) (why string, err error) {
	page, err := s.Decisions(ctx, DecisionFilter{Kind: DecisionOutcomeUnknown, State: DecisionPending, Run: turn, Limit: 1})
	if err != nil || len(page.Decisions) == 0 {
		return "", err
	}
	return unknownCall(page.Decisions[0].Tool, page.Decisions[0].ID), nil
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
	messages, err := readLog(ctx, h, logID(id.String(), state.Incarnation), 0, state.shown(), 1<<62)
	if err != nil {
		return nil, err
	}
	return &Export{Session: viewSession(id, state), Messages: append([]LogMessage{}, messages...)}, nil
}
