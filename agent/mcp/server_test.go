package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/model/modeltest"
)

// connect connects the SDK's own client.
func connect(t *testing.T, transport sdk.Transport) *sdk.ClientSession {
	t.Helper()
	s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ask calls an agent's tool.
func ask(t *testing.T, s *sdk.ClientSession, name string, arguments any) *sdk.CallToolResult {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("CallTool(%v) = %v", arguments, err)
	}
	return r
}

func handler(t *testing.T, o mcp.Offer) http.Handler {
	t.Helper()
	h, err := mcp.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func overHTTP(t *testing.T, n *node) *sdk.ClientSession {
	t.Helper()
	server := httptest.NewServer(handler(t, n.offer()))
	t.Cleanup(server.Close)
	return connect(t, &sdk.StreamableClientTransport{Endpoint: server.URL + mcp.Path, HTTPClient: server.Client()})
}

func TestHandlerOffersAgents(t *testing.T) {
	n := start(t, parrot("Parrot"), parrot("Raven"))
	s := overHTTP(t, n)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name+": "+tool.Description)
	}
	if diff := cmp.Diff([]string{"Echo: Returns its input.", "Parrot: Repeats.", "Raven: Repeats.", "wait: Runs the workflow wait."}, names); diff != "" {
		t.Errorf("ListTools (-want +got)\n%s", diff)
	}
}

func TestHandlerSessions(t *testing.T) {
	n := start(t, parrot("Parrot"), parrot("Raven"))
	s := overHTTP(t, n)
	for _, c := range []struct {
		agent     string
		arguments map[string]any
		want      string
	}{
		{"Parrot", map[string]any{"query": "a", "sessionId": "k"}, "1 a"},
		{"Parrot", map[string]any{"query": "b", "threadId": "k"}, "3 b"},
		{"Parrot", map[string]any{"query": "c", "sessionId": "k", "threadId": "other"}, "5 c"},
		{"Parrot", map[string]any{"query": "d", "sessionId": "@dafx-parrot@k"}, "7 d"},
		{"Raven", map[string]any{"query": "e", "sessionId": "k"}, "1 e"},
		{"Parrot", map[string]any{"query": "f"}, "1 f"},
	} {
		if r := ask(t, s, c.agent, c.arguments); r.IsError || said(r) != c.want {
			t.Errorf("%s(%v) = %q, error %v, want %q", c.agent, c.arguments, said(r), r.IsError, c.want)
		}
	}
	id, err := agent.NewSessionID("parrot", "other")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.service.Session(t.Context(), id); err == nil {
		t.Error("the session named by threadId was made, though sessionId was given too")
	}
}

func TestHandlerRefuses(t *testing.T) {
	s := overHTTP(t, start(t, parrot("Parrot"), parrot("Raven")))
	for _, c := range []struct {
		arguments any
		want      string
	}{
		{map[string]any{}, "query is missing"},
		{map[string]any{"query": " "}, "query is missing"},
		{map[string]any{"query": 5}, "not those of the schema"},
		{map[string]any{"query": "x", "responseFormat": "xml"}, "neither text nor json"},
		{map[string]any{"query": "x", "sessionId": "@dafx-raven@k"}, `belongs to agent "raven"`},
		{map[string]any{"query": "x", "sessionId": strings.Repeat("k", 100)}, "at most 75"},
	} {
		if r := ask(t, s, "Parrot", c.arguments); !r.IsError || !strings.Contains(said(r), c.want) {
			t.Errorf("Parrot(%v) = %q, error %v, want an error with %q", c.arguments, said(r), r.IsError, c.want)
		}
	}
}

