package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// agreeable is a model that says yes.
func agreeable(context.Context, *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		yield(&model.Update{Contents: model.Contents{&model.Text{Text: "yes"}}}, nil)
	}
}

func TestRunAgentReply(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Done")), nil)
	got := do(t, "POST", url+runJoker, `{"message":"Refund order 7","sessionId":"k1"}`, "Content-Type", "application/json", "Idempotency-Key", "5d1c")
	m := members(t, got.Body)
	for _, name := range []string{"agentResponse", "agent_response"} {
		r := m[name].(map[string]any)
		delete(r, "usage")
		delete(r, "usage_details")
		for _, at := range []string{"createdAt", "created_at"} {
			if _, ok := r[at]; ok {
				r[at] = "-"
			}
		}
		message := r["messages"].([]any)[0].(map[string]any)
		delete(message, "createdAt")
		message["contents"] = message["contents"].([]any)[:1] // the usage follows
	}
	want := members(t, `{"status":"success","statusCode":200,"status_code":200,"sessionId":"k1","session_id":"k1","thread_id":"k1","response":"Done","message":"Refund order 7",
	"agentResponse":{"messages":[{"role":"assistant","authorName":"Joker","messageId":"m1","contents":[{"$type":"text","text":"Done"}]}],"agentId":"@dafx-joker@k1","responseId":"T","createdAt":"-","finishReason":"stop"},
	"agent_response":{"type":"agent_response","messages":[{"type":"message","role":"assistant","contents":[{"type":"text","text":"Done"}],"author_name":"Joker","message_id":"m1"}],"response_id":"T","agent_id":"Joker","created_at":"-","finish_reason":"stop"},
	"correlationId":"5d1c","correlation_id":"5d1c","messageCount":2,"message_count":2}`)
	for _, at := range [][2]string{{"agentResponse", "responseId"}, {"agent_response", "response_id"}} {
		r := m[at[0]].(map[string]any)
		if turn := fmt.Sprint(r[at[1]]); !strings.HasPrefix(turn, "dafx-joker~k1~") {
			t.Errorf("%s = %s, want the turn", at[1], turn)
		}
		r[at[1]] = "T"
		first := r["messages"].([]any)[0].(map[string]any)
		for _, id := range []string{"messageId", "message_id"} {
			if _, ok := first[id]; ok {
				first[id] = "m1"
			}
		}
	}
	if d := cmp.Diff(want, m); got.Status != http.StatusOK || d != "" {
		t.Errorf("answer %d (-want +got):\n%s", got.Status, d)
	}
}

func TestRunAgentForDotNet(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Done")), func(c *httpapi.Config) { c.Agents.DotNet = true })
	got := do(t, "POST", url+runJoker, `{"message":"Joke."}`, "Content-Type", "application/json", "Accept", "application/json")
	m := members(t, got.Body)
	response, _ := m["response"].(map[string]any)
	if m["status"] != 200.0 || response == nil || !strings.Contains(got.Body, `"Contents":[{"$type":"text","Text":"Done"}`) {
		t.Errorf("answer = %s, want an integer status and the response as an object", got.Body)
	}
}

func TestRunAgentSessionNames(t *testing.T) {
	url := agentAPI(t, model.Func(agreeable), nil)
	random := "(random)"
	for _, c := range []struct {
		query, body string
		status      int
		key         string
		old         bool
	}{
		{"", `"sessionId":"k1"`, 200, "k1", false},
		{"", `"session_id":"k1"`, 200, "k1", true},
		{"", `"thread_id":"k1"`, 200, "k1", true},
		{"?sessionId=k1", ``, 200, "k1", false},
		{"?session_id=k1", ``, 200, "k1", true},
		{"?thread_id=k1", `"sessionId":"k1","session_id":" "`, 200, "k1", true},
		{"?sessionId=%20", `"thread_id":null`, 200, random, false},
		{"", `"sessionId":7`, 200, "7", false},
		{"", `"sessionId":"@dafx-joker@K1"`, 200, "K1", false},
		{"", `"sessionId":"@DAFX-JOKER@K1"`, 200, "K1", false},
		{"", `"sessionId":"@Joker@K1"`, 200, "K1", false},
		{"", ``, 200, random, false},
		{"", `"sessionId":"k1","session_id":"k2"`, 400, "", false},
		{"", `"session_id":"k1","thread_id":"k2"`, 400, "", false},
		{"?sessionId=k1&sessionId=k2", ``, 400, "", false},
		{"?thread_id=k1", `"sessionId":"k2"`, 400, "", false},
		{"", `"sessionId":"@dafx-dafx-joker@k1"`, 400, "", false}, // one prefix is stripped: that agent is dafx-joker
		{"", `"sessionId":"@writer@k1"`, 400, "", false},
		{"", `"sessionId":"@joker"`, 400, "", false},
		{"", `"sessionId":"` + strings.Repeat("k", 71) + `"`, 400, "", false},
	} {
		body := `{"message":"x"`
		if c.body != "" {
			body += "," + c.body
		}
		got := do(t, "POST", url+runJoker+c.query, body+"}", "Content-Type", "application/json")
		key := got.Header.Get("X-Ms-Session-Id")
		if c.key == random && len(key) == 32 {
			key = random
		}
		if got.Status != c.status || key != c.key || got.Header.Get("X-Ms-Thread-Id") != got.Header.Get("X-Ms-Session-Id") {
			t.Errorf("POST %s %s = %d in session %q, want %d in %q: %s", c.query, body, got.Status, key, c.status, c.key, got.Body)
		}
		if c.status == 200 && (got.Header.Get("Deprecation") != "") != c.old {
			t.Errorf("POST %s %s: Deprecation = %q, want outdated names noted: %v", c.query, body, got.Header.Get("Deprecation"), c.old)
		}
	}
}

