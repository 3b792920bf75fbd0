package anthropic_test

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
	"github.com/perdure/perdure/model/anthropic"
	"github.com/perdure/perdure/model/modeltest"
)

// serve starts a server that plays the steps and returns a client of it.
func serve(t *testing.T, cfg anthropic.Config, steps ...modeltest.Step) (*anthropic.Model, *modeltest.Server, *modeltest.Scripted) {
	t.Helper()
	script := modeltest.Script(t, steps...)
	handler := modeltest.NewServer(script)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg.Model, cfg.APIKey, cfg.BaseURL, cfg.HTTPClient = "claude-test", "sk-ant", server.URL, server.Client()
	m, err := anthropic.New(cfg)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return m, handler, script
}

func request(text string) *model.Request {
	return &model.Request{Messages: []*model.Message{model.UserText(text)}}
}

func TestAnswer(t *testing.T) {
	m, server, _ := serve(t, anthropic.Config{}, modeltest.Think("Let me ", "").Then(
		modeltest.Think("see.", "c2ln"), modeltest.Think("", "ZW5j"), modeltest.Say("One moment."),
		modeltest.Call("look", map[string]int{"at": 7}), modeltest.Call("stop", nil)).
		Usage(model.Usage{InputTokenCount: 210, OutputTokenCount: 38, TotalTokenCount: 248, CachedInputTokenCount: 128,
			ReasoningTokenCount: 5, AdditionalCounts: map[string]int64{model.CountCacheWrite: 12}}))
	r, err := model.Collect(m.Generate(t.Context(), request("?")))
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := &model.Response{
		ID: "msg_script-1", FinishReason: model.FinishToolCalls,
		AdditionalProperties: model.Properties{model.PropertyModel: json.RawMessage(`"claude-test"`)},
		Messages: []*model.Message{{
			ID: "msg_script-1", Role: model.RoleAssistant,
			Contents: model.Contents{
				&model.Reasoning{Text: "Let me see.", ProtectedData: "anthropic/signature:c2ln"},
				&model.Reasoning{ProtectedData: "anthropic/redacted:ZW5j"},
				&model.Text{Text: "One moment."},
				&model.FunctionCall{CallID: "script-1-call-1", Name: "look", Arguments: `{"at":7}`},
				&model.FunctionCall{CallID: "script-1-call-2", Name: "stop", Arguments: `{}`},
				&model.UsageContent{Details: model.Usage{InputTokenCount: 210, OutputTokenCount: 38, TotalTokenCount: 248,
					CachedInputTokenCount: 128, ReasoningTokenCount: 5, AdditionalCounts: map[string]int64{model.CountCacheWrite: 12}}},
			},
		}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("response mismatch (-want +got):\n%s", diff)
	}
	if got, want := server.Requests()[0].Header.Get("X-Api-Key"), "sk-ant"; got != want {
		t.Errorf("X-Api-Key = %q, want %q", got, want)
	}
}

func conversation() *model.Request {
	temperature, topP, most := 0.5, 0.9, 100
	return &model.Request{
		Instructions: "Be <brief> & kind.",
		Messages: []*model.Message{
			model.SystemText("You work in a shop."),
			{Role: model.RoleUser, Contents: model.Contents{
				&model.Text{Text: "What is this?"},
				&model.Text{Text: " \n"},
				model.NewData("image/png", []byte("png")),
				&model.URI{URI: "https://shop.test/7.jpg", MediaType: "image/jpeg"},
				&model.Data{URI: "data:application/pdf;base64,JVBE", Name: "bill.pdf"},
			}},
			{Role: model.RoleAssistant, Contents: model.Contents{
				&model.Reasoning{Text: "", ProtectedData: "anthropic/signature:c2ln"},
				&model.Reasoning{ProtectedData: "anthropic/redacted:ZW5j"},
				&model.Reasoning{Text: "other provider", ProtectedData: "openai-compatible/reasoning"},
				&model.Reasoning{Text: "unsigned"},
				&model.Text{Text: "Let me see."},
				&model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{"at":7}`},
				&model.FunctionCall{CallID: "c2", Name: "look", Arguments: `{"at":`},
				&model.UsageContent{Details: model.Usage{TotalTokenCount: 9}},
			}},
			model.ToolResult("c1", "a shoe"),
			{Role: model.RoleTool, Contents: model.Contents{&model.FunctionResult{CallID: "c2", Error: "too dark"}}},
			model.AssistantText("A shoe."),
			model.SystemText("The shop closes soon."),
			model.UserText("Which size?"),
		},
		Tools: []model.Tool{
			{Name: "look", Description: "Looks at a thing.", Schema: json.RawMessage(`{"type":"object","properties":{"at":{"type":"integer"}}}`)},
			{Name: "stop"},
		},
		ToolMode: model.ToolsRequired, RequiredTool: "look",
		Temperature: &temperature, TopP: &topP, MaxOutputTokens: &most, Stop: []string{"END"},
		Format:   &model.Format{Name: "size", Schema: json.RawMessage(`{"type":"object"}`)},
		Metadata: map[string]string{"user_id": "u1"},
	}
}

// TestRequestReachesTheProvider sends a request through the client and has the
// server read it back.
func TestRequestReachesTheProvider(t *testing.T) {
	m, _, script := serve(t, anthropic.Config{}, modeltest.Say("42"))
	if _, err := model.Collect(m.Generate(t.Context(), conversation())); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := conversation()
	want.Instructions = "Be <brief> & kind.\nYou work in a shop."
	want.Model, want.Metadata, want.Format.Name = "claude-test", nil, ""
	want.Tools[1].Schema = json.RawMessage(`{"type":"object"}`)
	want.Messages = []*model.Message{
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Text{Text: "What is this?"},
			&model.Data{URI: "data:image/png;base64,cG5n"},
			&model.URI{URI: "https://shop.test/7.jpg", MediaType: "image/*"},
			&model.Data{URI: "data:application/pdf;base64,JVBE"},
		}},
		{Role: model.RoleAssistant, Contents: model.Contents{
			&model.Reasoning{ProtectedData: "c2ln"},
			&model.Reasoning{ProtectedData: "ZW5j"},
			&model.Text{Text: "Let me see."},
			&model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{"at":7}`},
			&model.FunctionCall{CallID: "c2", Name: "look", Arguments: `{"invalid_arguments":"{\"at\":"}`},
		}},
		{Role: model.RoleTool, Contents: model.Contents{
			&model.FunctionResult{CallID: "c1", Result: json.RawMessage(`"a shoe"`)},
			&model.FunctionResult{CallID: "c2", Error: "too dark"},
		}},
		model.AssistantText("A shoe."),
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Text{Text: "<system>\nThe shop closes soon.\n</system>"}, &model.Text{Text: "Which size?"}}},
	}
	if diff := cmp.Diff(want, script.Requests()[0]); diff != "" {
		t.Errorf("request mismatch (-want +got):\n%s", diff)
	}
}

