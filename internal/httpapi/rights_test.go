package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/model/modeltest"
)

// noHubs are hubs of which there is only one.
type noHubs struct{}

func (noHubs) Names() []string                            { return []string{"default", "theirs"} }
func (noHubs) Create(context.Context, string, bool) error { return nil }
func (noHubs) Delete(context.Context, string) error       { return nil }

// doors serves an API behind a door; a token is "ROLE HUB".
func doors(t *testing.T) (url string, routes []string) {
	t.Helper()
	var cfg httpapi.Config
	agentAPI(t, modeltest.Script(t), func(c *httpapi.Config) { c.Hubs = noHubs{}; cfg = *c })
	cfg.Backup = func(context.Context, io.Writer) error { return nil }
	cfg.Metrics = func(w http.ResponseWriter, _ *http.Request, seen func(string) bool) {
		_, _ = fmt.Fprint(w, seen("default"), " ", seen("theirs"), " ", seen(access.AnyHub))
	}
	cfg.Info.Hub = "default"
	cfg.Mounts = []httpapi.Mount{{Pattern: "/mine", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})},
		{Pattern: "/seen/", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), Read: access.Read}}
	api := httpapi.New(cfg)
	t.Cleanup(api.Stop)
	door := httpapi.Door{
		Hub: func(_ context.Context, name string) (*httpapi.API, error) {
			if name == "default" {
				return api, nil
			}
			return nil, access.NoHub(name)
		},
		Check: func(token string) (*access.Grant, error) {
			name, hub, _ := strings.Cut(token, " ")
			role, err := access.RoleOf(name)
			if err != nil {
				return nil, &perdure.Error{Code: perdure.Unauthenticated, Message: "unknown"}
			}
			return &access.Grant{Role: role, Hub: hub}, nil
		},
	}
	return serveHandler(t, api.Behind(door)), api.Routes()
}

// allowed says who may use a route, told by its method and path alone.
func allowed(method, path string) (roles string, anyone bool) {
	switch {
	case path == "/api/v1/login", path == "/api/v1/logout", path == "/healthz", path == "/readyz", path == "/api/health":
		return "reader worker contributor", true
	case strings.HasPrefix(path, "/api/v1/activities/"):
		return "worker contributor", false
	case path == "/api/v1/info", path == "/api/v1/openapi.json", path == "/api/v1/hubs" && method == "GET",
		path == "/api/v1/demand", path == "/api/v1", path == "/api/v1/", path == "/":
		return "reader worker contributor", false
	case path == "/api/v1/backup":
		return "contributor", false
	case method == "GET" && path != "/mine":
		return "reader contributor", false
	}
	return "contributor", false
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// TestRightsOfRoutes asks for every route as every role, in the own hub and in a
// foreign one.
func TestRightsOfRoutes(t *testing.T) {
	url, routes := doors(t)
	routes = append(routes, "GET /mine", "POST /mine", "GET /seen/x", "POST /seen/x")
	if len(routes) < 60 {
		t.Errorf("there are %d routes, want all", len(routes))
	}
	for _, pattern := range routes {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "GET", pattern
		}
		roles, anyone := allowed(method, path)
		concrete := placeholder.ReplaceAllString(path, "default")
		send := func(headers ...string) answer {
			if path == "/api/v1/stream" || strings.HasSuffix(path, "/stream") { // they do not end by themselves
				headers = append(headers, "Last-Event-ID", "nonsense")
			}
			body := ""
			if method == "POST" {
				body = `{"name":"default"}`
				headers = append(headers, "Content-Type", "application/json")
			}
			return do(t, method, url+concrete, body, headers...)
		}
		if got := send().Status; (got == http.StatusUnauthorized) == anyone {
			t.Errorf("%s without a token = %d", pattern, got)
		}
		if got := send("Authorization", "Bearer nobody default").Status; got != http.StatusUnauthorized {
			t.Errorf("%s with a token that is not known = %d, want 401", pattern, got)
		}
		for _, role := range []string{"reader", "worker", "contributor"} {
			got := send("Authorization", "Bearer "+role+" default")
			if refused := got.Status == http.StatusForbidden; refused == strings.Contains(roles, role) {
				t.Errorf("%s as %s = %d %s, want it allowed to %s", pattern, role, got.Status, got.Body, roles)
			}
			if got.Status == http.StatusUnauthorized {
				t.Errorf("%s as %s = 401", pattern, role)
			}
			if anyone || strings.HasPrefix(path, "/api/v1/hubs") || path == "/metrics" {
				continue
			}
			foreign := send("Authorization", "Bearer "+role+" mine", "taskhub", "theirs")
			missing := send("Authorization", "Bearer "+role+" mine", "taskhub", "none")
			if foreign.Status != http.StatusNotFound || foreign.Body != strings.ReplaceAll(missing.Body, "none", "theirs") {
				t.Errorf("%s in a foreign hub as %s = %d %s, want %s", pattern, role, foreign.Status, foreign.Body, missing.Body)
			}
		}
	}
}

// TestMetricsOfOthers tells of the hubs that a token is for, and of no others.
func TestMetricsOfOthers(t *testing.T) {
	url, _ := doors(t)
	for who, want := range map[string]string{"reader default": "true false false", "contributor theirs": "false true false", "reader *": "true true true"} {
		if got := do(t, "GET", url+"/metrics", "", "Authorization", "Bearer "+who, "taskhub", "theirs"); got.Status != http.StatusOK || got.Body != want {
			t.Errorf("metrics for %q = %d %s, want %s", who, got.Status, got.Body, want)
		}
	}
	if got := do(t, "GET", url+"/metrics", "", "Authorization", "Bearer worker *"); got.Status != http.StatusForbidden {
		t.Errorf("metrics for a worker = %d %s, want 403", got.Status, got.Body)
	}
}

// TestHubsOfOthers keeps hubs from those who have no token for them.
func TestHubsOfOthers(t *testing.T) {
	url, _ := doors(t)
	token := func(s string) []string {
		return []string{"Authorization", "Bearer " + s, "Content-Type", "application/json"}
	}
	for who, want := range map[string]string{"reader default": `[{"name":"default"}]`, "reader theirs": `[{"name":"theirs"}]`,
		"reader *": `[{"name":"default"},{"name":"theirs"}]`, "reader none": `[]`} {
		if got := do(t, "GET", url+"/api/v1/hubs", "", token(who)...); got.Status != http.StatusOK || !strings.Contains(got.Body, want) {
			t.Errorf("hubs for %q = %d %s, want %s", who, got.Status, got.Body, want)
		}
	}
	for who, want := range map[string]int{"contributor mine": 200, "contributor *": 200, "contributor default": 404, "reader mine": 403} {
		if got := do(t, "POST", url+"/api/v1/hubs", `{"name":"mine"}`, token(who)...).Status; got != want {
			t.Errorf("make a hub as %q = %d, want %d", who, got, want)
		}
		if got := do(t, "DELETE", url+"/api/v1/hubs/mine", "", token(who)...).Status; got != want {
			t.Errorf("delete a hub as %q = %d, want %d", who, got, want)
		}
	}
	if got := fmt.Sprint(do(t, "GET", url+"/api/v1/runs", "", "Authorization", "Basic x").Header.Get("WWW-Authenticate")); got != "Bearer" {
		t.Errorf("WWW-Authenticate = %q, want Bearer", got)
	}
}
