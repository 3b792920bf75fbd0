package agent_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// strict is a model that refuses conversations as providers do, for good: with a
// call that no result follows, a result of no call, or two calls of one id.
type strict struct {
	t       *testing.T
	answers [][]model.Content
	calls   int
	last    *model.Request
}

func (m *strict) Generate(_ context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		m.last = req
		seen, open := map[string]bool{}, map[string]bool{}
		for i, message := range req.Messages {
			if message.Role != model.RoleTool && len(open) > 0 {
				m.t.Errorf("message %d: the calls %v have no result", i, open)
			}
			for _, c := range message.Contents {
				switch c := c.(type) {
				case *model.FunctionCall:
					if c.CallID == "" || seen[c.CallID] {
						m.t.Errorf("message %d: the id %q is there twice", i, c.CallID)
					}
					seen[c.CallID], open[c.CallID] = true, true
				case *model.FunctionResult:
					if !open[c.CallID] {
						m.t.Errorf("message %d: the result for %q answers no call", i, c.CallID)
					}
					delete(open, c.CallID)
				}
			}
		}
		if len(open) > 0 {
			m.t.Errorf("at the end: the calls %v have no result", open)
		}
		answer := m.answers[min(m.calls, len(m.answers)-1)]
		m.calls++
		for _, c := range answer {
			if err, bad := c.(*model.ErrorContent); bad {
				status, convErr := strconv.Atoi(err.ErrorCode)
				if convErr != nil {
					m.t.Error(convErr)
				}
				yield(nil, &model.Error{Provider: "script", Status: status, Message: err.Message})
				return
			}
			if !yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{c}}, nil) {
				return
			}
		}
	}
}

func callTo(id, tool string) model.Content {
	return &model.FunctionCall{CallID: id, Name: tool, Arguments: `{}`}
}

// TestCallIDs has a model that uses ids of calls twice, in an answer and in the
// next ones, or gives none.
func TestCallIDs(t *testing.T) {
	m := &strict{t: t, answers: [][]model.Content{
		{callTo("c1", "one"), callTo("c1", "one"), callTo("", "one"), callTo("", "one")},
		{callTo("c1", "one")},
		{saying("done")},
		{callTo("c1", "one")},
		{saying("done")},
	}}
	n := begin(t, &memory.Disk{}, registry(t, joker(m, pureTool("one"))))
	say(t, n, "k1", "go")
	say(t, n, "k1", "again")
	if got := strings.Count(transcript(t, n, "k1"), `= "done"`); got != 6 {
		t.Errorf("the transcript has %d results, want 6:\n%s", got, transcript(t, n, "k1"))
	}
}

// TestTooManyCalls has a model that calls a tool 10,000 times in one answer.
func TestTooManyCalls(t *testing.T) {
	var many []model.Content
	for i := range 10_000 {
		many = append(many, callTo(fmt.Sprint("c", i), "one"))
	}
	m := &strict{t: t, answers: [][]model.Content{many, {saying("done")}}}
	ran := make(chan struct{}, len(many))
	a := joker(m, agent.NewTool("one", "is counted", func(context.Context, struct{}) (string, error) { ran <- struct{}{}; return "", nil }, agent.WithEffect(agent.Pure)))
	a.MaxToolErrors = 100_000
	n := begin(t, &memory.Disk{}, registry(t, a))
	if r := say(t, n, "k1", "go"); r.Text != "done" {
		t.Errorf("answer = %q, want done", r.Text)
	}
	if len(ran) != 128 {
		t.Errorf("the tool was called %d times, want 128", len(ran))
	}
	if text := toolText(last(m.last)); !strings.Contains(text, "128 calls, which is the limit") {
		t.Errorf("the model was told %q, want the limit", text)
	}
}

