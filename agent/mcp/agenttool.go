package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// agentSchema is what an agent's tool takes.
const agentSchema = `{"type":"object","properties":{` +
	`"query":{"type":"string","description":"What to say to the agent."},` +
	`"sessionId":{"type":"string","description":"The session to say it in; left out, a new one begins. Its id is in the answer."},` +
	`"threadId":{"type":"string","description":"An older name of sessionId."},` +
	`"responseFormat":{"type":"string","enum":["text","json"],"description":"json adds status and session id to the answer."}},` +
	`"required":["query"]}`

func agentTool(info agent.Info) *sdk.Tool {
	description := info.Description
	if description == "" {
		description = "Asks the agent " + info.Name + "."
	}
	return &sdk.Tool{Name: info.Name, Description: description, InputSchema: json.RawMessage(agentSchema)}
}

// offeredAgent is an agent as a tool.
type offeredAgent struct {
	service *agent.Service
	agent   string
	wait    time.Duration
}

// answer is the answer in the format json.
type answer struct {
	Status     string          `json:"status"`
	StatusCode int             `json:"status_code"`
	SessionID  string          `json:"session_id"`
	Response   string          `json:"response"`
	Result     json.RawMessage `json:"result,omitempty"` // structured output
	Error      *reason         `json:"error,omitempty"`
}

// reason is why a turn failed.
type reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// call says something to the agent and waits for the answer. What goes wrong is
// a result too: the model at the other end can act on it.
func (o *offeredAgent) call(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	repeat := repeatable(r)
	session, query, asJSON, err := o.read(r.Params.Arguments, repeat)
	if err != nil {
		return refusal(err), nil
	}
	accepted, err := o.service.Send(ctx, session, agent.Message{Text: query, CorrelationID: repeat})
	if err != nil {
		return refusal(err), nil
	}
	ctx, stop := patience(ctx, o.wait)
	defer stop()
	response, err := o.service.Wait(ctx, accepted.Turn)
	a, text := o.answerOf(ctx, accepted, response, err)
	if a == nil {
		return refusal(err), nil
	}
	if asJSON {
		data, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	return result(text, a.Error != nil, sdk.Meta{"perdure/sessionId": a.SessionID}), nil
}

// answerOf describes how a turn went, in both formats; nil = the hub could not
// tell.
func (o *offeredAgent) answerOf(ctx context.Context, accepted agent.Accepted, r *agent.Response, err error) (*answer, string) {
	a := &answer{Status: "success", StatusCode: http.StatusOK, SessionID: accepted.Session.Key}
	var failed *perdure.StepError
	switch {
	case err == nil:
		a.Response, a.Result = r.Text, r.Value
		return a, r.Text
	case errors.As(err, &failed):
		a.Status, a.StatusCode = "failed", http.StatusInternalServerError
		a.Error = &reason{Code: failed.Type, Message: failed.Message}
		return a, failed.Message
	case ctx.Err() != nil:
		a.Status, a.StatusCode = "accepted", http.StatusAccepted
		return a, fmt.Sprintf("The agent still works on it. %sAsk it later for its answer, with the sessionId %q.", o.decisions(ctx, accepted.Turn), a.SessionID)
	}
	return nil, ""
}

// decisions says about which tools a turn waits for a person to decide.
func (o *offeredAgent) decisions(ctx context.Context, turn string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	page, err := o.service.Decisions(ctx, agent.DecisionFilter{State: agent.DecisionPending, Run: turn})
	if err != nil || len(page.Decisions) == 0 {
		return "" // what is not known is not said
	}
	var about []string
	for _, d := range page.Decisions {
		about = append(about, strings.TrimSpace(d.Kind+" "+d.Tool))
	}
	return "It waits for a person to decide: " + strings.Join(about, ", ") + ". "
}

// read reads the arguments of a call. Without a session id the session is a new
// one, which a repetition of the call finds again.
func (o *offeredAgent) read(arguments json.RawMessage, repeat string) (session agent.SessionID, query string, asJSON bool, err error) {
	var in struct {
		Query, SessionID, ThreadID, ResponseFormat string
	}
	if err := decodeArguments(arguments, &in); err != nil {
		return session, "", false, err
	}
	if strings.TrimSpace(in.Query) == "" {
		return session, "", false, invalid("the argument query is missing or empty", nil)
	}
	switch in.ResponseFormat {
	case "", "text":
	case "json":
		asJSON = true
	default:
		return session, "", false, invalid(fmt.Sprintf("the responseFormat %.40q is neither text nor json", in.ResponseFormat), nil)
	}
	key := strings.TrimSpace(in.SessionID)
	if key == "" {
		key = strings.TrimSpace(in.ThreadID)
	}
	switch {
	case key == "" && repeat != "":
		sum := sha256.Sum256([]byte(repeat))
		key = hex.EncodeToString(sum[:16])
	case key == "":
		key = agent.NewSessionKey()
	}
	session, err = agent.ParseSessionID(o.agent, key)
	return session, in.Query, asJSON, err
}
