package host_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/host"
)

// TestRetention lets time run fast, until a run has grown too old.
func TestRetention(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.TimeScale, cfg.Retention = 10_000, host.Retention{Completed: time.Hour}
	app, _ := start(t, cfg)
	if _, body := ask(t, http.MethodGet, app.URL()+"/api/v1/info", ""); !strings.Contains(body, `"retention":{"completed":3600000}`) {
		t.Errorf("info = %s, want the retention of completed runs", body)
	}
	if status, body := ask(t, http.MethodPost, app.URL()+"/api/v1/runs", `{"name":"Approve","id":"a","event":{"name":"ApprovalDecision","data":true}}`); status != http.StatusCreated {
		t.Fatalf("start = %d %s", status, body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		status, body := ask(t, http.MethodGet, app.URL()+"/api/v1/runs/a", "")
		if status == http.StatusNotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("run a is still there: %s", body)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); metric(t, scrape(t, app, ""), `perdure_retention_purged_total{hub="default"}`) != 1; {
		if time.Now().After(deadline) {
			t.Fatal("perdure_retention_purged_total is not 1")
		}
	}
}

func TestRetentionIsChecked(t *testing.T) {
	for hub, r := range map[string]host.Retention{"d": {Failed: -time.Hour}, "http://127.0.0.1:1": {Failed: time.Hour}} {
		_, err := host.New(host.Config{Hub: hub, Retention: r})
		if err == nil || !strings.Contains(err.Error(), "retention") {
			t.Errorf("New with retention %+v for %s = %v, want it refused", r, hub, err)
		}
	}
}
