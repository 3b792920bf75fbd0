package model_test

import (
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
)

func stream(err error, updates ...*model.Update) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		for _, u := range updates {
			if !yield(u, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func contents(cs ...model.Content) *model.Update { return &model.Update{Contents: cs} }

func TestCollectJoins(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	call := &model.FunctionCall{CallID: "c1", Name: "f", Arguments: "{}"}
	cited := &model.Text{Text: "cited", Annotations: model.Annotations{{URL: "https://shop.test"}}}
	got, err := model.Collect(stream(nil,
		&model.Update{ResponseID: "r1", MessageID: "m1", Role: model.RoleAssistant, CreatedAt: at},
		contents(&model.Reasoning{Text: "I "}, &model.Reasoning{Text: "think"}),
		contents(&model.Reasoning{ProtectedData: "sig"}),
		contents(&model.Reasoning{ProtectedData: "redacted"}),
		contents(&model.Text{Text: "Hel"}),
		contents(&model.UsageContent{Details: model.Usage{InputTokenCount: 3, AdditionalCounts: map[string]int64{"x": 1}}}),
		contents(&model.Text{Text: "lo"}, &model.Text{}),
		contents(cited),
		contents(&model.Text{Text: " tail"}, call),
		nil,
		&model.Update{MessageID: "m2", Contents: model.Contents{&model.Text{Text: "second"}}},
		contents(&model.UsageContent{Details: model.Usage{OutputTokenCount: 4, AdditionalCounts: map[string]int64{"x": 2}}}),
		&model.Update{FinishReason: model.FinishToolCalls,
			AdditionalProperties: model.Properties{model.PropertyModel: json.RawMessage(`"m-1"`)}},
	))
	if err != nil {
		t.Fatalf("Collect() = %v", err)
	}
	want := &model.Response{
		ID: "r1", FinishReason: model.FinishToolCalls, CreatedAt: at,
		AdditionalProperties: model.Properties{model.PropertyModel: json.RawMessage(`"m-1"`)},
		Messages: []*model.Message{
			{ID: "m1", Role: model.RoleAssistant, CreatedAt: at, Contents: model.Contents{
				&model.Reasoning{Text: "I think", ProtectedData: "sig"},
				&model.Reasoning{ProtectedData: "redacted"},
				&model.Text{Text: "Hello"}, cited, &model.Text{Text: " tail"}, call,
			}},
			{ID: "m2", Role: model.RoleAssistant, Contents: model.Contents{
				&model.Text{Text: "second"},
				&model.UsageContent{Details: model.Usage{InputTokenCount: 3, OutputTokenCount: 4,
					AdditionalCounts: map[string]int64{"x": 3}}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Collect() mismatch (-want +got):\n%s", diff)
	}
	if got, want := got.Text(), "Hellocited tailsecond"; got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
	if got, want := got.Usage().OutputTokenCount, int64(4); got != want {
		t.Errorf("Usage().OutputTokenCount = %d, want %d", got, want)
	}
	if got, want := got.Model(), "m-1"; got != want {
		t.Errorf("Model() = %q, want %q", got, want)
	}
	if calls := got.Calls(); len(calls) != 1 || calls[0] != call {
		t.Errorf("Calls() = %v, want the one call", calls)
	}
	again, err := model.Collect(got.Updates())
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("Collect(Updates()) = %v, mismatch (-want +got):\n%s", err, diff)
	}
}

func TestCollectDoesNotChangeUpdates(t *testing.T) {
	a, b := contents(&model.Text{Text: "a"}), contents(&model.Text{Text: "b"})
	if _, err := model.Collect(stream(nil, a, b)); err != nil {
		t.Fatal(err)
	}
	if a.Text() != "a" || b.Text() != "b" {
		t.Errorf("updates after Collect = %q, %q, want a, b", a.Text(), b.Text())
	}
}

func TestCollectKeepsPartialAnswer(t *testing.T) {
	cut := errors.New("cut")
	r, err := model.Collect(stream(cut, contents(&model.Text{Text: "half"})))
	if !errors.Is(err, cut) || r.Text() != "half" {
		t.Errorf("Collect() = %q, %v, want half, %v", r.Text(), err, cut)
	}
}

func TestCollectSeparatesRoles(t *testing.T) {
	r, err := model.Collect(stream(nil,
		&model.Update{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: "a"}}},
		&model.Update{Role: model.RoleTool, Contents: model.Contents{&model.FunctionResult{CallID: "c"}}},
		&model.Update{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: "b"}}}))
	if err != nil || len(r.Messages) != 3 || r.Messages[1].Role != model.RoleTool {
		t.Errorf("Collect() = %d messages, %v, want 3 with a tool message between", len(r.Messages), err)
	}
}

func TestCollectDropsEmptyMessages(t *testing.T) {
	r, err := model.Collect(stream(nil,
		&model.Update{MessageID: "m1", Role: model.RoleAssistant},
		&model.Update{MessageID: "m2", Contents: model.Contents{&model.Text{Text: "a"}}}))
	if err != nil || len(r.Messages) != 1 || r.Messages[0].ID != "m2" {
		t.Errorf("Collect() = %d messages, %v, want m2 alone", len(r.Messages), err)
	}
}

func TestCollectUsageAlone(t *testing.T) {
	r, err := model.Collect(stream(nil, contents(&model.UsageContent{Details: model.Usage{TotalTokenCount: 9}})))
	if err != nil || r.Usage().TotalTokenCount != 9 {
		t.Errorf("Collect() usage = %d, %v, want 9", r.Usage().TotalTokenCount, err)
	}
}

func TestToolResult(t *testing.T) {
	tests := []struct {
		v    any
		want *model.FunctionResult
	}{
		{nil, &model.FunctionResult{CallID: "c"}},
		{(*int)(nil), &model.FunctionResult{CallID: "c"}},
		{"ok", &model.FunctionResult{CallID: "c", Result: json.RawMessage(`"ok"`)}},
		{json.RawMessage(`{"a":1}`), &model.FunctionResult{CallID: "c", Result: json.RawMessage(`{"a":1}`)}},
		{errors.New("boom"), &model.FunctionResult{CallID: "c", Error: "boom"}},
		{make(chan int), &model.FunctionResult{CallID: "c", Error: "result cannot be encoded: json: unsupported type: chan int"}},
	}
	for _, tt := range tests {
		got := model.ToolResult("c", tt.v)
		want := &model.Message{Role: model.RoleTool, Contents: model.Contents{tt.want}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ToolResult(%v) mismatch (-want +got):\n%s", tt.v, diff)
		}
	}
}
