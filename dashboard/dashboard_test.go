package dashboard_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/perdure/perdure/dashboard"
)

func get(t *testing.T, h http.Handler, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// api answers as what it was asked.
var api = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "api "+r.URL.Path) })

func TestHandler(t *testing.T) {
	h := dashboard.Handler(api, dashboard.Options{})
	for _, c := range []struct {
		path, kind, want string
		status           int
	}{
		{"/", "text/html", `<base href="/">`, 200},
		{"/runs/a%2Fb", "text/html", `<base href="/">`, 200},
		{"/agents/Joker/s/1", "text/html", `<script type="module" src="app.js">`, 200},
		{"/index.html", "text/html", `<base href="/">`, 200},
		{"/app.js", "text/javascript", `from "./core.js"`, 200},
		{"/app.css", "text/css", "--accent", 200},
		{"/api/v1/runs", "", "api /api/v1/runs", 200},
		{"/api/v1/../v1/info", "", "api /api/v1/../v1/info", 200},
		{"/healthz", "", "api /healthz", 200},
		{"/mcp", "", "api /mcp", 200},
		{"/apis", "text/html", "<base", 200},
	} {
		r := get(t, h, c.path)
		got := body(t, r.Body)
		if r.StatusCode != c.status || !strings.Contains(got, c.want) || !strings.HasPrefix(r.Header.Get("Content-Type"), c.kind) {
			t.Errorf("GET %s = %d %s %.80q, want %d %s with %q", c.path, r.StatusCode, r.Header.Get("Content-Type"), got, c.status, c.kind, c.want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/runs", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /runs = %d, want %d", w.Code, http.StatusMethodNotAllowed)
	}
}

// TestPrefix mounts it below a path, by StripPrefix and by the option: all addresses are
// relative to that.
func TestPrefix(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"strip":  http.StripPrefix("/x/y", dashboard.Handler(api, dashboard.Options{})),
		"option": http.StripPrefix("/inner", dashboard.Handler(api, dashboard.Options{Prefix: "/x/y/"})),
	} {
		path := map[string]string{"strip": "/x/y", "option": "/inner"}[name]
		for _, below := range []string{"/", "/runs/1", "/agents/a%20b?tab=x"} {
			if got := body(t, get(t, h, path+below).Body); !strings.Contains(got, `<base href="/x/y/">`) {
				t.Errorf("%s: GET %s has %.200q, want the base /x/y/", name, path+below, got)
			}
		}
		if got := body(t, get(t, h, path+"/api/v1/info").Body); got != "api /api/v1/info" {
			t.Errorf("%s: the API was asked %q", name, got)
		}
	}
	hostile := httptest.NewRequest(http.MethodGet, "/runs", nil)
	hostile.RequestURI = `/"><script>alert(1)</script>/runs`
	w := httptest.NewRecorder()
	dashboard.Handler(nil, dashboard.Options{}).ServeHTTP(w, hostile)
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Errorf("a path becomes markup: %.200q", w.Body.String())
	}
}

func TestHeaders(t *testing.T) {
	h := dashboard.Handler(nil, dashboard.Options{})
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"worker-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
	}
	for _, path := range []string{"/", "/app.js", "/app.css", "/live.js"} {
		r := get(t, h, path)
		for k, v := range want {
			if got := r.Header.Get(k); got != v {
				t.Errorf("GET %s: %s = %q, want %q", path, k, got, v)
			}
		}
		plain := body(t, r.Body)
		z := get(t, h, path, "Accept-Encoding", "gzip")
		if z.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("GET %s is not compressed", path)
		}
		reader, err := gzip.NewReader(z.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body(t, reader) != plain {
			t.Errorf("GET %s differs when it is compressed", path)
		}
		if again := get(t, h, path, "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("GET %s again = %d, want %d", path, again.StatusCode, http.StatusNotModified)
		}
	}
	framed := get(t, dashboard.Handler(nil, dashboard.Options{FrameAncestors: []string{"https://ops.example"}, ReadOnly: true}), "/")
	if p := framed.Header.Get("Content-Security-Policy"); !strings.HasSuffix(p, "frame-ancestors https://ops.example") {
		t.Errorf("policy = %q, want frames at https://ops.example", p)
	}
	if got := body(t, framed.Body); !strings.Contains(got, `data-mode="readonly"`) {
		t.Error("the page does not say that it is read-only")
	}
}
