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

// decisionAPI serves an agent whose tool needs an approval.
func decisionAPI(t *testing.T, calls *int, steps ...modeltest.Step) (url string, h *local.Hub) {
	t.Helper()
	pay := agent.NewTool("pay", "pays", func(_ context.Context, in struct{ Amount int }) (int, error) {
		*calls++
		return in.Amount, nil
	}, agent.AlwaysRequireApproval())
	return oneAgentAPI(t, &agent.Agent{Name: "Joker", Model: modeltest.Script(t, steps...), Tools: []agent.Tool{pay}})
}

// oneAgentAPI serves an agent.
func oneAgentAPI(t *testing.T, a *agent.Agent) (url string, h *local.Hub) {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, a); err != nil {
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
	if h, err = local.New(local.Config{Store: s, Registry: reg}); err != nil {
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
	return serve(t, h, func(c *httpapi.Config) { c.Agents = &httpapi.Agents{Service: service, List: list} }), h
}

// TestDecisions walks an approval through the routes: it is listed, refuses wrong
// answers, takes one, and tells who comes late what it is now.
func TestDecisions(t *testing.T) {
	calls := 0
	url, h := decisionAPI(t, &calls, modeltest.Call("pay", `{"Amount":5}`), modeltest.Say("Paid."))
	got := do(t, "POST", url+runJoker, `{"message":"Pay.","sessionId":"k1","waitForResponse":false}`, "Content-Type", "application/json", "Idempotency-Key", "c1")
	if got.Status != http.StatusAccepted {
		t.Fatalf("run = %d %s, want 202", got.Status, got.Body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.Idle(ctx); err != nil {
		t.Fatal(err)
	}
	// The turn that waits is among the runs that do.
	got = do(t, "GET", url+"/api/v1/runs?filter=phase:waiting_approval,waiting_event", "")
	if !strings.Contains(got.Body, `"name":"perdure.agent/joker"`) || !strings.Contains(got.Body, `"terms":["phase:waiting_approval,waiting_event"]`) {
		t.Errorf("runs that wait for an approval = %s, want the turn", got.Body)
	}
	get(t, url+"/api/v1/run-counts?filter=phase:waiting_approval", "total", "1")
	get(t, url+"/api/v1/run-counts", "total", "0")
	var page struct {
		Items []agent.Decision `json:"items"`
	}
	got = do(t, "GET", url+"/api/v1/decisions?kind=approval&state=pending", "")
	if err := json.Unmarshal([]byte(got.Body), &page); err != nil || len(page.Items) != 1 || string(page.Items[0].Args) != `{"Amount":5}` {
		t.Fatalf("decisions = %d %s, want one about 5", got.Status, got.Body)
	}
	if strings.Contains(got.Body, "token") {
		t.Errorf("decisions = %s, want no token in them", got.Body)
	}
	d := page.Items[0]
	one := url + "/api/v1/decisions/" + d.ID
	for _, c := range []struct {
		method, url, body string
		status            int
		part              string
	}{
		{"GET", url + "/api/v1/approvals?state=answered", "", 200, `"items":[]`},
		{"GET", url + "/api/v1/decisions?state=open", "", 400, "must be one of pending"},
		{"GET", url + "/api/v1/decisions?kind=x", "", 400, "must be one of approval"},
		{"GET", one, "", 200, `"state":"pending"`},
		{"GET", url + "/api/v1/decisions/none", "", 404, "no such decision"},
		{"POST", url + "/api/v1/decisions/none", `{"answer":"approve"}`, 404, "lists what is open"},
		{"POST", one, `{"answer":"maybe"}`, 400, "is no answer"},
		{"POST", one, `{"answer":"approve","args":{"Amount":"500"}}`, 400, "do not fit its schema"},
		{"POST", one, `{"answer":"approve","result":1}`, 400, "belongs to the answer happened"},
		{"POST", one, `{"answer":"approve","args_hash":"00"}`, 409, `"state":"pending"`},
		{"POST", url + "/api/v1/approvals/" + d.ID, fmt.Sprintf(`{"answer":"approve","args_hash":%q,"comment":"fine"}`, d.ArgsHash), 200, `"answer":"approve"`},
		{"POST", one, `{"answer":"deny"}`, 409, `"comment":"fine"`},
		{"POST", one, `{"answer":"deny"}`, 409, "a decision is answered once"},
		{"POST", one, `{}`, 400, "there is no answer to a decision of kind approval; it is one of approve, deny"},
		{"POST", url + "/api/v1/agents/joker/sessions/k1/messages", `{"contents":[{"type":"text","text":"x"},{"type":"txet"}]}`, 400, "contents[1] has no known type"},
		{"GET", url + "/api/v1/agents/joker/sessions/none", "", 404, "get session @dafx-joker@none: there is no such session"},
		{"POST", url + "/api/v1/agents/joker/sessions/none/stop", "", 404, "GET /api/v1/agents/joker/sessions lists"},
	} {
		got := do(t, c.method, c.url, c.body, "Content-Type", "application/json")
		if got.Status != c.status || !strings.Contains(got.Body, c.part) {
			t.Errorf("%s %s %s = %d %s, want %d with %q", c.method, c.url, c.body, got.Status, got.Body, c.status, c.part)
		}
	}
	got = do(t, "POST", url+runJoker, `{"message":"Pay.","sessionId":"k1"}`, "Content-Type", "application/json", "Idempotency-Key", "c1")
	if got.Status != http.StatusOK || members(t, got.Body)["response"] != "Paid." || calls != 1 {
		t.Errorf("answer = %d %s after %d calls, want Paid. after 1", got.Status, got.Body, calls)
	}
	// The call that was made says under which id, and that its outcome is known.
	turn := strings.TrimPrefix(d.Run, "dafx-joker~k1~")
	for _, where := range []string{"/api/v1/runs/" + d.Run + "/steps", "/api/v1/agents/joker/sessions/k1/turns/" + turn + "/steps"} {
		got := do(t, "GET", url+where, "").Body
		if strings.Count(got, `"effect_id":"`+d.EffectID+`","effect":"irreversible","sent_at":"`) != 1 || strings.Contains(got, "outcome_open") {
			t.Errorf("%s = %s, want one call with the effect id %s and a known outcome", where, got, d.EffectID)
		}
	}
}

// TestDecisionOrder lists open decisions with the nearest deadline first, and those
// that have ended with the newest first, page by page.
func TestDecisionOrder(t *testing.T) {
	calls := 0
	url, h := decisionAPI(t, &calls, modeltest.Call("pay", `{"Amount":1}`), modeltest.Call("pay", `{"Amount":2}`), modeltest.Call("pay", `{"Amount":3}`),
		modeltest.Say("Paid."), modeltest.Say("Paid."), modeltest.Say("Paid."))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	list := func(state string) (amounts string) {
		for cursor := "&limit=2"; cursor != ""; {
			var page struct {
				Items []agent.Decision `json:"items"`
				Next  string           `json:"next"`
			}
			got := do(t, "GET", url+"/api/v1/decisions?state="+state+cursor, "")
			if err := json.Unmarshal([]byte(got.Body), &page); err != nil {
				t.Fatal(got.Body)
			}
			for _, d := range page.Items {
				amounts += string(d.Args)
			}
			if cursor = ""; page.Next != "" {
				cursor = "&limit=2&cursor=" + page.Next
			}
		}
		return amounts
	}
	for _, key := range []string{"k1", "k2", "k3"} {
		got := do(t, "POST", url+runJoker, `{"message":"Pay.","sessionId":"`+key+`","waitForResponse":false}`, "Content-Type", "application/json")
		if got.Status != http.StatusAccepted {
			t.Fatalf("run = %d %s, want 202", got.Status, got.Body)
		}
		if _, err := h.Idle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	const ones, threes = `{"Amount":1}{"Amount":2}{"Amount":3}`, `{"Amount":3}{"Amount":2}{"Amount":1}`
	if got := list("pending"); got != ones {
		t.Fatalf("pending = %s, want %s", got, ones)
	}
	var page struct {
		Items []agent.Decision `json:"items"`
	}
	if err := json.Unmarshal([]byte(do(t, "GET", url+"/api/v1/decisions?state=pending", "").Body), &page); err != nil {
		t.Fatal(err)
	}
	for _, d := range page.Items {
		got := do(t, "POST", url+"/api/v1/decisions/"+d.ID, `{"answer":"approve"}`, "Content-Type", "application/json")
		if got.Status != http.StatusOK {
			t.Fatalf("approve = %d %s, want 200", got.Status, got.Body)
		}
	}
	if _, err := h.Idle(ctx); err != nil {
		t.Fatal(err)
	}
	if got := list("answered"); got != threes {
		t.Errorf("answered = %s, want %s", got, threes)
	}
}

// TestDecisionEdited approves a call with other arguments.
func TestDecisionEdited(t *testing.T) {
	calls := 0
	url, h := decisionAPI(t, &calls, modeltest.Call("pay", `{"Amount":500}`), modeltest.Say("Paid."))
	do(t, "POST", url+runJoker, `{"message":"Pay.","sessionId":"k1","waitForResponse":false}`, "Content-Type", "application/json")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.Idle(ctx); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Items []agent.Decision `json:"items"`
	}
	got := do(t, "GET", url+"/api/v1/decisions?state=pending", "")
	if err := json.Unmarshal([]byte(got.Body), &page); err != nil || len(page.Items) != 1 || len(page.Items[0].Schema) == 0 {
		t.Fatalf("decisions = %d %s, want one with a schema", got.Status, got.Body)
	}
	got = do(t, "POST", url+"/api/v1/decisions/"+page.Items[0].ID, `{"answer":"approve","args":{"Amount":5}}`, "Content-Type", "application/json")
	if got.Status != http.StatusOK || !strings.Contains(got.Body, `"edited_args":{"Amount":5}`) || !strings.Contains(got.Body, `"args":{"Amount":500}`) {
		t.Errorf("answer = %d %s, want both arguments", got.Status, got.Body)
	}
	if _, err := h.Idle(ctx); err != nil {
		t.Fatal(err)
	}
	got = do(t, "GET", url+"/api/v1/agents/Joker/sessions/k1/messages", "")
	if calls != 1 || !strings.Contains(got.Body, "arguments_changed_by_a_person") {
		t.Errorf("messages = %s after %d calls, want the change in them after 1", got.Body, calls)
	}
}

// TestRaiseBudget raises a budget in dollars.
func TestRaiseBudget(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Seen."))
	url, h := oneAgentAPI(t, &agent.Agent{
		Name: "Joker", Model: m, Budget: agent.Budget{USD: agent.Dollars(0.000001)},
		Prices: model.Prices{"script/*": {Rates: model.Rates{Input: 1, Output: 1}}},
	})
	got := do(t, "POST", url+"/api/v1/agents/Joker/sessions/k1/messages",
		`{"message":"What is it?","contents":[{"Type":"data","URI":"data:image/png;base64,AQID"}],"options":{"instructions":"Be brief."}}`, "Content-Type", "application/json")
	if got.Status != http.StatusAccepted {
		t.Fatalf("message = %d %s, want 202", got.Status, got.Body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.Idle(ctx); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Items []struct{ ID, Run string }
	}
	got = do(t, "GET", url+"/api/v1/decisions?kind=budget&state=pending", "")
	if err := json.Unmarshal([]byte(got.Body), &page); err != nil || len(page.Items) != 1 || !strings.Contains(got.Body, `"usd":0.000001`) {
		t.Fatalf("decisions = %d %s, want one about $0.000001", got.Status, got.Body)
	}
	path := url + "/api/v1/decisions/" + page.Items[0].ID
	for body, want := range map[string]string{
		`{"answer":"raise"}`:                              "needs amounts",
		`{"answer":"raise","raise":{"usd":-1}}`:           "needs amounts",
		`{"answer":"raise","raise":{"usd":0.0000000001}}`: "nine digits",
		`{"answer":"raise","raise":{"time":"soon"}}`:      "duration",
		`{"answer":"raise","raise":{"usd":"much"}}`:       "",
	} {
		if got := do(t, "POST", path, body, "Content-Type", "application/json"); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, want) {
			t.Errorf("%s = %d %s, want 400 with %q", body, got.Status, got.Body, want)
		}
	}
	if got := do(t, "POST", path, `{"answer":"raise","raise":{"usd":1.5}}`, "Content-Type", "application/json"); got.Status != http.StatusOK {
		t.Fatalf("raise = %d %s, want 200", got.Status, got.Body)
	}
	if in, err := h.WaitCompletion(ctx, page.Items[0].Run); err != nil || !strings.Contains(in.Output.S, "Seen.") {
		t.Errorf("WaitCompletion() = %+v, %v, want the answer", in, err)
	}
	if r := m.Requests()[0]; len(r.Messages[0].Contents) != 2 || r.Instructions != "Be brief." {
		t.Errorf("the model was given %+v, want the image and the instructions", r)
	}
}

// TestSwitches switches an agent off and on.
func TestSwitches(t *testing.T) {
	calls := 0
	url, _ := decisionAPI(t, &calls, modeltest.Say("Never off."), modeltest.Say("Back."))
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{}`, http.StatusBadRequest, "off is missing"},
		{`{"off":true,"agent":"Jokre"}`, http.StatusNotFound, "did you mean Joker?"},
		{`{"off":true,"tool":"pey"}`, http.StatusNotFound, "did you mean pay?"},
		{`{"off":true,"agent":"Joker","tool":"issue_refund"}`, http.StatusNotFound, "known are pay"},
		{`{"off":false,"agent":"Jokre"}`, http.StatusOK, `"items":[]`},
		{`{"off":true,"agent":"Joker","by":"ops","reason":"too dear"}`, http.StatusOK, `"by":"ops"`},
		{`{"off":false,"agent":"joker"}`, http.StatusOK, `"items":[]`},
	} {
		got := do(t, "POST", url+"/api/v1/switches", c.body, "Content-Type", "application/json")
		if got.Status != c.status || !strings.Contains(got.Body, c.want) {
			t.Errorf("%s = %d %s, want %d with %s", c.body, got.Status, got.Body, c.status, c.want)
		}
		if c.status != http.StatusOK {
			continue
		}
		got = do(t, "POST", url+runJoker, `{"message":"hello"}`, "Content-Type", "application/json")
		if off := strings.Contains(c.body, "true"); off != strings.Contains(got.Body, "switched off by ops: too dear") {
			t.Errorf("run = %d %s while the agent is switched off: %t", got.Status, got.Body, off)
		}
	}
}
