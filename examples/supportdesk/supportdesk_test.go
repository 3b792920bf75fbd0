package supportdesk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/examples/supportdesk"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// serve runs the app and returns its address.
func serve(t *testing.T, m model.Model) string {
	t.Helper()
	cfg, err := supportdesk.Config(m)
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
	return app.URL()
}

func post(t *testing.T, url, body string, v any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s = %d %s, %v, want 200", url, response.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("POST %s = %s: %v", url, text, err)
	}
}

// hears checks that the conversation that the model is given has all the texts.
func hears(texts ...string) func(*model.Request) error {
	return func(r *model.Request) error {
		var said strings.Builder
		for _, m := range r.Messages {
			b, err := json.Marshal(m)
			if err != nil {
				return err
			}
			said.Write(b)
		}
		for _, text := range texts {
			if !strings.Contains(said.String(), text) {
				return fmt.Errorf("the conversation is %s, want it with %q", said.String(), text)
			}
		}
		return nil
	}
}

// TestDesk has the workflow write in a conversation, which the customer goes on
// with over the agent's route.
func TestDesk(t *testing.T) {
	url := serve(t, modeltest.Script(t,
		modeltest.Say("Sorry! R-A100 comes.").Check(hears("order A100, which is on its way: The cup is broken.", "a replacement, R-A100")),
		modeltest.Call("track_parcel", supportdesk.ParcelQuery{Order: "R-A100"}).Check(hears("The cup is broken.", "Sorry! R-A100 comes.", "When will it come?")),
		modeltest.Say("Soon.").Check(hears("on its way"))))

	var run struct {
		Status string              `json:"runtimeStatus"`
		Output supportdesk.Settled `json:"output"`
	}
	post(t, url+"/api/workflow/HandleComplaint/run?waitForResponse=true&timeoutSeconds=60",
		`{"customer":"ada","order":"A100","text":"The cup is broken."}`, &run)
	want := supportdesk.Settled{Replacement: "R-A100", Letter: "Sorry! R-A100 comes."}
	if d := cmp.Diff(want, run.Output); d != "" || run.Status != "Completed" {
		t.Errorf("HandleComplaint is %s (-want +got):\n%s", run.Status, d)
	}
	var answer struct{ Response string }
	post(t, url+"/api/agents/SupportClerk/run", `{"message":"When will it come?","sessionId":"ada"}`, &answer)
	if answer.Response != "Soon." {
		t.Errorf("the clerk answers %q, want Soon.", answer.Response)
	}
}

// TestTools finds the agent and the workflow as tools of one MCP server.
func TestTools(t *testing.T) {
	url := serve(t, modeltest.Script(t))
	c, err := mcp.Dial(t.Context(), mcp.Server{Name: "desk", URL: url + mcp.Path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tools, err := c.Tools(t.Context())
	var names []string
	for _, tool := range tools {
		names = append(names, tool.Name())
	}
	if d := cmp.Diff([]string{"HandleComplaint", "SupportClerk"}, names); d != "" || err != nil {
		t.Errorf("Tools(): %v (-want +got):\n%s", err, d)
	}
}