func TestRunAgentWaitRules(t *testing.T) {
	url := agentAPI(t, model.Func(agreeable), nil)
	for _, c := range []struct {
		headers     []string
		query, body string
		status      int
	}{
		{nil, "", ``, 200},
		{nil, "", `"waitForResponse":false`, 202},
		{nil, "", `"wait_for_response":"off"`, 202},
		{nil, "", `"waitForResponse":0`, 202},
		{nil, "", `"waitForResponse":null`, 200},
		{nil, "?waitForResponse=n", ``, 202},
		{nil, "?wait_for_response=no", `"waitForResponse":true`, 202},
		{nil, "?waitForResponse=Y", `"waitForResponse":false`, 200},
		{[]string{"false"}, "?waitForResponse=true", `"waitForResponse":true`, 202},
		{[]string{"1"}, "?waitForResponse=false", ``, 200},
		{[]string{"ON"}, "", `"wait_for_response":false`, 200},
		{[]string{" "}, "", `"wait_for_response":"No"`, 202},
		{nil, "", `"waitForResponse":true,"wait_for_response":"yes"`, 200},
		{nil, "", `"waitForResponse":true,"wait_for_response":false`, 400},
		{nil, "?waitForResponse=1&wait_for_response=0", ``, 400},
		{[]string{"true", "false"}, "", ``, 400},
		{[]string{"perhaps"}, "", ``, 400},
		{nil, "?waitForResponse=2", ``, 400},
	} {
		headers := []string{"Content-Type", "application/json"}
		for _, h := range c.headers {
			headers = append(headers, "X-Ms-Wait-For-Response", h)
		}
		body := `{"message":"x"`
		if c.body != "" {
			body += "," + c.body
		}
		got := do(t, "POST", url+runJoker+c.query, body+"}", headers...)
		if got.Status != c.status {
			t.Errorf("POST %s %s with %q = %d %s, want %d", c.query, body, c.headers, got.Status, got.Body, c.status)
		}
		if m := members(t, got.Body); c.status == 202 && (m["status"] != "accepted" || m["correlationId"] == "" || m["correlationId"] != m["correlation_id"]) {
			t.Errorf("POST %s %s = %s, want accepted with ids", c.query, body, got.Body)
		}
	}
	got := do(t, "POST", url+runJoker+"?waitForResponse=false", "x", "Content-Type", "text/plain")
	if got.Status != 202 || got.Body != "Request accepted." {
		t.Errorf("POST of a text without waiting = %d %q, want 202 Request accepted.", got.Status, got.Body)
	}
}

