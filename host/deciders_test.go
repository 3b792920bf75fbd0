package host_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/model"
)

// deciders is a server with a clerk that pays what somebody else than who has asked for it
// approves. Ann and bob may write, eve may read; mallory may write, and is no approver.
type deciders struct {
	t     *testing.T
	url   string
	calls atomic.Int32
}

func decidersApp(t *testing.T) *deciders {
	t.Helper()
	d := &deciders{t: t}
	file := filepath.Join(t.TempDir(), "tokens")
	writeTokens(t, file, "ann contributor *", "bob contributor *", "mallory contributor *", "eve reader *")
	cfg := config(t.TempDir())
	cfg.Tokens = file
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{ Amount int }) (int, error) { d.calls.Add(1); return 1, nil },
		agent.AlwaysRequireApproval(), agent.SeparateDuties(), agent.Approvers("ann", "bob", "eve"))
	if err := agent.Register(cfg.Registry, &agent.Agent{Name: "Clerk", Tools: []agent.Tool{pay}, Model: model.Func(pays)}); err != nil {
		t.Fatal(err)
	}
	perdure.AddOrchestrationNamed(cfg.Registry, "Pay", func(ctx *perdure.Context, _ string) (string, error) {
		return agent.Named("Clerk").Run(ctx, "pay").Text()
	})
	app, _ := start(t, cfg)
	d.url = app.URL()
	return d
}

