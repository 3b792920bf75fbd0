package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/perdure/perdure/model/modeltest"
)

// data returns the data of the next frame of a kind, which must fit its schema.
func (f *frames) data(event, schema string) map[string]any {
	f.t.Helper()
	for frame := f.next(); frame != ""; frame = f.next() {
		if !strings.Contains("\n"+frame, "\nevent: "+event+"\n") {
			continue
		}
		_, text, _ := strings.Cut(frame, "data: ")
		fits(f.t, schema, text)
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			f.t.Fatal(err)
		}
		return m
	}
	f.t.Fatalf("the stream ended without a frame %s", event)
	return nil
}

// TestStreamOfAgents follows a turn with an approval through the topics of agents.
func TestStreamOfAgents(t *testing.T) {
	calls := 0
	root, h := decisionAPI(t, &calls, modeltest.Call("pay", `{"Amount":5}`), modeltest.Say("Paid."))
	inbox := open(t, root+"/api/v1/stream?topics=inbox")
	sessionsOf := open(t, root+"/api/v1/stream?topics=sessions:joker&topics=entities")
	if first := inbox.data("inbox", "InboxFrame"); first["whole"] != true || len(first["upsert"].([]any)) != 0 {
		t.Errorf("first frame of the inbox = %v, want a whole and empty one", first)
	}
	if hello := sessionsOf.next(); !strings.Contains(hello, "event: hello") {
		t.Fatalf("first frame = %q, want hello", hello)
	}
	posted := do(t, "POST", root+"/api/v1/agents/joker/sessions/k1/messages", `{"message":"Pay."}`, "Content-Type", "application/json")
	turn, _ := members(t, posted.Body)["turn"].(string)
	asked := inbox.data("inbox", "InboxFrame")
	rows := asked["upsert"].([]any)
	if len(rows) != 1 || asked["whole"] != false {
		t.Fatalf("inbox = %v, want one decision", asked)
	}
	id := rows[0].(map[string]any)["id"].(string)
	session := sessionsOf.data("sessions", "SessionsFrame")["upsert"].([]any)[0].(map[string]any)
	if session["id"] != "@dafx-joker@k1" || session["row_version"] == 0.0 {
		t.Errorf("session = %v, want that of k1 with a version", session)
	}
	if e := sessionsOf.data("entities", "EntitiesFrame")["upsert"].([]any); len(e) == 0 {
		t.Errorf("entities = %v, want some", e)
	}
	if _, err := h.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := members(t, do(t, "GET", root+"/api/v1/agents/joker/sessions/k1", "").Body); got["state"] != "waiting_approval" || got["preview"] == nil {
		t.Errorf("session = %v, want waiting_approval and a preview", got)
	}
	if got := do(t, "POST", root+"/api/v1/decisions/"+url.PathEscape(id), `{"answer":"approve"}`, "Content-Type", "application/json"); got.Status != http.StatusOK {
		t.Fatalf("approve = %d %s", got.Status, got.Body)
	}
	if gone := inbox.data("inbox", "InboxFrame")["gone"].([]any); len(gone) != 1 || gone[0].(map[string]any)["id"] != id {
		t.Errorf("gone = %v, want %s", gone, id)
	}

	// A turn is told from an offset on, to its end.
	text, next := "", 0.0
	for f := open(t, root+"/api/v1/stream?topics=turn:"+url.QueryEscape(turn)+"@0"); ; {
		told := f.data("turn", "TurnFrame")
		for _, frame := range told["frames"].([]any) {
			if delta, ok := frame.(map[string]any)["delta"].(string); ok {
				text += delta
			}
		}
		if next = told["next"].(float64); told["ended"] == true {
			break
		}
	}
	if text != "Paid." {
		t.Errorf("text of the turn = %q, want Paid.", text)
	}
	again := open(t, root+"/api/v1/stream?topics=turn:"+url.QueryEscape(turn)+"@"+strings.TrimSuffix(jsonText(t, next-1), ".0")).data("turn", "TurnFrame")
	if list := again["frames"].([]any); len(list) != 1 || list[0].(map[string]any)["type"] != "end" || again["ended"] != true {
		t.Errorf("the stream from its last offset = %v, want the end alone", again)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStreamRefusesTopics(t *testing.T) {
	calls := 0
	root, _ := decisionAPI(t, &calls)
	for topic, want := range map[string]int{"nonsense": 400, "sessions:nobody": 404, "turn:x@y": 400, "runs:stauts:failed": 400, "run:@c@a": 400} {
		if got := do(t, "GET", root+"/api/v1/stream?topics="+url.QueryEscape(topic), ""); got.Status != want {
			t.Errorf("stream of %s = %d %s, want %d", topic, got.Status, got.Body, want)
		}
	}
}
