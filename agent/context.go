package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// TurnInfo describes a turn to the code that an author gives an agent.
type TurnInfo struct {
	Agent         string
	Session       string // instance id; "" = none
	Incarnation   string // of the session: another one when it was reset, deleted or has expired; "" = no session
	Turn          string // instance id
	CorrelationID string
	Turns         int64 // of the session that have ended before
	// State is that of the session, see Addition.State. It must not be changed.
	State map[string]json.RawMessage
	// Messages are what the turn answers. They must not be changed.
	Messages []*model.Message
	Metadata map[string]string // of the caller
}

// Addition is what a turn is given beside the conversation.
type Addition struct {
	// Instructions are added after those of the agent.
	Instructions string
	// Messages are put before those of the turn. They are not kept in the
	// conversation.
	Messages []*model.Message
	// State sets members of the state of the session, when the turn has ended; a
	// null deletes one.
	State map[string]json.RawMessage
}

// ContextProvider adds to what the model is given in a turn: memories, documents,
// instructions that depend on the state of the session. It is asked in a step of
// its own, once for a turn; after a crash in the middle of the step it is asked
// again. Its errors are retried, and fail the turn in the end.
type ContextProvider interface {
	Provide(ctx context.Context, turn TurnInfo) (Addition, error)
}

// ContextFunc is a ContextProvider that is a function.
type ContextFunc func(ctx context.Context, turn TurnInfo) (Addition, error)

// Provide calls the function.
func (f ContextFunc) Provide(ctx context.Context, turn TurnInfo) (Addition, error) {
	return f(ctx, turn)
}

// History keeps conversations elsewhere. The model is then given what Load
// returns, and the messages of the turn; the conversation is still logged here.
// It is not told when a session is reset, deleted or expires: from then on its turns
// have another TurnInfo.Incarnation.
type History interface {
	// Load returns the conversation before the turn.
	Load(ctx context.Context, turn TurnInfo) ([]*model.Message, error)
	// Save is given all messages of a turn that has answered, before its caller
	// is. After a crash it may be given them again: TurnInfo.Turn tells.
	Save(ctx context.Context, turn TurnInfo, messages []*model.Message) error
}

// turnContext is what providers gave a turn.
type turnContext struct {
	Instructions string                     `json:"instructions,omitempty"`
	Messages     []*model.Message           `json:"messages,omitempty"`
	State        map[string]json.RawMessage `json:"state,omitempty"`
}

// contextPrefix begins the name of the activity that asks the providers.
const contextPrefix = "perdure.context/"

// contextInput is its input. With History, that is to give the conversation. With
// Save, it is given the messages from First up to To.
type contextInput struct {
	Turn    TurnInfo `json:"turn"`
	History bool     `json:"history,omitempty"`
	Save    bool     `json:"save,omitempty"`
	Log     string   `json:"log,omitempty"`
	First   int64    `json:"first,omitempty"`
	To      int64    `json:"to,omitempty"`
	Trace   traceRef `json:"trace,omitempty"` // the turn's
}

// contextOutput is its output: what is too much for it is a row of the turn.
type contextOutput struct {
	State map[string]json.RawMessage `json:"state,omitempty"`
}

// provides reports whether turns need a context step.
func (a *Agent) provides() bool { return len(a.Context) > 0 || a.History != nil }

// info describes the turn to the author's code.
func (t *turn) info() TurnInfo {
	i := TurnInfo{
		Agent: t.agent.Name, Session: t.in.Session, Turn: t.ctx.InstanceID(), CorrelationID: t.in.CorrelationID,
		Turns: t.in.Turns, State: t.in.State, Messages: t.in.Messages,
	}
	if incarnation, ok := strings.CutPrefix(t.log(), logID(t.in.Session, "")); ok {
		i.Incarnation = incarnation
	}
	if t.in.Options != nil {
		i.Metadata = t.in.Options.Metadata
	}
	return i
}

