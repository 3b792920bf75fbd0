package modeltest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// post sends a body to a server that plays the steps.
func post(t *testing.T, path, body string, steps ...modeltest.Step) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	modeltest.NewServer(modeltest.Script(t, steps...)).ServeHTTP(w,
		httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	answer := w.Result()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(b)
}

// sameJSON compares a JSON document with a Go value that marshals to it.
func sameJSON(t *testing.T, got string, want any) {
	t.Helper()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("answer %q: %v", got, err)
	}
	if err := json.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("answer mismatch (-want +got):\n%s", diff)
	}
}

type object = map[string]any

func TestChatInOnePiece(t *testing.T) {
	_, body := post(t, "/v1/chat/completions",
		`{"model":"m","messages":[{"role":"developer","content":"Be kind."},{"role":"user","content":[{"type":"text","text":"Hi"}]}],"stop":"END"}`,
		modeltest.Say("Hello.").Then(modeltest.Call("look", `{"at":7}`)).Check(func(r *model.Request) error {
			want := &model.Request{Instructions: "Be kind.", Messages: []*model.Message{model.UserText("Hi")}, Model: "m", Stop: []string{"END"}}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("request mismatch (-want +got):\n%s", diff)
			}
			return nil
		}).Usage(model.Usage{InputTokenCount: 2, OutputTokenCount: 3, TotalTokenCount: 5}))
	sameJSON(t, body, object{
		"id": "chatcmpl-script-1", "object": "chat.completion", "created": 1793610000, "model": "m",
		"choices": []any{object{"index": 0, "finish_reason": "tool_calls", "message": object{
			"role": "assistant", "content": "Hello.", "tool_calls": []any{object{"id": "script-1-call-1", "type": "function",
				"function": object{"name": "look", "arguments": `{"at":7}`}}}}}},
		"usage": object{"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5,
			"prompt_tokens_details": object{"cached_tokens": 0, "cache_write_tokens": 0}, "completion_tokens_details": object{"reasoning_tokens": 0}},
	})
}

