package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/model/openai"
)

// serve starts a server that plays the steps and returns a client of it.
func serve(t *testing.T, steps ...modeltest.Step) (*openai.Model, *modeltest.Server, *modeltest.Scripted) {
	t.Helper()
	script := modeltest.Script(t, steps...)
	handler := modeltest.NewServer(script)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	m, err := openai.New(openai.Config{Model: "gpt-test", APIKey: "sk-test", BaseURL: server.URL + "/v1",
		HTTPClient: server.Client()})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return m, handler, script
}

func request(text string) *model.Request {
	return &model.Request{Messages: []*model.Message{model.UserText(text)}}
}

func TestTextAndUsage(t *testing.T) {
	m, _, _ := serve(t, modeltest.Say("It rains in Oslo.").Usage(model.Usage{
		InputTokenCount: 210, OutputTokenCount: 38, TotalTokenCount: 248, CachedInputTokenCount: 128, ReasoningTokenCount: 5,
		AdditionalCounts: map[string]int64{model.CountCacheWrite: 12}}))
	updates := 0
	var c model.Collector
	for u, err := range m.Generate(t.Context(), request("Weather?")) {
		if err != nil {
			t.Fatalf("Generate() = %v", err)
		}
		updates++
		c.Add(u)
	}
	r := c.Response()
	if updates < 5 {
		t.Errorf("updates = %d, want one for each word and more", updates)
	}
	at := time.Unix(1793610000, 0).UTC()
	want := &model.Response{
		ID: "chatcmpl-script-1", FinishReason: model.FinishStop, CreatedAt: at,
		AdditionalProperties: model.Properties{model.PropertyModel: json.RawMessage(`"gpt-test"`)},
		Messages: []*model.Message{{
			ID: "chatcmpl-script-1", Role: model.RoleAssistant, CreatedAt: at,
			Contents: model.Contents{
				&model.Text{Text: "It rains in Oslo."},
				&model.UsageContent{Details: model.Usage{InputTokenCount: 210, OutputTokenCount: 38,
					TotalTokenCount: 248, CachedInputTokenCount: 128, ReasoningTokenCount: 5,
					AdditionalCounts: map[string]int64{model.CountCacheWrite: 12}}},
			},
		}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("response mismatch (-want +got):\n%s", diff)
	}
}

// conversation uses everything that the API has a form for.
func conversation() *model.Request {
	temperature, topP, most := 0.5, 0.9, 100
	return &model.Request{
		Instructions: "Be <brief> & kind.",
		Messages: []*model.Message{
			{Role: model.RoleUser, AuthorName: "Ada Lovelace", Contents: model.Contents{
				&model.Text{Text: "What is this?"},
				model.NewData("image/png", []byte("png")),
				&model.URI{URI: "https://shop.test/7.jpg", MediaType: "image/jpeg"},
				&model.HostedFile{FileID: "f9"},
				&model.Data{URI: "data:application/pdf;base64,JVBE", Name: "bill.pdf"},
			}},
			{Role: model.RoleAssistant, Contents: model.Contents{
				&model.Reasoning{Text: "secret", ProtectedData: "anthropic/signature:abc"},
				&model.Text{Text: "Let me see."},
				&model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{"at":7}`},
				&model.FunctionCall{CallID: "c2", Name: "look", Arguments: `{"at":8}`},
				&model.UsageContent{Details: model.Usage{TotalTokenCount: 9}},
			}},
			model.ToolResult("c1", "a shoe"),
			{Role: model.RoleTool, Contents: model.Contents{&model.FunctionResult{CallID: "c2", Error: "too dark"}}},
			model.AssistantText("A shoe."),
			model.SystemText("The shop closes soon."),
			{Role: model.RoleUser, Contents: model.Contents{&model.Text{Text: "Which "}, &model.Text{Text: "size?"}}},
		},
		Tools: []model.Tool{
			{Name: "look", Description: "Looks at a thing.", Schema: json.RawMessage(`{"type":"object","properties":{"at":{"type":"integer"}}}`)},
			{Name: "stop"},
		},
		ToolMode: model.ToolsRequired, RequiredTool: "look",
		Temperature: &temperature, TopP: &topP, MaxOutputTokens: &most, Stop: []string{"END"},
		Format: &model.Format{Name: "size", Schema: json.RawMessage(`{"type":"object"}`), Strict: true},
	}
}

// TestRequestReachesTheProvider sends a request through the client and has the
// server read it back.
func TestRequestReachesTheProvider(t *testing.T) {
	m, _, script := serve(t, modeltest.Say("42"))
	req := conversation()
	if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := conversation()
	want.Model = "gpt-test"
	want.Messages = []*model.Message{
		{Role: model.RoleUser, AuthorName: "Ada_Lovelace", Contents: model.Contents{
			&model.Text{Text: "What is this?"},
			&model.Data{URI: "data:image/png;base64,cG5n"},
			&model.URI{URI: "https://shop.test/7.jpg", MediaType: "image/*"},
			&model.HostedFile{FileID: "f9"},
			&model.Data{URI: "data:application/pdf;base64,JVBE", Name: "bill.pdf"},
		}},
		{Role: model.RoleAssistant, Contents: model.Contents{
			&model.Text{Text: "Let me see."},
			&model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{"at":7}`},
			&model.FunctionCall{CallID: "c2", Name: "look", Arguments: `{"at":8}`},
		}},
		model.ToolResult("c1", "a shoe"),
		model.ToolResult("c2", "error: too dark"),
		model.AssistantText("A shoe."),
		model.SystemText("The shop closes soon."),
		model.UserText("Which size?"),
	}
	if diff := cmp.Diff(want, script.Requests()[0]); diff != "" {
		t.Errorf("request mismatch (-want +got):\n%s", diff)
	}
}

// TestRequestBytes holds the bytes themselves: a change here breaks the prompt
// caches of everybody who upgrades.
func TestRequestBytes(t *testing.T) {
	m, server, _ := serve(t, modeltest.Say("1"), modeltest.Say("2"))
	for range 2 {
		if _, err := model.Collect(m.Generate(t.Context(), conversation())); err != nil {
			t.Fatalf("Generate() = %v", err)
		}
	}
	got := server.Requests()
	want := `{"model":"gpt-test","tools":[{"type":"function","function":{"name":"look","description":"Looks at a thing.",` +
		`"parameters":{"type":"object","properties":{"at":{"type":"integer"}}}}},{"type":"function","function":{"name":"stop"}}],` +
		`"tool_choice":{"type":"function","function":{"name":"look"}},` +
		`"response_format":{"type":"json_schema","json_schema":{"name":"size","schema":{"type":"object"},"strict":true}},` +
		`"messages":[{"role":"system","content":"Be <brief> & kind."},` +
		`{"role":"user","name":"Ada_Lovelace","content":[{"type":"text","text":"What is this?"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,cG5n"}},` +
		`{"type":"image_url","image_url":{"url":"https://shop.test/7.jpg"}},{"type":"file","file":{"file_id":"f9"}},` +
		`{"type":"file","file":{"filename":"bill.pdf","file_data":"data:application/pdf;base64,JVBE"}}]},` +
		`{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":7}"}},` +
		`{"id":"c2","type":"function","function":{"name":"look","arguments":"{\"at\":8}"}}]},` +
		`{"role":"tool","content":"a shoe","tool_call_id":"c1"},{"role":"tool","content":"error: too dark","tool_call_id":"c2"},` +
		`{"role":"assistant","content":"A shoe."},{"role":"system","content":"The shop closes soon."},` +
		`{"role":"user","content":"Which size?"}],"temperature":0.5,"top_p":0.9,"max_tokens":100,"stop":["END"],` +
		`"stream":true,"stream_options":{"include_usage":true}}`
	for i := range got {
		if diff := cmp.Diff(want, string(got[i].Body)); diff != "" {
			t.Errorf("body %d mismatch (-want +got):\n%s", i, diff)
		}
	}
	if got, want := got[0].Header.Get("Authorization"), "Bearer sk-test"; got != want {
		t.Errorf("Authorization = %q, want %q", got, want)
	}
}

func TestToolCalls(t *testing.T) {
	m, _, _ := serve(t, modeltest.Say("Wait.").Then(
		modeltest.Call("look", map[string]int{"at": 7}), modeltest.Call("stop", nil), modeltest.Call("broken", `{"at":`)))
	r, err := model.Collect(m.Generate(t.Context(), request("?")))
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := []*model.FunctionCall{
		{CallID: "script-1-call-1", Name: "look", Arguments: `{"at":7}`},
		{CallID: "script-1-call-2", Name: "stop", Arguments: `{}`},
		{CallID: "script-1-call-3", Name: "broken", Arguments: `{"at":`, Error: "the arguments are no valid JSON"},
	}
	if diff := cmp.Diff(want, r.Calls()); diff != "" {
		t.Errorf("calls mismatch (-want +got):\n%s", diff)
	}
	if r.Text() != "Wait." || r.FinishReason != model.FinishToolCalls {
		t.Errorf("response = %q, %q, want Wait., %q", r.Text(), r.FinishReason, model.FinishToolCalls)
	}
}

// TestReasoningGoesBack: reasoning that a compatible server shows returns to it
// between tool calls, and only then.
func TestReasoningGoesBack(t *testing.T) {
	m, server, _ := serve(t, modeltest.Think("Let me ", "").Then(modeltest.Think("look.", ""), modeltest.Call("look", nil)),
		modeltest.Say("Done."), modeltest.Say("Bye."))
	req := request("?")
	r, err := model.Collect(m.Generate(t.Context(), req))
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := &model.Reasoning{Text: "Let me look.", ProtectedData: "openai-compatible/reasoning_content"}
	if diff := cmp.Diff(model.Content(want), r.Messages[0].Contents[0]); diff != "" {
		t.Errorf("reasoning mismatch (-want +got):\n%s", diff)
	}
	req.Messages = append(req.Messages, r.Messages[0], model.ToolResult(r.Calls()[0].CallID, "x"))
	if r, err = model.Collect(m.Generate(t.Context(), req)); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	req.Messages = append(req.Messages, r.Messages[0], model.UserText("Thanks."))
	if _, err = model.Collect(m.Generate(t.Context(), req)); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	for i, want := range []bool{false, true, false} {
		if got := strings.Contains(string(server.Requests()[i].Body), `"reasoning_content":"Let me look."`); got != want {
			t.Errorf("request %d holds the reasoning: %v, want %v", i, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	badRequest := &model.Error{Status: 400, Code: "context_length_exceeded", Message: "too long"}
	quota := &model.Error{Status: 429, Code: "insufficient_quota", Message: "pay first", RetryAfter: time.Second}
	busy := &model.Error{Status: 503, Code: "overloaded", Message: "busy"}
	tests := []struct {
		name string
		step modeltest.Step
		want model.Error
		text string
	}{
		{"bad request", modeltest.Fail(badRequest),
			model.Error{Status: 400, Code: "context_length_exceeded", Message: "too long", RequestID: "req_test"}, ""},
		{"rate limit", modeltest.RateLimit(7 * time.Second),
			model.Error{Status: 429, Code: "rate_limit_exceeded", Message: "too many requests", Retryable: true,
				RetryAfter: 7 * time.Second, RequestID: "req_test"}, ""},
		{"rate limit in milliseconds", modeltest.RateLimit(250 * time.Millisecond),
			model.Error{Status: 429, Code: "rate_limit_exceeded", Message: "too many requests", Retryable: true,
				RetryAfter: 250 * time.Millisecond, RequestID: "req_test"}, ""},
		{"quota", modeltest.Fail(quota),
			model.Error{Status: 429, Code: "insufficient_quota", Message: "pay first", RequestID: "req_test"}, ""},
		{"server error", modeltest.ServerError(),
			model.Error{Status: 500, Code: "server_error", Message: "the server had an error", Retryable: true, RequestID: "req_test"}, ""},
		{"cut at once", modeltest.Cut(), model.Error{Code: model.CodeStreamCut, Retryable: true}, ""},
		{"cut", modeltest.Say("half of").Then(modeltest.Cut()), model.Error{Code: model.CodeStreamCut, Retryable: true}, "half of"},
		{"error event", modeltest.Say("half").Then(modeltest.Fail(busy)),
			model.Error{Code: "overloaded", Message: "busy", Retryable: true}, "half"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, server, _ := serve(t, tt.step)
			r, err := model.Collect(m.Generate(t.Context(), request("?")))
			var got *model.Error
			if !errors.As(err, &got) {
				t.Fatalf("Generate() = %v, want a *model.Error", err)
			}
			compared := *got
			compared.Err = nil
			tt.want.Provider = openai.ProviderCompatible
			if diff := cmp.Diff(tt.want, compared); diff != "" {
				t.Errorf("error mismatch (-want +got):\n%s", diff)
			}
			if r.Text() != tt.text {
				t.Errorf("partial answer = %q, want %q", r.Text(), tt.text)
			}
			if n := len(server.Requests()); n != 1 {
				t.Errorf("requests = %d, want 1: the client must not retry", n)
			}
		})
	}
}

// answer serves every request with a fixed body.
func answer(t *testing.T, status int, contentType, body string) *openai.Model {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	m, err := openai.New(openai.Config{Model: "gpt-test", BaseURL: server.URL})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return m
}

func TestStrangeAnswers(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		status                  int
		code                    string
		retryable               bool
	}{
		{"page of a proxy", "text/html", "<html>bad gateway</html>", 502, "", true},
		{"empty stream", "text/event-stream", "", 200, model.CodeStreamCut, true},
		{"no finish reason", "text/event-stream",
			"data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n", 200, model.CodeStreamCut, true},
		{"no JSON", "text/event-stream", "data: {\"id\":\n\n", 200, model.CodeBadAnswer, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := model.Collect(answer(t, tt.status, tt.contentType, tt.body).Generate(t.Context(), request("?")))
			var got *model.Error
			if !errors.As(err, &got) {
				t.Fatalf("Generate() = %v, want a *model.Error", err)
			}
			if got.Code != tt.code || got.Retryable != tt.retryable {
				t.Errorf("error = %v (code %q, retryable %v), want code %q, retryable %v",
					got, got.Code, got.Retryable, tt.code, tt.retryable)
			}
		})
	}
}

// TestCallsWithoutIDs: some servers number every call 0 or give no ids.
func TestCallsWithoutIDs(t *testing.T) {
	body := `data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}` + "\n\n" +
		`data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{\"n\""}}]}}]}` + "\n\n" +
		`data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{"name":"h"}}]},"finish_reason":"stop"}]}` + "\n\n" +
		"data: [DONE]\n\n"
	r, err := model.Collect(answer(t, 200, "text/event-stream", body).Generate(t.Context(), request("?")))
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := []*model.FunctionCall{
		{CallID: "a", Name: "f", Arguments: "{}"},
		{CallID: "b", Name: "g", Arguments: `{"n":1}`},
		{CallID: "call_x_2", Name: "h", Arguments: "{}"},
	}
	if diff := cmp.Diff(want, r.Calls()); diff != "" {
		t.Errorf("calls mismatch (-want +got):\n%s", diff)
	}
	if r.FinishReason != model.FinishToolCalls {
		t.Errorf("FinishReason = %q, want %q", r.FinishReason, model.FinishToolCalls)
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	m, err := openai.New(openai.Config{Model: "gpt-test", BaseURL: server.URL})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	_, err = model.Collect(m.Generate(t.Context(), request("?")))
	var got *model.Error
	if !errors.As(err, &got) || got.Code != model.CodeConnection || !got.Retryable {
		t.Errorf("Generate() = %v, want a retryable %s error", err, model.CodeConnection)
	}
}

func TestCancel(t *testing.T) {
	stopping := errors.New("stopping")
	m, _, _ := serve(t, modeltest.Say("one").Then(modeltest.Pause(time.Hour), modeltest.Say("never")))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var got error
	for u, err := range m.Generate(ctx, request("?")) {
		if err != nil {
			got = err
			break
		}
		if u.Text() == "one" {
			cancel(stopping)
		}
	}
	if !errors.Is(got, stopping) {
		t.Errorf("Generate() after cancel = %v, want %v", got, stopping)
	}
}

func TestCancelBeforeTheCall(t *testing.T) {
	stopping := errors.New("stopping")
	m, server, _ := serve(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopping)
	if _, err := model.Collect(m.Generate(ctx, request("?"))); !errors.Is(err, stopping) {
		t.Errorf("Generate() = %v, want %v", err, stopping)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("requests = %d, want 0", n)
	}
}

func TestLeavingTheLoopEndsTheCall(t *testing.T) {
	m, _, _ := serve(t, modeltest.Say("one").Then(modeltest.Pause(time.Hour)))
	for u, err := range m.Generate(t.Context(), request("?")) {
		if err != nil {
			t.Fatalf("Generate() = %v", err)
		}
		if u.Text() == "one" {
			break // the server's Close at the end of the test waits for its handler
		}
	}
}

func TestBadRequestIsNotSent(t *testing.T) {
	m, server, _ := serve(t)
	for name, req := range map[string]*model.Request{
		"data": {Messages: []*model.Message{{Role: model.RoleUser, Contents: model.Contents{model.NewData("video/mp4", nil)}}}},
		"role": {Messages: []*model.Message{{Role: "critic"}}},
		"tool": {Tools: []model.Tool{{}}},
	} {
		_, err := model.Collect(m.Generate(t.Context(), req))
		var got *model.Error
		if !errors.As(err, &got) || got.Code != model.CodeBadRequest || got.Retryable {
			t.Errorf("%s: Generate() = %v, want a final %s error", name, err, model.CodeBadRequest)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("requests = %d, want 0", n)
	}
}

func TestConfig(t *testing.T) {
	if _, err := openai.New(openai.Config{BaseURL: "localhost:11434"}); err == nil ||
		!strings.Contains(err.Error(), "Model is empty") || !strings.Contains(err.Error(), "BaseURL") {
		t.Errorf("New() = %v, want errors about Model and BaseURL", err)
	}
	if _, err := openai.New(openai.Config{Model: "m"}); err == nil || !strings.Contains(err.Error(), "APIKey is empty") {
		t.Errorf("New() without a key = %v, want an error about APIKey", err)
	}
	m, err := openai.New(openai.Config{Model: "m", APIKey: "k"})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	want := model.Info{Provider: openai.ProviderOpenAI, Model: "m", Endpoint: openai.DefaultBaseURL}
	if got := m.Describe(); got != want {
		t.Errorf("Describe() = %v, want %v", got, want)
	}
}

// awkward holds what JSON writes in more than one way.
func awkward() *model.Request {
	return &model.Request{
		Instructions: "a <b> & c \u2028 \xff\xfe \\u003c",
		Messages: []*model.Message{
			model.UserText("<i> \u2029 \xff & \\u0026"),
			{Role: model.RoleAssistant, Contents: model.Contents{
				&model.Text{Text: "see <x>"},
				&model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{ "at" : "<7>", "b":"\u003c" }`},
				&model.FunctionCall{CallID: "c2", Name: "look", Arguments: "{\"at\": \xff"},
			}},
			{Role: model.RoleTool, Contents: model.Contents{
				&model.FunctionResult{CallID: "c1", Result: json.RawMessage(`{ "html": "<b> & \u003e \\u003c \u2028", "n": 1.50, "z":1, "a":[ 1e3 ] }`)},
				&model.FunctionResult{CallID: "c2", Result: json.RawMessage(`"<i>"`)}}},
		},
		Tools:  []model.Tool{{Name: "look", Description: "<&>", Schema: json.RawMessage("{ \"type\" : \"object\", \"description\":\"<at> & \u2028\" }")}},
		Format: &model.Format{Schema: json.RawMessage(`{"type": "object", "title":"<t>"}`)},
	}
}

// TestBytesSurviveStorage: a request has the same body before and after its
// messages were stored as JSON, or the prompt's cache would be missed.
func TestBytesSurviveStorage(t *testing.T) {
	b, err := json.Marshal(awkward())
	if err != nil {
		t.Fatal(err)
	}
	var stored model.Request
	if err := json.Unmarshal(b, &stored); err != nil {
		t.Fatal(err)
	}
	m, server, _ := serve(t, modeltest.Say("1"), modeltest.Say("2"), modeltest.Say("3"))
	for _, req := range []*model.Request{awkward(), awkward(), &stored} {
		if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
			t.Fatalf("Generate() = %v", err)
		}
	}
	for i, got := range server.Requests() {
		if diff := cmp.Diff(string(server.Requests()[0].Body), string(got.Body)); diff != "" {
			t.Errorf("body %d mismatch (-first +got):\n%s", i, diff)
		}
	}
}
