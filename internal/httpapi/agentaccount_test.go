package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model/modeltest"
)

// What turns and their steps took is listed; sessions show the totals.
func TestAccounts(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Arr."), modeltest.Say("Arr arr.")), nil)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, message := range []string{"Joke.", "Another."} {
		got := do(t, "POST", url+"/api/agents/joker/run?sessionId=k1", message, "traceparent", parent)
		if got.Status != http.StatusOK {
			t.Fatalf("run = %d %s", got.Status, got.Body)
		}
	}
	listed := do(t, "GET", url+sessions+"k1/turns?limit=1", "")
	m := members(t, listed.Body)
	turns, _ := m["items"].([]any)
	if listed.Status != http.StatusOK || len(turns) != 1 || m["next"] == nil {
		t.Fatalf("turns = %d %s, want one and a cursor", listed.Status, listed.Body)
	}
	turn, _ := turns[0].(map[string]any)
	tokens, _ := turn["tokens"].(map[string]any)
	if turn["status"] != "completed" || turn["steps"] != 1.0 || turn["calls"] != 1.0 || turn["trace_id"] != parent[3:35] || tokens["total"] == 0.0 {
		t.Errorf("turns = %s, want a completed one of one step in the caller's trace", listed.Body)
	}
	name, _ := turn["turn"].(string)
	for _, id := range []string{name, name[strings.LastIndexByte(name, '~')+1:]} {
		steps := do(t, "GET", url+sessions+"k1/turns/"+id+"/steps", "")
		for _, want := range []string{`"kind":"model"`, `"status":"completed"`, `"model":"script"`, `"cost_usd":`, `"started":`, `"ended":`} {
			if steps.Status != http.StatusOK || !strings.Contains(steps.Body, want) {
				t.Errorf("steps of %s = %d %s, want %s in it", id, steps.Status, steps.Body, want)
			}
		}
	}
	if got := do(t, "GET", url+sessions+"k1/turns/none/steps", ""); got.Status != http.StatusNotFound {
		t.Errorf("steps of no turn = %d %s, want 404", got.Status, got.Body)
	}
	if got := do(t, "GET", url+sessions+"none/turns", ""); got.Status != http.StatusNotFound {
		t.Errorf("turns of no session = %d %s, want 404", got.Status, got.Body)
	}
	for begun := time.Now(); ; { // an answer is there a moment before its session knows
		got := members(t, do(t, "GET", url+sessions+"k1", "").Body)
		if got["calls"] == 2.0 && got["cost_usd"] != nil {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("session = %v, want two calls and what they cost", got)
		}
	}
}

// A run that is started below a span keeps it; a header that is none is ignored.
func TestStartBelowSpan(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	h := fixture()
	url := serve(t, h, nil)
	for _, header := range []string{parent, "nonsense"} {
		if got := do(t, "POST", url+"/api/v1/runs", `{"name":"Order"}`, "Content-Type", "application/json", "traceparent", header, "tracestate", "a=b"); got.Status >= 300 {
			t.Fatalf("POST runs = %d %s", got.Status, got.Body)
		}
	}
	want := []any{
		&hub.Start{Name: "Order", Trace: &history.TraceContext{TraceParent: parent, TraceState: history.Some("a=b")}},
		&hub.Start{Name: "Order"},
	}
	if diff := cmp.Diff(want, h.commands()); diff != "" {
		t.Errorf("commands differ (-want +got):\n%s", diff)
	}
}
