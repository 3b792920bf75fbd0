package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
)

// Path is where an HTTP server offers its tools.
const Path = "/mcp"

// DefaultWait is how long a call waits for an outcome: a little less than the
// minute after which many clients give a call up, and then know of no run.
const DefaultWait = 50 * time.Second

// Offer says what an MCP server offers as tools.
type Offer struct {
	// Agents are offered each under its name; they are asked through Service.
	Agents  []agent.Info
	Service *agent.Service
	// Elsewhere, if set, returns others, which workers in other processes serve. A
	// Handler offers them as they come to be known; ServeStdio does not.
	Elsewhere func() []agent.Info
	// Workflows are offered orchestrations; their runs are started through
	// Client.
	Workflows []Workflow
	Client    *client.Client
	// Wait is how long a call waits for an outcome; what it has begun goes on
	// after it, and the caller is told how to come back. 0 = DefaultWait.
	Wait time.Duration
}

// Handler returns an MCP server over streamable HTTP. It keeps nothing between
// requests. A server at a loopback address answers no other host name, and no page
// of another origin. The error says all that is wrong with the offer.
func Handler(o Offer) (http.Handler, error) {
	h, err := o.handler(false)
	if err != nil {
		return nil, err
	}
	return http.NewCrossOriginProtection().Handler(h), nil
}

// Behind is Handler without checks of its own: the server that it is mounted in
// has checked host name and origin of each request.
func Behind(o Offer) (http.Handler, error) { return o.handler(true) }

func (o *Offer) handler(checked bool) (http.Handler, error) {
	server, err := o.server()
	if err != nil {
		return nil, err
	}
	late := &lateAgents{Offer: *o, server: server, own: o.names(), known: map[string]string{}}
	h := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { late.offer(); return server }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true, DisableLocalhostProtection: checked,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The SDK detaches calls of older protocols from their request, which
		// has to end all the same when the client is gone.
		ctx := context.WithValue(r.Context(), goneKey{}, r.Context().Done())
		h.ServeHTTP(w, r.WithContext(ctx))
	}), nil
}

type goneKey struct{}

// lateAgents offers the agents of other processes.
type lateAgents struct {
	Offer
	server *sdk.Server
	own    map[string]bool // names that are taken

	mu    sync.Mutex        // guards known
	known map[string]string // what was offered, by name: the description
}

// offer adds the tools of agents that were not known before, or are described anew.
func (l *lateAgents) offer() {
	if l.Elsewhere == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, info := range l.Elsewhere() {
		if about, offered := l.known[info.Name]; l.own[info.Name] || offered && about == info.Description {
			continue
		}
		l.known[info.Name] = info.Description
		l.server.AddTool(agentTool(info), (&offeredAgent{service: l.Service, agent: info.Name, wait: l.wait()}).call)
	}
}

// names returns the names of the tools that the offer has by itself.
func (o *Offer) names() map[string]bool {
	own := map[string]bool{}
	for _, info := range o.Agents {
		own[info.Name] = true
	}
	for _, w := range o.Workflows {
		if t, err := w.tool(); err == nil {
			own[t.Name] = true
		}
	}
	return own
}

func (o *Offer) wait() time.Duration {
	if o.Wait == 0 {
		return DefaultWait
	}
	return o.Wait
}

// ServeStdio serves the tools over in and out, such as os.Stdin and os.Stdout,
// until ctx or in ends; both are closed then. Nothing else may write to out.
func ServeStdio(ctx context.Context, in io.ReadCloser, out io.WriteCloser, o Offer) error {
	server, err := o.server()
	if err != nil {
		return err
	}
	return serveStdio(ctx, in, out, server)
}

func serveStdio(ctx context.Context, in io.ReadCloser, out io.WriteCloser, server *sdk.Server) error {
	err := server.Run(ctx, &sdk.IOTransport{Reader: in, Writer: out})
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// server returns a server with all tools of the offer.
func (o *Offer) server() (*sdk.Server, error) {
	wait := o.wait()
	var wrong []error
	if wait < 0 {
		wrong = append(wrong, errors.New("the Wait is negative"))
	}
	if (len(o.Agents) > 0 || o.Elsewhere != nil) && o.Service == nil {
		wrong = append(wrong, errors.New("the Agents need a Service"))
	}
	if len(o.Workflows) > 0 && o.Client == nil {
		wrong = append(wrong, errors.New("the Workflows need a Client"))
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "perdure", Version: "1"}, &sdk.ServerOptions{
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	seen := map[string]bool{}
	for _, info := range o.Agents {
		seen[info.Name] = true
		s.AddTool(agentTool(info), (&offeredAgent{service: o.Service, agent: info.Name, wait: wait}).call)
	}
	for _, w := range o.Workflows {
		t, err := w.tool()
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if seen[t.Name] {
			wrong = append(wrong, fmt.Errorf("there are two tools with the name %s", t.Name))
		}
		seen[t.Name] = true
		s.AddTool(t, (&offeredWorkflow{client: o.Client, workflow: w, wait: wait}).call)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "serve MCP", Message: "the offer is not valid", Cause: err}
	}
	return s, nil
}

// patience bounds the wait of a call, which also ends when the client is gone.
func patience(ctx context.Context, d time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, d)
	gone, ok := ctx.Value(goneKey{}).(<-chan struct{})
	if !ok {
		return ctx, cancel
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-watched }
}

// repeatable returns the id that tells a repetition of a call from another call:
// the effect id of the caller's step, if the caller is an agent of Perdure; "" for
// others.
func repeatable(r *sdk.CallToolRequest) string {
	id, _ := r.Params.Meta["perdure/effectId"].(string)
	if len(id) > maxEffectID {
		return ""
	}
	return id
}

// maxEffectID is longer than any effect id.
const maxEffectID = 200

func invalid(message string, cause error) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: "call tool", Message: message, Cause: cause}
}

func refusal(err error) *sdk.CallToolResult {
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: err.Error()}}}
}

// result is a result of text. meta names what the call belongs to.
func result(text string, failed bool, meta sdk.Meta) *sdk.CallToolResult {
	return &sdk.CallToolResult{Meta: meta, IsError: failed, Content: []sdk.Content{&sdk.TextContent{Text: text}}}
}

// decodeArguments reads the arguments of a call.
func decodeArguments(arguments json.RawMessage, into any) error {
	if len(arguments) == 0 {
		return nil
	}
	if err := json.Unmarshal(arguments, into); err != nil {
		return invalid("the arguments are not those of the schema", err)
	}
	return nil
}
