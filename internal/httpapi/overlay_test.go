package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// TestOverlay follows the work of a run through a queue and a worker.
func TestOverlay(t *testing.T) {
	url, h := agentsHub(t, func(*perdure.Registry) {})
	if _, err := h.Start(t.Context(), &hub.Start{InstanceID: "r 1", Name: "Far"}); err != nil {
		t.Fatal(err)
	}
	told := func(query, want string) {
		t.Helper()
		last := ""
		for {
			answer := do(t, "GET", url+"/api/v1/run-overlay?"+query, "")
			if answer.Status != http.StatusOK || t.Context().Err() != nil {
				t.Fatalf("run-overlay?%s = %d %s after %s, want %s", query, answer.Status, answer.Body, last, want)
			}
			if last = strings.TrimSpace(answer.Body); last == `{"items":[`+want+`]}` {
				fits(t, "OverlayItems", last)
				return
			}
		}
	}
	told("id=r+1&id=none", `{"id":"r 1","state":"queued"}`)
	stream, err := h.Connect(t.Context(), &hub.Worker{ID: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close(false)
	w, err := stream.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told("id=r+1", `{"id":"r 1","state":"executing","worker":"w1"}`)
	told("id=r+1&steps=1", `{"id":"r 1","state":"executing","worker":"w1","work":[{"kind":"orchestration","name":"Far","state":"executing","worker":"w1"}]}`)
	done := &hub.OrchestrationDone{Delivery: hub.Delivery{Token: w.Token}, Result: engine.TurnResult{Actions: []engine.Action{
		{ID: 4, Do: &engine.ScheduleTask{Name: "Act", Input: history.Some("1")}},
	}}}
	if err := h.CompleteOrchestration(t.Context(), done); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := do(t, "GET", url+"/api/v1/run-overlay?id=r+1&steps=1", "")
	fits(t, "OverlayItems", answer.Body)
	before, after, found := strings.Cut(answer.Body, `,"since":"`)
	want := `{"items":[{"id":"r 1","state":"executing","worker":"w1","work":[{"kind":"activity","event_id":4,"name":"Act","state":"executing","worker":"w1"`
	if diff := cmp.Diff(want, before); diff != "" || !found || !strings.Contains(after, `Z"}]}]}`) {
		t.Errorf("run-overlay = %s, want the activity with when it was given to the worker (-want +got):\n%s", answer.Body, diff)
	}
	for query, why := range map[string]string{"": "1 to 100 runs", "id=@a@b": "entities", "id=x&steps=7": "must be 1 or 0", strings.Repeat("id=x&", 101): "1 to 100 runs"} {
		if answer := do(t, "GET", url+"/api/v1/run-overlay?"+query, ""); answer.Status != http.StatusBadRequest || !strings.Contains(answer.Body, why) {
			t.Errorf("run-overlay?%s = %d %s, want 400 with %q", query, answer.Status, answer.Body, why)
		}
	}
}
