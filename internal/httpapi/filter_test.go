package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/perdure/perdure/internal/filter/filtertest"
	"github.com/perdure/perdure/internal/httpapi"
)

// TestFilters takes the filters that parser, Go client and command line take, as they do,
// in lists, counts and topics of streams.
func TestFilters(t *testing.T) {
	address := serve(t, fixture(), func(c *httpapi.Config) { c.Now = filtertest.Now })
	for _, example := range filtertest.Cases() {
		text := url.QueryEscape(example.Filter)
		for _, path := range []string{"/api/v1/runs?filter=" + text, "/api/v1/run-counts?filter=" + text, "/api/v1/stream?topics=runs:" + text} {
			if example.Mistake == "" && !strings.HasPrefix(path, "/api/v1/runs") {
				continue // they do not tell how they understood it
			}
			got := do(t, "GET", address+path, "")
			var said struct{ Parsed, Detail string }
			if err := json.Unmarshal([]byte(got.Body), &said); err != nil {
				t.Fatalf("GET %s = %s", path, got.Body)
			}
			if example.Mistake != "" && (got.Status != http.StatusBadRequest || said.Detail != example.Mistake) {
				t.Errorf("GET %s = %d %s, want 400 %s", path, got.Status, got.Body, example.Mistake)
			}
			if example.Mistake == "" && (got.Status != http.StatusOK || said.Parsed != example.Canonical) {
				t.Errorf("GET %s = %d %s, want it parsed as %s", path, got.Status, got.Body, example.Canonical)
			}
		}
	}
}
