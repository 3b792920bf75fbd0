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
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
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
}

// runAgent has an agent answer one message.
func (a *API) runAgent(w http.ResponseWriter, r *http.Request) (*reply, error) {
	c := &agentCall{wait: true, json: wantsJSON(r, isJSON(r))}
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
	response, err := a.Agents.Service.Wait(ctx, accepted.Turn)
	switch {
	case err == nil:
		c.done(w, response)
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
	if err := unsupported(members); err != nil {
		return err
	}
	if err := c.readSession(r, members); err != nil {
		return err
	}
	if err := c.readWait(r, members); err != nil {
		return err
	}
	c.message = agent.Message{Text: text, Role: model.Role(stringOf(members["role"]))}
	c.message.CorrelationID, err = requestID(r)
	return err
}

// unsupported refuses what would change the answer and cannot be done yet.
func unsupported(members map[string]json.RawMessage) error {
	if f := strings.TrimSpace(stringOf(members["response_format"])); f != "" && f != "text" {
		return invalid("response_format "+shown(f)+" is not supported; the answer is text", "leave response_format out")
	}
	if f := stringOf(members["enable_tool_calls"]); f != "" && f != "true" {
		return invalid("enable_tool_calls can only be true", "leave enable_tool_calls out")
	}
	return nil
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
			wait, err := yesNo(text)
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

func yesNo(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes", "y", "on":
		return true, nil
	case "false", "0", "no", "n", "off":
		return false, nil
	}
	return false, invalid("wait for response is "+shown(text)+", must be true or false", "")
}

// runFailure is the answer to a request that cannot be served.
type runFailure struct {
	Status int    `json:"status"`
	Error  string `json:"error"`
}

// runReply is the answer to a request that was accepted, with the names of all
// generations.
type runReply struct {
	Status        string     `json:"status"`
	StatusCode    int        `json:"statusCode"`
	StatusCode2   int        `json:"status_code"`
	SessionID     string     `json:"sessionId"`
	SessionID2    string     `json:"session_id"`
	ThreadID      string     `json:"thread_id"`
	Response      *string    `json:"response,omitempty"`
	Message       string     `json:"message"`
	AgentResponse any        `json:"agentResponse,omitempty"`
	AgentReply2   any        `json:"agent_response,omitempty"`
	Outcome       string     `json:"outcome,omitempty"`
	Error         *turnError `json:"error,omitempty"`
	Correlation   string     `json:"correlationId"`
	Correlation2  string     `json:"correlation_id"`
	MessageCount  *int64     `json:"messageCount,omitempty"`
	MessageCount2 *int64     `json:"message_count,omitempty"`
}

// turnError is why a turn failed.
type turnError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (c *agentCall) reply(status string, code int) *runReply {
	return &runReply{
		Status: status, StatusCode: code, StatusCode2: code, Message: c.message.Text,
		SessionID: c.session.Key, SessionID2: c.session.Key, ThreadID: c.session.Key,
		Correlation: c.message.CorrelationID, Correlation2: c.message.CorrelationID,
	}
}

func (c *agentCall) accepted(w http.ResponseWriter) {
	c.answer(w, http.StatusAccepted, c.reply("accepted", http.StatusAccepted), "Request accepted.")
}

func (c *agentCall) done(w http.ResponseWriter, r *agent.Response) {
	v := c.reply("success", http.StatusOK)
	v.Response, v.MessageCount, v.MessageCount2 = &r.Text, &r.Messages, &r.Messages
	v.AgentResponse, v.AgentReply2 = camelResponse(r), snakeResponse(r)
	c.answer(w, http.StatusOK, v, r.Text)
}

func (c *agentCall) failed(w http.ResponseWriter, err error) {
	var step *perdure.StepError
	if !errors.As(err, &step) { // not the turn's fault
		p := problemOf(err)
		c.answer(w, p.Status, runFailure{Status: p.Status, Error: p.Detail}, p.Detail)
		return
	}
	w.Header().Set("x-ms-durable-outcome", "failed")
	w.Header().Set("x-ms-agent-completion-outcome", "failed")
	v := c.reply("failed", http.StatusInternalServerError)
	v.Outcome, v.Error = "failed", &turnError{Code: step.Type, Message: step.Message}
	c.answer(w, http.StatusInternalServerError, v, step.Message)
}

// outdated is since when the old names are outdated, and outdatedLink what to
// use instead.
const (
	outdated     = "@1789430400"
	outdatedLink = `</api/v1/agents>; rel="deprecation"`
	outdatedText = `299 - "use sessionId and waitForResponse"`
)

// answer writes a view as JSON, or a text.
func (c *agentCall) answer(w http.ResponseWriter, status int, view any, text string) {
	h := w.Header()
	if c.old {
		h.Set("Deprecation", outdated)
		h.Set("Link", outdatedLink)
		h.Set("Warning", outdatedText)
	}
	if c.json {
		writeJSON(w, status, "application/json", view)
		return
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a client that is gone needs no answer
}

// camelResponse is a response as .NET's agents write it.
func camelResponse(r *agent.Response) any {
	type content struct {
		Type string `json:"$type"`
		Text string `json:"text"`
	}
	type message struct {
		Role     string    `json:"role"`
		Contents []content `json:"contents"`
	}
	return struct {
		Messages     []message        `json:"messages"`
		AgentID      string           `json:"agentId"`
		ResponseID   string           `json:"responseId"`
		CreatedAt    string           `json:"createdAt"`
		FinishReason string           `json:"finishReason,omitempty"`
		Usage        map[string]int64 `json:"usage"`
	}{
		Messages: []message{{Role: "assistant", Contents: []content{{"text", r.Text}}}},
		AgentID:  r.Session, ResponseID: r.Turn, CreatedAt: r.Created.UTC().Format(time.RFC3339Nano), FinishReason: r.FinishReason,
		Usage: map[string]int64{"inputTokenCount": r.Usage.InputTokenCount, "outputTokenCount": r.Usage.OutputTokenCount, "totalTokenCount": r.Usage.TotalTokenCount},
	}
}

// snakeResponse is a response as Python's agents write it.
func snakeResponse(r *agent.Response) any {
	type content struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	type message struct {
		Type     string    `json:"type"`
		Role     string    `json:"role"`
		Contents []content `json:"contents"`
		Author   string    `json:"author_name"`
	}
	return struct {
		Type         string           `json:"type"`
		Messages     []message        `json:"messages"`
		ResponseID   string           `json:"response_id"`
		AgentID      string           `json:"agent_id"`
		CreatedAt    string           `json:"created_at"`
		FinishReason string           `json:"finish_reason,omitempty"`
		Usage        map[string]int64 `json:"usage_details"`
	}{
		Type:       "agent_response",
		Messages:   []message{{Type: "message", Role: "assistant", Contents: []content{{"text", r.Text}}, Author: r.Agent}},
		ResponseID: r.Turn, AgentID: r.Agent, CreatedAt: r.Created.UTC().Format(time.RFC3339Nano), FinishReason: r.FinishReason,
		Usage: map[string]int64{"input_token_count": r.Usage.InputTokenCount, "output_token_count": r.Usage.OutputTokenCount, "total_token_count": r.Usage.TotalTokenCount},
	}
}
