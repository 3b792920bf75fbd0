package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// agentAPI serves an agent Joker with the model over a hub in memory.
func agentAPI(t *testing.T, m model.Model, change func(*httpapi.Config)) string {
	t.Helper()
	url, _ := agentHub(t, &agent.Agent{Name: "Joker", Instructions: "You are good at telling jokes.", Model: m}, change)
	return url
}

// agentsHub serves agents and what is registered beside them.
func agentsHub(t *testing.T, register func(*perdure.Registry), served ...*agent.Agent) (string, *local.Hub) {
	t.Helper()
	reg := perdure.NewRegistry()
	register(reg)
	return registryHub(t, reg, func(c *httpapi.Config) { c.Orchestrations = nil }, served...)
}

// agentHub serves an agent over a hub in memory, which it returns.
func agentHub(t *testing.T, served *agent.Agent, change func(*httpapi.Config)) (string, *local.Hub) {
	t.Helper()
	return registryHub(t, perdure.NewRegistry(), change, served)
}

func registryHub(t *testing.T, reg *perdure.Registry, change func(*httpapi.Config), served ...*agent.Agent) (string, *local.Hub) {
	t.Helper()
	if err := agent.Register(reg, served...); err != nil {
		t.Fatal(err)
	}
	list, err := agent.List(reg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	service := agent.NewService(client.New(h))
	ctx, cancel := context.WithCancel(service.Context(context.Background()))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return serve(t, h, func(c *httpapi.Config) {
		c.Agents = &httpapi.Agents{Service: service, List: list}
		if change != nil {
			change(c)
		}
	}), h
}

const runJoker = "/api/agents/joker/run"

// members decodes a JSON object.
func members(t *testing.T, body string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return m
}

func TestRunAgentAnswersUnderAllNames(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Arr.")), nil)
	got := do(t, "POST", url+runJoker, `{"message":"Joke.","sessionId":"k1"}`, "Content-Type", "application/json", "Idempotency-Key", "c1")
	if got.Status != http.StatusOK || got.Header.Get("X-Ms-Thread-Id") != "k1" || got.Header.Get("X-Ms-Session-Id") != "k1" || got.Header.Get("Deprecation") != "" {
		t.Errorf("answer = %d %v, want 200 with the session in both headers", got.Status, got.Header)
	}
	m := members(t, got.Body)
	for name, want := range map[string]any{
		"status": "success", "statusCode": 200.0, "status_code": 200.0, "sessionId": "k1", "session_id": "k1", "thread_id": "k1",
		"response": "Arr.", "message": "Joke.", "correlationId": "c1", "correlation_id": "c1", "messageCount": 2.0, "message_count": 2.0,
	} {
		if m[name] != want {
			t.Errorf("%s = %v, want %v", name, m[name], want)
		}
	}
	for _, name := range []string{"agentResponse", "agent_response"} {
		if text := fmt.Sprint(m[name]); !strings.Contains(text, "Arr.") {
			t.Errorf("%s = %s, want the answer in it", name, text)
		}
	}
	again := do(t, "POST", url+runJoker, `{"message":"Joke.","sessionId":"k1"}`, "Content-Type", "application/json", "Idempotency-Key", "c1")
	if d := members(t, again.Body); again.Status != http.StatusOK || d["response"] != "Arr." {
		t.Errorf("repeated request = %d %s, want the same answer", again.Status, again.Body)
	}
}

func TestRunAgentSpeaksText(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("One."), modeltest.Say("Two."), modeltest.Say("Three.")), nil)
	got := do(t, "POST", url+runJoker, "Joke.", "Content-Type", "text/plain")
	if got.Status != http.StatusOK || strings.TrimSpace(got.Body) != "One." || len(got.Header.Get("X-Ms-Session-Id")) != 32 {
		t.Errorf("text = %d %q with session %q, want One. in a new session", got.Status, got.Body, got.Header.Get("X-Ms-Session-Id"))
	}
	got = do(t, "POST", url+runJoker, "Joke.", "Accept", "application/json")
	if got.Status != http.StatusOK || members(t, got.Body)["response"] != "Two." {
		t.Errorf("text with Accept JSON = %d %s, want JSON", got.Status, got.Body)
	}
	got = do(t, "POST", url+runJoker, `{"message":"Joke."}`, "Content-Type", "application/json", "Accept", "text/plain")
	if got.Status != http.StatusOK || strings.TrimSpace(got.Body) != "Three." {
		t.Errorf("JSON with Accept text = %d %s, want text", got.Status, got.Body)
	}
}

