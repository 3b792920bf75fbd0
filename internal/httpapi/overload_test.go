package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
)

// TestT24_RetryAfter has a hub that refuses a start for a while: callers are told for
// how long, in whole seconds.
func TestT24_RetryAfter(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "1", time.Second: "1", 1500 * time.Millisecond: "2"} {
		h := fixture()
		h.fail = &perdure.Error{Code: perdure.ResourceExhausted, Op: "start", Message: "too much", RetryAfter: after}
		url := serve(t, h, nil)
		for _, route := range []string{"/api/v1/runs", "/api/workflows/ContentApproval/run"} {
			got := do(t, "POST", url+route, `{"name":"ContentApproval"}`, "Content-Type", "application/json")
			if got.Status != 429 || got.Header.Get("Retry-After") != want || !strings.Contains(got.Body, "too much") {
				t.Errorf("POST %s refused for %v = %d %q %s, want 429 with Retry-After %s", route, after, got.Status, got.Header.Get("Retry-After"), got.Body, want)
			}
		}
	}
}
