package responses

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// creation is a request for a response.
type creation struct {
	*Handler
	request
	given    *given
	agent    agent.Info
	previous *segment      // nil = none
	inside   *conversation // nil = none
	key      string        // Idempotency-Key; "" = none
}

// create begins a response, and answers with its stream, at once, or at its end.
func (h *Handler) create(w http.ResponseWriter, r *http.Request) (any, error) {
	c := &creation{Handler: h}
	if err := c.read(w, r); err != nil {
		return nil, err
	}
	id, err := c.admit(r.Context())
	if err != nil {
		return nil, err
	}
	s, err := h.segment(r.Context(), id)
	if err != nil {
		return nil, err
	}
	w.Header().Set("X-Request-Id", id.String())
	if c.Stream {
		s.stream(w, r, -1)
		s.forget(r.Context())
		return nil, nil
	}
	if c.Background {
		return s.now(r.Context())
	}
	o, err := s.wait(r)
	s.forget(r.Context())
	return o, err
}

// read reads and checks the request.
func (c *creation) read(w http.ResponseWriter, r *http.Request) error {
	var err error
	if err = c.decode(w, r, &c.request); err != nil {
		return err
	}
	if err = c.check(); err != nil {
		return err
	}
	if c.key, err = idempotencyKey(r); err != nil {
		return err
	}
	if c.PreviousResponseID != "" {
		id, ok := parseResponseID(c.PreviousResponseID)
		if ok {
			c.previous, err = c.find(r.Context(), id)
		}
		if !ok || err != nil && problemOf(err).status == http.StatusNotFound {
			return &problem{status: http.StatusBadRequest, Type: typeInvalid, Param: "previous_response_id", Code: "previous_response_not_found",
				Message: "Previous response with id " + shown(c.PreviousResponseID) + " not found."}
		}
		if err != nil {
			return err
		}
		if c.Model == "" {
			c.Model = c.previous.agent.Name
		}
	}
	conversation, err := named(c.Conversation)
	if err != nil {
		return err
	}
	if conversation != "" {
		if c.inside, err = c.conversation(r.Context(), conversation); err != nil {
			return err
		}
	}
	if c.Model == "" {
		return invalid("model", "'model' is missing: name an agent.")
	}
	if c.agent, err = c.agentOf(c.Model); err != nil {
		return err
	}
	if c.Input, err = c.resolve(r.Context(), c.Input); err != nil {
		return err
	}
	if c.given, err = readInput(c.Input, "input"); err != nil {
		return err
	}
	if len(c.given.messages) > 0 && len(c.given.approvals) > 0 {
		return invalid("input", "Answers to approval requests stand alone: send other items after them, in a request of their own.")
	}
	if len(c.given.messages) == 0 && len(c.given.approvals) == 0 {
		return invalid("input", "'input' is missing: say something to the agent.")
	}
	return nil
}

// idempotencyKey returns the key by which a repeated request is known.
func idempotencyKey(r *http.Request) (string, error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > 255 || strings.ContainsFunc(keys[0], func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", invalid("Idempotency-Key", "Idempotency-Key must be one value of 1 to 255 printable ASCII characters.")
	}
	return keys[0], nil
}

// admit has the request admitted, in the session that it belongs to. On return it
// is durable.
func (c *creation) admit(ctx context.Context) (responseID, error) {
	kept := asked{Previous: c.PreviousResponseID, Background: c.Background, Unstored: c.Store != nil && !*c.Store}
	if c.inside != nil {
		kept.Conversation = c.inside.id()
	}
	options, err := c.options(c.agent, kept)
	if err != nil {
		return responseID{}, err
	}
	if len(c.given.approvals) > 0 {
		return c.answer(ctx)
	}
	message := agent.Message{Messages: c.given.messages, Options: options, CorrelationID: c.key, Busy: agent.BusyReject}
	if c.inside != nil {
		return c.converse(ctx, message)
	}
	if c.previous == nil {
		return c.begin(ctx, message)
	}
	return c.goOn(ctx, message)
}

// begin sends the message in a new session.
func (c *creation) begin(ctx context.Context, message agent.Message) (responseID, error) {
	session, err := c.newSession("")
	if err != nil {
		return responseID{}, err
	}
	history, now, err := c.given.parted()
	if err != nil {
		return responseID{}, err
	}
	if len(history) > 0 {
		if err := c.copy(ctx, session, history); err != nil {
			return responseID{}, err
		}
	}
	message.Messages = now
	return c.send(ctx, session, message)
}

// newSession returns the id of a new session. It follows from the idempotency key
// and what the session grows from, so that a repeat finds it.
func (c *creation) newSession(from string) (agent.SessionID, error) {
	key := agent.NewSessionKey()
	if c.key != "" {
		sum := sha256.Sum256([]byte(c.agent.Name + "\x00" + from + "\x00" + c.key))
		key = hex.EncodeToString(sum[:16])
	}
	return agent.NewSessionID(c.agent.Name, key)
}

// send sends the message and returns its response.
func (c *creation) send(ctx context.Context, session agent.SessionID, message agent.Message) (responseID, error) {
	accepted, err := c.Service.Send(ctx, session, message)
	if perdure.CodeOf(err) == perdure.Conflict {
		return responseID{}, &problem{status: http.StatusConflict, Type: typeInvalid, Param: "Idempotency-Key", Code: "idempotency_conflict",
			Message: "The Idempotency-Key was used for another request."}
	}
	if err != nil {
		return responseID{}, err
	}
	return idOf(session, accepted.Turn, 0), nil
}

// copy writes messages into a new session, once.
func (c *creation) copy(ctx context.Context, session agent.SessionID, messages []*model.Message) error {
	_, err := c.Service.Session(ctx, session)
	if perdure.CodeOf(err) != perdure.NotFound {
		return err // it was made by the same request before
	}
	return c.Service.Import(ctx, session, messages)
}

// forgetPatience bounds the deletion of what is not to be stored.
const forgetPatience = 30 * time.Second

// forget deletes the session of a response that is not stored, if that has ended.
func (s *segment) forget(ctx context.Context) {
	if !s.asked.Unstored || s.asked.Previous != "" && s.id.segment == 0 || s.asked.Conversation != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetPatience)
	defer cancel()
	turn, err := s.Service.Turn(ctx, s.turn.ID)
	if err == nil && !turn.Ended.IsZero() {
		err = s.Service.Delete(ctx, s.turn.Session)
	}
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		s.Logger.Warn("a response that is not stored was not deleted", "turn", s.turn.ID, "err", err)
	}
}
