package host_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model/modeltest"
)

// server runs an app that has hubs and no code of its own, as the command perdure
// server does.
func server(t *testing.T, dir string) (*host.App, func() error) {
	t.Helper()
	cfg := config(dir)
	cfg.Registry = nil
	return start(t, cfg)
}

// TestRemoteHub: an app works for the hub of another process, and serves its runs.
func TestRemoteHub(t *testing.T) {
	far, stopFar := server(t, t.TempDir())
	near, stopNear := start(t, config(far.URL()))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := client.Start(ctx, near.Client(), Approve, "cats", client.StartOptions{ID: "a"})
	if err != nil || s.ID != "a" {
		t.Fatalf("Start() = %+v, %v", s, err)
	}
	c, err := client.Connect(ctx, far.URL())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Raise(ctx, c, "a", approval, true); err != nil {
		t.Errorf("Raise() = %v", err)
	}
	if got, err := client.Result[string](ctx, c, "a"); err != nil || got != "published cats" {
		t.Errorf("Result() = %q, %v, want published cats", got, err)
	}
	for _, app := range []*host.App{near, far} { // both show it
		res, err := http.Get(app.URL() + "/api/v1/runs/a")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if closed := res.Body.Close(); err != nil || closed != nil || !strings.Contains(string(body), "published cats") {
			t.Errorf("GET %s/api/v1/runs/a = %d, %s, want the output", app.URL(), res.StatusCode, body)
		}
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if err := stopNear(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	if err := stopFar(); err != nil {
		t.Errorf("Run() of the server = %v", err)
	}
}

// TestRemoteHubReturns: an app that works for a hub goes on when its server comes back,
// with what was under way.
func TestRemoteHubReturns(t *testing.T) {
	dir := t.TempDir()
	far, stopFar := server(t, dir)
	addr := strings.TrimPrefix(far.URL(), "http://")
	near, _ := start(t, config(far.URL()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Start(ctx, near.Client(), Approve, "dogs", client.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := stopFar(); err != nil {
		t.Fatalf("Run() of the server = %v", err)
	}
	cfg := config(dir)
	cfg.Registry, cfg.Addr = nil, addr
	start(t, cfg)
	if err := client.Raise(ctx, near.Client(), "a", approval, true); err != nil {
		t.Errorf("Raise() = %v", err)
	}
	if got, err := client.Result[string](ctx, near.Client(), "a"); err != nil || got != "published dogs" {
		t.Errorf("Result() = %q, %v, want published dogs", got, err)
	}
}

// TestRemoteManyWaits: more callers wait than a connection has room for, and what they
// wait for comes about over the same client.
func TestRemoteManyWaits(t *testing.T) {
	far, _ := server(t, t.TempDir())
	near, _ := start(t, config(far.URL()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Start(ctx, near.Client(), Approve, "cats", client.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	const waits = 1500
	begun, ended := make(chan bool, waits), make(chan error, waits)
	for range waits {
		go func() {
			begun <- true
			_, err := client.Result[string](ctx, near.Client(), "a")
			ended <- err
		}()
	}
	for range waits {
		<-begun
	}
	for range 100 { // the waits go out meanwhile
		if _, err := near.Client().Get(ctx, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Raise(ctx, near.Client(), "a", approval, true); err != nil {
		t.Errorf("Raise() = %v", err)
	}
	for range waits {
		if err := <-ended; err != nil {
			t.Fatalf("Result() = %v", err)
		}
	}
}

// TestRemoteAgent: a session of an agent lives in the hub of another process; its model
// and its tools, marks among that, run here.
func TestRemoteAgent(t *testing.T) {
	far, _ := server(t, t.TempDir())
	sent := make(chan string, 1)
	refund := agent.NewTool("refund", "Refunds an order.", func(_ context.Context, in struct{ Order string }) (string, error) {
		sent <- in.Order
		return "refunded " + in.Order, nil
	})
	script := modeltest.Script(t,
		modeltest.Call("refund", map[string]string{"Order": "o1"}),
		modeltest.Say("done"),
		modeltest.Say("said over the server's own route"),
	)
	cfg := config(far.URL())
	cfg.Registry = perdure.NewRegistry()
	if err := agent.Register(cfg.Registry, &agent.Agent{Name: "Clerk", Model: script, Tools: []agent.Tool{refund}}); err != nil {
		t.Fatal(err)
	}
	near, _ := start(t, cfg)
	res, err := http.Post(near.URL()+"/api/agents/Clerk/run", "application/json", strings.NewReader(`{"message":"refund o1","thread_id":"k"}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil || !strings.Contains(string(body), "done") {
		t.Errorf("run = %d, %s, want done", res.StatusCode, body)
	}
	if got := <-sent; got != "o1" {
		t.Errorf("the tool refunded %q, want o1", got)
	}
	// The worker has said which agents it has: their routes are the server's too.
	res, err = http.Post(far.URL()+"/api/agents/clerk/run", "application/json", strings.NewReader(`{"message":"hello","thread_id":"k2"}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil || !strings.Contains(string(body), "own route") {
		t.Errorf("run at the server = %d, %s, want an answer", res.StatusCode, body)
	}
	res, err = http.Get(far.URL() + "/api/v1/agents/Clerk")
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil || !strings.Contains(string(body), "Refunds an order.") {
		t.Errorf("GET /api/v1/agents/Clerk at the server = %d, %s, want its tool", res.StatusCode, body)
	}
}

// TestRemoteHubRefuses what cannot be meant.
func TestRemoteHubRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*host.Config)
		want   string
	}{
		{func(c *host.Config) { c.Hub = "http://hub/x" }, `path "/x"`},
		{func(c *host.Config) { c.Hub = "Endpoint=https://x;TaskHub=h;Authentication=no" }, "Authentication"},
		{func(c *host.Config) { c.TaskHubs = []string{"b"} }, "task hubs"},
		{func(c *host.Config) { c.TimeScale = 2 }, "time scale"},
	} {
		cfg := config("http://hub")
		c.change(&cfg)
		if _, err := host.New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%+v) = %v, want an error with %q", cfg.Hub, err, c.want)
		}
	}
}
