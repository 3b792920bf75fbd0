package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

// TestScaledSamples runs the content approval with time at a pace at which the
// demo model's usual one would pass the time limit of a model call: the draft
// is written all the same.
func TestScaledSamples(t *testing.T) {
	const scale = 600 // the limit of 10 minutes passes in a second
	for _, name := range []string{"AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY", "OPENAI_API_KEY",
		"OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OLLAMA_HOST", "PERDURE_MODEL", "PERDURE_MODEL_URL"} {
		t.Setenv(name, "")
	}
	h, err := samples(t.Context(), scale)
	if err != nil {
		t.Fatal(err)
	}
	app, err := host.New(host.Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Registry: h.registry, TimeScale: scale})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	<-app.Ready()
	got := perdureCLI(t.Context(), app.URL(), screen{}, "run", "start", "ContentApproval", "--id", "tides", "--input", `"tides"`)
	if got.Code != exitDone {
		t.Fatalf("start = %+v", got)
	}
	const hint = "run tides waits for an event: perdure run event tides ApprovalDecision --data JSON\n"
	for got.Err != hint { // once its draft is written
		got = perdureCLI(t.Context(), app.URL(), screen{}, "inbox", "list")
		if got.Code != exitDone || t.Context().Err() != nil {
			t.Fatalf("inbox list = %+v, want %q", got, hint)
		}
	}
	got = perdureCLI(t.Context(), app.URL(), screen{}, "run", "event", "tides", "ApprovalDecision", "--data", "true")
	if got.Code != exitDone {
		t.Fatalf("event = %+v", got)
	}
	got = perdureCLI(t.Context(), app.URL(), screen{}, "run", "get", "tides", "--wait", "30s")
	var run struct{ Status, Output string }
	if err := json.Unmarshal([]byte(got.Out), &run); err != nil || run.Status != "completed" || !strings.HasPrefix(run.Output, "Content published") {
		t.Errorf("run = %s, want it published", got.Out)
	}
}

// TestTimeStandsStill checks that a pace of 0 is refused.
func TestTimeStandsStill(t *testing.T) {
	got := perdureCLI(t.Context(), "", screen{}, "dev", "--time-scale", "0", "--data", t.TempDir(), "--addr", "127.0.0.1:0")
	if got.Code != exitUsage || !strings.Contains(got.Err, "--time-scale is 0") {
		t.Errorf("dev --time-scale 0 = %+v, want a usage error", got)
	}
}

// TestReportedModel checks that the log says why a model call failed, unless it
// was given up.
func TestReportedModel(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	refused := errors.New("connection refused")
	m := reported{model.Func(func(context.Context, *model.Request) iter.Seq2[*model.Update, error] {
		return func(yield func(*model.Update, error) bool) { yield(nil, refused) }
	})}
	if _, err := model.Collect(m.Generate(t.Context(), &model.Request{})); !errors.Is(err, refused) {
		t.Errorf("Generate() = %v, want %v", err, refused)
	}
	if got := log.String(); strings.Count(got, "connection refused") != 1 {
		t.Errorf("log = %q, want the error once", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log.Reset()
	if _, err := model.Collect(m.Generate(ctx, &model.Request{})); err == nil || log.Len() > 0 {
		t.Errorf("Generate() with a context that has ended = %v, log %q, want an error and no log", err, log.String())
	}
}

// TestTry runs the commands that perdure dev offers, in their order.
func TestTry(t *testing.T) {
	for _, name := range []string{"AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY", "OPENAI_API_KEY",
		"OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OLLAMA_HOST", "PERDURE_MODEL", "PERDURE_MODEL_URL"} {
		t.Setenv(name, "")
	}
	h, err := samples(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	app := runApp(t, host.Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Registry: h.registry, TimeScale: 100})
	for _, line := range h.try(app.URL()) {
		// Quotes hold what has spaces together, as in a shell.
		var args []string
		for i, part := range strings.Split(line, "'") {
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		got := perdureCLI(t.Context(), "", screen{width: 120}, args[1:]...)
		for end := time.Now().Add(10 * time.Second); got.Out == "" && strings.Contains(line, "run logs") && time.Now().Before(end); {
			got = perdureCLI(t.Context(), "", screen{width: 120}, args[1:]...) // lines are there a moment later
		}
		if args[0] != "perdure" || got.Code != 0 || got.Out == "" {
			t.Errorf("%s = %+v, want it done", line, got)
		}
	}
	if got := try("http://" + host.DefaultAddr)[0]; strings.Contains(got, "--hub") {
		t.Errorf("try() at the default address = %s, want no --hub", got)
	}
}