func TestRunAgentOutcomes(t *testing.T) {
	url, h := agentHub(t, &agent.Agent{Name: "Joker", Model: modeltest.Script(t,
		modeltest.Say("Once."), modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"}))}, nil)
	post := func(key, accept string) answerOf {
		got := do(t, "POST", url+runJoker, `{"message":"x","sessionId":"k1"}`, "Content-Type", "application/json", "Idempotency-Key", key, "Accept", accept)
		return answerOf{got.Status, got.Body, got.Header}
	}
	if got := post("a", "application/json"); got.status != 200 {
		t.Fatalf("first answer = %d %s", got.status, got.body)
	}
	failed := post("b", "application/json")
	m := members(t, failed.body)
	reason, _ := m["error"].(map[string]any)
	if failed.status != 500 || m["status"] != "failed" || m["outcome"] != "failed" || reason["code"] != "model.Error" || m["errorCode"] != reason["code"] ||
		failed.header.Get("X-Ms-Durable-Outcome") != "failed" || failed.header.Get("X-Ms-Agent-Completion-Outcome") != "failed" {
		t.Errorf("failed turn = %d %s %v, want 500 with the outcome", failed.status, failed.body, failed.header)
	}
	if got := post("b", "text/plain"); got.status != 500 || !strings.Contains(got.body, "who are you") {
		t.Errorf("failed turn as text = %d %s, want 500 with the reason", got.status, got.body)
	}
	if _, err := h.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := agent.NewSessionID("joker", "k1")
	if err != nil {
		t.Fatal(err)
	}
	for key, outcome := range map[string]string{"a": "succeeded", "b": "failed"} {
		if _, err := h.Purge(t.Context(), &hub.Purge{IDs: []string{id.Turn(key)}}); err != nil {
			t.Fatal(err)
		}
		got := post(key, "application/json")
		m := members(t, got.body)
		reason, _ := m["error"].(map[string]any)
		if got.status != 410 || m["status"] != "completedResultUnavailable" || m["outcome"] != outcome || m["completionOutcome"] != outcome ||
			reason["code"] != "resultUnavailable" || got.header.Get("X-Ms-Durable-Outcome") != outcome || got.header.Get("X-Ms-Agent-Completion-Outcome") != outcome {
			t.Errorf("purged turn = %d %s %v, want 410 and %s", got.status, got.body, got.header, outcome)
		}
	}
}

type answerOf struct {
	status int
	body   string
	header http.Header
}

func TestRunAgentFormats(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","required":["n"]}`)
	script := modeltest.Script(t, modeltest.Say(`{"n":1}`), modeltest.Say(`{"n":2}`), modeltest.Say(`{"n":3}`), modeltest.Say("text"))
	url, _ := agentHub(t, &agent.Agent{Name: "Joker", Model: script, Formats: map[string]json.RawMessage{"shop.Order": schema}}, nil)
	for i, format := range []string{
		`"json"`, `{"title":"Order","type":"object"}`,
		`{"__response_schema_type__":"pydantic_model","module":"shop","qualname":"Order"}`, `"text"`,
	} {
		got := do(t, "POST", url+runJoker, `{"message":"x","enable_tool_calls":"off","response_format":`+format+`}`, "Content-Type", "application/json")
		m := members(t, got.Body)
		want := any(map[string]any{"n": float64(i + 1)})
		if i == 3 {
			want = nil
		}
		if d := cmp.Diff(want, m["result"]); got.Status != 200 || d != "" {
			t.Errorf("response_format %s = %d %s, want the result %v", format, got.Status, got.Body, want)
		}
	}
	if f := script.Requests()[2].Format; f == nil || f.Name != "Order" || string(f.Schema) != string(schema) {
		t.Errorf("format = %+v, want the registered schema", f)
	}
}

func TestAgentHealth(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t), func(c *httpapi.Config) { c.Agents.MCP = true })
	got := do(t, "GET", url+"/api/health", "")
	want := `{"status":"healthy","agents":[{"name":"Joker","type":"Agent","http_endpoint_enabled":true,"mcp_tool_enabled":true}],"agent_count":1}`
	if strings.TrimSpace(got.Body) != want {
		t.Errorf("health = %s, want %s", got.Body, want)
	}
}

// TestEntityOfSession reads a session as an entity: others see the state document.
func TestEntityOfSession(t *testing.T) {
	url, h := agentHub(t, &agent.Agent{Name: "Joker", Model: modeltest.Script(t, modeltest.Say("Done"))}, func(c *httpapi.Config) { c.Agents.Document = "1.1.0" })
	if got := do(t, "POST", url+runJoker, `{"message":"x","sessionId":"k1"}`, "Content-Type", "application/json", "Idempotency-Key", "5d1c"); got.Status != 200 {
		t.Fatalf("run = %d %s", got.Status, got.Body)
	}
	if _, err := h.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := do(t, "GET", url+"/api/v1/entities/dafx-Joker/k1?correlationId=5d1c", "")
	for _, part := range []string{`"schemaVersion":"1.1.0"`, `{"$type":"response","correlationId":"5d1c"`, `"logHead":2`} {
		if got.Status != 200 || !strings.Contains(got.Body, part) {
			t.Errorf("entity = %d %s, want %s in it", got.Status, got.Body, part)
		}
	}
	if got := do(t, "GET", url+"/api/v1/entities/dafx-joker/k1?raw=1", ""); got.Status != 200 || !strings.Contains(got.Body, `"incarnation"`) {
		t.Errorf("raw entity = %d %s, want the state of the session", got.Status, got.Body)
	}
	if got := do(t, "GET", url+"/api/v1/entities/dafx-joker/none", ""); got.Status != 404 {
		t.Errorf("entity that is none = %d %s, want 404", got.Status, got.Body)
	}
}
