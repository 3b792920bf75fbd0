package model_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/perdure/perdure/model"
)

func TestWorstCase(t *testing.T) {
	user := func(contents ...model.Content) *model.Request {
		return &model.Request{Messages: []*model.Message{{Role: model.RoleUser, Contents: contents}}}
	}
	base := model.WorstCase(user(), 0).InputTokenCount
	one := model.WorstCase(user(&model.Text{}), 0).InputTokenCount - base // the frame of a content
	tests := []struct {
		name    string
		content model.Content
		want    int64 // beside the frame
	}{
		{"text", &model.Text{Text: "naïve"}, 6},
		{"reasoning", &model.Reasoning{Text: "abc", ProtectedData: "defg"}, 7},
		{"call", &model.FunctionCall{CallID: "c1", Name: "look", Arguments: `{"at":`}, 2 + 4 + 12},
		{"result", &model.FunctionResult{CallID: "c1", Result: json.RawMessage(`"rain"`)}, 8},
		{"failed result", &model.FunctionResult{CallID: "c1", Error: "dark"}, 6},
		{"usage", &model.UsageContent{Details: model.Usage{InputTokenCount: 1 << 40}}, 0},
		{"image", model.NewData("image/png", []byte("tiny")), 50_000},
		{"image elsewhere", &model.URI{URI: "https://shop.test/7.jpg", MediaType: "image/jpeg"}, 50_000},
		{"text file", model.NewData("text/plain", []byte("abcdef")), int64(len("data:text/plain;base64,YWJjZGVm"))},
		{"raw", &model.Raw{JSON: json.RawMessage(`{"Type":"x"}`)}, 12},
	}
	for _, tt := range tests {
		got := model.WorstCase(user(tt.content), 0).InputTokenCount - base - one
		if got != tt.want {
			t.Errorf("%s: WorstCase() = %d above the frame, want %d", tt.name, got, tt.want)
		}
	}
	const whole = 1_100_000
	for name, c := range map[string]model.Content{
		"pdf": model.NewData("application/pdf", []byte("%PDF")), "page": &model.URI{URI: "https://shop.test", MediaType: "text/html"},
		"hosted file": &model.HostedFile{FileID: "f"}, "vector store": &model.HostedVectorStore{VectorStoreID: "v"},
		"no type": &model.Data{URI: "x"}, "a long text": &model.Text{Text: strings.Repeat("x", whole+1)},
	} {
		if got := model.WorstCase(user(c), 0).InputTokenCount; got != whole {
			t.Errorf("%s: WorstCase() = %d, want a whole context: %d", name, got, whole)
		}
	}
}

func TestWorstCaseGrows(t *testing.T) {
	most := 7
	req := &model.Request{}
	last := model.WorstCase(req, 100)
	if last.OutputTokenCount != 100 {
		t.Errorf("WorstCase(no bound, 100).OutputTokenCount = %d, want 100", last.OutputTokenCount)
	}
	steps := []struct {
		name  string
		step  func()
		least int64 // growth that real providers are known to count
	}{
		{"instructions", func() { req.Instructions = "Be kind." }, 8},
		{"message", func() { req.Messages = append(req.Messages, model.UserText("hello")) }, 5 + 4},
		{"author", func() { req.Messages[0].AuthorName = "Ada" }, 3},
		{"first tool", func() { req.Tools = append(req.Tools, model.Tool{Name: "look", Schema: json.RawMessage(`{}`)}) }, 800},
		{"second tool", func() { req.Tools = append(req.Tools, model.Tool{Name: "look2", Description: "again"}) }, 10},
		{"format", func() { req.Format = &model.Format{Schema: json.RawMessage(`{"type":"object"}`)} }, 17},
	}
	for _, s := range steps {
		s.step()
		got := model.WorstCase(req, 100)
		if got.InputTokenCount < last.InputTokenCount+s.least {
			t.Errorf("%s: WorstCase() = %d, want at least %d more than %d", s.name, got.InputTokenCount, s.least, last.InputTokenCount)
		}
		last = got
	}
	req.MaxOutputTokens = &most
	if got := model.WorstCase(req, 100); got.OutputTokenCount != 7 || got.TotalTokenCount != got.InputTokenCount+7 {
		t.Errorf("WorstCase(bounded by 7, 100) = %+v, want an output of 7", got)
	}
}
