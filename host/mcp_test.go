package host_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/model"
)

// The app's agents are tools of an MCP server, behind the checks of all routes.
func TestAgentsOverMCP(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Hosts = []string{"perdure.example"}
	clerk := &agent.Agent{Name: "Clerk", Model: model.Func(func(_ context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
		text := "you said " + r.Messages[len(r.Messages)-1].Text()
		return (&model.Response{Messages: []*model.Message{model.AssistantText(text)}}).Updates()
	})}
	if err := agent.Register(cfg.Registry, clerk); err != nil {
		t.Fatal(err)
	}
	perdure.AddOrchestrationNamed(cfg.Registry, "Greeting", func(_ *perdure.Context, name string) (string, error) {
		return "Hello, " + name + "!", nil
	})
	cfg.Workflows = []mcp.Workflow{{Orchestration: "Greeting"}}
	app, _ := start(t, cfg)
	c, err := mcp.Dial(t.Context(), mcp.Server{Name: "app", URL: app.URL() + mcp.Path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tools, err := c.Tools(t.Context())
	if err != nil || len(tools) != 2 || tools[0].Name() != "Clerk" || tools[1].Name() != "Greeting" {
		t.Fatalf("Tools() = %v, %v, want the clerk and the orchestration", tools, err)
	}
	greeting, err := tools[1].Call(t.Context(), `{"input":"Ada"}`)
	if text, _ := json.Marshal(greeting); err != nil || string(text) != `"Hello, Ada!"` {
		t.Errorf("Greeting(Ada) = %s, %v, want its output", text, err)
	}
	value, err := tools[0].Call(t.Context(), `{"query":"hello","sessionId":"k"}`)
	if text, _ := json.Marshal(value); err != nil || string(text) != `"you said hello"` {
		t.Errorf("Clerk(hello) = %s, %v, want its answer", text, err)
	}

	response, err := http.Get(app.URL() + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	health, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(health), `"mcp_tool_enabled":true`) {
		t.Errorf("GET /api/health = %s, %v, want the agent's tool", health, err)
	}

	for host, want := range map[string]int{"perdure.example": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL()+mcp.Path, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("POST %s as %s = %d, want %d", mcp.Path, host, response.StatusCode, want)
		}
	}
}
