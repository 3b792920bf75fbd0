package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// A run with calls whose outcome is not known is purged by force only, and the audit
// tells what was given up.
func TestPurgeByForce(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "ends", func(*perdure.Context, string) (string, error) { return "", nil })
	url, h := registryHub(t, reg, func(c *httpapi.Config) { c.Orchestrations = nil })
	start := &hub.Start{Name: "ends", InstanceID: "r1"}
	if _, err := h.Start(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WaitCompletion(t.Context(), "r1"); err != nil {
		t.Fatal(err)
	}
	calls := []string{"a call of pay", "a call of ship"}
	for i, call := range calls {
		hold := store.Row{Kind: hub.RowHold, Key: []byte{byte(i)}, Value: []byte(call)}
		if err := h.WriteRows(t.Context(), &hub.WriteRows{Owner: "r1", Rows: []store.Row{hold}}); err != nil {
			t.Fatal(err)
		}
	}
	purge := func(query, body string) answer {
		return do(t, "POST", url+"/api/v1/runs/r1/purge"+query, body, "Content-Type", "application/json")
	}
	for _, query := range []string{"", "?dry_run=1"} {
		got := purge(query, `{"recursive":true}`)
		held, _ := members(t, got.Body)["held"].([]any)
		if got.Status != http.StatusConflict || len(held) != len(calls) || held[0] != calls[0] || held[1] != calls[1] || !strings.Contains(got.Body, "by force") {
			t.Errorf("purge%s = %d %s, want 409 with %q and what to do", query, got.Status, got.Body, calls)
		}
	}
	if got := purge("?dry_run=1", `{"force":true}`); got.Status != http.StatusOK || members(t, got.Body)["count"] != 1.0 {
		t.Errorf("dry run of a purge by force = %d %s, want one run", got.Status, got.Body)
	}
	if got := purge("", `{"force":true}`); got.Status != http.StatusOK || members(t, got.Body)["count"] != 1.0 {
		t.Errorf("purge by force = %d %s, want one run", got.Status, got.Body)
	}
	if got := do(t, "GET", url+"/api/v1/audit?target=r1", ""); !strings.Contains(got.Body, `"given_up":["a call of pay","a call of ship"]`) {
		t.Errorf("audit = %s, want both calls given up", got.Body)
	}
}
