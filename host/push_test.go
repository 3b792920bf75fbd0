package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/model/modeltest"
)

const pushSecret = "canary-canary-canary"

// pushSite serves a worker that is called by URL.
func pushSite(t *testing.T, cfg host.PushConfig) string {
	t.Helper()
	cfg.Secret, cfg.Logger = pushSecret, slog.New(slog.DiscardHandler)
	w, err := host.NewPushWorker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w)
	t.Cleanup(func() { server.Close(); w.Close() })
	return server.URL
}

func shouting() *perdure.Registry {
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "shout", func(_ context.Context, in string) (string, error) { return strings.ToUpper(in), nil })
	perdure.AddOrchestrationNamed(reg, "loud", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "shout", in).Await()
	})
	return reg
}

// TestPushWorker registers a worker over the API, which then does an orchestration.
func TestPushWorker(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Registry, cfg.PushAllow = nil, []string{"127.0.0.0/8"}
	app, _ := start(t, cfg)
	site := pushSite(t, host.PushConfig{Registry: shouting()})
	body := `{"name":"w1","url":"` + site + `/?code=hidden","secret":"` + pushSecret + `"}`
	code, text := ask(t, http.MethodPost, app.URL()+"/api/v1/workers", body)
	if code != http.StatusCreated || !strings.Contains(text, `"activities":["shout"]`) || strings.Contains(text, "hidden") || strings.Contains(text, "canary") {
		t.Fatalf("POST workers = %d %s, want what it takes, and no secret", code, text)
	}
	if _, err := app.Client().Start(t.Context(), "loud", "hello", client.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if out, err := app.Client().WaitCompletion(t.Context(), "a"); err != nil || string(out.Output) != `"HELLO"` {
		t.Fatalf("the run ends as %+v, %v, want HELLO", out, err)
	}
	code, text = ask(t, http.MethodGet, app.URL()+"/api/v1/workers/w1", "")
	if code != http.StatusOK || strings.Contains(text, "hidden") || strings.Contains(text, "canary") || strings.Contains(text, "cause") {
		t.Errorf("GET worker = %d %s, want it ready, without secrets", code, text)
	}
	conn := rpc(t, app.URL(), nil)
	q := &wirepb.HubRowQuery{Kind: uint32(hub.RowSecret), Limit: 100}
	if err := conn.Invoke(t.Context(), "/perdure.hub.v1.Hub/ReadRows", q, &wirepb.HubRows{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("ReadRows of secrets = %v, want permission denied", err)
	}
	if code, text = ask(t, http.MethodDelete, app.URL()+"/api/v1/workers/w1", ""); code != http.StatusOK {
		t.Errorf("DELETE worker = %d %s", code, text)
	}
	if code, text = ask(t, http.MethodDelete, app.URL()+"/api/v1/workers/w1", ""); code != http.StatusNotFound || !strings.Contains(text, "hint") {
		t.Errorf("DELETE of none = %d %s, want 404 and a hint", code, text)
	}
	type demand struct{ Total int }
	var d demand
	for n := 0; d.Total == 0; n++ { // what comes right after the removal may still be called
		if _, err := app.Client().Start(t.Context(), "loud", "again", client.StartOptions{ID: fmt.Sprint("b", n)}); err != nil {
			t.Fatal(err)
		}
		if code, text = ask(t, http.MethodGet, app.URL()+"/api/v1/demand?kind=orchestration&name=loud", ""); code != http.StatusOK {
			t.Fatalf("GET demand = %d %s", code, text)
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
	}
	if code, text = ask(t, http.MethodGet, app.URL()+"/api/v1/demand?name=other", ""); !strings.Contains(text, `"total":0`) {
		t.Errorf("GET demand of others = %d %s, want 0", code, text)
	}
}

// TestS14_PushWorkers has nobody make the server call what only it can reach, unless
// its operator has allowed that; and nothing unencrypted go elsewhere.
func TestS14_PushWorkers(t *testing.T) {
	calls := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer inside.Close()
	app, _ := start(t, config(t.TempDir()))
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, url := range []string{inside.URL, "http://localhost" + port, "http://[::1]" + port, "https://127.0.0.1" + port, "http://169.254.169.254/latest", "http://93.184.216.34/"} {
		code, text := ask(t, http.MethodPost, app.URL()+"/api/v1/workers", `{"name":"w1","url":"`+url+`","secret":"`+pushSecret+`"}`)
		if code != http.StatusConflict || !strings.Contains(text, "not a public address") {
			t.Errorf("POST worker at %s = %d %s, want it refused", url, code, text)
		}
	}
	if calls > 0 {
		t.Errorf("%d calls were made, want none", calls)
	}
	if _, err := host.New(host.Config{PushAllow: []string{"10.0.0.1"}}); err == nil {
		t.Error("New() with a range that is none = nil, want an error")
	}
}

// TestPushAgent has an agent live at a worker that is called by URL: it uses the hub
// itself for its conversation.
func TestPushAgent(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Registry, cfg.PushAllow = nil, []string{"127.0.0.0/8"}
	app, _ := start(t, cfg)
	reg := perdure.NewRegistry()
	joker := &agent.Agent{Name: "Joker", Model: modeltest.Script(t, modeltest.Say("Knock."), modeltest.Say("Knock again."))}
	if err := agent.Register(reg, joker); err != nil {
		t.Fatal(err)
	}
	if _, err := host.NewPushWorker(host.PushConfig{Registry: reg, Secret: pushSecret}); err == nil || !strings.Contains(err.Error(), "Hub") {
		t.Errorf("NewPushWorker() with agents and no hub = %v, want an error that names Hub", err)
	}
	site := pushSite(t, host.PushConfig{Registry: reg, Hub: app.URL()})
	if code, text := ask(t, http.MethodPost, app.URL()+"/api/v1/workers", `{"name":"w1","url":"`+site+`","secret":"`+pushSecret+`"}`); code != http.StatusCreated {
		t.Fatalf("POST workers = %d %s", code, text)
	}
	if _, text := ask(t, http.MethodGet, app.URL()+"/api/v1/agents", ""); !strings.Contains(text, `"Joker"`) {
		t.Errorf("GET agents = %s, want the worker's", text)
	}
	service := agent.NewService(app.Client())
	id, err := agent.NewSessionID("Joker", "k1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range []string{"Knock.", "Knock again."} {
		accepted, err := service.Send(ctx, id, agent.Message{Text: "Joke."})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := service.Wait(ctx, accepted.Turn)
		if err != nil || reply.Text != want {
			t.Fatalf("the agent says %v, %v, want %s", reply, err, want)
		}
	}
}

// TestPushWorkerOfNodes registers a worker at one of two nodes: both call it, each for
// the work of its own shards, and the one that is left for all.
func TestPushWorkerOfNodes(t *testing.T) {
	cfgs := nodes(2)
	for i := range cfgs {
		cfgs[i].Registry, cfgs[i].PushAllow = nil, []string{"127.0.0.0/8"}
	}
	apps, stops := cluster(t, cfgs...)
	site := pushSite(t, host.PushConfig{Registry: shouting()})
	if code, text := ask(t, http.MethodPost, apps[0].URL()+"/api/v1/workers", `{"name":"w1","url":"`+site+`","secret":"`+pushSecret+`"}`); code != http.StatusCreated {
		t.Fatalf("POST workers = %d %s", code, text)
	}
	run := func(id string, by *host.App) {
		t.Helper()
		if _, err := by.Client().Start(t.Context(), "loud", "hello", client.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	ends := func(id string, by *host.App) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		if out, err := by.Client().WaitCompletion(ctx, id); err != nil || string(out.Output) != `"HELLO"` {
			t.Fatalf("%s ends as %+v, %v, want HELLO", id, out, err)
		}
	}
	for i := range 20 {
		run(fmt.Sprint("a", i), apps[i%2])
	}
	for i := range 20 {
		ends(fmt.Sprint("a", i), apps[(i+1)%2])
	}
	for i := range 20 {
		run(fmt.Sprint("b", i), apps[0])
	}
	if err := stops[1](); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		ends(fmt.Sprint("b", i), apps[0])
	}
	run("last", apps[0])
	ends("last", apps[0])
}
