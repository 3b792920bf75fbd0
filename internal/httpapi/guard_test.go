package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
)

func TestHost(t *testing.T) {
	for _, c := range []struct {
		host  string
		hosts []string
		anyIP bool
		want  int
	}{
		{host: "127.0.0.1:8080", want: 200},
		{host: "127.9.9.9", want: 200},
		{host: "localhost", want: 200},
		{host: "LOCALHOST.:99", want: 200},
		{host: "[::1]:8080", want: 200},
		{host: "[::1]", want: 200},
		{host: "evil.test", want: 421},
		{host: "evil.test:8080", want: 421},
		{host: "localhost.evil.test", want: 421},
		{host: "127.0.0.1.evil.test", want: 421},
		{host: "192.168.1.5:8080", want: 421},
		{host: "192.168.1.5:8080", anyIP: true, want: 200},
		{host: "[fd00::5]:8080", anyIP: true, want: 200},
		{host: "evil.test", anyIP: true, want: 421},
		{host: "perdure.example.com", hosts: []string{"perdure.example.com"}, want: 200},
		{host: "Perdure.Example.com:443", hosts: []string{"perdure.example.com"}, want: 200},
		{host: "other.example.com", hosts: []string{"perdure.example.com"}, want: 421},
		{host: "evil.test", hosts: []string{"*"}, want: 200},
	} {
		url := serve(t, fixture(), func(cfg *httpapi.Config) { cfg.Hosts, cfg.AnyIP = c.hosts, c.anyIP })
		got := do(t, "GET", url+"/api/v1/info", "", "Host", c.host)
		if got.Status != c.want {
			t.Errorf("Host %q, allowed %q, any IP %v = %d %s, want %d", c.host, c.hosts, c.anyIP, got.Status, got.Body, c.want)
		}
	}
}

// TestOrigin shows that no page of another origin starts a run or reads one.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"curl", nil, 201},
		{"own page", []string{"Origin", "http://localhost", "Sec-Fetch-Site", "same-origin", "X-Perdure", "1"}, 201},
		{"own page, old browser", []string{"Origin", "http://localhost", "X-Perdure", "1"}, 201},
		{"typed address", []string{"Sec-Fetch-Site", "none", "X-Perdure", "1"}, 201},
		{"own page without the header", []string{"Origin", "http://localhost", "Sec-Fetch-Site", "same-origin"}, 403},
		{"wrong header", []string{"Sec-Fetch-Site", "same-origin", "X-Perdure", "yes"}, 403},
		{"foreign page", []string{"Origin", "http://evil.test", "Sec-Fetch-Site", "cross-site"}, 403},
		{"foreign page with the header", []string{"Origin", "http://evil.test", "Sec-Fetch-Site", "cross-site", "X-Perdure", "1"}, 403},
		{"foreign page, old browser", []string{"Origin", "http://evil.test", "X-Perdure", "1"}, 403},
		{"other port", []string{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site", "X-Perdure", "1"}, 403},
		{"sandboxed frame", []string{"Origin", "null", "X-Perdure", "1"}, 403},
	} {
		h := fixture()
		headers := append([]string{"Host", "localhost", "Content-Type", "application/json"}, c.headers...)
		got := do(t, "POST", serve(t, h, nil)+"/api/v1/runs", `{"name":"Order"}`, headers...)
		if got.Status != c.want {
			t.Errorf("POST from %s = %d %s, want %d", c.name, got.Status, got.Body, c.want)
		}
		if n := len(h.commands()); (n == 1) != (c.want == 201) {
			t.Errorf("POST from %s gave %d commands", c.name, n)
		}
	}
}

func TestNoCORS(t *testing.T) {
	url := serve(t, fixture(), nil)
	for _, method := range []string{"GET", "OPTIONS"} {
		got := do(t, method, url+"/api/v1/runs", "", "Origin", "http://evil.test", "Access-Control-Request-Method", "POST")
		for name := range got.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s answers with %s", method, name)
			}
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	url := serve(t, fixture(), nil)
	for _, path := range []string{"/api/v1/runs", "/api/v1/none", "/healthz", "/"} {
		got := do(t, "GET", url+path, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Cache-Control":           "no-store",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got.Header.Get(name), want)
			}
		}
	}
}

// mounts are handlers of other packages.
func mounts(c *httpapi.Config) {
	c.Mounts = []httpapi.Mount{
		{Pattern: "POST /api/agents/{name}/run", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "agent "+r.PathValue("name"))
		})},
		{Pattern: "/panic", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })},
		{Pattern: "/late", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			panic("boom")
		})},
		{Pattern: "POST /echo", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(w, r.Body); err != nil {
				panic(http.ErrAbortHandler)
			}
		})},
	}
}

func TestMounts(t *testing.T) {
	url := serve(t, fixture(), mounts)
	if got := do(t, "POST", url+"/api/agents/Joker/run", "hi"); got.Body != "agent Joker" {
		t.Errorf("mounted route = %d %s, want agent Joker", got.Status, got.Body)
	}
	if got := do(t, "POST", url+"/api/agents/Joker/run", "hi", "Sec-Fetch-Site", "cross-site"); got.Status != 403 {
		t.Errorf("mounted route from a foreign page = %d, want 403", got.Status)
	}
	if got := do(t, "GET", url+"/api/agents/Joker/run", ""); got.Status != 405 || got.Header.Get("Allow") != "POST" {
		t.Errorf("GET of a mounted POST = %d %q, want 405 POST", got.Status, got.Header.Get("Allow"))
	}
}