// provide has the providers asked.
func (t *turn) provide() error {
	if !t.policy.Provides {
		return nil
	}
	out, err := await(t, perdure.CallNamed[*contextOutput](t.ctx, contextPrefix+fold(t.agent.Name),
		contextInput{Turn: t.info(), History: t.policy.History, Trace: t.in.Trace},
		perdure.WithRetry(defaultRetry), perdure.WithTimeout(modelTimeout)))
	if err != nil {
		return err
	}
	t.provided = true
	if out != nil {
		t.set = out.State
	}
	if t.external = t.policy.History; t.external {
		t.view = viewOf{From: t.first}
	}
	return nil
}

// save gives the history the messages of the turn.
func (t *turn) save() error {
	if !t.policy.History {
		return nil
	}
	_, err := perdure.CallNamed[*contextOutput](t.ctx, contextPrefix+fold(t.agent.Name), contextInput{
		Turn: t.info(), Save: true, Log: t.log(), First: t.first, To: t.position, Trace: t.in.Trace,
	}, perdure.WithRetry(defaultRetry), perdure.WithTimeout(modelTimeout)).Await()
	return err
}

// contextStep is the activity that asks the providers, and that gives the history
// a turn.
func (c *code) contextStep(ctx context.Context, in contextInput) (*contextOutput, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	if o := observerOf(ctx); o != nil {
		ctx = o.below(ctx, in.Trace)
	}
	if in.Save {
		return nil, c.saveTurn(ctx, h, in)
	}
	var all turnContext
	if in.History && c.agent.History != nil {
		if all.Messages, err = c.agent.History.Load(ctx, in.Turn); err != nil {
			return nil, fmt.Errorf("load history: %w", err)
		}
	}
	for i, p := range c.agent.Context {
		a, err := p.Provide(ctx, in.Turn)
		if err != nil {
			return nil, fmt.Errorf("context provider %d: %w", i, err)
		}
		if a.Instructions != "" && all.Instructions != "" {
			all.Instructions += "\n\n"
		}
		all.Instructions += a.Instructions
		all.Messages = append(all.Messages, a.Messages...)
		for name, v := range a.State {
			if all.State == nil {
				all.State = map[string]json.RawMessage{}
			}
			all.State[name] = v
		}
	}
	for _, m := range all.Messages {
		if m == nil {
			return nil, perdure.NonRetryable(errors.New("a context provider has given a message that is nil"))
		}
	}
	row, err := turnRow(keyContext, &all)
	if err != nil {
		return nil, perdure.NonRetryable(err)
	}
	turn := perdure.Activity(ctx).InstanceID
	err = writeRows(ctx, h, &hub.WriteRows{Owner: turn, Rows: []store.Row{ownRow(turn, row)}})
	return &contextOutput{State: all.State}, err
}

func (c *code) saveTurn(ctx context.Context, h hub.Rows, in contextInput) error {
	if c.agent.History == nil {
		return nil // the agent keeps it no longer
	}
	log, err := readLog(ctx, h, in.Log, in.First, in.To, int(in.To-in.First))
	if err != nil {
		return err
	}
	messages := make([]*model.Message, len(log))
	for i, m := range log {
		messages[i] = m.Message
	}
	if err := c.agent.History.Save(ctx, in.Turn, messages); err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	return nil
}

// withState returns a state with members set, or deleted by null.
func withState(state, set map[string]json.RawMessage) map[string]json.RawMessage {
	if len(set) == 0 {
		return state
	}
	out := map[string]json.RawMessage{}
	for name, v := range state {
		out[name] = v
	}
	for name, v := range set {
		if len(v) == 0 || string(v) == "null" {
			delete(out, name)
		} else {
			out[name] = v
		}
	}
	return out
}

// withSet returns what is set by one turn and then by another.
func withSet(set, more map[string]json.RawMessage) map[string]json.RawMessage {
	if len(set) == 0 {
		return more
	}
	out := maps.Clone(set)
	maps.Copy(out, more)
	return out
}
