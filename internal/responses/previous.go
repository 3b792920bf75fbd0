package responses

import (
	"context"
	"net/http"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// goOn sends the message after the previous response: in its session, if nothing
// was said there since and the agent is the same, else in a new session with a
// copy of the conversation up to it.
func (c *creation) goOn(ctx context.Context, message agent.Message) (responseID, error) {
	if sameAgent(c.previous.agent, c.agent) {
		if id, ok, err := c.repeated(ctx, c.previous.id.session); ok || err != nil {
			return id, err
		}
	}
	t := c.previous.translator(nil)
	if err := c.previous.soFar(ctx, t); err != nil {
		return responseID{}, err
	}
	if t.ended == "" {
		return responseID{}, &problem{status: http.StatusBadRequest, Type: typeInvalid, Param: "previous_response_id", Code: "previous_response_in_progress",
			Message: "The previous response has not ended: wait for it, or cancel it."}
	}
	if err := c.answersCalls(); err != nil {
		return responseID{}, err
	}
	message.Messages = c.given.messages
	same := sameAgent(c.previous.agent, c.agent)
	message.After, message.Busy = c.previous.turn.ID, agent.BusyQueue // the session may not know yet that it has ended
	if t.ended == outcomePaused {
		// What is said instead of an answer supersedes the question.
		message.Busy = agent.BusyInterrupt
		last, err := c.isLast(ctx)
		if err != nil {
			return responseID{}, err
		}
		same = same && last
	}
	if same {
		id, err := c.send(ctx, c.previous.id.session, message)
		if perdure.CodeOf(err) != perdure.FailedPrecondition {
			return id, err
		} // something was said since
	}
	message.After, message.Busy = "", agent.BusyReject
	return c.fork(ctx, message, t)
}

// repeated returns the response of a request that a session has admitted before.
func (c *creation) repeated(ctx context.Context, session agent.SessionID) (responseID, bool, error) {
	if c.key == "" {
		return responseID{}, false, nil
	}
	turn, err := c.Service.Turn(ctx, session.Turn(c.key))
	if perdure.CodeOf(err) == perdure.NotFound {
		return responseID{}, false, nil
	}
	if err != nil {
		return responseID{}, false, err
	}
	return idOf(session, turn.ID, 0), true, nil
}

func sameAgent(a, b agent.Info) bool { return a.Name == b.Name }

// answersCalls refuses outputs of calls that the previous response has not made,
// and what leaves out some of those that it has. Clients may repeat the calls
// themselves.
func (c *creation) answersCalls() error {
	var open []*model.FunctionCall
	if r := c.previous.turn.Response; r != nil {
		open = r.Calls
	}
	for i, m := range c.given.messages {
		said := model.Contents{}
		for _, content := range m.Contents {
			call, ok := content.(*model.FunctionCall)
			if !ok || !slices.ContainsFunc(open, func(f *model.FunctionCall) bool { return f.CallID == call.CallID }) {
				said = append(said, content)
			}
		}
		now := *m
		now.Contents = said
		c.given.messages[i] = &now
	}
	c.given.messages = slices.DeleteFunc(c.given.messages, func(m *model.Message) bool { return len(m.Contents) == 0 })
	return allAnswered(open, c.given.messages)
}

// isLast reports whether the previous response is the last segment of its turn,
// which waits for an answer.
func (c *creation) isLast(ctx context.Context) (bool, error) {
	t := c.previous.translator(nil)
	t.segment++
	if err := c.previous.soFar(ctx, t); err != nil {
		return false, err
	}
	return t.ended == "" && len(t.output) == 0 && t.open == nil, nil
}

// fork sends the message in a new session that begins with a copy of the
// conversation up to the previous response.
func (c *creation) fork(ctx context.Context, message agent.Message, t *translator) (responseID, error) {
	session, err := c.newSession(c.previous.id.String())
	if err != nil {
		return responseID{}, err
	}
	messages, err := c.upTo(ctx, t)
	if err != nil {
		return responseID{}, err
	}
	if len(messages) > 0 {
		if err := c.copy(ctx, session, messages); err != nil {
			return responseID{}, err
		}
	}
	return c.send(ctx, session, message)
}

// upTo returns the conversation up to the end of the previous response. A pause
// ends it before the calls that were asked about.
func (c *creation) upTo(ctx context.Context, t *translator) ([]*model.Message, error) {
	var messages []*model.Message
	for at := int64(0); ; {
		page, err := c.Service.Messages(ctx, c.previous.id.session, at, pageMessages)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			mine := m.Turn == c.previous.turn.ID
			if m.Position >= c.previous.turn.First && !mine || mine && t.ended == outcomePaused && hasCall(m.Message, t.calls) {
				return messages, nil
			}
			messages = append(messages, m.Message)
			at = m.Position + 1
		}
		if len(page) < pageMessages {
			return messages, nil
		}
	}
}

// hasCall reports whether a message makes one of the calls.
func hasCall(m *model.Message, calls []*call) bool {
	for _, f := range m.Contents.Calls() {
		if slices.ContainsFunc(calls, func(c *call) bool { return c.CallID == f.CallID }) {
			return true
		}
	}
	return false
}
