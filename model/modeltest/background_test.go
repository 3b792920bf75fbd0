package modeltest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model/modeltest"
)

// response is what the tests look at in a response object.
type response struct {
	ID, Status string
	Background bool
	Error      *struct{ Code, Message string }
	Output     []struct {
		Type      string
		Encrypted string `json:"encrypted_content"`
		Content   []struct{ Text string }
	}
}

func read(t *testing.T, body string) response {
	t.Helper()
	var r response
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("answer %q: %v", body, err)
	}
	return r
}

func TestBackground(t *testing.T) {
	s, url := start(t, modeltest.ServerConfig{Model: modeltest.Script(t,
		modeltest.Say("one two").Then(modeltest.Call("look", nil)),
		modeltest.Say("one ").Then(modeltest.Pause(time.Hour)),
		modeltest.Say("one ").Then(modeltest.ServerError()),
		modeltest.Say("one ").Then(modeltest.Pause(time.Hour)))})
	url += "/v1/responses"
	get := func(id string) response {
		t.Helper()
		status, body := do(t, t.Context(), "GET", url+"/"+id, "")
		if status != 200 {
			t.Fatalf("GET %s = %d %s", id, status, body)
		}
		return read(t, body)
	}
	begin := func() response {
		t.Helper()
		_, body := do(t, t.Context(), "POST", url, `{"model":"m","input":"Go","background":true}`)
		r := read(t, body)
		if !r.Background || r.Status != "queued" && r.Status != "in_progress" && r.Status != "completed" && r.Status != "failed" {
			t.Errorf("POST = %s", body)
		}
		return r
	}

	first := begin()
	until(t, "the first response is done", func() bool { return get(first.ID).Status == "completed" })
	if r := get(first.ID); len(r.Output) != 2 || r.Output[0].Content[0].Text != "one two" || r.Output[1].Type != "function_call" {
		t.Errorf("first response = %+v, want a text and a call", r)
	}
	_, all := do(t, t.Context(), "GET", url+"/"+first.ID+"?stream=true", "")
	events := strings.Split(strings.TrimSpace(all), "\n\n")
	if !strings.Contains(events[0], "response.created") || !strings.Contains(events[len(events)-1], "response.completed") {
		t.Errorf("stream = %s, want one from created to completed", all)
	}
	_, tail := do(t, t.Context(), "GET", url+"/"+first.ID+"?stream=true&starting_after=3", "")
	if diff := cmp.Diff(strings.Join(events[4:], "\n\n"), strings.TrimSpace(tail)); diff != "" {
		t.Errorf("stream after 3 mismatch (-want +got):\n%s", diff)
	}

	second := begin()
	until(t, "the second response says something", func() bool { return get(second.ID).Status == "in_progress" })
	for range 2 { // canceling is idempotent
		status, body := do(t, t.Context(), "POST", url+"/"+second.ID+"/cancel", "")
		if r := read(t, body); status != 200 || r.Status != "cancelled" {
			t.Errorf("cancel = %d %s", status, body)
		}
	}
	if got := s.Ledger()[1]; got.Outcome != modeltest.OutcomeLeft {
		t.Errorf("ledger of a canceled response = %+v", got)
	}
	if _, body := do(t, t.Context(), "POST", url+"/"+first.ID+"/cancel", ""); read(t, body).Status != "completed" {
		t.Errorf("cancel of a completed response = %s, want it completed", body)
	}

	third := begin()
	until(t, "the third response is done", func() bool { return get(third.ID).Status == "failed" })
	if r := get(third.ID); r.Error == nil || r.Error.Code != "server_error" {
		t.Errorf("failed response = %+v", r)
	}

	if status, _ := do(t, t.Context(), "DELETE", url+"/"+third.ID, ""); status != 200 {
		t.Errorf("DELETE = %d", status)
	}
	if status, body := do(t, t.Context(), "GET", url+"/"+third.ID, ""); status != 404 || !strings.Contains(body, third.ID) {
		t.Errorf("GET of a deleted response = %d %s, want 404", status, body)
	}
	if status, _ := do(t, t.Context(), "PUT", url+"/"+first.ID, ""); status != 405 {
		t.Errorf("PUT = %d, want 405", status)
	}

	begin() // Close ends it
	until(t, "the fourth response is under way", func() bool { return len(s.Ledger()) == 4 })
	if err := s.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if got := s.Ledger()[3]; got.Outcome != modeltest.OutcomeLeft {
		t.Errorf("ledger after Close = %+v, want it left", got)
	}
	if status, _ := do(t, t.Context(), "POST", url, `{"model":"m","input":"Go","background":true}`); status != 503 {
		t.Errorf("POST after Close = %d, want 503", status)
	}
}

// TestBackgroundOutlivesItsCaller: a stream that is left is read on by another.
func TestBackgroundOutlivesItsCaller(t *testing.T) {
	_, url := start(t, modeltest.ServerConfig{Model: modeltest.Script(t, modeltest.Say("one two three four").Pace(5*time.Millisecond))})
	_, body := do(t, t.Context(), "POST", url+"/v1/responses", `{"model":"m","input":"Go","background":true}`)
	id := read(t, body).ID
	_, all := do(t, t.Context(), "GET", url+"/v1/responses/"+id+"?stream=true", "")
	if !strings.Contains(all, `"text":"one two three four"`) || !strings.Contains(all, "response.completed") {
		t.Errorf("stream = %s, want the whole answer", all)
	}
}

func TestResponsesReasoning(t *testing.T) {
	step := modeltest.Think("Let me ", "").Then(modeltest.Think("see.", "c2ln"), modeltest.Think("", "ZW5j"), modeltest.Say("Done."))
	for include, want := range map[string]string{`["reasoning.encrypted_content"]`: "c2ln", `[]`: ""} {
		_, body := post(t, "/v1/responses", `{"model":"m","input":"Hi","include":`+include+`}`, step)
		r := read(t, body)
		if len(r.Output) != 3 || r.Output[0].Type != "reasoning" || r.Output[0].Encrypted != want || r.Output[2].Content[0].Text != "Done." {
			t.Errorf("include %s: answer = %s", include, body)
		}
	}
	answer, body := post(t, "/v1/responses", `{"model":"m","input":"Hi","previous_response_id":"resp_1"}`)
	if answer.StatusCode != 400 || !strings.Contains(body, "previous_response_id") {
		t.Errorf("previous_response_id = %d %s, want 400", answer.StatusCode, body)
	}
}
