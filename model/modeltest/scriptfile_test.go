package modeltest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

func TestReadScript(t *testing.T) {
	steps, err := modeltest.ReadScript(strings.NewReader(`# Weather.
{"call": "get_weather", "arguments": {"city": "Oslo",  "n": 1.0}}

[{"think": "Hm.", "protected": "c2ln"}, {"say": "It rains.", "usage": {"input": 5, "output": 3, "cached": 2, "written": 1, "reasoning": 1}, "finish": "length"}]
{"call": "look", "arguments": "{\"at\":"}
[{"say": "half"}, {"cut": true}]
{"fail": 429, "code": "rate_limit_exceeded", "message": "slow down", "retry_after": "2s"}
{"fail": 400, "message": "too long"}
`))
	if err != nil {
		t.Fatalf("ReadScript() = %v", err)
	}
	type outcome struct {
		Contents model.Contents
		Finish   string
		Err      *model.Error
	}
	usage := &model.UsageContent{Details: model.Usage{InputTokenCount: 5, OutputTokenCount: 3, TotalTokenCount: 8, CachedInputTokenCount: 2,
		ReasoningTokenCount: 1, AdditionalCounts: map[string]int64{model.CountCacheWrite: 1}}}
	want := []outcome{
		{Contents: model.Contents{&model.FunctionCall{CallID: "script-1-call-1", Name: "get_weather", Arguments: `{"city": "Oslo",  "n": 1.0}`}}, Finish: "tool_calls"},
		{Contents: model.Contents{&model.Reasoning{Text: "Hm.", ProtectedData: "c2ln"}, &model.Text{Text: "It rains."}, usage}, Finish: "length"},
		{Contents: model.Contents{&model.FunctionCall{CallID: "script-3-call-1", Name: "look", Arguments: `{"at":`, Error: "the arguments are no valid JSON"}}, Finish: "tool_calls"},
		{Contents: model.Contents{&model.Text{Text: "half"}}, Err: &model.Error{Provider: "script", Code: model.CodeStreamCut, Message: "the answer was cut", Retryable: true}},
		{Err: &model.Error{Provider: "script", Status: 429, Code: "rate_limit_exceeded", Message: "slow down", Retryable: true, RetryAfter: 2 * time.Second}},
		{Err: &model.Error{Provider: "script", Status: 400, Message: "too long"}},
	}
	m := modeltest.Script(t, steps...)
	for i, w := range want {
		r, err := ask(t, m, "?")
		got := outcome{Finish: r.FinishReason}
		got.Err, _ = err.(*model.Error)
		for _, message := range r.Messages {
			got.Contents = append(got.Contents, message.Contents...)
		}
		if i != 1 { // the others count words
			got.Contents = withoutUsage(got.Contents)
		}
		if diff := cmp.Diff(w, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("step %d mismatch (-want +got):\n%s", i+1, diff)
		}
	}
}

func withoutUsage(cs model.Contents) (out model.Contents) {
	for _, c := range cs {
		if _, ok := c.(*model.UsageContent); !ok {
			out = append(out, c)
		}
	}
	return out
}

func TestReadScriptErrors(t *testing.T) {
	for script, want := range map[string]string{
		"\n{":                                   "line 2",
		`{"sya":"x"}`:                           `unknown field "sya"`,
		`{"say":"x"} {"say":"y"}`:               "line 1",
		`{}`:                                    "does one of",
		`{"say":"x","cut":true}`:                "not 2",
		`{"pause":200}`:                         `"200ms"`,
		`{"pause":"soon"}`:                      "soon",
		`{"fail":200}`:                          "200 is no status",
		`["say"]`:                               "line 1",
		"{\"say\":\"x\"}\n{\"call\":1,\"x\":2}": "line 2",
	} {
		steps, err := modeltest.ReadScript(strings.NewReader(script))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadScript(%q) = %d steps, %v, want an error with %q", script, len(steps), err, want)
		}
	}
}

func TestPaceAndRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := modeltest.Repeat(modeltest.Say("one two three").Pace(time.Second), modeltest.Call("look", json.RawMessage(`{}`)))
		start := time.Now()
		for i, want := range []string{"one two three", "", "one two three"} {
			if r, err := ask(t, m, "?"); err != nil || r.Text() != want {
				t.Errorf("call %d = %q, %v, want %q", i, r.Text(), err, want)
			}
		}
		if got := time.Since(start); got != 6*time.Second {
			t.Errorf("six words at a second each took %v", got)
		}
	})
}

func TestRepeatForgets(t *testing.T) {
	m := modeltest.Repeat(modeltest.Say("x"))
	for i := range 150 {
		if _, err := ask(t, m, string(rune('a'+i%26))); err != nil {
			t.Fatal(err)
		}
	}
	got := m.Requests()
	if len(got) != 100 || got[99].Messages[0].Text() != string(rune('a'+149%26)) || m.Err() != nil {
		t.Errorf("Requests() = %d, the last %q, %v, want the newest 100", len(got), got[len(got)-1].Messages[0].Text(), m.Err())
	}
}

func FuzzReadScript(f *testing.F) {
	f.Add(`[{"think":"a","protected":"b"},{"say":"x","pace":"1ns","usage":{"input":1}},{"cut":true}]`)
	f.Add("#\n{\"call\":\"f\",\"arguments\":\"x\"}\n{\"fail\":500}")
	f.Fuzz(func(t *testing.T, script string) {
		steps, err := modeltest.ReadScript(strings.NewReader(script))
		if err != nil && steps != nil {
			t.Errorf("ReadScript(%q) = %d steps and %v", script, len(steps), err)
		}
	})
}
