package httpapi_test

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

const sessions = "/api/v1/agents/joker/sessions/"

// hung is a model that answers nothing until nobody wants it; entered is told of
// each call.
func hung(entered chan<- struct{}) model.Model {
	return model.Func(func(ctx context.Context, _ *model.Request) iter.Seq2[*model.Update, error] {
		return func(yield func(*model.Update, error) bool) {
			entered <- struct{}{}
			<-ctx.Done()
			yield(nil, ctx.Err())
		}
	})
}

func TestStopTurn(t *testing.T) {
	entered := make(chan struct{}, 1)
	url := agentAPI(t, hung(entered), nil)
	if got := do(t, "POST", url+sessions+"none/stop", ""); got.Status != http.StatusNotFound {
		t.Errorf("stop of no session = %d %s, want 404", got.Status, got.Body)
	}
	posted := do(t, "POST", url+sessions+"k1/messages", `{"message":"Joke."}`, "Content-Type", "application/json")
	turn := members(t, posted.Body)["turn"]
	<-entered
	other := do(t, "POST", url+sessions+"k1/stop", `{"turn":"another"}`, "Content-Type", "application/json")
	if other.Status != http.StatusOK || members(t, other.Body)["status"] != "idle" {
		t.Errorf("stop of another turn = %d %s, want 200 idle", other.Status, other.Body)
	}
	got := do(t, "POST", url+sessions+"k1/stop", "")
	if m := members(t, got.Body); got.Status != http.StatusAccepted || m["status"] != "stopping" || m["turn"] != turn {
		t.Errorf("stop = %d %s, want 202 stopping %v", got.Status, got.Body, turn)
	}
	stream := do(t, "GET", url+members(t, posted.Body)["stream"].(string), "")
	if want := `"status":"canceled"`; !strings.Contains(stream.Body, want) {
		t.Errorf("stream = %s, want %s in it", stream.Body, want)
	}
}

func TestBusyPolicies(t *testing.T) {
	entered := make(chan struct{}, 2)
	url := agentAPI(t, hung(entered), nil)
	post := func(body string) answer {
		return do(t, "POST", url+sessions+"k1/messages", body, "Content-Type", "application/json")
	}
	first := members(t, post(`{"message":"1"}`).Body)
	<-entered
	got := post(`{"message":"2","busy":"reject"}`)
	if m := members(t, got.Body); got.Status != http.StatusConflict || m["code"] != "failed_precondition" || !strings.Contains(m["hint"].(string), "interrupt") {
		t.Errorf("reject = %d %s, want 409 with a hint", got.Status, got.Body)
	}
	if got := post(`{"message":"2","busy":"never"}`); got.Status != http.StatusBadRequest {
		t.Errorf("unknown policy = %d %s, want 400", got.Status, got.Body)
	}
	got = post(`{"message":"3","busy":"steer"}`)
	if m := members(t, got.Body); got.Status != http.StatusAccepted || m["steers"] != first["turn"] {
		t.Errorf("steer = %d %s, want 202 with the running turn", got.Status, got.Body)
	}
	if got = post(`{"message":"4","busy":"interrupt"}`); got.Status != http.StatusAccepted {
		t.Errorf("interrupt = %d %s, want 202", got.Status, got.Body)
	}
	<-entered // the next turn's model
	if s := do(t, "GET", url+first["stream"].(string), ""); !strings.Contains(s.Body, `"status":"canceled"`) {
		t.Errorf("stream = %s, want the end of a canceled turn", s.Body)
	}
}

func TestExportAndDelete(t *testing.T) {
	url := agentAPI(t, modeltest.Script(t, modeltest.Say("Arr.")), nil)
	if got := do(t, "POST", url+runJoker, `{"message":"Joke.","sessionId":"k1"}`, "Content-Type", "application/json"); got.Status != http.StatusOK {
		t.Fatalf("run = %d %s, want 200", got.Status, got.Body)
	}
	got := do(t, "GET", url+sessions+"k1/export", "")
	m := members(t, got.Body)
	if s, ok := m["session"].(map[string]any); got.Status != http.StatusOK || !ok || s["key"] != "k1" || len(m["messages"].([]any)) != 2 {
		t.Errorf("export = %d %s, want session k1 with 2 messages", got.Status, got.Body)
	}
	if got := do(t, "DELETE", url+sessions+"k1", ""); got.Status != http.StatusOK || members(t, got.Body)["status"] != "deleted" {
		t.Errorf("delete = %d %s, want 200 deleted", got.Status, got.Body)
	}
	for _, path := range []string{"", "/export", "/messages"} {
		if got := do(t, "GET", url+sessions+"k1"+path, ""); got.Status != http.StatusNotFound {
			t.Errorf("GET %s of a deleted session = %d %s, want 404", path, got.Status, got.Body)
		}
	}
	if got := do(t, "DELETE", url+sessions+"k1", ""); got.Status != http.StatusNotFound {
		t.Errorf("second delete = %d %s, want 404", got.Status, got.Body)
	}
}

// A session tells which run has asked in it last.
func TestSessionTellsItsOwner(t *testing.T) {
	url, _ := agentsHub(t, func(reg *perdure.Registry) {
		perdure.AddOrchestrationNamed(reg, "asks", func(ctx *perdure.Context, key string) (string, error) {
			return agent.Named("Joker").Run(ctx, "Joke.", agent.InSession(key)).Text()
		})
	}, &agent.Agent{Name: "Joker", Model: modeltest.Script(t, modeltest.Say("Arr."))})
	if got := do(t, "POST", url+"/api/v1/runs", `{"name":"asks","id":"r1","input":"k1"}`, "Content-Type", "application/json"); got.Status >= 300 {
		t.Fatalf("POST runs = %d %s", got.Status, got.Body)
	}
	for begun := time.Now(); ; { // a start is acknowledged before it is carried out
		got := do(t, "GET", url+sessions+"k1", "")
		if got.Status == http.StatusOK && members(t, got.Body)["owner_run"] == "r1" {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("session = %d %s, want it owned by r1", got.Status, got.Body)
		}
	}
	if got := do(t, "GET", url+"/api/v1/agents/joker/sessions", ""); !strings.Contains(got.Body, `"owner_run":"r1"`) {
		t.Errorf("sessions = %s, want the owner", got.Body)
	}
}