func TestRunAgentRefuses(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t), nil)
	for _, c := range []struct {
		path, body string
		status     int
		part       string
	}{
		{"/api/agents/nobody/run", `{"message":"x"}`, 404, "there is no agent nobody; known are"},
		{runJoker, `{"message":"x"`, 400, "not valid JSON"},
		{runJoker, `["x"]`, 400, "must be a JSON object"},
		{runJoker, `{"message":" "}`, 400, "message is empty"},
		{runJoker, ``, 400, "must be a JSON object"},
		{runJoker, `{"message":"x","thread_id":"a","session_id":"b"}`, 400, "different values"},
		{runJoker + "?sessionId=a", `{"message":"x","sessionId":"b"}`, 400, "different values"},
		{runJoker, `{"message":"x","sessionId":"@writer@k"}`, 400, "belongs to agent"},
		{runJoker, `{"message":"x","sessionId":"a@b"}`, 400, "contains @"},
		{runJoker, `{"message":"x","waitForResponse":"maybe"}`, 400, "true or false"},
		{runJoker, `{"message":"x","waitForResponse":true,"wait_for_response":false}`, 400, "different values"},
		{runJoker, `{"message":"x","role":"king"}`, 400, "no role"},
		{runJoker, `{"message":"x","response_format":"xml"}`, 400, "no response format"},
		{runJoker, `{"message":"x","response_format":{"__response_schema_type__":"pydantic_model","module":"shop","qualname":"Order"}}`, 400, "shop.Order is not known"},
		{runJoker, `{"message":"x","response_format":"json","responseFormat":"text"}`, 400, "different values"},
		{runJoker, `{"message":"x","enable_tool_calls":"perhaps"}`, 400, "true or false"},
		{runJoker, `{"message":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "larger"},
	} {
		got := do(t, "POST", url+c.path, c.body, "Content-Type", "application/json")
		m := members(t, got.Body)
		if got.Status != c.status || m["status"] != float64(c.status) || !strings.Contains(fmt.Sprint(m["error"]), c.part) {
			t.Errorf("POST %s %.80s = %d %s, want %d and %q", c.path, c.body, got.Status, got.Body, c.status, c.part)
		}
	}
	got := do(t, "POST", url+runJoker, `{"message":"x"}`, "Content-Type", "application/json", "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site")
	if got.Status != http.StatusForbidden {
		t.Errorf("POST from a foreign page = %d, want 403", got.Status)
	}
	got = do(t, "POST", url+runJoker, `{"message":"x"}`, "Content-Type", "application/json", "Host", "evil.example")
	if got.Status != http.StatusMisdirectedRequest {
		t.Errorf("POST to a foreign host = %d, want 421", got.Status)
	}
}

func TestRunAgentDoesNotWait(t *testing.T) {
	gate := make(chan struct{})
	hold := func(*model.Request) error { <-gate; return nil }
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("A").Check(hold), modeltest.Say("B"), modeltest.Say("C")), func(c *httpapi.Config) { c.MaxWait = 10 * time.Millisecond })
	for i, c := range []struct{ path, body, header string }{
		{runJoker, `{"message":"1","thread_id":"k","wait_for_response":false}`, ""},
		{runJoker + "?waitForResponse=no", `{"message":"2","thread_id":"k","wait_for_response":true}`, ""},
		{runJoker, `{"message":"3","thread_id":"k"}`, "yes"}, // waits, but not for ever
	} {
		got := do(t, "POST", url+c.path, c.body, "Content-Type", "application/json", "x-ms-wait-for-response", c.header)
		m := members(t, got.Body)
		if got.Status != http.StatusAccepted || m["status"] != "accepted" || m["correlationId"] == "" || got.Header.Get("Deprecation") == "" {
			t.Errorf("request %d = %d %v %s, want 202 accepted and a word about old names", i, got.Status, got.Header, got.Body)
		}
	}
	close(gate)
	base := url + "/api/v1/agents/joker/sessions/k"
	for {
		if got := members(t, do(t, "GET", base, "").Body); got["turns"] == 3.0 {
			break
		}
	}
	got := members(t, do(t, "GET", base+"/messages?from=1&limit=4", "").Body)
	if items := got["items"].([]any); len(items) != 4 || got["next"] != 5.0 {
		t.Errorf("messages = %v, want 4 of them and the next from 5", got)
	}
}

func TestRunAgentFails(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"})), nil)
	got := do(t, "POST", url+runJoker, `{"message":"Joke."}`, "Content-Type", "application/json")
	m := members(t, got.Body)
	if got.Status != http.StatusInternalServerError || m["status"] != "failed" || m["outcome"] != "failed" ||
		!strings.Contains(fmt.Sprint(m["error"]), "who are you") || got.Header.Get("X-Ms-Durable-Outcome") != "failed" {
		t.Errorf("failed turn = %d %v %s, want 500 with the outcome", got.Status, got.Header, got.Body)
	}
}

func TestAgentLists(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Arr.")), nil)
	do(t, "POST", url+runJoker+"?sessionId=k1", "Joke.")
	for path, parts := range map[string][]string{
		"/api/health":                      {`"status":"healthy"`, `"name":"Joker"`, `"agent_count":1`},
		"/api/v1/agents":                   {`"name":"Joker"`, `"provider":"script"`},
		"/api/v1/agents/JOKER":             {`"instructions":"You are good at telling jokes."`},
		"/api/v1/agents/joker/sessions":    {`"key":"k1"`, `"agent":"Joker"`},
		"/api/v1/agents/joker/sessions/k1": {`"state":`, `"id":"@dafx-joker@k1"`},
	} {
		got := do(t, "GET", url+path, "")
		for _, part := range parts {
			if got.Status != http.StatusOK || !strings.Contains(got.Body, part) {
				t.Errorf("GET %s = %d %s, want %s in it", path, got.Status, got.Body, part)
			}
		}
	}
	for _, path := range []string{"/agents/nobody", "/agents/joker/sessions/none", "/agents/joker/sessions/none/messages"} {
		if got := do(t, "GET", url+"/api/v1"+path, ""); got.Status != http.StatusNotFound {
			t.Errorf("GET %s = %d %s, want 404", path, got.Status, got.Body)
		}
	}
}

func TestPostMessageStreams(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Shiver me timbers.")), nil)
	base := url + "/api/v1/agents/joker/sessions/k1"
	got := do(t, "POST", base+"/messages", `{"message":"Joke.","idempotency_key":"c1"}`, "Content-Type", "application/json", "Accept", "text/event-stream")
	for _, part := range []string{"event: accepted\n", "id: 0\nevent: step\n", `"delta":"Shiver "`, "event: end\n", `"status":"completed"`} {
		if got.Status != http.StatusOK || !strings.Contains(got.Body, part) {
			t.Errorf("stream = %d %s, want %q in it", got.Status, got.Body, part)
		}
	}
	again := do(t, "POST", base+"/messages", `{"message":"Joke.","idempotencyKey":"c1"}`, "Content-Type", "application/json")
	m := members(t, again.Body)
	if again.Status != http.StatusAccepted || m["status"] != "duplicate" {
		t.Fatalf("repeated message = %d %s, want 202 duplicate", again.Status, again.Body)
	}
	path := url + fmt.Sprint(m["stream"])
	if whole := do(t, "GET", path, ""); !strings.Contains(whole.Body, `"delta":"Shiver "`) {
		t.Errorf("stream of the turn = %s, want all of it", whole.Body)
	}
	for _, rest := range []answer{do(t, "GET", path+"?offset=2", ""), do(t, "GET", path, "", "Last-Event-ID", "1")} {
		if strings.Contains(rest.Body, "Shiver") || !strings.Contains(rest.Body, `"delta":"me "`) {
			t.Errorf("stream from 2 = %s, want what follows Shiver", rest.Body)
		}
	}
	conflict := do(t, "POST", base+"/messages", `{"message":"Other."}`, "Content-Type", "application/json", "Idempotency-Key", "c1")
	if conflict.Status != http.StatusConflict {
		t.Errorf("another message with the same key = %d, want 409", conflict.Status)
	}
	for path, status := range map[string]int{"/turns/none/stream": 404, "/turns/none/stream?offset=x": 400, "/turns/none/stream?ofset=1": 400} {
		if got := do(t, "GET", base+path, ""); got.Status != status {
			t.Errorf("GET %s = %d %s, want %d", path, got.Status, got.Body, status)
		}
	}
}

// TestStreamEndsWithServer shows that an open stream does not hold up a stop.
func TestStreamEndsWithServer(t *testing.T) {
	gate, started := make(chan struct{}), make(chan struct{})
	m := modeltest.Script(t, modeltest.Say("late").Check(func(*model.Request) error { close(started); <-gate; return nil }))
	var cfg httpapi.Config
	agentAPI(t, m, func(c *httpapi.Config) { cfg = *c })
	api := httpapi.New(cfg)
	url := serveHandler(t, api)
	go func() {
		<-started
		api.Stop()
	}()
	got := do(t, "POST", url+"/api/v1/agents/joker/sessions/k/messages", `{"message":"x"}`, "Content-Type", "application/json", "Accept", "text/event-stream")
	if got.Status != http.StatusOK || !strings.Contains(got.Body, "event: accepted") || strings.Contains(got.Body, "event: end") {
		t.Errorf("stream = %d %s, want one that was cut", got.Status, got.Body)
	}
	close(gate)
}
