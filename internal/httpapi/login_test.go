package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/model/modeltest"
)

// TestLogin trades a token for a cookie, uses it, and forgets it.
func TestLogin(t *testing.T) {
	url, _ := doors(t)
	json := []string{"Content-Type", "application/json"}
	if got := do(t, "POST", url+"/api/v1/login", `{"token":"nobody default"}`, json...); got.Status != http.StatusUnauthorized || got.Header.Get("Set-Cookie") != "" {
		t.Errorf("login with a token that is not known = %d %q, want 401 and no cookie", got.Status, got.Header.Get("Set-Cookie"))
	}
	if got := do(t, "POST", url+"/api/v1/login", `{}`, json...); got.Status != http.StatusBadRequest {
		t.Errorf("login without a token = %d, want 400", got.Status)
	}
	got := do(t, "POST", url+"/api/v1/login", `{"token":"reader default"}`, json...)
	fits(t, "Caller", got.Body)
	set := got.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="} {
		if got.Status != http.StatusOK || !strings.Contains(set, want) {
			t.Errorf("login = %d %q, want a cookie with %s", got.Status, set, want)
		}
	}
	cookie, _, _ := strings.Cut(set, ";")
	if got := do(t, "GET", url+"/api/v1/runs", "", "Cookie", cookie); got.Status != http.StatusOK {
		t.Errorf("runs with the cookie = %d, want 200", got.Status)
	}
	if got := do(t, "POST", url+"/api/v1/runs", `{"name":"Order"}`, append(json, "Cookie", cookie)...); got.Status != http.StatusForbidden {
		t.Errorf("a start with a reader's cookie = %d, want 403", got.Status)
	}
	if got := do(t, "GET", url+"/api/v1/runs", ""); got.Status != http.StatusUnauthorized {
		t.Errorf("runs without the cookie = %d, want 401", got.Status)
	}
	// A page of another site has nothing changed, cookie or not.
	if got := do(t, "POST", url+"/api/v1/login", `{"token":"reader default"}`, append(json, "Sec-Fetch-Site", "cross-site")...); got.Status != http.StatusForbidden {
		t.Errorf("login from another site = %d, want 403", got.Status)
	}
	stale := "perdure=nobody default"
	if got := do(t, "POST", url+"/api/v1/logout", "", "Cookie", stale); got.Status != http.StatusOK || !strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logout = %d %q, want the cookie gone", got.Status, got.Header.Get("Set-Cookie"))
	}
}

// TestReadOnly refuses each route that changes something, also those of agents, decisions
// and workflows, and serves the others.
func TestReadOnly(t *testing.T) {
	var cfg httpapi.Config
	agentAPI(t, modeltest.Script(t), func(c *httpapi.Config) {
		c.Hubs = noHubs{}
		c.Backup = func(context.Context, io.Writer) error { return nil }
		cfg = *c
	})
	cfg.ReadOnly = true
	cfg.Mounts = []httpapi.Mount{{Pattern: "/mine", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	api := httpapi.New(cfg)
	t.Cleanup(api.Stop)
	url := serveHandler(t, api)
	routes := append(api.Routes(), "GET /mine", "POST /mine", "PUT /mine", "DELETE /mine")
	for _, o := range httpapi.Operations() {
		if !slices.Contains(routes, o.Pattern) {
			t.Errorf("%s is not served: nobody knows whether it would be refused", o.Pattern)
		}
	}
	for _, pattern := range []string{"POST /api/agents/{agent}/run", "POST /api/workflow/{workflow}/run", "POST /api/workflow/{workflow}/respond/{run}/{request}",
		"POST /api/workflows/{workflow}/run", "POST /api/workflows/{workflow}/respond/{run}"} {
		if !slices.Contains(routes, pattern) {
			t.Errorf("there is no route %s", pattern)
		}
	}
	for _, pattern := range routes {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = http.MethodGet, pattern
		}
		headers := []string{"Last-Event-ID", "nonsense"} // which ends a stream
		body := ""
		if method == http.MethodPost {
			headers, body = append(headers, "Content-Type", "application/json"), `{}`
		}
		got := do(t, method, url+placeholder.ReplaceAllString(path, "x"), body, headers...)
		switch free := method == http.MethodGet || strings.HasSuffix(path, "/login") || strings.HasSuffix(path, "/logout"); {
		case free && (got.Status == http.StatusForbidden || got.Status == http.StatusMethodNotAllowed):
			t.Errorf("%s = %d %s, want it served", pattern, got.Status, got.Body)
		case !free && (got.Status != http.StatusForbidden || !strings.Contains(got.Body, "read-only")):
			t.Errorf("%s = %d %s, want 403, and why", pattern, got.Status, got.Body)
		}
	}
	if got := do(t, "GET", url+"/api/v1/info", ""); !strings.Contains(got.Body, `"read_only":true`) || !strings.Contains(got.Body, `"writes":false`) {
		t.Errorf("info = %s, want read-only", got.Body)
	}
}
