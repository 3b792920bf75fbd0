package agent_test

import (
	"context"
	"encoding/json"
	"iter"
	"regexp"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/perduretest"
)

// TestDialectCrashEverywhere drops the process before and after each commit while
// callers that use Microsoft's SDKs ask a session, ask again and take a session
// over: each gets its answer, and no message is answered twice.
func TestDialectCrashEverywhere(t *testing.T) {
	crashed := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: regexp.MustCompile(`"(next|offset)":\d+|ask-[0-9a-f]{12}|"token":"[^"]*"`),
		Register: func(reg *perdure.Registry) {
			if err := agent.Register(reg, joker(model.Func(done))); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) { askInDialects(t, e) },
	})
	if crashed.Commits < 10 {
		t.Errorf("%d commits: too few to mean anything", crashed.Commits)
	}
}

func askInDialects(t *testing.T, e *perduretest.Env) {
	ask := func(key, operation, input, id string) string {
		var out json.RawMessage
		if err := e.Client().Ask(t.Context(), session(t, key).String(), operation, json.RawMessage(input), &out, client.WithRequestID(id)); err != nil {
			t.Errorf("%s %s = %v", operation, input, err)
		}
		return string(out)
	}
	first := ask("k1", "run", `{"message":"Joke.","correlationId":"c1"}`, "r1")
	again := ask("k1", "run", `{"message":"Joke.","correlationId":"c1"}`, "r2")
	if first != again || !strings.Contains(first, `"type":"agent_response"`) {
		t.Errorf("answers = %s and %s, want the same for Python", first, again)
	}
	ask("k2", "migrate", legacy, "r3")
	if got := ask("k2", "run", `{"messages":[{"role":"user","contents":[{"$type":"text","text":"And?"}]}],"correlationId":"c2"}`, "r4"); !strings.Contains(got, `"$type":"text"`) {
		t.Errorf("answer = %s, want one for .NET", got)
	}
	service := agent.NewService(e.Client())
	for key, want := range map[string]int{"k1": 2, "k2": 6} {
		list, err := service.Messages(t.Context(), session(t, key), 0, 100)
		if err != nil || len(list) != want {
			t.Errorf("Messages(%s) = %d, %v, want %d", key, len(list), err, want)
		}
	}
}

// done is a model that says Done.
func done(context.Context, *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		yield(&model.Update{Contents: model.Contents{&model.Text{Text: "Done."}}}, nil)
	}
}
