package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestBatches purges some runs by their ids, and all of a name by a filter.
func TestBatches(t *testing.T) {
	root, _ := manyRuns(t, 10)
	send := func(query, body string, headers ...string) answer {
		t.Helper()
		return do(t, "POST", root+"/api/v1/batches"+query, body, append(headers, "Content-Type", "application/json")...)
	}
	for _, c := range []struct{ query, body, want string }{
		{"?dry_run=1", `{"action":"purge","filter":"name:Job0"}`, `{"action":"purge","dry_run":true,"total":4,"done":4,"skipped":0,"failed":0,"partial":false,"problems":[]}`},
		{"", `{"action":"suspend","ids":["r01","none"]}`, `{"action":"suspend","dry_run":false,"total":2,"done":0,"skipped":1,"failed":1,"partial":false,"problems":[` +
			`{"id":"r01","code":"failed_precondition","detail":"the run has ended (completed)"},{"id":"none","code":"not_found",`},
		{"", `{"action":"purge","filter":"name:Job0","reason":"old"}`, `"total":4,"done":4,`},
		{"", `{"action":"restart","ids":["r01","r02"]}`, `"total":2,"done":2,`},
	} {
		got := send(c.query, c.body)
		fits(t, "Batch", got.Body)
		if !strings.Contains(got.Body, c.want) {
			t.Errorf("batch %s = %d %s, want %s", c.body, got.Status, got.Body, c.want)
		}
	}
	if got := do(t, "GET", root+"/api/v1/run-counts?filter=name:Job0", ""); !strings.Contains(got.Body, `"total":0`) {
		t.Errorf("counts after the purge = %s, want none", got.Body)
	}
	// A repeat with the same key finds what was done.
	for range 2 {
		if got := send("", `{"action":"purge","ids":["r04"]}`, "Idempotency-Key", "k1"); !strings.Contains(got.Body, `"done":1`) {
			t.Errorf("purge by key = %s, want it done", got.Body)
		}
	}
	told := send("", `{"action":"purge","filter":"name:Job2"}`, "Accept", "text/event-stream")
	if !strings.Contains(told.Body, "event: done\ndata: ") || !strings.Contains(told.Body, `"action":"purge"`) {
		t.Errorf("batch as a stream = %s, want its end", told.Body)
	}
	for _, body := range []string{`{}`, `{"action":"explode","ids":["r01"]}`, `{"action":"purge"}`, `{"action":"purge","ids":["r01"],"filter":""}`, `{"action":"purge","filter":"stauts:x"}`, `{"action":"purge","ids":["@c@a"]}`} {
		if got := send("", body); got.Status != http.StatusBadRequest {
			t.Errorf("batch %s = %d, want 400", body, got.Status)
		}
	}
}
