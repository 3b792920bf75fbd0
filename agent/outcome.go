package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// A session holds no results: the turns do. A caller that is to be told the result
// of a turn that has ended long ago, or all its messages, is answered by way of a
// run of its own, the lookup, which reads the result and tells it to the session.
// A lookup that has ended is purged by the next one of its session.

const (
	// outcomePrefix begins the name of the orchestration and the activity that
	// look up what a turn has answered, askMark the last part of a lookup's id.
	outcomePrefix = "perdure.outcome/"
	askMark       = "ask-"
	// opOutcome is the operation by which a lookup tells what it has found.
	opOutcome = "outcome"
	// maxTold bounds the messages of a result, in bytes of JSON; of a longer one
	// only the last message is told.
	maxTold = 1 << 20
)

// UnavailableError says that a message was answered, but that the result is gone.
// It is never answered again. It is a *perdure.Error with the code NotFound.
type UnavailableError struct {
	Turn   string // instance id
	Failed bool   // the turn could not answer
}

// Error implements error.
func (e *UnavailableError) Error() string {
	outcome := "succeeded"
	if e.Failed {
		outcome = "failed"
	}
	return fmt.Sprintf("%s: completed (%s), result unavailable: it was given up; send the message with another correlation id to have it answered again", e.Turn, outcome)
}

// Unwrap returns the error as a *perdure.Error.
func (e *UnavailableError) Unwrap() error {
	return &perdure.Error{Code: perdure.NotFound, Op: "get result", Instance: e.Turn, Message: "completed, result unavailable"}
}

// problemUnavailable is the type of the error that callers of sessions get then.
const problemUnavailable = "resultUnavailable"

// lookup is the input of a lookup.
type lookup struct {
	Session SessionID    `json:"session"`
	Turn    string       `json:"turn"`
	Token   string       `json:"token"`             // of the caller that waits
	Dialect dafx.Dialect `json:"dialect,omitempty"` // of the answer; "" = a Response
	Failed  bool         `json:"failed,omitempty"`  // the turn could not answer
}