// TestResultsAfterFailure has the turn fail that holds the result of a caller's
// tool, and another message come before the result is given again: no later turn is
// given a conversation that providers refuse. What the provider has refused is not
// given to it again; the rest is.
func TestResultsAfterFailure(t *testing.T) {
	for status, want := range map[string]string{"403": `"41"`, "400": `"42"`} {
		fault := []model.Content{&model.ErrorContent{Message: "no", ErrorCode: status}}
		m := &strict{t: t, answers: [][]model.Content{{callTo("c1", "lookup")}, fault, fault, {saying("done")}}}
		n := begin(t, &memory.Disk{}, registry(t, joker(m)))
		tools := agent.TurnOptions{Tools: []model.Tool{lookup}}
		r, err := ask(t, n, "k1", agent.Message{Text: "x?", Options: tools})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []agent.Message{
			{Text: "Hurry."},
			{Contents: model.Contents{result(r.Calls[0].CallID, `"41"`)}, Options: tools},
		} {
			if _, err := ask(t, n, "k1", c); err == nil {
				t.Fatal("Wait() = nil, want the fault of the provider")
			}
		}
		r, err = ask(t, n, "k1", agent.Message{Contents: model.Contents{result(r.Calls[0].CallID, `"42"`)}, Options: tools})
		if err != nil || r.Text != "done" {
			t.Fatalf("status %s: Wait() = %+v, %v, want done", status, r, err)
		}
		given := slices.IndexFunc(m.last.Messages, func(m *model.Message) bool { return toolText(m) == want })
		if given != 2 {
			t.Errorf("status %s: the result %s is message %d, want it to follow the call", status, want, given)
		}
	}
}

// TestCallersToolsWithContext has a context provider speak before a message that
// is the result of a caller's tool.
func TestCallersToolsWithContext(t *testing.T) {
	m := &strict{t: t, answers: [][]model.Content{{callTo("c1", "lookup")}, {saying("done")}}}
	a := joker(m)
	a.Context = []agent.ContextProvider{agent.ContextFunc(func(context.Context, agent.TurnInfo) (agent.Addition, error) {
		return agent.Addition{Messages: []*model.Message{model.UserText("I like cats.")}}, nil
	})}
	n := begin(t, &memory.Disk{}, registry(t, a))
	tools := agent.TurnOptions{Tools: []model.Tool{lookup}}
	r, err := ask(t, n, "k1", agent.Message{Text: "x?", Options: tools})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = ask(t, n, "k1", agent.Message{Contents: model.Contents{result(r.Calls[0].CallID, `"42"`)}, Options: tools}); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(m.last.Messages, func(m *model.Message) bool { return toolText(m) == `"42"` }) {
		t.Error("the model was not given the result")
	}
}

// TestImportedResults imports a conversation whose calls and results do not fit.
func TestImportedResults(t *testing.T) {
	m := &strict{t: t, answers: [][]model.Content{{saying("done")}}}
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	if err := n.Import(ctxOf(t), session(t, "k1"), []*model.Message{
		{Role: model.RoleTool, Contents: model.Contents{result("c0", `1`)}},
		model.UserText("x?"),
		{Role: model.RoleAssistant, Contents: model.Contents{callTo("c1", "a"), callTo("c2", "b")}},
		{Role: model.RoleTool, Contents: model.Contents{result("c2", `2`), result("c3", `3`), result("c2", `4`)}},
		model.UserText("y?"),
	}); err != nil {
		t.Fatal(err)
	}
	say(t, n, "k1", "go")
}

// TestBigMessagesWait sends more to a busy session than it can hold: what is
// accepted is answered, the rest is refused.
func TestBigMessagesWait(t *testing.T) {
	gate := make(chan struct{})
	n := begin(t, &memory.Disk{}, registry(t, joker(behaving(func(_ context.Context, req *model.Request) model.Content {
		if last(req).Text() == "wait" {
			<-gate
		}
		return saying("Re: %.1s", last(req).Text())
	}))))
	send(t, n, "k1", agent.Message{Text: "wait"})
	var turns []string
	for i := range 12 {
		a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: strings.Repeat(string(rune('a'+i)), 1<<20)})
		switch {
		case err == nil:
			turns = append(turns, a.Turn)
		case perdure.CodeOf(err) != perdure.ResourceExhausted:
			t.Errorf("Send() = %v, want resource_exhausted", err)
		}
	}
	close(gate)
	if len(turns) == 0 || len(turns) > 4 {
		t.Errorf("%d messages were accepted, want 1 to 4", len(turns))
	}
	for _, turn := range turns {
		if r, err := n.Wait(ctxOf(t), turn); err != nil || !strings.HasPrefix(r.Text, "Re: ") {
			t.Errorf("Wait() = %+v, %v, want an answer", r, err)
		}
	}
	say(t, n, "k1", strings.Repeat("z", 5<<20)) // an idle session holds none
}
