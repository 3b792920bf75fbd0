package host_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/host"
)

// TestFarDirectory: the agents of a worker are known to all servers of the hub, also
// when it is gone and the server comes back; a message waits for a worker then.
func TestFarDirectory(t *testing.T) {
	c := startClerks(t)
	seen := func(at *host.App) (info agent.Info) {
		status, body := c.http(at, "GET", "/api/v1/agents/Clerk", "")
		if err := json.Unmarshal([]byte(body), &info); err != nil || status != http.StatusOK || len(info.Tools) != 1 {
			t.Errorf("agent = %d, %s, %v, want it with its tool", status, body, err)
		}
		return info
	}
	if at := seen(c.far).LastSeen; time.Since(at) > time.Minute {
		t.Errorf("at the server the agent was last seen %v, want now", at)
	}
	if at := seen(c.near).LastSeen; !at.IsZero() {
		t.Errorf("at the app the agent was last seen %v, want nothing: it is there", at)
	}
	cfg := config(c.far.URL())
	cfg.Registry = nil
	other, stopOther := start(t, cfg)
	c.until("another server of the hub knows the agent", func() bool {
		status, _ := c.http(other, "GET", "/api/v1/agents/Clerk", "")
		return status == http.StatusOK
	})
	if err := stopOther(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	leaving := time.Now()
	if err := c.stopNear(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	var last time.Time
	c.until("it is noted when the worker has gone", func() bool { // until then it is seen now
		last = seen(c.far).LastSeen
		return last.After(leaving) && seen(c.far).LastSeen.Equal(last)
	})
	if err := c.stopFar(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	c.far, c.stopFar = server(t, c.dir)
	if at := seen(c.far).LastSeen; !at.Equal(last) {
		t.Errorf("after the restart the agent was last seen %v, want when its worker went, %v", at, last)
	}
	for _, off := range []string{"true", "false"} { // the switch works without a worker
		if status, body := c.http(c.far, "POST", "/api/v1/switches", `{"agent":"Clerk","off":`+off+`}`); status != http.StatusOK {
			t.Errorf("switch = %d, %s, want 200", status, body)
		}
	}
	c.modelsAndTools()
	a := c.say(c.far, "patient", "hello", "")
	cfg = config(c.far.URL())
	cfg.Registry = c.registry()
	c.near, c.stopNear = start(t, cfg)
	if text, err := c.wait(c.far, a.Turn); err != nil || text != "Re: hello" {
		t.Errorf("Wait() = %q, %v, want Re: hello", text, err)
	}
}

// modelsAndTools looks for the agent among the server's models and tools.
func (c *clerks) modelsAndTools() {
	c.t.Helper()
	if _, body := c.http(c.far, "GET", "/v1/models", ""); !strings.Contains(body, `"Clerk"`) {
		c.t.Errorf("models = %s, want Clerk", body)
	}
	link, err := mcp.Dial(c.t.Context(), mcp.Server{Name: "server", URL: c.far.URL() + mcp.Path})
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = link.Close() }()
	tools, err := link.Tools(c.t.Context())
	if err != nil || len(tools) != 1 || tools[0].Name() != "Clerk" {
		c.t.Errorf("Tools() = %v, %v, want Clerk", tools, err)
	}
}