func TestPanic(t *testing.T) {
	url := serve(t, fixture(), mounts)
	if got := do(t, "GET", url+"/panic", ""); got.Status != 500 || strings.Contains(got.Body, "boom") {
		t.Errorf("panic = %d %s, want 500 without its text", got.Status, got.Body)
	}
	response, err := http.Get(url + "/late")
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	if err == nil {
		t.Error("an answer cut by a panic looked whole")
	}
	if got := do(t, "GET", url+"/healthz", ""); got.Status != 200 {
		t.Errorf("after the panics healthz = %d, want 200", got.Status)
	}
}

// TestSlowBody sends a body that never ends; the request must not hang.
func TestSlowBody(t *testing.T) {
	h := fixture()
	url := serve(t, h, func(c *httpapi.Config) { c.BodyTime = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "POST /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("slow body = %d, want 408", response.StatusCode)
	}
	if n := len(h.commands()); n != 0 {
		t.Errorf("the hub got %d commands, want 0", n)
	}
	_ = response.Body.Close()
}

// TestBodyTimeEnds shows that the time for the body does not cut the work on
// it.
func TestBodyTimeEnds(t *testing.T) {
	h := fixture()
	url := serve(t, h, func(c *httpapi.Config) {
		c.BodyTime = 20 * time.Millisecond
		c.Mounts = []httpapi.Mount{{Pattern: "POST /work", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-r.Context().Done():
				w.WriteHeader(http.StatusTeapot)
			case <-time.After(100 * time.Millisecond):
			}
		})}}
	})
	if got := do(t, "POST", url+"/work", "x"); got.Status != 200 {
		t.Errorf("work after the body = %d, want 200", got.Status)
	}
}

// FuzzRequest sends any request to the whole API: no panic, no server error,
// always JSON.
func FuzzRequest(f *testing.F) {
	for _, s := range []struct{ method, path, body string }{
		{"POST", "/api/v1/runs", `{"name":"Order","id":"a","tags":{"a":"b"}}`},
		{"POST", "/api/v1/runs", "{\"name\": \"\xff\"}"},
		{"POST", "/api/v1/runs", `{"a":1,"a":2}`},
		{"POST", "/api/v1/runs/a%2Fb/events/x", `[1,2,{"a":null}]`},
		{"POST", "/api/v1/runs/a/terminate", `{"reason":"x"}`},
		{"GET", "/api/v1/runs?filter=status:failed&limit=3", ""},
		{"GET", "/api/v1/runs?filter=%22", ""},
		{"GET", "/api/v1/runs/%00", ""},
		{"GET", "/api/v1/runs/../..//x", ""},
		{"POST", "/api/v1/entities/a/b/signal", `{"operation":"x","at":"2026-01-01T00:00:00Z"}`},
		{"POST", "/api/v1/activities/t/fail", `{"message":"x"}`},
	} {
		f.Add(s.method, s.path, s.body)
	}
	api := httpapi.New(httpapi.Config{Hub: fixture(), MaxWait: time.Nanosecond})
	api.Stop() // so that streams end at once
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
		if err != nil {
			return
		}
		u, err := r.URL.Parse(path)
		if err != nil {
			return
		}
		r.URL, r.Host = u, "localhost"
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 503 {
			t.Errorf("%s %q %q = %d %s", method, path, body, w.Code, w.Body)
		}
	})
}

// FuzzStartBody sends any body as a start: it becomes one command with valid
// input, or a problem and no command.
func FuzzStartBody(f *testing.F) {
	f.Add([]byte(`{"name":"Order","input":{"a":[1,2.5e3,"x",null,true]}}`))
	f.Add([]byte(`{"name":"Order","input":null,"tags":{"a":"b"},"start_at":"2026-03-01T12:00:00Z","id_policy":"get","id":"x"}`))
	f.Add([]byte(`{"name":"Order","id":"x","event":{"name":"Go","data":[]}}`))
	f.Add([]byte(`{"name":"Order","name":"Order"}`))
	f.Add([]byte("{\"name\":\"Ord\xffer\"}"))
	f.Add([]byte(`{"name":"Order"}{}`))
	f.Add([]byte(strings.Repeat(`{"input":`, 70)))
	f.Fuzz(func(t *testing.T, body []byte) {
		h := fixture()
		api := httpapi.New(httpapi.Config{Hub: h, MaxBody: 1 << 16})
		r := httptest.NewRequest("POST", "http://localhost/api/v1/runs", bytes.NewReader(body))
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		switch commands := h.commands(); {
		case w.Code == 200 || w.Code == 201:
			if len(commands) != 1 {
				t.Fatalf("%q = %d with %d commands, want 1", body, w.Code, len(commands))
			}
			start := commands[0].(*hub.Start)
			if start.Input.Set && !json.Valid([]byte(start.Input.S)) || start.Name == "" {
				t.Errorf("%q became %+v", body, start)
			}
		case w.Code < 400 || w.Code >= 500 || len(commands) != 0:
			t.Errorf("%q = %d %s with %d commands, want a problem and none", body, w.Code, w.Body, len(commands))
		}
	})
}
