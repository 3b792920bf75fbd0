package httpapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model/modeltest"
)

// TestRewindTurn rewinds the last turn of a session, which has failed and then answers, and
// is offered to be rewound only while it is the last.
func TestRewindTurn(t *testing.T) {
	failing := modeltest.Fail(perdure.NonRetryable(errors.New("no jokes")))
	root := agentAPI(t, modeltest.Script(t, failing, modeltest.Say("Arr."), failing, modeltest.Say("Once more."), modeltest.Say("Bye.")), nil)
	url := root + "/api/v1"
	say := func(correlation string) (turn string) {
		t.Helper()
		got := do(t, "POST", url+"/agents/joker/sessions/k1/messages", `{"message":"Joke."}`, "Content-Type", "application/json", "Idempotency-Key", correlation)
		turn, _ = members(t, got.Body)["turn"].(string)
		if got.Status >= 300 || turn == "" {
			t.Fatalf("message = %d %s", got.Status, got.Body)
		}
		for do(t, "GET", url+"/runs/"+turn+"?wait=10s", "").Status == http.StatusNotFound { // it begins in a moment
			if t.Context().Err() != nil {
				t.Fatal("the turn does not begin")
			}
		}
		return turn
	}
	offered := func(turn string) (offered bool, why string) {
		t.Helper()
		var run struct {
			Actions []string
			Refused []struct{ Action, Reason string }
		}
		if err := json.Unmarshal([]byte(get(t, url+"/runs/"+turn)), &run); err != nil {
			t.Fatal(err)
		}
		for _, r := range run.Refused {
			if r.Action == "rewind" {
				why = r.Reason
			}
		}
		return strings.Contains(" "+strings.Join(run.Actions, " ")+" ", " rewind "), why
	}
	rests := func(turn string) {
		t.Helper()
		for ok := false; !ok; ok, _ = offered(turn) {
			if t.Context().Err() != nil {
				t.Fatal("the session does not come to rest")
			}
		}
	}
	first := say("a")
	rests(first)
	plan := members(t, post(t, 200, url+"/runs/"+first+"/rewind?dry_run=1", `{}`))
	if again, _ := json.Marshal(plan["steps_run_again"]); !strings.Contains(string(again), "Joker") {
		t.Errorf("the dry run says that %s runs again, want the model step", again)
	}
	for range 2 {
		got := do(t, "POST", url+"/runs/"+first+"/rewind", `{"reason":"mended"}`, "Content-Type", "application/json", "Idempotency-Key", "r1")
		if got.Status != http.StatusOK {
			t.Fatalf("rewind = %d %s, want 200", got.Status, got.Body)
		}
		if run := get(t, url+"/runs/"+first+"?wait=10s", "status", `"completed"`); !strings.Contains(run, "Arr.") {
			t.Errorf("the rewound turn = %s, want its answer", run)
		}
	}
	second := say("b")
	rests(second)
	if ok, why := offered(first); ok || !strings.Contains(why, "not the last turn") {
		t.Errorf("the rewind of a turn before the last is offered: %v, %q", ok, why)
	}
	for _, path := range []string{"/rewind", "/rewind?dry_run=1"} {
		if body := post(t, 409, url+"/runs/"+first+path, `{"to":3}`); !strings.Contains(body, "send the message again") {
			t.Errorf("%s of a turn before the last = %s, want what to do instead", path, body)
		}
	}
	batch := post(t, 200, url+"/batches", `{"action":"rewind","ids":["`+first+`","`+second+`"]}`)
	if got := members(t, batch); got["done"] != 1.0 || got["skipped"] != 1.0 {
		t.Errorf("batch = %s, want the last turn rewound and the other one skipped", batch)
	}
	if run := get(t, url+"/runs/"+second+"?wait=10s", "status", `"completed"`); !strings.Contains(run, "Once more.") {
		t.Errorf("the turn rewound by a batch = %s, want its answer", run)
	}
	if run := get(t, url+"/runs/"+say("c")); !strings.Contains(run, "Bye.") {
		t.Errorf("the next turn = %s, want its answer", run)
	}
}
