package auto_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

func ask(t *testing.T, req *model.Request) *model.Response {
	t.Helper()
	m := auto.NewDemo(auto.DemoConfig{Pace: -1})
	r, err := model.Collect(m.Generate(t.Context(), req))
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	return r
}

func TestDemoAnswers(t *testing.T) {
	tests := []struct {
		name string
		req  model.Request
		want string
	}{
		{"joke", model.Request{Instructions: "You are good at telling jokes.",
			Messages: []*model.Message{model.UserText("Tell me one about a pirate.")}}, ""},
		{"article", model.Request{
			Messages: []*model.Message{model.UserText("Write an article about durable execution")}},
			"About durable execution\n\n"},
		{"next version", model.Request{
			Messages: []*model.Message{model.UserText("Write a short blog post on rain."), model.AssistantText("..."),
				model.UserText("Rewrite it with this feedback: too long")}},
			"Here is the next version.\n\nAbout rain\n\n"},
		{"no article", model.Request{
			Messages: []*model.Message{model.UserText("Report the status of order 7")}},
			"You said: Report the status of order 7\n\n"},
		{"list", model.Request{Instructions: "You are a judge.",
			Messages: []*model.Message{model.UserText("Which is best?\n1. tea\n2. coffee\n3. water")}},
			"I compared 3 options and choose number "},
		{"or", model.Request{
			Messages: []*model.Message{model.UserText("Compare: tea or coffee?")}},
			"I compared 2 options and choose number "},
		{"answers", model.Request{Instructions: "You compare the answers of experts and pick the better one.",
			Messages: []*model.Message{model.UserText("Compare these answers to the question \"Why?\".\n\n" +
				"Physicist: " + auto.DemoNote + "I can write an article about a topic.\n\nMore.\n\nChemist: " + auto.DemoNote + "I can too.")}},
			"I compared 2 options and choose number "},
		{"expert", model.Request{Instructions: "You are an expert in physics. Answer in two sentences.",
			Messages: []*model.Message{model.UserText("What is temperature?")}},
			"As an expert in physics I heard: What is temperature?\n\n"},
		{"memory", model.Request{
			Messages: []*model.Message{model.UserText("Hi, my name is Ada."), model.AssistantText("Hello"),
				model.UserText("What is my name?")}},
			"Your name is Ada."},
		{"echo", model.Request{
			Messages: []*model.Message{model.UserText("Good   morning")}},
			"You said: Good morning\n\n"},
		{"nothing", model.Request{}, "Ask me anything."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(t, &tt.req)
			if got := r.Text(); !strings.HasPrefix(got, auto.DemoNote+tt.want) || got == auto.DemoNote {
				t.Errorf("answer = %q, want prefix %q", got, auto.DemoNote+tt.want)
			}
			if got := r.FinishReason; got != model.FinishStop {
				t.Errorf("FinishReason = %q, want %q", got, model.FinishStop)
			}
			if again := ask(t, &tt.req); again.Text() != r.Text() || again.ID != r.ID {
				t.Errorf("second answer = %q, want the first %q", again.Text(), r.Text())
			}
		})
	}
}

func TestDemoCallsToolThenReports(t *testing.T) {
	req := &model.Request{
		Messages: []*model.Message{model.UserText(`Please issue a refund: issue_refund order 7 with reason "late"`)},
		Tools: []model.Tool{
			{Name: "unrelated"},
			{Name: "issue_refund", Schema: json.RawMessage(
				`{"type":"object","properties":{"order":{"type":"integer"},"reason":{"type":"string"}},"required":["order","reason"]}`)},
		},
	}
	r := ask(t, req)
	calls := r.Calls()
	if len(calls) != 1 || r.FinishReason != model.FinishToolCalls {
		t.Fatalf("calls = %d, finish = %q, want 1 call and %q", len(calls), r.FinishReason, model.FinishToolCalls)
	}
	if got, want := calls[0].Arguments, `{"order":7,"reason":"late"}`; got != want {
		t.Errorf("Arguments = %s, want %s", got, want)
	}
	req.Messages = append(req.Messages, r.Messages...)
	req.Messages = append(req.Messages, model.ToolResult(calls[0].CallID, map[string]string{"receipt": "r5"}))
	answer := ask(t, req)
	if got, want := answer.Text(), auto.DemoNote+`The tool answered: {"receipt":"r5"}.`; got != want {
		t.Errorf("answer = %q, want %q", got, want)
	}
	// The next prompt starts afresh: old results are not reported again, and the
	// tool can be called again.
	req.Messages = append(req.Messages, answer.Messages[0], model.UserText("Thanks"))
	answer = ask(t, req)
	if got, want := answer.Text(), auto.DemoNote+"You said: Thanks"; !strings.HasPrefix(got, want) {
		t.Errorf("answer = %q, want prefix %q", got, want)
	}
	req.Messages = append(req.Messages, answer.Messages[0], model.UserText("Once more: issue_refund for 8"))
	if got := ask(t, req).Calls(); len(got) != 1 || got[0].CallID == calls[0].CallID {
		t.Errorf("calls = %v, want one with an id of its own", got)
	}
}

func TestDemoFillsSchema(t *testing.T) {
	r := ask(t, &model.Request{
		Messages: []*model.Message{model.UserText("Tell a joke")},
		Format: &model.Format{Schema: json.RawMessage(`{"type":"object","required":["joke","tags","kind","at"],
			"properties":{"joke":{"type":"string"},"tags":{"type":["null","array"],"items":{"type":"string"}},
			"kind":{"enum":["pun"]},"at":{"$ref":"#/$defs/at"}},"$defs":{"at":{"type":["integer","null"],"minimum":3,"maximum":3}}}`)},
	})
	var got struct {
		Joke string
		Tags []string
		Kind string
		At   int
	}
	if err := json.Unmarshal([]byte(r.Text()), &got); err != nil {
		t.Fatalf("answer %q: %v", r.Text(), err)
	}
	if !strings.HasPrefix(got.Joke, auto.DemoNote) || len(got.Tags) != 1 || got.Kind != "pun" || got.At != 3 {
		t.Errorf("answer = %+v, want a joke, one tag, kind pun, at 3", got)
	}
}

func TestDemoPaceAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := auto.NewDemo(auto.DemoConfig{Pace: time.Second})
		gone := errors.New("worker stops")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3500*time.Millisecond, func() { cancel(gone) })
		req := &model.Request{Messages: []*model.Message{model.UserText("Write an article about rain")}}
		start := time.Now()
		r, err := model.Collect(m.Generate(ctx, req))
		if !errors.Is(err, gone) {
			t.Errorf("error = %v, want %v", err, gone)
		}
		if got, want := time.Since(start), 3500*time.Millisecond; got != want {
			t.Errorf("ended after %v, want %v", got, want)
		}
		if got, want := r.Text(), "(Offline demo model: "; got != want {
			t.Errorf("partial answer = %q, want %q", got, want)
		}
	})
}

func TestDemoHonoursMaxOutputTokens(t *testing.T) {
	three := 3
	r := ask(t, &model.Request{MaxOutputTokens: &three,
		Messages: []*model.Message{model.UserText("Write an article about rain")}})
	if got := len(strings.Fields(r.Text())); got != 3 || r.FinishReason != model.FinishLength {
		t.Errorf("answer has %d words and ends by %q, want 3 and %q", got, r.FinishReason, model.FinishLength)
	}
	if got := r.Usage().OutputTokenCount; got != 3 {
		t.Errorf("OutputTokenCount = %d, want 3", got)
	}
}