func TestHandlerJSON(t *testing.T) {
	s := overHTTP(t, start(t, parrot("Parrot")))
	for _, c := range []struct {
		query string
		want  map[string]any
		fails bool
	}{
		{"a", map[string]any{"status": "success", "status_code": 200.0, "session_id": "k", "response": "1 a"}, false},
		{"fail", map[string]any{"status": "failed", "status_code": 500.0, "session_id": "k", "response": "",
			"error": map[string]any{"code": "model.Error", "message": "parrot: no"}}, true},
	} {
		r := ask(t, s, "Parrot", map[string]any{"query": c.query, "sessionId": "k", "responseFormat": "json"})
		var got map[string]any
		if err := json.Unmarshal([]byte(said(r)), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || r.IsError != c.fails {
			t.Errorf("Parrot(%s) error %v (-want +got)\n%s", c.query, r.IsError, diff)
		}
	}
	if r := ask(t, s, "Parrot", map[string]any{"query": "fail", "sessionId": "k"}); !r.IsError || said(r) != "parrot: no" {
		t.Errorf("Parrot(fail) = %q, error %v, want the model's error", said(r), r.IsError)
	}
}

// A turn that waits for a person says so.
func TestHandlerDecision(t *testing.T) {
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{}) (string, error) { return "paid", nil }, agent.AlwaysRequireApproval())
	n := start(t, &agent.Agent{Name: "Clerk", Tools: []agent.Tool{pay}, Model: modeltest.NewScript(modeltest.Call("pay", struct{}{}))})
	offer := n.offer()
	offer.Wait = time.Millisecond
	server := httptest.NewServer(handler(t, offer))
	t.Cleanup(server.Close)
	s := connect(t, &sdk.StreamableClientTransport{Endpoint: server.URL, HTTPClient: server.Client()})
	arguments := map[string]any{"query": "pay", "sessionId": "k"}
	for late := time.Now().Add(20 * time.Second); ; {
		r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "Clerk", Arguments: arguments, Meta: sdk.Meta{"perdure/effectId": "e"}})
		if err != nil || time.Now().After(late) {
			t.Fatalf("Clerk(pay) = %v, %v, want what it waits for", r, err)
		}
		if said(r) == `The agent still works on it. It waits for a person to decide: approval pay. Ask it later for its answer, with the sessionId "k".` {
			return
		}
	}
}

// A client that is gone does not hold its request, and the turn goes on.
func TestHandlerClientGone(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := parrot("Parrot")
	answer := slow.Model
	slow.Model = gated{answer, entered, leave}
	n := start(t, slow)
	h := handler(t, n.offer())
	returned := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		close(returned)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Parrot","arguments":{"query":"a","sessionId":"k"}}}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	go func() {
		<-entered
		cancel()
	}()
	if response, err := server.Client().Do(r); err == nil {
		_ = response.Body.Close()
		t.Fatalf("Do() = %s, want it canceled", response.Status)
	}
	<-returned
	close(leave)
	id, err := agent.NewSessionID("parrot", "k")
	if err != nil {
		t.Fatal(err)
	}
	session, err := n.service.Session(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := n.service.Wait(t.Context(), session.Running); err != nil || got.Text != "1 a" {
		t.Errorf("Wait() = %v, %v, want the answer", got, err)
	}
}

func TestHandlerForeign(t *testing.T) {
	n := start(t, parrot("Parrot"))
	behind, err := mcp.Behind(n.offer())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
		change  func(*http.Request)
		want    int
	}{
		{"own", handler(t, n.offer()), func(*http.Request) {}, http.StatusOK},
		{"host", handler(t, n.offer()), func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
		{"origin", handler(t, n.offer()), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		{"checked before", behind, func(r *http.Request) { r.Host = "perdure.example" }, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			c.change(r)
			response, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != c.want {
				t.Errorf("status = %d, want %d", response.StatusCode, c.want)
			}
		})
	}
}

// The SDK's client runs the agents' server as a child process.
func TestServeStdio(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"=agents")
	cmd.Stderr = os.Stderr
	s := connect(t, &sdk.CommandTransport{Command: cmd})
	for _, want := range []string{"1 a", "3 a"} {
		if r := ask(t, s, "Parrot", map[string]any{"query": "a", "sessionId": "k"}); r.IsError || said(r) != want {
			t.Errorf("Parrot(a) = %q, error %v, want %q", said(r), r.IsError, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if cmd.ProcessState == nil || !cmd.ProcessState.Success() {
		t.Errorf("the server ended with %v, want success", cmd.ProcessState)
	}
}