// TestRequestBytes holds the bytes themselves: a change here breaks the prompt
// caches of everybody who upgrades.
func TestRequestBytes(t *testing.T) {
	m, server, _ := serve(t, anthropic.Config{}, modeltest.Say("1"), modeltest.Say("2"))
	for range 2 {
		if _, err := model.Collect(m.Generate(t.Context(), conversation())); err != nil {
			t.Fatalf("Generate() = %v", err)
		}
	}
	want := `{"model":"claude-test","tools":[{"name":"look","description":"Looks at a thing.",` +
		`"input_schema":{"type":"object","properties":{"at":{"type":"integer"}}}},{"name":"stop","input_schema":{"type":"object"}}],` +
		`"tool_choice":{"type":"tool","name":"look"},` +
		`"system":[{"type":"text","text":"Be <brief> & kind."},{"type":"text","text":"You work in a shop."}],` +
		`"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},` +
		`"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},` +
		`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"cG5n"}},` +
		`{"type":"image","source":{"type":"url","url":"https://shop.test/7.jpg"}},` +
		`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}}]},` +
		`{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"c2ln"},` +
		`{"type":"redacted_thinking","data":"ZW5j"},{"type":"text","text":"Let me see."},` +
		`{"type":"tool_use","id":"c1","name":"look","input":{"at":7}},` +
		`{"type":"tool_use","id":"c2","name":"look","input":{"invalid_arguments":"{\"at\":"}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"a shoe"},` +
		`{"type":"tool_result","tool_use_id":"c2","content":"too dark","is_error":true}]},` +
		`{"role":"assistant","content":[{"type":"text","text":"A shoe."}]},` +
		`{"role":"user","content":[{"type":"text","text":"<system>\nThe shop closes soon.\n</system>"},{"type":"text","text":"Which size?"}]}],` +
		`"cache_control":{"type":"ephemeral"},"max_tokens":100,"temperature":0.5,"top_p":0.9,"stop_sequences":["END"],` +
		`"metadata":{"user_id":"u1"},"stream":true}`
	for i, got := range server.Requests() {
		if diff := cmp.Diff(want, string(got.Body)); diff != "" {
			t.Errorf("body %d mismatch (-want +got):\n%s", i, diff)
		}
	}
}

