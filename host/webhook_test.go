package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model/modeltest"
)

// TestWebhook has an agent ask for an approval, of which the webhook is told; the
// secret is shown nowhere.
func TestWebhook(t *testing.T) {
	told := make(chan agent.Decision, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ Decision agent.Decision }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || !strings.HasPrefix(r.Header.Get("webhook-signature"), "v1,") {
			t.Errorf("request with %v, %v, want a signed decision", r.Header, err)
		}
		told <- body.Decision
	}))
	defer hook.Close()
	cfg := config(t.TempDir())
	cfg.Webhook = host.Webhook{URL: hook.URL, Secret: "canary-canary-canary"}
	if text := fmt.Sprintf("%v %+v %#v", cfg.Webhook, cfg.Webhook, cfg.Webhook); strings.Contains(text, "canary") {
		t.Errorf("the webhook prints as %s, with its secret", text)
	}
	cfg.Registry = perdure.NewRegistry()
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{}) (string, error) { return "paid", nil }, agent.AlwaysRequireApproval())
	joker := &agent.Agent{Name: "Joker", Model: modeltest.Script(t, modeltest.Call("pay", nil), modeltest.Say("Done.")), Tools: []agent.Tool{pay}}
	if err := agent.Register(cfg.Registry, joker); err != nil {
		t.Fatal(err)
	}
	app, stop := start(t, cfg)
	service := agent.NewService(app.Client())
	id, err := agent.NewSessionID("Joker", "k1")
	if err != nil {
		t.Fatal(err)
	}
	a, err := service.Send(t.Context(), id, agent.Message{Text: "Pay."})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-told:
		if d.Tool != "pay" || d.Run != a.Turn || d.State != agent.DecisionPending {
			t.Errorf("told of %+v, want the approval of pay", d)
		}
		if _, err := service.Decide(t.Context(), d.ID, agent.Answer{Answer: agent.AnswerApprove}); err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second): // sooner than it is looked for without being asked
		t.Fatal("the webhook was not told within 10 s")
	}
	if r, err := service.Wait(t.Context(), a.Turn); err != nil || r.Text != "Done." {
		t.Errorf("Wait() = %+v, %v, want Done.", r, err)
	}
	if err := stop(); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

func TestWebhookConfig(t *testing.T) {
	for _, w := range []host.Webhook{{URL: "ftp://x"}, {Secret: "0123456789abcdef"}, {URL: "http://x", Secret: "short"}} {
		cfg := config(t.TempDir())
		cfg.Webhook = w
		if _, err := host.New(cfg); perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), "webhook") {
			t.Errorf("New() with %#v = %v, want invalid_argument about the webhook", w, err)
		}
	}
}