// send sends a request as somebody, and returns the status and the beginning of the answer.
func (d *deciders) send(who, method, path, body string, headers ...string) (int, string) {
	d.t.Helper()
	limit := 20 * time.Second
	if strings.Contains(path, "/stream") {
		limit = 100 * time.Millisecond // they do not end
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+who)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if ctx.Err() != nil {
		return 0, ""
	}
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil && ctx.Err() == nil {
		d.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// question is what tests read of a decision.
type question struct {
	ID       string   `json:"id"`
	Run      string   `json:"run"`
	State    string   `json:"state"`
	ArgsHash string   `json:"args_hash"`
	Starters []string `json:"starters"`
	Unread   bool     `json:"unread"`
	Refused  []struct {
		Action, Reason string
	} `json:"refused"`
}

// open waits for the only open decision, as somebody sees it.
func (d *deciders) open(who string) question {
	d.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		var page struct{ Items []question }
		if status, text := d.send(who, "GET", "/api/v1/decisions?state=pending", ""); status != http.StatusOK || json.Unmarshal([]byte(text), &page) != nil {
			d.t.Fatalf("decisions = %d %s", status, text)
		}
		if len(page.Items) == 1 {
			return page.Items[0]
		}
		if time.Now().After(end) {
			d.t.Fatalf("open decisions = %+v, want one", page.Items)
		}
	}
}

// refused returns why approving is not somebody's, as the server tells him.
func (q *question) refused() string {
	for _, r := range q.Refused {
		if r.Action == agent.AnswerApprove {
			return r.Reason
		}
	}
	return ""
}

// TestS04_OtherUserRefused has everybody who has the link of a decision try to approve it:
// what the server tells each of them before is what it does.
func TestS04_OtherUserRefused(t *testing.T) {
	d := decidersApp(t)
	asks := map[string]func(){
		"a message": func() {
			d.send("ann", "POST", "/api/v1/agents/Clerk/sessions/k1/messages", `{"message":"pay"}`)
		},
		"a run": func() { d.send("ann", "POST", "/api/v1/runs", `{"name":"Pay","input":""}`) },
	}
	for what, ask := range asks {
		ask()
		link := "/api/v1/decisions/" + d.open("bob").ID
		for _, c := range []struct{ who, why string }{
			{"ann", "so somebody else has to approve it"},
			{"mallory", "it is for ann, bob, eve to decide"},
			{"eve", ""}, // may decide as far as the tool goes, but her token only reads
			{"bob", ""},
		} {
			q := d.open(c.who)
			if why := q.refused(); (c.why == "") != (why == "") || !strings.Contains(why, c.why) {
				t.Errorf("%s: %s is told %q, want %q", what, c.who, why, c.why)
			}
			before := d.calls.Load()
			status, text := d.send(c.who, "POST", link, `{"answer":"approve","args_hash":"`+q.ArgsHash+`"}`)
			if c.who == "bob" {
				if status != http.StatusOK || strings.Contains(text, `"unread"`) {
					t.Errorf("%s: approved by bob = %d %s, want 200", what, status, text)
				}
				continue
			}
			if status != http.StatusForbidden || d.open("bob").State != agent.DecisionPending || d.calls.Load() != before {
				t.Errorf("%s: approved by %s = %d %s, want 403 and nothing done", what, c.who, status, text)
			}
		}
	}
}

// TestS04_NobodysName has ann ask in the name of bob, to approve it herself then.
func TestS04_NobodysName(t *testing.T) {
	d := decidersApp(t)
	request := `"message":"pay","correlationId":"c1","principal":{"name":"bob"}`
	for path, body := range map[string]string{
		"/api/v1/entities/dafx-clerk/k1/signal":     `{"operation":"run","input":{` + request + `}}`,
		"/api/v1/entities/DAFX-clerk/k1/call":       `{"operation":"run","input":{` + strings.ToUpper(request) + `}}`,
		"/api/v1/agents/Clerk/sessions/k1/messages": `{` + request + `}`,
		"/api/v1/runs": `{"name":"perdure.agent/clerk","input":{"agent":"Clerk","principal":{"name":"bob"},"messages":[]}}`,
		"/api/workflow/perdure.agent%2Fclerk/run":       `{"agent":"Clerk","principal":{"name":"bob"},"messages":[]}`,
		"/api/v1/runs/none/events/perdure.agent%2Fsent": `{"principal":{"name":"bob"}}`,
	} {
		if status, text := d.send("ann", "POST", path, body); status < 400 || status >= 500 {
			t.Errorf("POST %s = %d %s, want it refused", path, status, text)
		}
	}
	if _, text := d.send("bob", "GET", "/api/v1/decisions?state=pending", ""); !strings.Contains(text, `"items":[]`) {
		t.Errorf("decisions = %s, want none", text)
	}
}

// TestS04_Unread approves without the hash of what was shown: the row and the audit say so.
func TestS04_Unread(t *testing.T) {
	d := decidersApp(t)
	d.send("ann", "POST", "/api/v1/agents/Clerk/sessions/k1/messages", `{"message":"pay"}`)
	link := "/api/v1/decisions/" + d.open("bob").ID
	if status, text := d.send("bob", "POST", link, `{"answer":"approve","args_hash":"00"}`); status != http.StatusConflict || d.open("bob").State != agent.DecisionPending {
		t.Errorf("approved for other arguments = %d %s, want 409 and pending", status, text)
	}
	status, text := d.send("bob", "POST", link, `{"answer":"approve"}`)
	var q question
	if json.Unmarshal([]byte(text), &q) != nil || status != http.StatusOK || !q.Unread {
		t.Errorf("approved without a hash = %d %s, want 200 and unread", status, text)
	}
	if _, text := d.send("ann", "GET", "/api/v1/audit?action=decide", ""); !strings.Contains(text, `"reason":"without args_hash"`) {
		t.Errorf("audit = %s, want it to say so", text)
	}
}

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// TestS04_ReadsDecideNothing follows every link there is in every way that changes nothing,
// with all that an answer has: nothing is decided, and no run moves.
func TestS04_ReadsDecideNothing(t *testing.T) {
	d := decidersApp(t)
	d.send("ann", "POST", "/api/v1/agents/Clerk/sessions/k1/messages", `{"message":"pay"}`)
	q := d.open("bob")
	version := func() string {
		_, text := d.send("bob", "GET", "/api/v1/runs/"+url.PathEscape(q.Run), "")
		return regexp.MustCompile(`"row_version":\d+`).FindString(text)
	}
	before := version()
	routes := []string{"GET /", "GET /inbox", "GET /inbox/{id}", "GET /mcp", "GET /v1/responses", "GET /v1/responses/{id}", "GET /v1/conversations/{id}",
		"POST /api/agents/{agent}/run", "POST /api/workflow/{workflow}/run", "POST /api/workflow/{workflow}/respond/{run}/{request}",
		"GET /api/workflow/{workflow}/status/{run}", "POST /api/workflows/{workflow}/run", "POST /api/workflows/{workflow}/respond/{run}",
		"GET /api/workflows/{workflow}/status/{run}"}
	for _, o := range httpapi.Operations() {
		routes = append(routes, o.Pattern)
	}
	named := map[string]string{"{agent}": "Clerk", "{key}": "k1", "{turn}": url.PathEscape(q.Run), "{run}": url.PathEscape(q.Run), "{id}": q.ID,
		"{request}": q.ID, "{workflow}": "Pay", "{name}": "decision:" + q.ID}
	answer := `{"answer":"approve","args_hash":"` + q.ArgsHash + `"}`
	asked := 0
	for _, pattern := range routes {
		_, path, _ := strings.Cut(pattern, " ")
		for _, value := range []string{"", q.ID, url.PathEscape(q.Run)} {
			concrete := parameter.ReplaceAllStringFunc(path, func(p string) string {
				if value == "" && named[p] != "" {
					return named[p]
				}
				return cmp.Or(value, "x")
			})
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				d.send("bob", method, concrete+"?answer=approve&args_hash="+q.ArgsHash+"&_method=POST", answer, "X-HTTP-Method-Override", "POST", "X-Perdure", "1")
				asked++
				if strings.Contains(path, "/stream") {
					continue
				}
				d.send("bob", method, concrete, answer, "X-HTTP-Method-Override", "POST", "X-Method-Override", "POST")
			}
			if !strings.Contains(path, "{") {
				break
			}
		}
		if now := d.open("bob"); now.State != agent.DecisionPending || d.calls.Load() != 0 {
			t.Fatalf("%s by reads: the decision is %s, %d payments; want it pending and none", pattern, now.State, d.calls.Load())
		}
	}
	if after := version(); before == "" || after != before {
		t.Errorf("the run has %s after the reads, want %s", after, before)
	}
	if asked < 300 {
		t.Errorf("%d reads, want all routes", asked)
	}
	if status, text := d.send("bob", "POST", "/api/v1/decisions/"+q.ID, answer); status != http.StatusOK {
		t.Errorf("the same by POST = %d %s, want 200", status, text)
	}
}
