package anthropic_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/anthropic"
	"github.com/perdure/perdure/model/modeltest"
)

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

// messagesOf returns the messages that a request sent, without the brackets.
func messagesOf(r modeltest.Recorded) string {
	_, after, _ := strings.Cut(string(r.Body), `"messages":[`)
	before, _, _ := strings.Cut(after, `],"cache_control"`)
	return before
}

// TestThoughtsGoBack plays a turn with two calls of tools: the thoughts go back
// with their signatures, in their places, and the prompt only grows.
func TestThoughtsGoBack(t *testing.T) {
	m, server, _ := serve(t, anthropic.Config{ThinkingBudget: 2048},
		modeltest.Think("Let me look.", "c2ln").Then(modeltest.Think("", "cmVk"), modeltest.Say("Wait."), modeltest.Call("look", nil)),
		modeltest.Think("Again.", "c2lo").Then(modeltest.Call("look", map[string]int{"at": 2})),
		modeltest.Say("Done."), modeltest.Say("Bye."))
	req := request("?")
	for range 4 {
		r, err := model.Collect(m.Generate(t.Context(), req))
		if err != nil {
			t.Fatalf("Generate() = %v", err)
		}
		req.Messages = append(req.Messages, stored(t, r.Messages)...)
		if calls := r.Calls(); len(calls) > 0 {
			req.Messages = append(req.Messages, model.ToolResult(calls[0].CallID, "x"))
		} else {
			req.Messages = append(req.Messages, model.UserText("Thanks."))
		}
	}
	sent := server.Requests()
	want := `{"role":"assistant","content":[{"type":"thinking","thinking":"Let me look.","signature":"c2ln"},` +
		`{"type":"redacted_thinking","data":"cmVk"},{"type":"text","text":"Wait."},` +
		`{"type":"tool_use","id":"script-1-call-1","name":"look","input":{}}]}`
	if !strings.Contains(messagesOf(sent[1]), want) {
		t.Errorf("second request = %s, want %s in it", messagesOf(sent[1]), want)
	}
	for i := range 3 {
		if !strings.HasPrefix(messagesOf(sent[i+1]), messagesOf(sent[i])+",") {
			t.Errorf("request %d does not begin as request %d:\n%s\n%s", i+1, i, messagesOf(sent[i+1]), messagesOf(sent[i]))
		}
		if !strings.Contains(string(sent[i].Body), `"thinking":{"type":"enabled"`) {
			t.Errorf("request %d has no thinking", i)
		}
	}
}

// TestTurnOfAnotherProvider goes on with a turn that another model began: its
// reasoning stays away, and there is no thinking, which the API would refuse.
func TestTurnOfAnotherProvider(t *testing.T) {
	m, server, _ := serve(t, anthropic.Config{ThinkingBudget: 2048}, modeltest.Say("ok"), modeltest.Say("ok"))
	req := request("?")
	req.Messages = append(req.Messages,
		&model.Message{Role: model.RoleAssistant, Contents: model.Contents{
			&model.Reasoning{Text: "Hm.", ProtectedData: "openai/encrypted:rs_1:ZW5j"},
			&model.FunctionCall{CallID: "c1", Name: "look", Arguments: "{}"}}},
		model.ToolResult("c1", "x"))
	if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	if body := string(server.Requests()[0].Body); strings.Contains(body, "thinking") || strings.Contains(body, "ZW5j") {
		t.Errorf("body = %s, want neither thinking nor another provider's thought", body)
	}
	req.Messages = append(req.Messages, model.AssistantText("Done."), model.UserText("And now?"))
	if _, err := model.Collect(m.Generate(t.Context(), req)); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	if body := string(server.Requests()[1].Body); !strings.Contains(body, `"thinking":{"type":"enabled"`) {
		t.Errorf("body of the next turn = %s, want thinking", body)
	}
}

func TestAttachments(t *testing.T) {
	m, _, script := serve(t, anthropic.Config{}, modeltest.Say("ok"))
	image := model.NewData("image/png", []byte("png"))
	if _, err := model.Collect(m.Generate(t.Context(), &model.Request{Messages: []*model.Message{
		{Role: model.RoleSystem, Contents: model.Contents{&model.Text{Text: "Be kind."}, image}},
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Data{URI: "data:image/svg+xml;charset=utf-8,%3Csvg%2F%3E"},
			model.NewData("text/csv", []byte("a,b")),
			&model.HostedFile{FileID: "f1", MediaType: "image/png"}, &model.HostedFile{FileID: "f2"},
			&model.URI{URI: "https://shop.test/7.pdf", MediaType: "application/pdf"},
			&model.URI{URI: "https://shop.test/", MediaType: "text/html"}}},
		{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: "Here."}, image}},
		model.UserText("?"),
	}})); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	got := script.Requests()[0]
	want := []*model.Message{
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Data{URI: "data:image/svg+xml;base64,PHN2Zy8+"}, &model.Text{Text: "a,b"},
			&model.HostedFile{FileID: "f1", MediaType: "image/*"}, &model.HostedFile{FileID: "f2", MediaType: "document/*"},
			&model.URI{URI: "https://shop.test/7.pdf", MediaType: "document/*"}, &model.Text{Text: "https://shop.test/"}}},
		model.AssistantText("Here."), model.UserText("?"),
	}
	if diff := cmp.Diff(want, got.Messages); diff != "" || got.Instructions != "Be kind." {
		t.Errorf("instructions %q, messages mismatch (-want +got):\n%s", got.Instructions, diff)
	}
}

// TestCancelClosesTheConnection: the provider learns at once that nobody waits,
// before its answer has begun and in the middle of it.
func TestCancelClosesTheConnection(t *testing.T) {
	stopping := errors.New("stopping")
	for _, step := range []modeltest.Step{modeltest.Pause(time.Hour), modeltest.Say("one ").Then(modeltest.Pause(time.Hour))} {
		m, server, _ := serve(t, anthropic.Config{}, step)
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := model.Collect(m.Generate(ctx, request("?"))); !errors.Is(err, stopping) {
				t.Errorf("Generate() = %v, want %v", err, stopping)
			}
		})
		until(t, func() bool { return len(server.Ledger()) == 1 })
		start := time.Now()
		cancel(stopping)
		wg.Wait()
		until(t, func() bool { return server.Ledger()[0].Outcome == modeltest.OutcomeLeft })
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("the connection was closed %v after the cancel", took)
		}
	}
}

// until polls for a condition.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 10 s")
		}
	}
}

// TestLimiter has many calls at once stay within a server's limit.
func TestLimiter(t *testing.T) {
	const calls = 30
	handler, err := modeltest.ServerConfig{Model: modeltest.Repeat(modeltest.Say("ok")), Requests: 20, Per: 2 * time.Second}.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	m, err := anthropic.New(anthropic.Config{Model: "claude-test", BaseURL: server.URL, HTTPClient: server.Client(),
		Limiter: model.NewLimiter(model.LimiterConfig{Provider: anthropic.Provider})})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			if _, err := model.Collect(m.Generate(t.Context(), request("?"))); err != nil {
				t.Errorf("Generate() = %v", err)
			}
		})
	}
	wg.Wait()
	if got := len(handler.Ledger()); got != calls {
		t.Errorf("requests = %d, want %d", got, calls)
	}
}
