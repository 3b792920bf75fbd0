package openai_test

import (
	"bytes"
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

// serveResponses is serve with a client of the Responses API.
func serveResponses(t *testing.T, steps ...modeltest.Step) (*openai.Model, *modeltest.Server, *modeltest.Scripted) {
	t.Helper()
	script := modeltest.Script(t, steps...)
	handler := modeltest.NewServer(script)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	m, err := openai.New(openai.Config{Model: "gpt-test", APIKey: "sk-test", BaseURL: server.URL + "/v1", Responses: true,
		HTTPClient: server.Client()})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return m, handler, script
}

func TestResponsesAnswer(t *testing.T) {
	m, server, _ := serveResponses(t, modeltest.Think("Let me ", "").Then(
		modeltest.Think("see.", "c2ln"), modeltest.Think("", "ZW5j"), modeltest.Say("One moment."),
		modeltest.Call("look", map[string]int{"at": 7}), modeltest.Call("broken", `{"at":`)).
		Usage(model.Usage{InputTokenCount: 210, OutputTokenCount: 38, TotalTokenCount: 248, CachedInputTokenCount: 128,
			ReasoningTokenCount: 5, AdditionalCounts: map[string]int64{model.CountCacheWrite: 12}}))
	r, err := model.Collect(m.Generate(t.Context(), request("?")))
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	at := time.Unix(1793610000, 0).UTC()
	want := &model.Response{
		ID: "resp_script-1", FinishReason: model.FinishToolCalls, CreatedAt: at,
		AdditionalProperties: model.Properties{model.PropertyModel: json.RawMessage(`"gpt-test"`)},
		Messages: []*model.Message{{
			ID: "resp_script-1", Role: model.RoleAssistant, CreatedAt: at,
			Contents: model.Contents{
				&model.Reasoning{Text: "Let me see.", ProtectedData: "openai-compatible/encrypted:resp_script-1_item_0:c2ln"},
				&model.Reasoning{ProtectedData: "openai-compatible/encrypted:resp_script-1_item_1:ZW5j"},
				&model.Text{Text: "One moment."},
				&model.FunctionCall{CallID: "script-1-call-1", Name: "look", Arguments: `{"at":7}`},
				&model.FunctionCall{CallID: "script-1-call-2", Name: "broken", Arguments: `{"at":`, Error: "the arguments are no valid JSON"},
				&model.UsageContent{Details: model.Usage{InputTokenCount: 210, OutputTokenCount: 38, TotalTokenCount: 248,
					CachedInputTokenCount: 128, ReasoningTokenCount: 5, AdditionalCounts: map[string]int64{model.CountCacheWrite: 12}}},
			},
		}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("response mismatch (-want +got):\n%s", diff)
	}
	if got := server.Requests()[0]; got.Path != "/v1/responses" || got.Header.Get("Authorization") != "Bearer sk-test" {
		t.Errorf("request = %s with %q, want /v1/responses with the key", got.Path, got.Header.Get("Authorization"))
	}
}

// responsesConversation is conversation, with reasoning of this API.
func responsesConversation() *model.Request {
	req := conversation()
	req.Stop = nil
	req.Messages[1].Contents = append(model.Contents{
		&model.Reasoning{Text: "Hm.", ProtectedData: "openai-compatible/encrypted:rs_1:ZW5j"},
		&model.Reasoning{Text: "shown by a chat server", ProtectedData: "openai-compatible/reasoning"},
		&model.Reasoning{Text: "of another", ProtectedData: "openai/encrypted:rs_0:eHh4"},
	}, req.Messages[1].Contents...)
	last := len(req.Messages) - 1
	req.Messages[last-2].Contents = append(req.Messages[last-2].Contents, // nothing follows this one: it is left out
		&model.Reasoning{Text: "And so?", ProtectedData: "openai-compatible/encrypted:rs_2:ZW5k"})
	req.Messages[last].Contents = append(req.Messages[last].Contents,
		&model.URI{URI: "https://shop.test/sizes.pdf", MediaType: "application/pdf"})
	return req
}

func TestResponsesRequestReachesTheProvider(t *testing.T) {
	m, _, script := serveResponses(t, modeltest.Say("42"))
	if _, err := model.Collect(m.Generate(t.Context(), responsesConversation())); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := conversation()
	want.Model, want.Metadata, want.Stop = "gpt-test", nil, nil
	want.Tools[1].Schema = json.RawMessage(`{"type":"object","properties":{}}`)
	want.Messages = []*model.Message{
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Text{Text: "What is this?"},
			&model.Data{URI: "data:image/png;base64,cG5n"},
			&model.URI{URI: "https://shop.test/7.jpg", MediaType: "image/*"},
			&model.HostedFile{FileID: "f9"},
			&model.Data{URI: "data:application/pdf;base64,JVBE", Name: "bill.pdf"},
		}},
		{Role: model.RoleAssistant, Contents: model.Contents{
			&model.Reasoning{Text: "Hm.", ProtectedData: "ZW5j"},
			&model.Text{Text: "Let me see."},
			&model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{"at":7}`},
			&model.FunctionCall{CallID: "c2", Name: "look", Arguments: `{"at":8}`},
		}},
		model.ToolResult("c1", "a shoe"),
		model.ToolResult("c2", "error: too dark"),
		model.AssistantText("A shoe."),
		model.SystemText("The shop closes soon."),
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Text{Text: "Which "}, &model.Text{Text: "size?"}, &model.URI{URI: "https://shop.test/sizes.pdf", MediaType: "application/*"}}},
	}
	if diff := cmp.Diff(want, script.Requests()[0]); diff != "" {
		t.Errorf("request mismatch (-want +got):\n%s", diff)
	}
}

func TestResponsesRequestBytes(t *testing.T) {
	m, server, _ := serveResponses(t, modeltest.Say("1"), modeltest.Say("2"))
	for range 2 {
		if _, err := model.Collect(m.Generate(t.Context(), responsesConversation())); err != nil {
			t.Fatalf("Generate() = %v", err)
		}
	}
	want := `{"model":"gpt-test","tools":[{"type":"function","name":"look","description":"Looks at a thing.",` +
		`"parameters":{"type":"object","properties":{"at":{"type":"integer"}}},"strict":false},` +
		`{"type":"function","name":"stop","parameters":{"type":"object","properties":{}},"strict":false}],` +
		`"tool_choice":{"type":"function","name":"look"},` +
		`"text":{"format":{"type":"json_schema","name":"size","schema":{"type":"object"},"strict":true}},` +
		`"instructions":"Be <brief> & kind.","input":[{"type":"message","role":"user","content":[` +
		`{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"data:image/png;base64,cG5n"},` +
		`{"type":"input_image","image_url":"https://shop.test/7.jpg"},{"type":"input_file","file_id":"f9"},` +
		`{"type":"input_file","filename":"bill.pdf","file_data":"data:application/pdf;base64,JVBE"}]},` +
		`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"ZW5j"},` +
		`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Let me see."}]},` +
		`{"type":"function_call","call_id":"c1","name":"look","arguments":"{\"at\":7}"},` +
		`{"type":"function_call","call_id":"c2","name":"look","arguments":"{\"at\":8}"},` +
		`{"type":"function_call_output","call_id":"c1","output":"a shoe"},` +
		`{"type":"function_call_output","call_id":"c2","output":"error: too dark"},` +
		`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"A shoe."}]},` +
		`{"type":"message","role":"system","content":[{"type":"input_text","text":"The shop closes soon."}]},` +
		`{"type":"message","role":"user","content":[{"type":"input_text","text":"Which "},{"type":"input_text","text":"size?"},` +
		`{"type":"input_file","file_url":"https://shop.test/sizes.pdf"}]}],` +
		`"include":["reasoning.encrypted_content"],"temperature":0.5,"top_p":0.9,"max_output_tokens":100,"store":false,"stream":true}`
	for i, got := range server.Requests() {
		if diff := cmp.Diff(want, string(got.Body)); diff != "" {
			t.Errorf("body %d mismatch (-want +got):\n%s", i, diff)
		}
	}
}

// TestResponsesReasoningGoesBack plays a turn with a tool: what the model thought
// stands before its call in the next request, and the prompt only grows.
func TestResponsesReasoningGoesBack(t *testing.T) {
	m, server, _ := serveResponses(t, modeltest.Think("Let me look.", "c2ln").Then(modeltest.Call("look", nil)),
		modeltest.Say("Done."), modeltest.Say("Bye."))
	req := request("?")
	for _, next := range []func(*model.Response) *model.Message{
		func(r *model.Response) *model.Message { return model.ToolResult(r.Calls()[0].CallID, "x") },
		func(*model.Response) *model.Message { return model.UserText("Thanks.") },
		func(*model.Response) *model.Message { return nil },
	} {
		r, err := model.Collect(m.Generate(t.Context(), req))
		if err != nil {
			t.Fatalf("Generate() = %v", err)
		}
		req.Messages = append(append(req.Messages, stored(t, r.Messages)...), next(r))
	}
	input := func(i int) string {
		_, after, _ := strings.Cut(string(server.Requests()[i].Body), `"input":[`)
		before, _, _ := strings.Cut(after, `],"include"`)
		return before
	}
	want := `{"type":"reasoning","id":"resp_script-1_item_0","summary":[{"type":"summary_text","text":"Let me look."}],"encrypted_content":"c2ln"},` +
		`{"type":"function_call","call_id":"script-1-call-1","name":"look","arguments":"{}"}`
	if !strings.Contains(input(1), want) {
		t.Errorf("second request = %s, want %s in it", input(1), want)
	}
	for i := range 2 {
		if !strings.HasPrefix(input(i+1), input(i)+",") {
			t.Errorf("request %d does not begin as request %d:\n%s\n%s", i+1, i, input(i+1), input(i))
		}
	}
}

// stored sends messages through JSON, as a log does.
func stored(t *testing.T, messages []*model.Message) []*model.Message {
	t.Helper()
	b, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	var out []*model.Message
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestResponsesBytesSurviveStorage(t *testing.T) {
	m, server, _ := serveResponses(t, modeltest.Say("1"), modeltest.Say("2"))
	again := awkward()
	again.Messages = stored(t, again.Messages)
	for _, req := range []*model.Request{awkward(), again} {
		if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
			t.Fatalf("Generate() = %v", err)
		}
	}
	got := server.Requests()
	if !bytes.Equal(got[0].Body, got[1].Body) {
		t.Errorf("body mismatch (-first +stored):\n%s", cmp.Diff(string(got[0].Body), string(got[1].Body)))
	}
}

func TestResponsesEnds(t *testing.T) {
	for _, tt := range []struct {
		step   modeltest.Step
		finish string
	}{
		{modeltest.Say("a"), model.FinishStop},
		{modeltest.Say("a").Finish(model.FinishLength), model.FinishLength},
		{modeltest.Say("a").Finish(model.FinishContentFilter), model.FinishContentFilter},
		{modeltest.Call("look", nil), model.FinishToolCalls},
	} {
		m, _, _ := serveResponses(t, tt.step)
		if r, err := model.Collect(m.Generate(t.Context(), request("?"))); err != nil || r.FinishReason != tt.finish {
			t.Errorf("FinishReason = %q, %v, want %q", r.FinishReason, err, tt.finish)
		}
	}
}

func TestResponsesErrors(t *testing.T) {
	invalid := &model.Error{Status: 400, Code: "invalid_prompt", Message: "no"}
	for _, tt := range []struct {
		name string
		step modeltest.Step
		want model.Error
		text string
	}{
		{"bad request", modeltest.Fail(invalid), model.Error{Status: 400, Code: "invalid_prompt", Message: "no", RequestID: "req_test"}, ""},
		{"rate limit", modeltest.RateLimit(7 * time.Second), model.Error{Status: 429, Code: "rate_limit_exceeded",
			Message: "too many requests", Retryable: true, RetryAfter: 7 * time.Second, RequestID: "req_test"}, ""},
		{"cut", modeltest.Say("half of").Then(modeltest.Cut()), model.Error{Code: model.CodeStreamCut, Retryable: true}, "half of"},
		{"error event", modeltest.Say("half").Then(modeltest.ServerError()),
			model.Error{Code: "server_error", Message: "the server had an error", Retryable: true}, "half"},
		{"final error event", modeltest.Say("half").Then(modeltest.Fail(invalid)), model.Error{Code: "invalid_prompt", Message: "no"}, "half"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, server, _ := serveResponses(t, tt.step)
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
			if r.Text() != tt.text || len(server.Requests()) != 1 {
				t.Errorf("partial answer = %q after %d requests, want %q after one", r.Text(), len(server.Requests()), tt.text)
			}
		})
	}
}

// TestResponsesLeavesStopToChat: what one API has no form for goes over the other.
func TestResponsesLeavesStopToChat(t *testing.T) {
	m, server, script := serveResponses(t, modeltest.Say("ok"))
	req := request("?")
	req.Stop = []string{"END"}
	if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	if got := server.Requests()[0].Path; got != "/v1/chat/completions" || len(script.Requests()[0].Stop) != 1 {
		t.Errorf("request = %s with stop %q, want it over Chat Completions", got, script.Requests()[0].Stop)
	}
}

func TestResponsesRefuses(t *testing.T) {
	m, server, _ := serveResponses(t)
	for name, req := range map[string]*model.Request{
		"audio": {Messages: []*model.Message{{Role: model.RoleUser, Contents: model.Contents{model.NewData("audio/wav", []byte("x"))}}}},
		"role":  {Messages: []*model.Message{{Role: "critic"}}},
		"tool":  {Tools: []model.Tool{{}}},
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

// FuzzResponses checks that whatever a server sends is an answer with a finish
// reason, whose calls can be answered, or an error of the contract's type.
func FuzzResponses(f *testing.F) {
	f.Add([]byte("event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"created_at\":5,\"model\":\"m\"}}\n\n" +
		"data: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"a\"}\n\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n" +
		"data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"reasoning\",\"id\":\"i\",\"encrypted_content\":\"e\"}}\n\n" +
		"data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{\"}}\n\n" +
		"data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"usage\":{\"input_tokens\":1}}}\n\n"))
	f.Add([]byte("data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"invalid_prompt\",\"message\":\"m\"}}}\n\n"))
	f.Add([]byte("data: {\"type\":\"error\",\"code\":\"server_error\"}\n\ndata: {\"type\":\"response.incomplete\"}\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := openai.New(openai.Config{Model: "m", BaseURL: "http://fuzz.test/", Responses: true,
			HTTPClient: &http.Client{Transport: wire(body)}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := model.Collect(m.Generate(t.Context(), request("?")))
		var e *model.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Errorf("Generate(%q) = %T %v, want a *model.Error", body, err, err)
		case err == nil && r.FinishReason == "":
			t.Errorf("Generate(%q) has no finish reason", body)
		}
		for _, call := range r.Calls() {
			if call.CallID == "" {
				t.Errorf("Generate(%q): call of %q without an id", body, call.Name)
			}
		}
	})
}