func TestThinking(t *testing.T) {
	tests := []struct {
		budget, bound int // bound of the request, 0 = none
		want          string
		most          float64
	}{
		{2048, 0, `{"budget_tokens":2048,"type":"enabled"}`, anthropic.DefaultMaxOutputTokens + 2048},
		{2048, 4096, `{"budget_tokens":2048,"type":"enabled"}`, 4096},
		{2048, 2048, `{"budget_tokens":2047,"type":"enabled"}`, 2048},
		{2048, 1025, `{"budget_tokens":1024,"type":"enabled"}`, 1025},
		{2048, 1024, `null`, 1024},
		{anthropic.ThinkingAdaptive, 0, `{"type":"adaptive"}`, anthropic.DefaultMaxOutputTokens},
		{anthropic.ThinkingAdaptive, 100, `{"type":"adaptive"}`, 100},
	}
	for _, tt := range tests {
		m, server, _ := serve(t, anthropic.Config{ThinkingBudget: tt.budget, NoCache: true}, modeltest.Say("ok"))
		req := conversation()
		req.MaxOutputTokens = nil
		if tt.bound > 0 {
			req.MaxOutputTokens = &tt.bound
		}
		if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
			t.Fatalf("Generate() = %v", err)
		}
		var body map[string]any
		if err := json.Unmarshal(server.Requests()[0].Body, &body); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(body["thinking"]); string(got) != tt.want {
			t.Errorf("budget %d, bound %d: thinking = %s, want %s", tt.budget, tt.bound, got, tt.want)
		}
		if got := body["max_tokens"]; got != tt.most {
			t.Errorf("budget %d, bound %d: max_tokens = %v, want %v", tt.budget, tt.bound, got, tt.most)
		}
		if got := m.Describe().MaxOutputTokens; tt.bound == 0 && float64(got) != tt.most {
			t.Errorf("budget %d: Describe().MaxOutputTokens = %d, want %v", tt.budget, got, tt.most)
		}
		for _, name := range []string{"temperature", "top_p", "tool_choice"} {
			if got, sent := body[name]; sent != (tt.want == "null") {
				t.Errorf("budget %d, bound %d: %s = %v, want one only without thinking", tt.budget, tt.bound, name, got)
			}
		}
		if got, ok := body["cache_control"]; ok {
			t.Errorf("budget %d: cache_control = %v, want none", tt.budget, got)
		}
	}
}

