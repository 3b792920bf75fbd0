package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

// The route POST /api/agents/{name}/run is that of Microsoft's durable agents:
// it speaks JSON and text and answers with the names of all their generations.

// agentCall is a request to run an agent.
type agentCall struct {
	agent   agent.Info
	session agent.SessionID
	message agent.Message
	wait    bool
	json    bool // the answer is JSON
	old     bool // an outdated name was used
	dotnet  bool // the answer is like that of the hosts of .NET
}

// runAgent has an agent answer one message.
func (a *API) runAgent(w http.ResponseWriter, r *http.Request) (*reply, error) {
	c := &agentCall{wait: true, json: wantsJSON(r, isJSON(r)), dotnet: a.Agents.DotNet}
	if err := a.readCall(w, r, c); err != nil {
		p := problemOf(err)
		if p.Status >= 500 {
			a.Logger.Error("agent run failed", "path", r.URL.EscapedPath(), "err", err)
		}
		text := p.Detail
		if p.Hint != "" {
			text += "; " + p.Hint
		}
		c.answer(w, p.Status, runFailure{Status: p.Status, Error: text}, text)
		return nil, nil
	}
	accepted, err := a.Agents.Service.Send(r.Context(), c.session, c.message)
	if err != nil {
		p := problemOf(err)
		c.answer(w, p.Status, runFailure{Status: p.Status, Error: p.Detail}, p.Detail)
		return nil, nil
	}
	c.message.CorrelationID = accepted.CorrelationID
	h := w.Header()
	h.Set("x-ms-thread-id", c.session.Key)
	h.Set("x-ms-session-id", c.session.Key)
	if !c.wait {
		c.accepted(w)
		return nil, nil
	}
	running, stop := a.untilStop(r.Context())
	defer stop()
	ctx, cancel := context.WithTimeout(running, a.MaxWait)
	defer cancel()
	result, err := a.Agents.Service.Result(ctx, accepted.Turn)
	switch {
	case err == nil:
		c.done(w, result)
	case r.Context().Err() == nil && ctx.Err() != nil:
		c.accepted(w)
	default:
		c.failed(w, err)
	}
	return nil, nil
}

// readCall reads a request.
func (a *API) readCall(w http.ResponseWriter, r *http.Request, c *agentCall) error {
	var err error
	if c.agent, err = a.agentOf(r); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	text := ""
	if isJSON(r) {
		data, err := a.readBody(w, r)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &members); err != nil || members == nil {
			return invalid("the body must be a JSON object", "")
		}
		text = stringOf(members["message"])
	} else if text, err = a.readText(w, r); err != nil {
		return err
	}
	if strings.TrimSpace(text) == "" {
		return invalid("the message is empty", "")
	}
	if err := c.readSession(r, members); err != nil {
		return err
	}
	if err := c.readWait(r, members); err != nil {
		return err
	}
	c.message = agent.Message{Text: text, Role: model.Role(stringOf(members["role"]))}
	if c.message.CorrelationID, err = requestID(r); err != nil {
		return err
	}
	return c.readOptions(members)
}

// readOptions reads what the caller wants the answer to be like.
func (c *agentCall) readOptions(members map[string]json.RawMessage) error {
	format, err := member(members, "response_format", "responseFormat")
	if err != nil {
		return err
	}
	wanted, err := dafx.ParseFormat(format)
	if err == nil {
		c.message.Options.Format, err = wanted.Resolve(c.agent.Formats)
	}
	if err != nil {
		return invalid(err.Error(), "send text, json or a JSON schema")
	}
	tools, err := member(members, "enable_tool_calls", "enableToolCalls")
	if err != nil || stringOf(tools) == "" {
		return err
	}
	enabled, err := yesNo("enable_tool_calls", stringOf(tools))
	c.message.Options.NoTools = !enabled
	return err
}

// member returns a member that has several names.
func member(members map[string]json.RawMessage, names ...string) (found json.RawMessage, err error) {
	for _, name := range names {
		value := members[name]
		if stringOf(value) == "" {
			continue
		}
		if found != nil && compact(found) != compact(value) {
			return nil, invalid(strings.Join(names, " and ")+" are given, with different values", "")
		}
		found = value
	}
	return found, nil
}

// isJSON reports whether the body of a request is JSON.
func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// wantsJSON reports whether the answer to a request is JSON.
func wantsJSON(r *http.Request, sent bool) bool {
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			switch media, _, _ := mime.ParseMediaType(part); media {
			case "application/json":
				return true
			case "text/plain":
				return false
			}
		}
	}
	return sent
}

// readText reads a body that is the message itself.
func (a *API) readText(w http.ResponseWriter, r *http.Request) (string, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", &problem{Status: http.StatusRequestEntityTooLarge, Code: perdure.ResourceExhausted.String(), Detail: "the body is too large"}
	case err != nil:
		return "", invalid("the body ended early", "")
	case !bytes.Equal(bytes.ToValidUTF8(data, nil), data):
		return "", invalid("the body is not UTF-8", "")
	}
	return string(data), nil
}

// stringOf is a JSON value as text: a string itself, anything else as it is
// written; "" for null and what is absent.
func stringOf(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return s
	}
	return compact(raw)
}

// readSession finds the session key among its names in body and query.
func (c *agentCall) readSession(r *http.Request, members map[string]json.RawMessage) error {
	var texts []string
	for _, name := range []string{"thread_id", "session_id", "sessionId"} {
		values := append(r.URL.Query()[name], stringOf(members[name]))
		for _, v := range values {
			c.old = c.old || name != "sessionId" && strings.TrimSpace(v) != ""
		}
		texts = append(texts, values...)
	}
	key, err := oneOf("session id", texts...)
	if err != nil {
		return err
	}
	if key == "" {
		c.session, err = agent.NewSessionID(c.agent.Name, agent.NewSessionKey())
		return err
	}
	c.session, err = agent.ParseSessionID(c.agent.Name, key)
	return err
}

// readWait finds whether the caller waits for the answer: the header decides,
// then the query, then the body.
func (c *agentCall) readWait(r *http.Request, members map[string]json.RawMessage) error {
	names := []string{"waitForResponse", "wait_for_response"}
	var inQuery, inBody []string
	for _, name := range names {
		inQuery = append(inQuery, r.URL.Query()[name]...)
		inBody = append(inBody, stringOf(members[name]))
		c.old = c.old || name != "waitForResponse" && (r.URL.Query().Has(name) || members[name] != nil)
	}
	for _, source := range [][]string{r.Header.Values("x-ms-wait-for-response"), inQuery, inBody} {
		found := false
		for _, text := range source {
			if strings.TrimSpace(text) == "" {
				continue
			}
			wait, err := yesNo("wait for response", text)
			if err != nil {
				return err
			}
			if found && wait != c.wait {
				return invalid("whether to wait for the response is given twice, with different values", "")
			}
			c.wait, found = wait, true
		}
		if found {
			return nil
		}
	}
	return nil
}

func yesNo(what, text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes", "y", "on":
		return true, nil
	case "false", "0", "no", "n", "off":
		return false, nil
	}
	return false, invalid(what+" is "+shown(text)+", must be true or false", "")
}

// runFailure is the answer to a request that cannot be served.
type runFailure struct {
	Status int    `json:"status"`
	Error  string `json:"error"`
}
