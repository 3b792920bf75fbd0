package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/model"
)

// Fails is an orchestration that can be rewound.
func Fails(*perdure.Context, string) (string, error) { return "", io.ErrUnexpectedEOF }

// audited is a server that demands tokens, with all kinds of routes.
type audited struct {
	t   *testing.T
	url string
}

func auditedApp(t *testing.T) *audited {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens")
	writeTokens(t, file, "ann contributor *")
	cfg := config(t.TempDir())
	cfg.Tokens, cfg.PushAllow = file, []string{"127.0.0.0/8"}
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{ Amount int }) (int, error) { return 1, nil }, agent.AlwaysRequireApproval())
	clerk := &agent.Agent{Name: "Clerk", Tools: []agent.Tool{pay}, Model: model.Func(pays)}
	if err := agent.Register(cfg.Registry, clerk); err != nil {
		t.Fatal(err)
	}
	perdure.AddOrchestration(cfg.Registry, Fails)
	perdure.AddOrchestrationNamed(cfg.Registry, "Greeting", func(_ *perdure.Context, name string) (string, error) { return "Hello, " + name, nil })
	perdure.AddEntityFunc(cfg.Registry, "Counter", func(*perdure.EntityContext) (any, error) { return 1, nil })
	perdure.AddOrchestrationNamed(cfg.Registry, "Quote", func(ctx *perdure.Context, _ string) (string, error) {
		r, err := perdure.NewRequest[int, int]("quote").Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		return "", r.Reply(ctx, 2*r.Input)
	})
	cfg.Workflows = []mcp.Workflow{{Orchestration: "Greeting"}}
	app, _ := start(t, cfg)
	return &audited{t, app.URL()}
}

