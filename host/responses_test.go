package host_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// The app's agents are models of OpenAI's Responses API, behind the checks of all
// routes.
func TestAgentsOverResponses(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Hosts = []string{"perdure.example"}
	clerk := &agent.Agent{Name: "Clerk", Model: model.Func(func(_ context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
		text := "you said " + r.Messages[len(r.Messages)-1].Text()
		return (&model.Response{Messages: []*model.Message{model.AssistantText(text)}}).Updates()
	})}
	if err := agent.Register(cfg.Registry, clerk); err != nil {
		t.Fatal(err)
	}
	app, _ := start(t, cfg)
	for host, want := range map[string]int{"perdure.example": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL()+"/v1/responses", strings.NewReader(`{"model":"clerk","input":"hello"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != want || want == http.StatusOK && !strings.Contains(string(body), `"text":"you said hello"`) {
			t.Errorf("POST /v1/responses as %s = %d %s, %v, want %d and the clerk's answer", host, response.StatusCode, body, err, want)
		}
	}
}
