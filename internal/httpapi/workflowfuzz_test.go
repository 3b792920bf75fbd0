package httpapi_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/httpapi"
)

// FuzzWorkflowRequest sends any request to the workflow routes of a hub whose run
// has any custom status: it is never the server's fault, the answer is JSON, and
// only what the run waits for is shown as waiting.
func FuzzWorkflowRequest(f *testing.F) {
	const run, dotnet = "/api/workflow/Order", "/api/workflows/Order"
	for _, s := range []struct{ method, path, media, body, status string }{
		{"POST", run + "/run?runId=r&waitForResponse=1&timeoutSeconds=1", "application/json", `{"n":1}`, ""},
		{"POST", dotnet + "/run?waitForResponse=maybe", "text/plain", "hello", ""},
		{"GET", run + "/status/order%2F1%25", "", "", `{"pending_requests":{"a":{"request_id":"Approval","data":[{"__pickled__":1}]},"b":5}}`},
		{"GET", dotnet + "/status/order%2F1%25", "", "", `{"pendingEvents":[{"eventName":"Approval","input":"{\"n\":1}"},{"eventName":"other"}]}`},
		{"GET", dotnet + "/status/order%2F1%25", "", "", `{"subworkflows":{"x":["order-2"],"y":{"0":"turn","z":1}}}`},
		{"POST", run + "/respond/order%2F1%25/Approval", "", "true", ""},
		{"POST", run + "/respond/order%2F1%25/x~0~Approval", "", "true", `{"subworkflows":{"x":["order/1%"]}}`},
		{"POST", dotnet + "/respond/order%2F1%25", "application/json", `{"eventName":"Approval","response":null}`, "half"},
	} {
		f.Add(s.method, s.path, s.media, s.body, s.status)
	}
	f.Fuzz(func(t *testing.T, method, path, media, body, status string) {
		hub := fixture()
		i := hub.instances["order/1%"]
		i.Waits, i.CustomStatus = []string{"Approval"}, history.Some(status)
		api := httpapi.New(httpapi.Config{Hub: hub, MaxWait: time.Nanosecond, MaxBody: 1 << 16,
			Orchestrations: func() []string { return []string{"Order", "dafx-Order2"} }})
		r := httptest.NewRequest("GET", "http://localhost/", strings.NewReader(body))
		u, err := r.URL.Parse(path)
		if err != nil || !strings.HasPrefix(u.Path, "/api/workflow") {
			return
		}
		r.Method, r.URL, r.Host = method, u, "localhost"
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %s with %q = %d %s", method, path, body, w.Code, w.Body)
		}
		if method == "HEAD" || w.Code == 307 {
			return
		}
		var answer struct {
			Pending []struct{ RequestID string } `json:"pendingHumanInputRequests"`
			Waiting []struct{ EventName string } `json:"waitingForInput"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s with %q = %d %s: %v", method, path, body, w.Code, w.Body, err)
		}
		for _, p := range answer.Pending {
			if p.RequestID != "Approval" {
				t.Errorf("pending with %s = %v, want Approval alone", status, answer.Pending)
			}
		}
		for _, p := range answer.Waiting {
			if p.EventName != "Approval" {
				t.Errorf("waiting with %s = %v, want Approval alone", status, answer.Waiting)
			}
		}
	})
}