// told is the input of the operation outcome.
type told struct {
	Token  string          `json:"token"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *problem        `json:"error,omitempty"`
}

// lookUp has a caller be told the outcome of a turn that has ended.
func (s *session) lookUp(turn, token string, d dafx.Dialect) error {
	if other := s.Joined[short(turn)]; other != "" {
		turn = turn[:len(turn)-len(short(turn))] + other
	}
	in := lookup{Session: s.id, Turn: turn, Token: token, Dialect: d, Failed: slices.Contains(s.Broken, short(turn))}
	sum := sha256.Sum256([]byte(token))
	id := lookups(s.id) + hex.EncodeToString(sum[:6])
	_, err := s.ctx.StartOrchestration(outcomePrefix+s.id.Agent, in, perdure.WithID(id))
	return err
}

// maxAsked is how many answered messages that were said again a session shows.
const maxAsked = 4

// asked notes that an answered message was said again by somebody who does not
// wait, and so looks for the answer in the state document.
func (s *session) asked(correlationID string) {
	s.Asked = slices.DeleteFunc(s.Asked, func(id string) bool { return id == correlationID })
	s.Asked = append(s.Asked, correlationID)
	s.Asked = s.Asked[max(0, len(s.Asked)-maxAsked):]
}

// lookups begins the ids of the lookups of a session.
func lookups(id SessionID) string {
	turn := id.Turn("")
	return strings.TrimSuffix(turn, short(turn)) + askMark
}

// outcome is the operation by which a lookup tells what it has found.
func (s *session) outcome() error {
	var t told
	if err := s.ctx.Input(&t); err != nil {
		return err
	}
	if t.Error != nil {
		s.ctx.FailReply(t.Token, &perdure.StepError{Type: t.Error.Type, Message: t.Error.Message, NonRetryable: true})
		return nil
	}
	return s.ctx.ResolveReply(t.Token, t.Result)
}

// lookup is the orchestration that finds out what a turn has answered.
func (c *code) lookup(ctx *perdure.Context, in lookup) (struct{}, error) {
	t, err := perdure.CallNamed[told](ctx, outcomePrefix+fold(c.agent.Name), in, perdure.WithRetry(perdure.RetryPolicy{})).Await()
	if err != nil {
		t = told{Token: in.Token, Error: failureOf(err)}
	}
	return struct{}{}, perdure.SignalEntity(ctx, in.Session.Entity(), opOutcome, t)
}

// find is the activity that finds out what a turn has answered.
func (c *code) find(ctx context.Context, in lookup) (told, error) {
	t := told{Token: in.Token}
	service, err := serviceOf(ctx)
	if err != nil {
		return t, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return t, err
	}
	if err := purgeLookups(ctx, h, in.Session); err != nil {
		return t, err
	}
	i, err := h.Instance(ctx, in.Turn, true)
	if perdure.CodeOf(err) == perdure.NotFound {
		gone := &UnavailableError{Turn: in.Turn, Failed: in.Failed}
		t.Error = &problem{Type: problemUnavailable, Message: gone.Error()}
		return t, nil
	}
	if err != nil {
		return t, err
	}
	r, err := responseOf(i)
	switch {
	case !i.Status.Terminal():
		return t, &perdure.Error{Code: perdure.Unavailable, Op: "get result", Instance: in.Turn, Message: "the turn has not ended"}
	case errors.As(err, new(*UnavailableError)):
		t.Error = &problem{Type: problemUnavailable, Message: err.Error()}
		return t, nil
	case err != nil:
		t.Error = failureOf(err)
		return t, nil
	case in.Dialect == "":
		t.Result, err = json.Marshal(r)
		return t, err
	}
	said, err := saidIn(ctx, h, i, r)
	if err != nil {
		return t, err
	}
	t.Result = (&Result{Response: r, Said: said}).dafx().Write(in.Dialect)
	return t, nil
}

// purgeLookups purges the lookups of a session that have ended.
func purgeLookups(ctx context.Context, h hub.Hub, session SessionID) error {
	page, err := h.List(ctx, store.Query{IDPrefix: lookups(session), Limit: 100})
	if err != nil {
		return err
	}
	var ids []string
	for _, i := range page.Items {
		if i.Status.Terminal() {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = h.Purge(ctx, &hub.Purge{IDs: ids})
	return err
}

// responseOf returns what a turn has answered; a turn that could not is a
// *perdure.StepError, one that was folded an *UnavailableError.
func responseOf(i *hub.Instance) (*Response, error) {
	if i.Status == store.Completed && !i.Folded.IsZero() {
		return nil, &UnavailableError{Turn: i.ID}
	}
	if i.Status == store.Completed {
		r := &Response{}
		return r, perdure.Decode(i.Output, r)
	}
	failure := i.Failure
	if failure == nil {
		failure = &history.Failure{Type: "TurnEnded", Message: "the turn was " + client.StatusName(i.Status)}
	}
	return nil, turnError(perdure.FailureError(failure))
}

// Result is what a turn has answered, with all its messages.
type Result struct {
	*Response
	Said []*model.Message // by model and tools, in order
}

// Result returns what a turn that has ended has answered, with its messages. The
// errors are those of Wait.
func (s *Service) Result(ctx context.Context, turn string) (*Result, error) {
	r, err := s.Wait(ctx, turn)
	if err != nil {
		return nil, err
	}
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	i, err := h.Instance(ctx, r.Turn, true)
	if err != nil {
		return nil, err
	}
	said, err := saidIn(ctx, h, i, r)
	return &Result{Response: r, Said: said}, err
}

// dafx is the result as Microsoft's SDKs expect it.
func (r *Result) dafx() *dafx.Result {
	usage := r.Usage
	return &dafx.Result{
		Messages: r.Said, Agent: r.Agent, Session: r.Session, ID: r.Turn, Created: r.Created,
		FinishReason: r.FinishReason, Usage: &usage, Value: r.Value,
	}
}

// saidIn returns what model and tools have said in a turn.
func saidIn(ctx context.Context, h hub.Hub, i *hub.Instance, r *Response) ([]*model.Message, error) {
	var in turnInput
	if err := perdure.Decode(i.Input, &in); err != nil {
		return nil, err
	}
	if in.Log == "" {
		in.Log = logID(i.ID, i.Execution)
	}
	list, err := readLog(ctx, h, in.Log, r.First+int64(len(in.Messages)), r.Messages, 1<<62)
	if err != nil {
		return nil, err
	}
	var said []*model.Message
	size := 0
	for _, entry := range list {
		if m := entry.Message; m.Role == model.RoleAssistant || m.Role == model.RoleTool {
			text, err := json.Marshal(m)
			if err != nil {
				return nil, err
			}
			size += len(text)
			said = append(said, named(m, r.Agent))
		}
	}
	if size > maxTold {
		said = said[len(said)-1:]
	}
	return said, nil
}

// named is a message of the model under the name of the agent that said it.
func named(m *model.Message, agent string) *model.Message {
	if m.Role != model.RoleAssistant || m.AuthorName != "" {
		return m
	}
	copied := *m
	copied.AuthorName = agent
	return &copied
}