func TestMessagesInOnePiece(t *testing.T) {
	_, body := post(t, "/v1/messages",
		`{"model":"m","max_tokens":9,"system":"Be kind.","messages":[{"role":"user","content":"Hi"}]}`,
		modeltest.Think("Hm.", "c2ln").Then(modeltest.Say("Hello."), modeltest.Call("look", `{"at":7}`)).
			Usage(model.Usage{InputTokenCount: 5, CachedInputTokenCount: 3, OutputTokenCount: 3}))
	sameJSON(t, body, object{
		"id": "msg_script-1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use", "stop_sequence": nil,
		"content": []any{
			object{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
			object{"type": "text", "text": "Hello."},
			object{"type": "tool_use", "id": "script-1-call-1", "name": "look", "input": object{"at": 7}}},
		"usage": object{"input_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 0, "output_tokens": 3,
			"output_tokens_details": object{"thinking_tokens": 0}},
	})
}

func TestResponsesStream(t *testing.T) {
	_, body := post(t, "/v1/responses", `{"model":"m","input":"Hi","stream":true}`,
		modeltest.Say("Hello you.").Then(modeltest.Call("look", `{"at":7}`)))
	var names []string
	text := ""
	for i, block := range strings.Split(strings.TrimSpace(body), "\n\n") {
		name, data, _ := strings.Cut(strings.TrimPrefix(block, "event: "), "\ndata: ")
		names = append(names, name)
		var ev struct {
			Type     string
			Sequence int `json:"sequence_number"`
			Delta    string
		}
		if err := json.Unmarshal([]byte(data), &ev); err != nil {
			t.Fatalf("event %q: %v", block, err)
		}
		if ev.Type != name || ev.Sequence != i {
			t.Errorf("event %d = type %q, sequence %d, want %q, %d", i, ev.Type, ev.Sequence, name, i)
		}
		if name == "response.output_text.delta" {
			text += ev.Delta
		}
	}
	want := []string{"response.created", "response.in_progress",
		"response.output_item.added", "response.content_part.added",
		"response.output_text.delta", "response.output_text.delta",
		"response.output_text.done", "response.content_part.done", "response.output_item.done",
		"response.output_item.added", "response.function_call_arguments.delta",
		"response.function_call_arguments.done", "response.output_item.done", "response.completed"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("events mismatch (-want +got):\n%s", diff)
	}
	if text != "Hello you." {
		t.Errorf("text = %q, want Hello you.", text)
	}
}

func TestResponsesInput(t *testing.T) {
	_, body := post(t, "/v1/responses", `{"model":"m","instructions":"Be kind.","max_output_tokens":5,"input":[
		{"role":"user","content":[{"type":"input_text","text":"Hi"}]},
		{"type":"function_call","call_id":"c1","name":"look","arguments":"{}"},
		{"type":"function_call","call_id":"c2","name":"look","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"a"},
		{"type":"function_call_output","call_id":"c2","output":"b"}],
		"tools":[{"type":"function","name":"look","parameters":{"type":"object"}}],
		"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"}}}}`,
		modeltest.Say("{}").Finish(model.FinishLength).Check(func(r *model.Request) error {
			five := 5
			want := &model.Request{Instructions: "Be kind.", Model: "m", MaxOutputTokens: &five,
				Messages: []*model.Message{
					model.UserText("Hi"),
					{Role: model.RoleAssistant, Contents: model.Contents{
						&model.FunctionCall{CallID: "c1", Name: "look", Arguments: "{}"},
						&model.FunctionCall{CallID: "c2", Name: "look", Arguments: "{}"}}},
					model.ToolResult("c1", "a"), model.ToolResult("c2", "b"),
				},
				Tools:  []model.Tool{{Name: "look", Schema: json.RawMessage(`{"type":"object"}`)}},
				Format: &model.Format{Name: "n", Schema: json.RawMessage(`{"type":"object"}`)},
			}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("request mismatch (-want +got):\n%s", diff)
			}
			return nil
		}))
	var got struct {
		Status     string
		Incomplete struct{ Reason string } `json:"incomplete_details"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Status != "incomplete" || got.Incomplete.Reason != "max_output_tokens" {
		t.Errorf("answer = %+v, %v, want incomplete by max_output_tokens", got, err)
	}
}

func TestServerFailures(t *testing.T) {
	answer, body := post(t, "/v1/chat/completions", `{"messages":[]}`, modeltest.RateLimit(2*time.Second))
	if answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "2" || !strings.Contains(body, "rate_limit_exceeded") {
		t.Errorf("rate limit = %d, Retry-After %q, %s", answer.StatusCode, answer.Header.Get("Retry-After"), body)
	}
	for name, tt := range map[string]struct{ path, body, want string }{
		"no JSON":         {"/v1/chat/completions", `{`, "unexpected end"},
		"unknown role":    {"/v1/chat/completions", `{"messages":[{"role":"critic"}]}`, "critic"},
		"open call":       {"/v1/chat/completions", `{"messages":[{"role":"assistant","tool_calls":[{"id":"c"}]},{"role":"user","content":"?"}]}`, "without a result"},
		"call at the end": {"/v1/chat/completions", `{"messages":[{"role":"assistant","tool_calls":[{"id":"c"}]}]}`, "at the end"},
		"unknown result":  {"/v1/chat/completions", `{"messages":[{"role":"tool","tool_call_id":"c","content":"x"}]}`, "unknown tool call"},
		"no bound":        {"/v1/messages", `{"messages":[]}`, "max_tokens"},
		"blank text":      {"/v1/messages", `{"max_tokens":1,"messages":[{"role":"user","content":" "}]}`, "non-empty"},
		"no signature":    {"/v1/messages", `{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a"}]}]}`, "signature"},
		"unknown item":    {"/v1/responses", `{"input":[{"type":"dream"}]}`, "dream"},
	} {
		answer, body := post(t, tt.path, tt.body)
		if answer.StatusCode != 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%s = %d %s, want 400 and %q", name, answer.StatusCode, body, tt.want)
		}
	}
}

func TestServerRoutes(t *testing.T) {
	s := modeltest.NewServer(modeltest.NewScript())
	for _, tt := range []struct {
		method, path string
		want         int
	}{{"GET", "/v1/models", 200}, {"GET", "/v1/chat/completions", 405}, {"POST", "/v1/embeddings", 404}} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.want {
			t.Errorf("%s %s = %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
	}
	if got := len(s.Requests()); got != 3 {
		t.Errorf("Requests() = %d, want 3", got)
	}
}

func TestCassette(t *testing.T) {
	server := httptest.NewServer(modeltest.NewServer(modeltest.Script(t,
		modeltest.Say("one"), modeltest.Say("two"), modeltest.Say("half").Then(modeltest.Cut()))))
	defer server.Close()
	const first, second = `{"messages":[{"role":"user","content":"1"}]}`, `{"messages":[],"stream":true}`
	var tape bytes.Buffer
	recorder := modeltest.NewRecorder(&tape, nil)
	send := func(rt http.RoundTripper, body string) (string, error) {
		req, err := http.NewRequest("POST", server.URL+"/v1/chat/completions?api-key=secret1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer secret2")
		req.Header.Set("Api-Key", "secret3")
		answer, err := rt.RoundTrip(req)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		return answer.Status + answer.Header.Get("Content-Type") + string(b), err
	}
	bodies := []string{first, first, second}
	var want []string
	for _, body := range bodies {
		got, err := send(recorder, body)
		if (err != nil) != (body == second) {
			t.Fatalf("recorded call = %v", err)
		}
		want = append(want, got)
	}
	if err := recorder.Err(); err != nil || strings.Contains(tape.String(), "secret") {
		t.Errorf("cassette = %s, %v, want no secret in it", tape.String(), err)
	}
	player, err := modeltest.NewPlayer(&tape)
	if err != nil {
		t.Fatalf("NewPlayer() = %v", err)
	}
	for i, body := range bodies {
		got, err := send(player, body)
		if got != want[i] || (err != nil) != (body == second) {
			t.Errorf("played call %d = %q, %v, want %q", i, got, err, want[i])
		}
	}
	if got, err := send(player, first); err == nil {
		t.Errorf("call that is not on the cassette = %q, want an error", got)
	}
	if n := player.Unused(); n != 0 {
		t.Errorf("Unused() = %d, want 0", n)
	}
}

func TestBadCassette(t *testing.T) {
	if _, err := modeltest.NewPlayer(strings.NewReader("\n{}\n{")); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("NewPlayer() = %v, want an error about line 3", err)
	}
}
