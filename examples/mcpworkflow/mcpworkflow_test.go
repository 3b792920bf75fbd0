package mcpworkflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/examples/mcpworkflow"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// tool runs an app with the sample and returns the workflow's tool, as a client of
// the app's MCP server has it.
func tool(t *testing.T, m model.Model) agent.Tool {
	t.Helper()
	cfg, err := mcpworkflow.Config(m)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Hub, cfg.Addr, cfg.Logger = t.TempDir(), "127.0.0.1:0", slog.New(slog.DiscardHandler)
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	<-app.Ready()
	c, err := mcp.Dial(t.Context(), mcp.Server{Name: "app", URL: app.URL() + mcp.Path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	tools, err := c.Tools(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(tools, func(t agent.Tool) bool { return t.Name() == "translate_text" })
	if i < 0 {
		t.Fatalf("the app offers %v, want translate_text", tools)
	}
	return tools[i]
}

func says(text string) func(*model.Request) error {
	return func(r *model.Request) error {
		if got := r.Messages[len(r.Messages)-1].Text(); !strings.HasSuffix(got, text) {
			return fmt.Errorf("the prompt is %q, want it with %q", got, text)
		}
		return nil
	}
}

func TestTool(t *testing.T) {
	tr := tool(t, modeltest.Script(t,
		modeltest.Say("La mer vas et vient.").Check(says("Translate into French:\n\nThe sea comes and goes.")),
		modeltest.Say("La mer va et vient.").Check(says("Correct this text in French:\n\nLa mer vas et vient."))))
	schema, err := json.Marshal(tr.Schema())
	if err != nil || !strings.Contains(string(schema), `"the text to translate"`) {
		t.Errorf("Schema() = %s, %v, want it to describe a Job", schema, err)
	}
	value, err := tr.Call(t.Context(), `{"input":{"text":"The sea comes and goes.","language":"French"}}`)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var got mcpworkflow.Translation
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("Call() = %s: %v", text, err)
	}
	want := mcpworkflow.Translation{Draft: "La mer vas et vient.", Final: "La mer va et vient."}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Call() (-want +got):\n%s", d)
	}
}

// TestRepeated has a caller that lost the answer ask again under the id that it
// gave the run: it gets the answer, and no model is asked twice.
func TestRepeated(t *testing.T) {
	tr := tool(t, modeltest.Script(t, modeltest.Say("draft"), modeltest.Say("final")))
	const call = `{"input":{"text":"x","language":"French"},"runId":"job-7"}`
	first, err := tr.Call(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{call, `{"runId":"job-7"}`} {
		if second, err := tr.Call(t.Context(), again); err != nil || !cmp.Equal(first, second) {
			t.Errorf("Call(%s) = %v, %v, want %v again", again, second, err, first)
		}
	}
}
