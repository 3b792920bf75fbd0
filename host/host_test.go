package host_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/schedule"
)

var approval = perdure.NewEvent[bool]("ApprovalDecision")

// Approve publishes what is approved within a day.
func Approve(ctx *perdure.Context, topic string) (string, error) {
	decision, timeout := approval.Wait(ctx), ctx.Timer(24*time.Hour)
	if perdure.Any(ctx, decision, timeout) == timeout {
		return "escalated", nil
	}
	timeout.Cancel()
	if ok, err := decision.Await(); err != nil || !ok {
		return "rejected", err
	}
	return perdure.Call(ctx, Publish, topic).Await()
}

// Publish is an activity.
func Publish(_ context.Context, topic string) (string, error) { return "published " + topic, nil }

func registry() *perdure.Registry {
	r := perdure.NewRegistry()
	perdure.AddOrchestration(r, Approve)
	perdure.AddActivity(r, Publish)
	return r
}

func config(dir string) host.Config {
	return host.Config{Hub: dir, Addr: "127.0.0.1:0", Registry: registry(), Logger: slog.New(slog.DiscardHandler)}
}

// start runs an app and returns it with a function that stops it and returns
// what Run did.
func start(t *testing.T, cfg host.Config) (*host.App, func() error) {
	t.Helper()
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() { _ = stop() })
	select {
	case <-app.Ready():
	case err := <-done:
		stopped = true
		t.Fatalf("Run() = %v before it was ready", err)
	}
	return app, stop
}

func TestRunsSurviveRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ctx := t.Context()
	app, stop := start(t, config(dir))
	if _, err := client.Start(ctx, app.Client(), Approve, "durability", client.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
	if _, err := app.Client().Get(ctx, "a"); perdure.CodeOf(err) != perdure.Unavailable {
		t.Errorf("Get after Run = %v, want unavailable", err)
	}
	if err := app.Run(ctx); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("second Run() = %v, want failed_precondition", err)
	}
	app, _ = start(t, config(dir))
	r, err := http.Post(app.URL()+"/api/v1/runs/a/events/ApprovalDecision", "application/json", strings.NewReader("true"))
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("event = %v, %v, want 200", r, err)
	}
	_ = r.Body.Close()
	got, err := client.Result[string](ctx, app.Client(), "a")
	if err != nil || got != "published durability" {
		t.Errorf("Result() = %q, %v, want published durability", got, err)
	}
}

func TestTimeScale(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.TimeScale = 1e6
	app, _ := start(t, cfg)
	got, err := client.Run(t.Context(), app.Client(), Approve, "x", client.StartOptions{})
	if err != nil || got != "escalated" {
		t.Errorf("Run() = %q, %v, want escalated after a scaled day", got, err)
	}
}

