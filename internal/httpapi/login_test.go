package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/perdure/perdure/internal/httpapi"
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

// TestReadOnly refuses each route that changes something, and serves the others.
func TestReadOnly(t *testing.T) {
	url := serve(t, fixture(), func(c *httpapi.Config) {
		c.ReadOnly = true
		c.Mounts = []httpapi.Mount{{Pattern: "/mine", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	})
	refused := 0
	for _, o := range httpapi.Operations() {
		method, path, _ := strings.Cut(o.Pattern, " ")
		if method == http.MethodGet || strings.HasSuffix(path, "/login") || strings.HasSuffix(path, "/logout") {
			continue
		}
		got := do(t, method, url+placeholder.ReplaceAllString(path, "x"), `{}`, "Content-Type", "application/json")
		switch got.Status {
		case http.StatusForbidden:
			if !strings.Contains(got.Body, "read-only") {
				t.Errorf("%s = %s, want why", o.Pattern, got.Body)
			}
			refused++
		case http.StatusNotFound, http.StatusMethodNotAllowed: // a route that this server does not have
		default:
			t.Errorf("%s = %d %s, want 403", o.Pattern, got.Status, got.Body)
		}
	}
	if refused < 15 {
		t.Errorf("%d routes refused, want 15 or more", refused)
	}
	if got := do(t, "POST", url+"/mine", ""); got.Status != http.StatusForbidden {
		t.Errorf("POST of a mount = %d, want 403", got.Status)
	}
	if got := do(t, "GET", url+"/api/v1/info", ""); !strings.Contains(got.Body, `"read_only":true`) || !strings.Contains(got.Body, `"writes":false`) {
		t.Errorf("info = %s, want read-only", got.Body)
	}
}
