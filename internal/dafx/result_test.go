package dafx_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

func TestResultExamples(t *testing.T) {
	done := model.AssistantText("Done")
	r := &dafx.Result{
		Messages: []*model.Message{done}, ID: "r1", Session: "@dafx-support@k1", Created: at("2026-11-02T09:00:04Z"),
		FinishReason: "stop", Usage: &model.Usage{InputTokenCount: 5, OutputTokenCount: 2, TotalTokenCount: 7},
	}
	if got, want := string(r.Write(dafx.DotNet)), string(example(t, "result-dotnet")); got != want {
		t.Errorf("Write(DotNet) = %s, want %s", got, want)
	}
	named := *done
	named.AuthorName, named.ID = "Support", "m2"
	p := *r
	p.Messages, p.Session, p.Agent = []*model.Message{&named}, "", "Support"
	if got, want := string(p.Write(dafx.Python)), string(example(t, "result-python")); got != want {
		t.Errorf("Write(Python) = %s, want %s", got, want)
	}
	for d, want := range map[dafx.Dialect]*dafx.Result{dafx.DotNet: r, dafx.Python: &p} {
		got, dialect, err := dafx.ParseResult(want.Write(d))
		if err != nil || dialect != d {
			t.Fatalf("ParseResult() = %q, %v, want %q", dialect, err, d)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseResult(%s) (-want +got):\n%s", d, diff)
		}
	}
}

func TestParseResultKeepsStrangers(t *testing.T) {
	text := `{"type":"agent_response","additional_properties":{},"messages":[{"type":"message","role":"assistant","contents":[{"type":"image_generation","id":"i"},{"type":"text","text":7}],"additional_properties":{"a":1}}],"value":{"n":1}}`
	r, _, err := dafx.ParseResult([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"agent_response","messages":[{"type":"message","role":"assistant","contents":[{"type":"image_generation","id":"i"},{"type":"unknown","content":{"$type":"unknown","content":{"type":"text","text":7}}}],"additional_properties":{"a":1}}],"value":{"n":1}}`
	if got := string(r.Write(dafx.Python)); got != want {
		t.Errorf("Write() = %s, want %s", got, want)
	}
}

func TestResultsWithoutAnswer(t *testing.T) {
	accepted := string(dafx.Accepted("5d1c").Write(dafx.Python))
	if !strings.HasPrefix(accepted, `{"type":"agent_response","messages":[{"type":"message","role":"system"`) || !strings.Contains(accepted, "5d1c") {
		t.Errorf("Accepted() = %s, want a system message with the correlation id", accepted)
	}
	want := `{"messages":[{"role":"assistant","contents":[{"$type":"error","message":"no answer","errorCode":"modelTimeout"}]}]}`
	if got := string(dafx.Failed("modelTimeout", "no answer").Write(dafx.DotNet)); got != want {
		t.Errorf("Failed() = %s, want %s", got, want)
	}
	if got, want := string((&dafx.Result{}).Write(dafx.Python)), `{"type":"agent_response","messages":[]}`; got != want {
		t.Errorf("empty result = %s, want %s", got, want)
	}
}

func TestWritePascal(t *testing.T) {
	r := &dafx.Result{Session: "@dafx-support@k1", Usage: &model.Usage{InputTokenCount: 5}, Messages: []*model.Message{{
		Role: model.RoleAssistant, ID: "m1", Contents: model.Contents{&model.FunctionCall{CallID: "c", Name: "f", Arguments: `{"order":7}`}},
	}}}
	want := `{"Messages":[{"Role":"assistant","MessageId":"m1","Contents":[{"$type":"functionCall","CallId":"c","Name":"f","Arguments":{"order":7}}]}],"AgentId":"@dafx-support@k1","Usage":{"InputTokenCount":5}}`
	if got := string(r.WritePascal()); got != want {
		t.Errorf("WritePascal() = %s, want %s", got, want)
	}
}
