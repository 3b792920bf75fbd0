package responses

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/hub"
)

// A conversation is an entity that names the session which holds its items. The
// session is that of the agent which has answered last: when another one answers,
// or an item is deleted, the conversation moves to a new session with a copy.

// conversationEntity is the name of the entity of conversations.
const conversationEntity = "perdure.conversation"

// Operations of a conversation.
const (
	opCreate = "create"
	opUpdate = "update"
	opMove   = "move"
	opDelete = "delete"
)

// conversation is the state of a conversation.
type conversation struct {
	key string

	Created  time.Time         `json:"created"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Session  string            `json:"session,omitempty"` // instance id; "" = it has no items
}

// move is the input of the operation move. It fails if the conversation is not in
// the session From.
type move struct {
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// Register makes conversations known to a worker.
func Register(reg *perdure.Registry) {
	if _, known := reg.Entity(conversationEntity); !known {
		perdure.AddEntityFunc(reg, conversationEntity, converse)
	}
}

// converse is the entity.
func converse(ctx *perdure.EntityContext) (any, error) {
	var c conversation
	if err := ctx.State(&c); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	if ctx.Operation() != opCreate && c.Created.IsZero() {
		return nil, conversationError(ctx, perdure.NotFound, "there is no such conversation")
	}
	switch ctx.Operation() {
	case opCreate:
		if !c.Created.IsZero() {
			return nil, conversationError(ctx, perdure.AlreadyExists, "the conversation is there already")
		}
		if err := ctx.Input(&c); err != nil {
			return nil, perdure.NonRetryable(err)
		}
		c.Created = ctx.Now()
	case opUpdate:
		c.Metadata = nil
		if err := ctx.Input(&c.Metadata); err != nil {
			return nil, perdure.NonRetryable(err)
		}
	case opMove:
		var m move
		if err := ctx.Input(&m); err != nil {
			return nil, perdure.NonRetryable(err)
		}
		if c.Session != m.From {
			return nil, conversationError(ctx, perdure.Conflict, "the conversation was changed meanwhile")
		}
		c.Session = m.To
	case opDelete:
		ctx.DeleteState()
		return nil, nil
	default:
		return nil, conversationError(ctx, perdure.NotFound, "a conversation has no such operation")
	}
	return &c, ctx.SetState(&c)
}

func conversationError(ctx *perdure.EntityContext, code perdure.Code, message string) error {
	return perdure.NonRetryable(&perdure.Error{Code: code, Op: "conversation", Instance: ctx.ID().String(), Message: message})
}

const conversationPrefix = "conv_"

// id is the conversation's id as clients see it.
func (c *conversation) id() string { return conversationPrefix + c.key }

func noConversation(id string) *problem {
	return &problem{status: http.StatusNotFound, Type: typeInvalid, Param: "conversation", Code: "conversation_not_found",
		Message: "Conversation with id " + shown(id) + " not found."}
}

func locked() *problem {
	return &problem{status: http.StatusConflict, Type: typeInvalid, Param: "conversation", Code: "conversation_locked",
		Message: "A response of the conversation has not ended: wait for it, or cancel it."}
}

// conversation returns a conversation by its id.
func (h *Handler) conversation(ctx context.Context, id string) (*conversation, error) {
	key, ok := strings.CutPrefix(id, conversationPrefix)
	if !ok || len(key) != 32 || strings.Trim(key, "0123456789abcdef") != "" {
		return nil, noConversation(id)
	}
	at, err := h.Client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	e, err := at.Entity(ctx, perdure.NewEntityID(conversationEntity, key).String())
	if perdure.CodeOf(err) == perdure.NotFound || err == nil && !e.State.Set {
		return nil, noConversation(id)
	}
	if err != nil {
		return nil, err
	}
	c := &conversation{key: key}
	return c, perdure.Decode(e.State, c)
}

// change carries out an operation of a conversation and reads what it is then.
func (h *Handler) change(ctx context.Context, c *conversation, operation string, in any) error {
	at, err := h.Client.Hub(ctx)
	if err != nil {
		return err
	}
	text, err := perdure.Encode(in)
	if err != nil {
		return err
	}
	answer, err := at.Ask(ctx, &hub.Ask{InstanceID: perdure.NewEntityID(conversationEntity, c.key).String(), Name: operation, Input: text})
	if err != nil || !answer.Set {
		return err
	}
	*c = conversation{key: c.key}
	return perdure.Decode(answer, c)
}

// converse sends the message in the conversation that the request names. When
// another agent has answered last, the conversation moves to a session of this one.
func (c *creation) converse(ctx context.Context, message agent.Message) (responseID, error) {
	session, ok, err := c.inside.session()
	if err != nil {
		return responseID{}, err
	}
	switch {
	case !ok:
		if session, err = agent.NewSessionID(c.agent.Name, c.inside.key); err != nil {
			return responseID{}, err
		}
		if err := c.change(ctx, c.inside, opMove, move{To: session.String()}); err != nil {
			return responseID{}, problemOf(err).locks()
		}
	case !strings.EqualFold(session.Agent, c.agent.Name):
		t, err := c.transcript(ctx, c.inside)
		if err != nil {
			return responseID{}, err
		}
		if err := c.moveTo(ctx, c.inside, c.agent.Name, t.messages); err != nil {
			return responseID{}, err
		}
		if session, _, err = c.inside.session(); err != nil {
			return responseID{}, err
		}
	default:
		if id, ok, err := c.repeated(ctx, session); ok || err != nil {
			return id, err
		}
		if message.Busy, err = c.afterLast(ctx, session, &message); err != nil {
			return responseID{}, err
		}
		message.Messages = c.given.messages
	}
	id, err := c.send(ctx, session, message)
	if perdure.CodeOf(err) == perdure.FailedPrecondition {
		return id, locked()
	}
	return id, err
}

// afterLast checks the message against the newest turn of a session: outputs must
// be of its calls; approvals that it waits for are superseded.
func (c *creation) afterLast(ctx context.Context, session agent.SessionID, message *agent.Message) (agent.Busy, error) {
	state, err := c.Service.Session(ctx, session)
	if perdure.CodeOf(err) == perdure.NotFound {
		return agent.BusyReject, nil
	}
	if err != nil {
		return "", err
	}
	turn := state.Running
	if turn == "" {
		last, err := c.Service.Messages(ctx, session, max(state.Messages-1, 0), 1)
		if err != nil || len(last) == 0 {
			return agent.BusyReject, err
		}
		turn = last[0].Turn
	}
	last, err := c.segment(ctx, idOf(session, turn, 0))
	if err != nil {
		return agent.BusyReject, nil // what it was is not known any more
	}
	c.previous = last
	message.After = last.turn.ID
	if last.turn.Ended.IsZero() {
		t := last.translator(nil)
		t.segment = maxSegment // that is never reached
		if err := last.soFar(ctx, t); err != nil {
			return "", err
		}
		if t.current > 0 && len(t.output) == 0 && t.open == nil {
			return agent.BusyInterrupt, nil
		}
		return agent.BusyReject, nil
	}
	return agent.BusyQueue, c.answersCalls()
}

// session returns the session that holds the conversation, false if it has none.
func (c *conversation) session() (agent.SessionID, bool, error) {
	if c.Session == "" {
		return agent.SessionID{}, false, nil
	}
	id, err := agent.ParseSessionID("", c.Session)
	return id, true, err
}

// named returns the id of the conversation that a request names: a text, or an
// object with one; "" = none.
func named(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id, nil
	}
	var object reference
	if err := decodeInto(raw, "conversation", &object); err != nil {
		return "", err
	}
	return object.ID, nil
}