func TestErrors(t *testing.T) {
	invalid := &model.Error{Status: 400, Message: "too long"}
	overloaded := &model.Error{Status: 529, Message: "busy"}
	tests := []struct {
		name string
		step modeltest.Step
		want model.Error
		text string
	}{
		{"bad request", modeltest.Fail(invalid),
			model.Error{Status: 400, Code: "invalid_request_error", Message: "too long", RequestID: "req_test"}, ""},
		{"rate limit", modeltest.RateLimit(7 * time.Second),
			model.Error{Status: 429, Code: "rate_limit_error", Message: "too many requests", Retryable: true,
				RetryAfter: 7 * time.Second, RequestID: "req_test"}, ""},
		{"server error", modeltest.ServerError(),
			model.Error{Status: 500, Code: "api_error", Message: "the server had an error", Retryable: true, RequestID: "req_test"}, ""},
		{"overloaded", modeltest.Fail(overloaded),
			model.Error{Status: 529, Code: "overloaded_error", Message: "busy", Retryable: true, RequestID: "req_test"}, ""},
		{"cut at once", modeltest.Cut(), model.Error{Code: model.CodeStreamCut, Retryable: true}, ""},
		{"cut", modeltest.Say("half of").Then(modeltest.Cut()), model.Error{Code: model.CodeStreamCut, Retryable: true}, "half of"},
		{"error event", modeltest.Say("half").Then(modeltest.Fail(overloaded)),
			model.Error{Code: "overloaded_error", Message: "busy", Retryable: true}, "half"},
		{"final error event", modeltest.Say("half").Then(modeltest.Fail(invalid)),
			model.Error{Code: "invalid_request_error", Message: "too long"}, "half"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, server, _ := serve(t, anthropic.Config{}, tt.step)
			r, err := model.Collect(m.Generate(t.Context(), request("?")))
			var got *model.Error
			if !errors.As(err, &got) {
				t.Fatalf("Generate() = %v, want a *model.Error", err)
			}
			compared := *got
			compared.Err = nil
			tt.want.Provider = anthropic.Provider
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

func TestStrangeAnswers(t *testing.T) {
	const start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n"
	tests := []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"page of a proxy", "text/html", "<html>bad gateway</html>", 502, ""},
		{"empty stream", "text/event-stream", "", 200, model.CodeStreamCut},
		{"no end", "text/event-stream", start, 200, model.CodeStreamCut},
		{"no JSON", "text/event-stream", start + "event: message_delta\ndata: {\"type\":\n\n", 200, model.CodeBadAnswer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.status)
				w.Write([]byte(tt.body))
			}))
			t.Cleanup(server.Close)
			m, err := anthropic.New(anthropic.Config{Model: "claude-test", BaseURL: server.URL})
			if err != nil {
				t.Fatalf("New() = %v", err)
			}
			_, err = model.Collect(m.Generate(t.Context(), request("?")))
			var got *model.Error
			if !errors.As(err, &got) || got.Code != tt.code || !got.Retryable {
				t.Errorf("Generate() = %v, want a retryable error with code %q", err, tt.code)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	stopping := errors.New("stopping")
	m, _, _ := serve(t, anthropic.Config{}, modeltest.Say("one").Then(modeltest.Pause(time.Hour)))
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
	m, server, _ := serve(t, anthropic.Config{})
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
	m, _, _ := serve(t, anthropic.Config{}, modeltest.Say("one").Then(modeltest.Pause(time.Hour)))
	for u, err := range m.Generate(t.Context(), request("?")) {
		if err != nil {
			t.Fatalf("Generate() = %v", err)
		}
		if u.Text() == "one" {
			break // the server's Close at the end of the test waits for its handler
		}
	}
}

func TestUnreachable(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	m, err := anthropic.New(anthropic.Config{Model: "claude-test", BaseURL: server.URL})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	_, err = model.Collect(m.Generate(t.Context(), request("?")))
	var got *model.Error
	if !errors.As(err, &got) || got.Code != model.CodeConnection || !got.Retryable {
		t.Errorf("Generate() = %v, want a retryable %s error", err, model.CodeConnection)
	}
}

func TestBadRequestIsNotSent(t *testing.T) {
	m, server, _ := serve(t, anthropic.Config{})
	for name, req := range map[string]*model.Request{
		"data":   {Messages: []*model.Message{{Role: model.RoleUser, Contents: model.Contents{model.NewData("video/mp4", nil)}}}},
		"role":   {Messages: []*model.Message{{Role: "critic"}}},
		"tool":   {Tools: []model.Tool{{}}},
		"format": {Format: &model.Format{Schema: json.RawMessage("{")}},
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
	_, err := anthropic.New(anthropic.Config{BaseURL: "ftp://x", MaxOutputTokens: -1, ThinkingBudget: 5})
	for _, want := range []string{"Model is empty", "BaseURL", "MaxOutputTokens", "ThinkingBudget"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want an error about %s", err, want)
		}
	}
	if _, err := anthropic.New(anthropic.Config{Model: "m", APIKey: "k", MaxOutputTokens: 2048, ThinkingBudget: 2048}); err == nil ||
		!strings.Contains(err.Error(), "leaves nothing of MaxOutputTokens") {
		t.Errorf("New() with a budget of the whole answer = %v, want an error about it", err)
	}
	if _, err := anthropic.New(anthropic.Config{Model: "m"}); err == nil || !strings.Contains(err.Error(), "APIKey is empty") {
		t.Errorf("New() without a key = %v, want an error about APIKey", err)
	}
	m, err := anthropic.New(anthropic.Config{Model: "m", APIKey: "k"})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	want := model.Info{Provider: anthropic.Provider, Model: "m", Endpoint: anthropic.DefaultBaseURL,
		MaxOutputTokens: anthropic.DefaultMaxOutputTokens}
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
	m, server, _ := serve(t, anthropic.Config{}, modeltest.Say("1"), modeltest.Say("2"), modeltest.Say("3"))
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
