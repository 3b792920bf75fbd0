package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/egress"
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

// safeBuffer is a buffer that may be written while it is read.
type safeBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestS16_SecretsStayOut runs an app whose tool and webhook use secrets, and looks
// for these in its data and its log. What a user has said is found there.
func TestS16_SecretsStayOut(t *testing.T) {
	const canary, said = "canary-do-not-store-me", "what-the-user-has-said"
	log := &safeBuffer{}
	cfg := config(filepath.Join(t.TempDir(), "data"))
	cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Webhook = host.Webhook{URL: "http://127.0.0.1:1/hook?token=" + canary, Secret: canary}
	cfg.Registry = perdure.NewRegistry()
	used := make(chan string, 1)
	side := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { used <- r.Header.Get("Authorization") }))
	defer side.Close()
	pay := agent.NewTool("pay", "pays", func(ctx context.Context, _ struct{}) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, side.URL, nil)
		if err != nil {
			return "", err
		}
		r.Header.Set("Authorization", "Bearer "+canary)
		answer, err := (&http.Client{Transport: egress.Transport(nil)}).Do(r)
		if err != nil {
			return "", err
		}
		return answer.Status, answer.Body.Close()
	}, agent.AlwaysRequireApproval())
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
	a, err := service.Send(t.Context(), id, agent.Message{Text: said})
	if err != nil {
		t.Fatal(err)
	}
	for ctx, tick := t.Context(), time.NewTicker(5*time.Millisecond); ; <-tick.C {
		page, err := service.Decisions(ctx, agent.DecisionFilter{State: agent.DecisionPending})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Decisions) > 0 && strings.Contains(log.String(), "could not be told") { // the webhook has failed, and says so
			if _, err := service.Decide(ctx, page.Decisions[0].ID, agent.Answer{Answer: agent.AnswerApprove}); err != nil {
				t.Fatal(err)
			}
			tick.Stop()
			break
		}
	}
	if _, err := service.Wait(t.Context(), a.Turn); err != nil {
		t.Fatal(err)
	}
	if got := <-used; got != "Bearer "+canary {
		t.Errorf("the tool has sent %q, want the secret", got)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	look := func(where string, text []byte) {
		for _, word := range []string{canary, said} {
			if bytes.Contains(text, []byte(word)) {
				found[word]++
				if word == canary {
					t.Errorf("the secret is in %s", where)
				}
			}
		}
	}
	err = filepath.WalkDir(cfg.Hub, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		look(path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	look("the log", []byte(log.String()))
	if found[said] == 0 {
		t.Error("what was said is not found either: the test cannot fail")
	}
}
