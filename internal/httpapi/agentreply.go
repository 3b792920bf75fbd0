package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/dafx"
)

// runReply is the answer to a request that was accepted, with the names of all
// generations.
type runReply struct {
	Status        any             `json:"status"` // a word, or for .NET the status code
	StatusCode    int             `json:"statusCode"`
	StatusCode2   int             `json:"status_code"`
	SessionID     string          `json:"sessionId"`
	SessionID2    string          `json:"session_id"`
	ThreadID      string          `json:"thread_id"`
	Response      any             `json:"response,omitempty"`
	Result        json.RawMessage `json:"result,omitempty"` // structured output
	Message       string          `json:"message"`
	AgentResponse json.RawMessage `json:"agentResponse,omitempty"`
	AgentReply2   json.RawMessage `json:"agent_response,omitempty"`
	Outcome       string          `json:"outcome,omitempty"`
	Completion    string          `json:"completionOutcome,omitempty"`
	Completion2   string          `json:"completion_outcome,omitempty"`
	Error         *turnError      `json:"error,omitempty"`
	ErrorCode     string          `json:"errorCode,omitempty"`
	ErrorCode2    string          `json:"error_code,omitempty"`
	Correlation   string          `json:"correlationId"`
	Correlation2  string          `json:"correlation_id"`
	MessageCount  *int64          `json:"messageCount,omitempty"`
	MessageCount2 *int64          `json:"message_count,omitempty"`
}

// turnError is why a turn failed.
type turnError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Outcomes of turns.
const (
	outcomeSucceeded = "succeeded"
	outcomeFailed    = "failed"
)

// codeUnavailable is the code of the error when a result is gone.
const codeUnavailable = "resultUnavailable"

func (c *agentCall) reply(status string, code int) *runReply {
	v := &runReply{
		Status: status, StatusCode: code, StatusCode2: code, Message: c.message.Text,
		SessionID: c.session.Key, SessionID2: c.session.Key, ThreadID: c.session.Key,
		Correlation: c.message.CorrelationID, Correlation2: c.message.CorrelationID,
	}
	if c.dotnet {
		v.Status = code
	}
	return v
}

func (c *agentCall) accepted(w http.ResponseWriter) {
	c.answer(w, http.StatusAccepted, c.reply("accepted", http.StatusAccepted), "Request accepted.")
}

func (c *agentCall) done(w http.ResponseWriter, r *agent.Result) {
	usage := r.Usage
	result := &dafx.Result{
		Messages: r.Said, Agent: r.Agent, Session: r.Session, ID: r.Turn, Created: r.Created,
		FinishReason: r.FinishReason, Usage: &usage, Value: r.Value,
	}
	v := c.reply("success", http.StatusOK)
	v.Response, v.Result, v.MessageCount, v.MessageCount2 = &r.Text, r.Value, &r.Messages, &r.Messages
	v.AgentResponse, v.AgentReply2 = result.Write(dafx.DotNet), result.Write(dafx.Python)
	if c.dotnet {
		v.Response = result.WritePascal()
	}
	c.answer(w, http.StatusOK, v, r.Text)
}

func (c *agentCall) failed(w http.ResponseWriter, err error) {
	var gone *agent.UnavailableError
	var step *perdure.StepError
	switch {
	case errors.As(err, &gone):
		outcome := outcomeSucceeded
		if gone.Failed {
			outcome = outcomeFailed
		}
		c.ended(w, http.StatusGone, "completedResultUnavailable", outcome, &turnError{Code: codeUnavailable, Message: gone.Error()})
	case errors.As(err, &step):
		c.ended(w, http.StatusInternalServerError, "failed", outcomeFailed, &turnError{Code: step.Type, Message: step.Message})
	default: // not the turn's fault
		p := problemOf(err)
		c.answer(w, p.Status, runFailure{Status: p.Status, Error: p.Detail}, p.Detail)
	}
}

// ended answers for a turn that has ended and has no answer.
func (c *agentCall) ended(w http.ResponseWriter, code int, status, outcome string, e *turnError) {
	w.Header().Set("x-ms-durable-outcome", outcome)
	w.Header().Set("x-ms-agent-completion-outcome", outcome)
	v := c.reply(status, code)
	v.Outcome, v.Completion, v.Completion2 = outcome, outcome, outcome
	v.Error, v.ErrorCode, v.ErrorCode2 = e, e.Code, e.Code
	c.answer(w, code, v, e.Message)
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
