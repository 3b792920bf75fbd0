package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/httpapi"
)

// FuzzHeaders sends headers of any shape: no panic, no server error, and no
// answer to a host that is not served.
func FuzzHeaders(f *testing.F) {
	f.Add("localhost:8080", "", "text/event-stream", "AAAA", "k1", "application/json")
	f.Add("[::1", "http://evil.test", "*/*;q=x", "_", strings.Repeat("k", 300), "text/plain; charset")
	f.Add("evil.test", "null", ",,", "=", "a\tb", "application/problem+json;x")
	f.Add("127.0.0.1.", "http://localhost", "application/json", "", "", "")
	api := httpapi.New(httpapi.Config{Hub: fixture(), MaxWait: time.Nanosecond})
	api.Stop() // so that streams end at once
	f.Fuzz(func(t *testing.T, host, origin, accept, last, key, media string) {
		for _, target := range []string{"GET /api/v1/runs", "GET /api/v1/stream", "POST /api/v1/runs"} {
			method, path, _ := strings.Cut(target, " ")
			r := httptest.NewRequest(method, path, strings.NewReader(`{"name":"Order","id":"a"}`))
			r.Host = host
			for name, value := range map[string]string{
				"Origin": origin, "Accept": accept, "Last-Event-ID": last, "Idempotency-Key": key, "Content-Type": media,
			} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s with host %q, headers %v = %d %s", target, host, r.Header, w.Code, w.Body)
			}
			if w.Code < 400 && strings.Contains(host, "evil") {
				t.Errorf("%s with host %q = %d, want it refused", target, host, w.Code)
			}
			if w.Code < 400 && method == "POST" && origin != "" {
				t.Errorf("%s with origin %q = %d, want it refused", target, origin, w.Code)
			}
		}
	})
}
