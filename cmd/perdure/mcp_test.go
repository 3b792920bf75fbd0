package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
)

// TestMCP runs the command as a child process whose tools are those of a server.
func TestMCP(t *testing.T) {
	h, err := testHosts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	app := runApp(t, host.Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Registry: h.registry, Workflows: []mcp.Workflow{{Orchestration: "Approve"}}})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := mcp.Dial(t.Context(), mcp.Server{Name: "perdure", Command: []string{self, "mcp", "--hub", app.URL()},
		Env: []string{asPerdure + "=1"}, Stderr: os.Stderr, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tools, err := c.Tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools {
		names = append(names, tool.Name())
	}
	at := slices.Index(names, "Approve")
	if at < 0 {
		t.Fatalf("Tools() = %q, want the orchestration among them", names)
	}
	if _, err := app.Client().Start(t.Context(), "Approve", "news", client.StartOptions{ID: "r", Event: &client.Event{Name: "Approval", Data: true}}); err != nil {
		t.Fatal(err)
	}
	value, err := tools[at].Call(t.Context(), `{"runId":"r"}`)
	if text, _ := json.Marshal(value); err != nil || string(text) != `"published news"` {
		t.Errorf("Approve(r) = %s, %v, want its output", text, err)
	}
}

func TestMCPWithoutServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	for _, c := range []struct {
		what string
		code int
		want string
	}{{"other", exitError, "does --hub name a perdure server?"}, {"gone", exitUnreachable, "is it running?"}} {
		if got := perdureCLI(t.Context(), url, screen{}, "mcp"); got.Code != c.code || !strings.Contains(got.Err, c.want) || got.Out != "" {
			t.Errorf("%s: perdure mcp = %+v, want exit %d and %q", c.what, got, c.code, c.want)
		}
		server.Close()
	}
}

// TestMCPReadOnly says why there are no tools for those who only read.
func TestMCPReadOnly(t *testing.T) {
	app := runApp(t, host.Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", ReadOnly: true})
	if got := perdureCLI(t.Context(), app.URL(), screen{}, "mcp"); got.Code != exitNotAllowed || !strings.Contains(got.Err, "not for readers") {
		t.Errorf("mcp of a read-only server = %+v, want exit 9, and why", got)
	}
}