// pays calls its tool if it is told to pay, else it answers.
func pays(_ context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
	if r.Messages[len(r.Messages)-1].Text() == "pay" {
		call := &model.Message{Role: model.RoleAssistant, Contents: model.Contents{&model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"Amount":1}`}}}
		return (&model.Response{Messages: []*model.Message{call}}).Updates()
	}
	return (&model.Response{Messages: []*model.Message{model.AssistantText("well")}}).Updates()
}

// do sends a request and returns its answer, which must be one of success.
func (a *audited) do(method, path, body string, headers ...string) []byte {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer ann")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		a.t.Fatalf("%s %s = %d %.300s, %v", method, path, response.StatusCode, answer, err)
	}
	return answer
}

// entries returns what the audit has, the newest first, as ACTION TARGET BY.
func (a *audited) entries() (list []string) {
	a.t.Helper()
	var page struct {
		Items []struct{ Action, Target, By, From string }
	}
	if err := json.Unmarshal(a.do("GET", "/api/v1/audit?limit=1000", ""), &page); err != nil {
		a.t.Fatal(err)
	}
	for _, e := range page.Items {
		if e.From != "127.0.0.1" {
			a.t.Errorf("%s of %s was asked for from %s, want 127.0.0.1", e.Action, e.Target, e.From)
		}
		list = append(list, e.Action+" "+e.Target+" by "+e.By)
	}
	return list
}

// id returns a member of an answer.
func member(t *testing.T, answer []byte, path ...string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	for _, name := range path {
		switch o := v.(type) {
		case map[string]any:
			v = o[name]
		case []any:
			if len(o) == 0 {
				return ""
			}
			v = o[0].(map[string]any)[name]
		}
	}
	s, _ := v.(string)
	return s
}

// auditCase is a call of a route with what has to be there before.
type auditCase struct {
	route  string
	before func(a *audited)
	path   string
	body   string
	want   string // "" = no entry
	many   int    // entries, 0 = one
}

func waiting(id string) func(*audited) {
	return func(a *audited) {
		a.do("POST", "/api/v1/runs", `{"name":"Approve","id":"`+id+`","input":"x"}`)
	}
}

func ended(id string) func(*audited) {
	return func(a *audited) {
		waiting(id)(a)
		a.do("POST", "/api/v1/runs/"+id+"/terminate", "")
		a.do("GET", "/api/v1/runs/"+id+"?wait=20s", "")
	}
}

func failed(id string) func(*audited) {
	return func(a *audited) {
		a.do("POST", "/api/v1/runs", `{"name":"Fails","id":"`+id+`","input":"x"}`)
		a.do("GET", "/api/v1/runs/"+id+"?wait=20s", "")
	}
}

func spoken(key string) func(*audited) {
	return func(a *audited) {
		a.do("POST", "/api/v1/agents/Clerk/sessions/"+key+"/messages", `{"message":"hi"}`, "Accept", "text/event-stream")
	}
}

// auditCases are calls of all routes that change something, and of those that give all
// away. What is not written down is machine traffic, or changes nothing in a hub.
func auditCases() []auditCase {
	const session = "@dafx-clerk@"
	return []auditCase{
		{route: "POST /api/v1/runs", path: "/api/v1/runs", body: `{"name":"Approve","id":"a1","input":"x"}`, want: "start a1"},
		{route: "POST /api/v1/runs/{id}/events/{name}", before: waiting("a2"), path: "/api/v1/runs/a2/events/other", body: `1`, want: "raise event a2"},
		{route: "POST /api/v1/runs/{id}/requests/{name}", before: func(a *audited) {
			a.do("POST", "/api/v1/runs", `{"name":"Quote","id":"a3","input":"x"}`)
		}, path: "/api/v1/runs/a3/requests/quote", body: `1`, want: "ask a3"},
		{route: "POST /api/v1/runs/{id}/suspend", before: waiting("a4"), path: "/api/v1/runs/a4/suspend", want: "suspend a4"},
		{route: "POST /api/v1/runs/{id}/resume", before: func(a *audited) {
			waiting("a5")(a)
			a.do("POST", "/api/v1/runs/a5/suspend", "")
		}, path: "/api/v1/runs/a5/resume", want: "resume a5"},
		{route: "POST /api/v1/runs/{id}/cancel", before: waiting("a6"), path: "/api/v1/runs/a6/cancel", want: "cancel a6"},
		{route: "POST /api/v1/runs/{id}/terminate", before: waiting("a7"), path: "/api/v1/runs/a7/terminate", want: "terminate a7"},
		{route: "POST /api/v1/runs/{id}/restart", before: ended("a8"), path: "/api/v1/runs/a8/restart", want: "restart a8"},
		{route: "POST /api/v1/runs/{id}/rewind", before: failed("a9"), path: "/api/v1/runs/a9/rewind", want: "rewind a9"},
		{route: "POST /api/v1/runs/{id}/fork", before: ended("a9b"), path: "/api/v1/runs/a9b/fork", body: `{"to":1,"id":"a9c"}`, want: "fork a9c"},
		{route: "POST /api/v1/runs/{id}/purge", before: ended("a10"), path: "/api/v1/runs/a10/purge", want: "purge a10"},
		{route: "POST /api/v1/batches", before: func(a *audited) {
			waiting("b1")(a)
			waiting("b2")(a)
		}, path: "/api/v1/batches", body: `{"action":"suspend","ids":["b1","b2"]}`, want: "suspend b", many: 2},
		{route: "POST /api/v1/entities/{name}/{key}/signal", path: "/api/v1/entities/Counter/k/signal", body: `{"operation":"add"}`, want: "signal @counter@k"},
		{route: "POST /api/v1/entities/{name}/{key}/call", path: "/api/v1/entities/Counter/k/call", body: `{"operation":"get"}`, want: "call @counter@k"},
		{route: "POST /api/v1/switches", path: "/api/v1/switches", body: `{"agent":"Other","off":false}`, want: "switch "},
		{route: "POST /api/v1/agents/{agent}/sessions/{key}/messages", path: "/api/v1/agents/Clerk/sessions/s1/messages", body: `{"message":"hi"}`, want: "send message " + session},
		{route: "POST /api/v1/agents/{agent}/sessions/{key}/stop", before: func(a *audited) { asks(a, "s2") }, path: "/api/v1/agents/Clerk/sessions/s2/stop", want: "stop " + session},
		{route: "DELETE /api/v1/agents/{agent}/sessions/{key}", before: spoken("s3"), path: "/api/v1/agents/Clerk/sessions/s3", want: "delete " + session},
		{route: "GET /api/v1/agents/{agent}/sessions/{key}/export", before: spoken("s4"), path: "/api/v1/agents/Clerk/sessions/s4/export", want: "export " + session},
		{route: "POST /api/v1/decisions/{id}", before: func(a *audited) { asks(a, "s5") }, path: "/api/v1/decisions/", want: "decide dafx-"},
		{route: "POST /api/v1/approvals/{id}", before: func(a *audited) { asks(a, "s6") }, path: "/api/v1/approvals/", want: "decide dafx-"},
		{route: "POST /api/v1/workers", path: "/api/v1/workers", want: "register worker "},
		{route: "DELETE /api/v1/workers/{worker}", path: "/api/v1/workers/", want: "delete "},
		{route: "GET /api/v1/backup", path: "/api/v1/backup", want: "backup ~hub"},
		{route: "POST /api/v1/hubs", path: "/api/v1/hubs", body: `{"name":"other"}`}, // in the audit of the new hub
		{route: "DELETE /api/v1/hubs/{hub}", path: "/api/v1/hubs/other"},             // its audit goes with it
		{route: "POST /api/v1/login", path: "/api/v1/login", body: `{"token":"ann"}`},
		{route: "POST /api/v1/logout", path: "/api/v1/logout"},
		// These are not among the API's operations.
		{route: "POST /api/agents/{agent}/run", path: "/api/agents/Clerk/run", body: `{"message":"hi","thread_id":"s7"}`, want: "send message " + session},
		{route: "POST /api/workflows/{workflow}/run", path: "/api/workflows/Greeting/run", body: `"Ada"`, want: "start "},
		{route: "POST /v1/responses", path: "/v1/responses", body: `{"model":"clerk","input":"hello"}`, want: "send message " + session},
		{route: "POST /mcp", path: "/mcp", want: "call tool ",
			body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Clerk","arguments":{"query":"hello"}}}`},
		{route: "POST /mcp", path: "/mcp", want: "call tool ",
			body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Greeting","arguments":{"input":"Ada"}}}`},
		{route: "POST /mcp", path: "/mcp", body: `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`}, // which changes nothing
	}
}

// asks has the clerk wait for an approval.
func asks(a *audited, key string) {
	a.do("POST", "/api/v1/agents/Clerk/sessions/"+key+"/messages", `{"message":"pay"}`)
	a.decision(key)
}

// decision returns the id and the hash of the arguments of the decision of a session.
func (a *audited) decision(key string) (id, hash string) {
	a.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		var page struct {
			Items []struct {
				ID, Session string
				Hash        string `json:"args_hash"`
			}
		}
		if err := json.Unmarshal(a.do("GET", "/api/v1/decisions?state=pending", ""), &page); err != nil {
			a.t.Fatal(err)
		}
		for _, d := range page.Items {
			if strings.HasSuffix(d.Session, "@"+key) {
				return d.ID, d.Hash
			}
		}
		if time.Now().After(end) {
			a.t.Fatalf("the session %s does not ask for anything: %+v", key, page)
		}
	}
}

