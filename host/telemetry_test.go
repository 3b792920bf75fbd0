package host_test

import (
	"context"
	"encoding/hex"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

// collector keeps what OTLP exporters send it, by path.
type collector struct {
	mu   sync.Mutex // guards sent
	sent map[string]string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent[r.URL.Path] += string(body)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// clerkConfig is the configuration of an app with an agent that has a secret.
func clerkConfig(t *testing.T) host.Config {
	cfg := config(t.TempDir())
	clerk := &agent.Agent{Name: "Clerk", Model: model.Func(func(context.Context, *model.Request) iter.Seq2[*model.Update, error] {
		return (&model.Response{Messages: []*model.Message{model.AssistantText("a secret")}}).Updates()
	})}
	if err := agent.Register(cfg.Registry, clerk); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// askClerk has the clerk answer over HTTP, below a span of the caller.
func askClerk(t *testing.T, url, traceparent string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/agents/clerk/run", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("traceparent", traceparent)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || string(body) != "a secret" {
		t.Fatalf("POST run = %d %s, %v, want the clerk's answer", response.StatusCode, body, err)
	}
}

// An app whose environment names a collector sends it spans, below the span of the
// HTTP request, and metrics.
func TestTelemetryFromEnvironment(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	ids, err := hex.DecodeString(parent[3:35])
	if err != nil {
		t.Fatal(err)
	}
	for content, shown := range map[string]bool{"": false, "true": true} {
		c := &collector{sent: map[string]string{}}
		server := httptest.NewServer(c)
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
		t.Setenv("OTEL_SERVICE_NAME", "front-desk")
		t.Setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", content)
		app, stop := start(t, clerkConfig(t))
		askClerk(t, app.URL(), parent)
		if err := stop(); err != nil {
			t.Error(err)
		}
		server.Close()
		spans := c.sent["/v1/traces"]
		for _, want := range []string{"invoke_agent Clerk", "chat", "front-desk", string(ids)} {
			if !strings.Contains(spans, want) {
				t.Errorf("the collector got %d bytes of spans without %q", len(spans), want)
			}
		}
		if strings.Contains(spans, "a secret") != shown {
			t.Errorf("capture %q: the spans show content: %v, want %v", content, !shown, shown)
		}
		if got := c.sent["/v1/metrics"]; !strings.Contains(got, "gen_ai.invoke_agent.duration") {
			t.Errorf("the collector got %d bytes of metrics without that of turns", len(got))
		}
	}
}

// An environment that cannot be followed is refused before anything is opened; one
// that asks for nothing has nothing sent.
func TestTelemetryVariables(t *testing.T) {
	c := &collector{sent: map[string]string{}}
	server := httptest.NewServer(c)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	for name, value := range map[string]string{"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if _, err := host.New(config(t.TempDir())); perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), value) {
				t.Errorf("New() with %s=%s = %v, want it refused", name, value, err)
			}
		})
	}
	t.Setenv("OTEL_SDK_DISABLED", "true")
	app, stop := start(t, clerkConfig(t))
	askClerk(t, app.URL(), "")
	if err := stop(); err != nil || len(c.sent) != 0 {
		t.Errorf("stop() = %v; %d paths were sent something, want none", err, len(c.sent))
	}
}
