package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// roleVariable makes the test binary a server instead of running tests.
const roleVariable = "PERDURE_MCP_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "tools":
		if err := toolServer(os.Getenv("PERDURE_MCP_STATE")).Run(context.Background(), &sdk.StdioTransport{}); err != nil {
			os.Exit(1)
		}
	case "bridge":
		err := mcp.Bridge(context.Background(), os.Stdin, os.Stdout, mcp.Server{Name: "perdure", URL: os.Getenv("PERDURE_MCP_URL")})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "agents":
		if err := serveAgents(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// toolServer returns an MCP server with well and badly behaved tools. What it
// does is noted in the folder state, which also decides what it offers.
func toolServer(state string) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "tools", Version: "1"}, nil)
	object := json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`)
	add := func(t *sdk.Tool, f func(ctx context.Context, r *sdk.CallToolRequest) (string, error)) {
		t.InputSchema = object
		s.AddTool(t, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			text, err := f(ctx, r)
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, err
		})
	}
	add(&sdk.Tool{Name: "echo", Description: described(state), Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, r *sdk.CallToolRequest) (string, error) {
			var in struct{ Text string }
			err := json.Unmarshal(r.Params.Arguments, &in)
			effect, _ := r.Params.Meta["perdure/effectId"].(string)
			return strings.TrimSpace(in.Text + " " + effect), err
		})
	add(&sdk.Tool{Name: "crash", Annotations: &sdk.ToolAnnotations{IdempotentHint: true}},
		func(context.Context, *sdk.CallToolRequest) (string, error) {
			os.Exit(3)
			return "", nil
		})
	add(&sdk.Tool{Name: "huge.text"}, func(context.Context, *sdk.CallToolRequest) (string, error) {
		return strings.Repeat("x", 2000), nil
	})
	add(&sdk.Tool{Name: "flood"}, func(context.Context, *sdk.CallToolRequest) (string, error) {
		return strings.Repeat("x", 4<<20), nil
	})
	add(&sdk.Tool{Name: "slow"}, func(ctx context.Context, _ *sdk.CallToolRequest) (string, error) {
		if os.Getenv(roleVariable) != "" {
			fmt.Fprintln(os.Stderr, "slow begins")
		}
		<-ctx.Done()
		return "", ctx.Err()
	})
	add(&sdk.Tool{Name: "refuse"}, func(context.Context, *sdk.CallToolRequest) (string, error) {
		return "", fmt.Errorf("never")
	})
	add(&sdk.Tool{Name: "environment"}, func(context.Context, *sdk.CallToolRequest) (string, error) {
		return strings.Join(os.Environ(), " "), nil
	})
	add(&sdk.Tool{Name: "process"}, func(context.Context, *sdk.CallToolRequest) (string, error) {
		return fmt.Sprint(os.Getpid()), nil
	})
	failed := &sdk.Tool{Name: "fail", InputSchema: json.RawMessage(`{"type":"object"}`)}
	s.AddTool(failed, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: "out of paper"}}}, nil
	})
	structured := &sdk.Tool{Name: "structured", InputSchema: json.RawMessage(`{"type":"object"}`)}
	s.AddTool(structured, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{StructuredContent: map[string]any{"n": 7}, Content: []sdk.Content{&sdk.TextContent{Text: "seven"}}}, nil
	})
	picture := &sdk.Tool{Name: "picture", InputSchema: json.RawMessage(`{"type":"object"}`)}
	s.AddTool(picture, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "see"}, &sdk.ImageContent{MIMEType: "image/png", Data: []byte{1}}}}, nil
	})
	return s
}

// described is the description of the tool echo: what stands in a file, so that
// a test can change it.
func described(state string) string {
	text, err := os.ReadFile(state + "/description")
	if err != nil {
		return "Repeats a text."
	}
	return string(text)
}

// node is a hub with agents.
type node struct {
	service *agent.Service
	client  *client.Client
	agents  []agent.Info
	stop    func()
}

// offer is all that the node has.
func (n *node) offer() mcp.Offer {
	return mcp.Offer{Service: n.service, Agents: n.agents, Client: n.client, Workflows: workflows, Wait: 20 * time.Second}
}

// workflows are the orchestrations that a node offers.
var workflows = []mcp.Workflow{
	{Orchestration: "dafx-Echo", Description: "Returns its input."},
	{Orchestration: "Wait for it", Tool: "wait", Input: map[string]string{"type": "string"}},
}

// signal ends the wait of the workflow wait.
var signal = perdure.NewEvent[string]("Signal")

func addWorkflows(reg *perdure.Registry) {
	echo := func(_ *perdure.Context, in any) (any, error) {
		if in == "fail" {
			return nil, errors.New("no luck")
		}
		return in, nil
	}
	perdure.AddOrchestrationNamed(reg, "dafx-Echo", echo)
	perdure.AddOrchestrationNamed(reg, "Hidden", echo)
	perdure.AddOrchestrationNamed(reg, "Wait for it", func(ctx *perdure.Context, in string) (string, error) {
		perdure.NewEvent[string]("perdure.internal").Wait(ctx)
		text, err := signal.Wait(ctx).Await()
		return in + text, err
	})
}

func begin(agents ...*agent.Agent) (*node, error) {
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, agents...); err != nil {
		return nil, err
	}
	addWorkflows(reg)
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		return nil, err
	}
	h, err := local.New(local.Config{Store: s, Registry: reg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	n := &node{client: client.New(h)}
	n.service = agent.NewService(n.client)
	if n.agents, err = agent.List(reg); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(n.service.Context(ctx)) }()
	n.stop = func() { cancel(); <-done }
	return n, nil
}

func start(t *testing.T, agents ...*agent.Agent) *node {
	t.Helper()
	n, err := begin(agents...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	return n
}

// parrot is an agent that says how many messages it has got, and the newest. It
// fails when it is told to.
func parrot(name string) *agent.Agent {
	return &agent.Agent{Name: name, Description: "Repeats.", Model: model.Func(func(_ context.Context, r *model.Request) updates {
		last := r.Messages[len(r.Messages)-1].Text()
		if last == "fail" {
			return failing(&model.Error{Provider: "parrot", Message: "no"})
		}
		return (&model.Response{Messages: []*model.Message{model.AssistantText(fmt.Sprint(len(r.Messages), " ", last))}}).Updates()
	})}
}

type updates = iter.Seq2[*model.Update, error]

func failing(err error) updates {
	return func(yield func(*model.Update, error) bool) { yield(nil, err) }
}

// serveAgents serves an agent over stdin and stdout.
func serveAgents() error {
	n, err := begin(parrot("Parrot"))
	if err != nil {
		return err
	}
	defer n.stop()
	return mcp.ServeStdio(context.Background(), os.Stdin, os.Stdout, n.offer())
}

// child is a server that is this test binary as a child process.
func child(t *testing.T) mcp.Server {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return mcp.Server{Name: "child", Command: []string{self}, Timeout: 30 * time.Second,
		Env: []string{roleVariable + "=tools", "PERDURE_MCP_STATE=" + t.TempDir()}}
}

func dial(t *testing.T, s mcp.Server) *mcp.Client {
	t.Helper()
	c, err := mcp.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return c
}

// tool returns a tool of a server by its name for models.
func tool(t *testing.T, c *mcp.Client, name string) agent.Tool {
	t.Helper()
	tools, err := c.Tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools {
		if tool.Name() == name {
			return tool
		}
	}
	t.Fatalf("there is no tool %q", name)
	return nil
}

// call calls a tool and shows result or error as text.
func call(ctx context.Context, tool agent.Tool, arguments string) (string, error) {
	value, err := tool.Call(ctx, arguments)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(value)
	return string(text), err
}

// said is the text of a result of the SDK's client.
func said(r *sdk.CallToolResult) string {
	var parts []string
	for _, c := range r.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			parts = append(parts, text.Text)
		}
	}
	return strings.Join(parts, "|")
}

// headers is an HTTP server's memory of the headers that it got.
type headers struct {
	next http.Handler
	got  chan http.Header
}

func (h *headers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.got <- r.Header.Clone():
	default:
	}
	h.next.ServeHTTP(w, r)
}

// gated is a model that tells when it is asked and waits until it may answer.
type gated struct {
	model.Model
	entered, leave chan struct{}
}

func (g gated) Generate(ctx context.Context, r *model.Request) updates {
	close(g.entered)
	<-g.leave
	return g.Model.Generate(ctx, r)
}

// process is the process whose number a tool has returned.
func process(t *testing.T, number string) *os.Process {
	t.Helper()
	id, err := strconv.Atoi(strings.Trim(number, `"`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func kill(t *testing.T, number string) {
	t.Helper()
	if err := process(t, number).Kill(); err != nil {
		t.Fatal(err)
	}
}

func lives(t *testing.T, number string) bool {
	t.Helper()
	return process(t, number).Signal(syscall.Signal(0)) == nil
}

// retryable reports whether a step that fails with err may be repeated.
func retryable(err error) bool { return err != nil && !perdure.FailureOf(err).NonRetriable }

// line shows the results of tools.
func line(messages []agent.LogMessage) string {
	var parts []string
	for _, m := range messages {
		for _, c := range m.Message.Contents {
			if r, ok := c.(*model.FunctionResult); ok {
				parts = append(parts, string(m.Message.Role), string(r.Result)+r.Error)
			}
		}
	}
	return strings.Join(parts, " ")
}
