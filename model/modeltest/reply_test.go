package modeltest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// TestReply asks twice the same, and then with the result of the call.
func TestReply(t *testing.T) {
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		if r.Messages[len(r.Messages)-1].Role == model.RoleTool {
			return modeltest.Say("It rains.")
		}
		return modeltest.Call("get_weather", map[string]string{"city": "Oslo"})
	})
	ask := func(messages ...*model.Message) *model.Response {
		t.Helper()
		r, err := model.Collect(m.Generate(context.Background(), &model.Request{Messages: messages}))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	question := model.UserText("Rain?")
	first, again := ask(question), ask(question)
	if diff := cmp.Diff(first, again); diff != "" || len(first.Calls()) != 1 {
		t.Errorf("the same question is answered differently, or without a call (-first +again):\n%s", diff)
	}
	call := first.Calls()[0]
	if got := ask(question, first.Messages[0], model.ToolResult(call.CallID, "rain")); got.Text() != "It rains." {
		t.Errorf("the answer to the result = %q, want %q", got.Text(), "It rains.")
	}
}

func TestReplyCheck(t *testing.T) {
	wrong := errors.New("no tools were offered")
	m := modeltest.Reply(func(*model.Request) modeltest.Step {
		return modeltest.Say("Yes.").Check(func(*model.Request) error { return wrong })
	})
	if _, err := model.Collect(m.Generate(context.Background(), &model.Request{})); !errors.Is(err, wrong) {
		t.Errorf("Generate() = %v, want %v", err, wrong)
	}
}
