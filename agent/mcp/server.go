package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Path is where an HTTP server offers its agents.
const Path = "/mcp"

// maxWait is how long a call waits for the answer of an agent. The turn goes on
// after it.
const maxWait = 5 * time.Minute

// Handler returns an MCP server over streamable HTTP that offers agents as tools.
// It keeps nothing between requests. A server at a loopback address answers no
// other host name, and no page of another origin.
func Handler(service *agent.Service, agents ...agent.Info) http.Handler {
	return http.NewCrossOriginProtection().Handler(handler(service, agents, false))
}

// Behind is Handler without checks of its own: the server that it is mounted in
// has checked host name and origin of each request.
func Behind(service *agent.Service, agents ...agent.Info) http.Handler {
	return handler(service, agents, true)
}

func handler(service *agent.Service, agents []agent.Info, checked bool) http.Handler {
	server := newServer(service, agents)
	h := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true, DisableLocalhostProtection: checked,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The SDK detaches calls of older protocols from their request, which
		// has to end all the same when the client is gone.
		ctx := context.WithValue(r.Context(), goneKey{}, r.Context().Done())
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

type goneKey struct{}

// ServeStdio serves agents as tools over in and out, such as os.Stdin and
// os.Stdout, until ctx or in ends; both are closed then. Nothing else may write
// to out.
func ServeStdio(ctx context.Context, in io.ReadCloser, out io.WriteCloser, service *agent.Service, agents ...agent.Info) error {
	err := newServer(service, agents).Run(ctx, &sdk.IOTransport{Reader: in, Writer: out})
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func newServer(service *agent.Service, agents []agent.Info) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "perdure", Version: "1"}, &sdk.ServerOptions{
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	for _, info := range agents {
		offer := &offered{service: service, agent: info.Name}
		description := info.Description
		if description == "" {
			description = "Asks the agent " + info.Name + "."
		}
		s.AddTool(&sdk.Tool{Name: info.Name, Description: description, InputSchema: json.RawMessage(inputSchema)}, offer.call)
	}
	return s
}

// inputSchema is what an agent's tool takes.
const inputSchema = `{"type":"object","properties":{` +
	`"query":{"type":"string","description":"What to say to the agent."},` +
	`"sessionId":{"type":"string","description":"The session to say it in; left out, a new one begins. Its id is in the answer."},` +
	`"threadId":{"type":"string","description":"An older name of sessionId."},` +
	`"responseFormat":{"type":"string","enum":["text","json"],"description":"json adds status and session id to the answer."}},` +
	`"required":["query"]}`

// offered is an agent as a tool.
type offered struct {
	service *agent.Service
	agent   string
}

// answer is the answer in the format json.
type answer struct {
	Status     string  `json:"status"`
	StatusCode int     `json:"status_code"`
	SessionID  string  `json:"session_id"`
	Response   string  `json:"response"`
	Error      *reason `json:"error,omitempty"`
}

// reason is why a turn failed.
type reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// call says something to the agent and waits for the answer. What goes wrong is
// a result too: the model at the other end can act on it.
func (o *offered) call(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	session, query, asJSON, err := o.read(r.Params.Arguments)
	if err != nil {
		return refusal(err), nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	if gone, ok := ctx.Value(goneKey{}).(<-chan struct{}); ok {
		watched := make(chan struct{})
		defer func() { cancel(); <-watched }()
		go func() {
			defer close(watched)
			select {
			case <-gone:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	accepted, err := o.service.Send(ctx, session, agent.Message{Text: query})
	if err != nil {
		return refusal(err), nil
	}
	response, err := o.service.Wait(ctx, accepted.Turn)
	a, text := o.answerOf(ctx, session, response, err)
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
	return &sdk.CallToolResult{
		Meta: sdk.Meta{"perdure/sessionId": a.SessionID}, IsError: a.Error != nil,
		Content: []sdk.Content{&sdk.TextContent{Text: text}},
	}, nil
}

// answerOf describes how a turn went, in both formats; nil = the hub could not
// tell.
func (o *offered) answerOf(ctx context.Context, session agent.SessionID, r *agent.Response, err error) (*answer, string) {
	a := &answer{Status: "success", StatusCode: http.StatusOK, SessionID: session.Key}
	var failed *perdure.StepError
	switch {
	case err == nil:
		a.Response = r.Text
		return a, r.Text
	case errors.As(err, &failed):
		a.Status, a.StatusCode = "failed", http.StatusInternalServerError
		a.Error = &reason{Code: failed.Type, Message: failed.Message}
		return a, failed.Message
	case ctx.Err() != nil:
		a.Status, a.StatusCode = "accepted", http.StatusAccepted
		return a, fmt.Sprintf("The agent still works on it; ask again in the session %s.", session.Key)
	}
	return nil, ""
}

// read reads the arguments of a call.
func (o *offered) read(arguments json.RawMessage) (session agent.SessionID, query string, asJSON bool, err error) {
	var in struct {
		Query, SessionID, ThreadID, ResponseFormat string
	}
	if len(arguments) > 0 {
		if err := json.Unmarshal(arguments, &in); err != nil {
			return session, "", false, invalid("the arguments are not those of the schema", err)
		}
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
	if key == "" {
		key = agent.NewSessionKey()
	}
	session, err = agent.ParseSessionID(o.agent, key)
	return session, in.Query, asJSON, err
}

func invalid(message string, cause error) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: "call agent", Message: message, Cause: cause}
}

func refusal(err error) *sdk.CallToolResult {
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: err.Error()}}}
}