// TestS23EachRouteLogsOnce calls each route that changes something, and finds one entry for
// it in the audit, with who has called. A route that is not in the table fails the test.
func TestS23EachRouteLogsOnce(t *testing.T) {
	a := auditedApp(t)
	worker := pushSite(t, host.PushConfig{Registry: shouting()})
	cases := auditCases()
	machines := func(o httpapi.Operation) bool { return o.Right == access.Work }
	for _, o := range httpapi.Operations() {
		known := slices.ContainsFunc(cases, func(c auditCase) bool { return c.route == o.Pattern })
		if !strings.HasPrefix(o.Pattern, "GET ") && !machines(o) && !known {
			t.Errorf("%s changes something and is not in the table: does it log?", o.Pattern)
		}
	}
	for _, c := range cases {
		method, _, _ := strings.Cut(c.route, " ")
		if c.before != nil {
			c.before(a)
		}
		var headers []string
		switch {
		case c.route == "POST /api/v1/workers":
			c.body = `{"name":"far","url":"` + worker + `","secret":"` + pushSecret + `"}`
		case c.route == "DELETE /api/v1/workers/{worker}":
			c.path += "far"
		case strings.HasPrefix(c.want, "decide"):
			id, hash := a.decision(map[bool]string{true: "s5", false: "s6"}[strings.Contains(c.route, "decisions")])
			c.path += id
			c.body = `{"answer":"deny","args_hash":"` + hash + `"}`
		case strings.HasPrefix(c.path, "/mcp"):
			headers = []string{"Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2025-06-18"}
		}
		before := a.entries()
		a.do(method, c.path, c.body, headers...)
		after := a.entries()
		added := after[:len(after)-len(before)]
		want := max(c.many, 1)
		if c.want == "" {
			want = 0
		}
		if len(added) != want || slices.ContainsFunc(added, func(e string) bool { return !strings.HasPrefix(e, c.want) || !strings.HasSuffix(e, " by ann") }) {
			t.Errorf("%s has logged %q, want %d times %q by ann", c.route, added, want, c.want)
		}
	}
	if report := a.do("GET", "/api/v1/audit/verify", ""); member(t, report, "heads") == "" || !bytes.Contains(report, []byte(`"whole":true`)) {
		t.Errorf("audit/verify = %s, want it whole", report)
	}
}