func TestClientWaitsForRun(t *testing.T) {
	app, err := host.New(config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if app.URL() != "" {
		t.Errorf("URL() before Run = %q, want none", app.URL())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := app.Client().Counts(ctx); perdure.CodeOf(err) != perdure.Unavailable {
		t.Errorf("Counts before Run = %v, want unavailable", err)
	}
}

func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	_, stop := start(t, config(dir))
	second, err := host.New(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	err = second.Run(t.Context())
	if perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), "another perdure uses this data folder") {
		t.Errorf("Run() on a folder in use = %v, want a clear error", err)
	}
	if err := stop(); err != nil {
		t.Errorf("the first app was disturbed: %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cfg := config(t.TempDir())
	cfg.Addr = l.Addr().String()
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err = app.Run(t.Context()); perdure.CodeOf(err) != perdure.Unavailable || !strings.Contains(err.Error(), "another program listens there") {
		t.Errorf("Run() on an address in use = %v, want a clear error", err)
	}
}

func TestConfigErrors(t *testing.T) {
	bad := perdure.NewRegistry()
	perdure.AddActivityNamed[int, int](bad, "", nil)
	_, err := host.New(host.Config{Hub: "postgres://x/y", Addr: "0.0.0.0:8080", TimeScale: -1, Registry: bad, BodyLimit: -1, Grace: -1, Prefix: "api/", Document: "2.0.0",
		Workflows: []mcp.Workflow{{Orchestration: "Nobody"}}})
	for _, want := range []string{"time scale: the time of a database is its own", "address: others can reach", "time scale", "registry", "body limit", "grace", "prefix", "document", `workflows: no orchestration "Nobody"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want it to name %q", err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "x")
	if err := writeFile(file); err != nil {
		t.Fatal(err)
	}
	for hub, want := range map[string]string{
		"Endpoint=http://localhost:8080;TaskHub=default": "no Authentication",
		"mysql://x": `no store of the kind "mysql"`,
		file:        "is no directory",
	} {
		_, err := host.New(host.Config{Hub: hub})
		if perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%q) = %v, want %q", hub, err, want)
		}
	}
	for _, addr := range []string{"8080", "127.0.0.1:x", ":8080", "example.com:80", "[::]:80"} {
		if _, err := host.New(host.Config{Addr: addr}); err == nil {
			t.Errorf("New(Addr %q) = nil, want an error", addr)
		}
	}
	if _, err := host.New(host.Config{Addr: ":0", UnsafeListen: true}); err != nil {
		t.Errorf("New with UnsafeListen = %v", err)
	}
	for _, prefix := range []string{"/", "/api/", "/{x}", "/api/v1", "/api/v1/x"} {
		if _, err := host.New(host.Config{Prefix: prefix}); err == nil {
			t.Errorf("New(Prefix %q) = nil, want an error", prefix)
		}
	}
	if _, err := host.New(host.Config{}); err != nil {
		t.Errorf("New(zero) = %v, want it to work", err)
	}
}

// TestStop shows that a stream ends at once and a request that runs is
// answered.
func TestStop(t *testing.T) {
	cfg := config(t.TempDir())
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	app.Handle("GET /slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "answered")
	}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	<-app.Ready()
	stream, err := http.Get(app.URL() + "/api/v1/stream?topics=runs:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	lines := bufio.NewReader(stream.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		r, err := http.Get(app.URL() + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = r.Body.Close() }()
		text, _ := io.ReadAll(r.Body)
		answered <- string(text)
	}()
	<-entered
	cancel()
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("the stream ended with %v, want a clean end", err)
	}
	select {
	case err := <-done:
		t.Errorf("Run() = %v while a request ran", err)
	default:
	}
	close(release)
	if got := <-answered; got != "answered" {
		t.Errorf("running request = %q, want answered", got)
	}
	if err := <-done; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestHeaderLimit shows that a request with large headers is refused.
func TestHeaderLimit(t *testing.T) {
	app, _ := start(t, config(t.TempDir()))
	for size, want := range map[int]int{8 << 10: 200, 64 << 10: 431} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", app.URL()+"/api/v1/info", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Large", strings.Repeat("x", size))
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("header of %d bytes = %d, want %d", size, response.StatusCode, want)
		}
	}
}

// TestListenForAll serves on every address, by explicit choice: names of others
// stay refused.
func TestListenForAll(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Addr, cfg.UnsafeListen, cfg.Hosts = ":0", true, []string{"perdure.example.com"}
	app, _ := start(t, cfg)
	for name, want := range map[string]int{"10.1.2.3": 200, "perdure.example.com": 200, "evil.test": 421} {
		if got := statusFor(t, app, name); got != want {
			t.Errorf("Host %s = %d, want %d", name, got, want)
		}
	}
}

func TestHostHeader(t *testing.T) {
	app, _ := start(t, config(t.TempDir()))
	for name, want := range map[string]int{"evil.test": 421, "10.1.2.3": 421, "localhost:1": 200, "127.0.0.1": 200} {
		if got := statusFor(t, app, name); got != want {
			t.Errorf("Host %s = %d, want %d", name, got, want)
		}
	}
}

// statusFor is the status of a request with a Host header.
func statusFor(t *testing.T, app *host.App, name string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", app.URL()+"/api/v1/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = name
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func writeFile(path string) error { return os.WriteFile(path, nil, 0o600) }

// TestSchedules: every app can have schedules.
func TestSchedules(t *testing.T) {
	app, _ := start(t, config(filepath.Join(t.TempDir(), "data")))
	ctx, c := t.Context(), app.Client()
	spec := schedule.Spec{ID: "daily", Orchestration: "Approve", Input: "tides", Cron: "0 8 * * *"}
	if err := schedule.Create(ctx, c, spec); err != nil {
		t.Fatal(err)
	}
	run, err := schedule.Trigger(ctx, c, "daily")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitStart(ctx, run.RunID); err != nil {
		t.Fatal(err)
	}
	if err := client.Raise(ctx, c, run.RunID, approval, true); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Result[string](ctx, c, run.RunID); err != nil || got != "published tides" {
		t.Errorf("the triggered run gave %q, %v, want it published", got, err)
	}
}
