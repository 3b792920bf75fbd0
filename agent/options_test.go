package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

type receipt struct {
	Order int    `json:"order" jsonschema:"number of the order"`
	Paid  bool   `json:"paid"`
	Note  string `json:"note,omitempty"`
}

func formatOf[T any](t *testing.T) *model.Format {
	t.Helper()
	f, err := agent.FormatFor[T]()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ask sends a message and waits for its answer.
func ask(t *testing.T, n *node, key string, m agent.Message) (*agent.Response, error) {
	t.Helper()
	return n.Wait(ctxOf(t), send(t, n, key, m).Turn)
}

// TestStructuredOutput has a model repair an answer that does not fit.
func TestStructuredOutput(t *testing.T) {
	m := modeltest.Script(t,
		modeltest.Say("Paid, I think."),
		modeltest.Say(`{"order":"seven","paid":true}`),
		modeltest.Say("```json\n{\"order\": 7, \"paid\": true}\n```"))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	r, err := ask(t, n, "k1", agent.Message{Text: "Receipt?", Options: agent.TurnOptions{Format: formatOf[receipt](t)}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := agent.ValueAs[receipt](r)
	if want := (receipt{Order: 7, Paid: true}); err != nil || got != want {
		t.Errorf("ValueAs() = %+v, %v, want %+v", got, err, want)
	}
	requests := m.Requests()
	if f := requests[0].Format; f == nil || f.Name != "receipt" || !strings.Contains(string(f.Schema), "number of the order") {
		t.Errorf("the model was asked for the format %+v, want the schema of receipt", f)
	}
	if last := requests[2].Messages[len(requests[2].Messages)-1].Text(); !strings.Contains(last, "does not fit") {
		t.Errorf("the last message of the third request = %q, want what is wrong", last)
	}
}

// TestStructuredOutputFails gives up after the repairs that are allowed, and the
// session answers the next message.
func TestStructuredOutputFails(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("no"), modeltest.Say("no"), modeltest.Say("yes"))
	a := joker(m)
	a.MaxRepairs = 1
	n := begin(t, &memory.Disk{}, registry(t, a))
	_, err := ask(t, n, "k1", agent.Message{Text: "Numbers?", Options: agent.TurnOptions{Format: formatOf[[]int](t)}})
	if perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), "in 2 attempts: it is no JSON") {
		t.Errorf("Wait() = %v, want failed_precondition with the reason", err)
	}
	if r := say(t, n, "k1", "Well?"); r.Text != "yes" {
		t.Errorf("the next answer = %q, want yes", r.Text)
	}
}

// TestValueOfNoObject has a value that is no object travel in one.
func TestValueOfNoObject(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say(`{"value":[1,2]}`))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	r, err := ask(t, n, "k1", agent.Message{Text: "Numbers?", Options: agent.TurnOptions{Format: formatOf[[]int](t)}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := agent.ValueAs[[]int](r); err != nil || !cmp.Equal(got, []int{1, 2}) {
		t.Errorf("ValueAs() = %v, %v, want [1 2]", got, err)
	}
}

// lookup is a tool of a caller.
var lookup = model.Tool{Name: "lookup", Description: "looks up", Schema: json.RawMessage(`{"type":"object","properties":{"q":{"type":"string"}}}`)}

// TestCallersTools lets the caller run a tool of its own, beside one of the agent.
func TestCallersTools(t *testing.T) {
	m := modeltest.Script(t,
		modeltest.Call("lookup", `{"q":"x"}`).Then(modeltest.Call("count", `{}`)),
		modeltest.Say("It is 42."), modeltest.Say("Bye."))
	calls := 0
	count := agent.NewTool("count", "counts", func(context.Context, struct{}) (int, error) { calls++; return calls, nil })
	n := begin(t, &memory.Disk{}, registry(t, joker(m, count)))
	r, err := ask(t, n, "k1", agent.Message{Text: "What is x?", Options: agent.TurnOptions{Tools: []model.Tool{lookup}}})
	if err != nil || len(r.Calls) != 1 || r.Calls[0].Name != "lookup" || r.FinishReason != model.FinishToolCalls || calls != 1 {
		t.Fatalf("Wait() = %+v, %v and %d calls of count, want the call of lookup and 1", r, err, calls)
	}
	// Results of other calls are refused, and nothing is lost.
	for _, id := range []string{"forged", idOf(m, "count")} {
		_, err = ask(t, n, "k1", agent.Message{Contents: model.Contents{result(id, `"41"`)}, Options: agent.TurnOptions{Tools: []model.Tool{lookup}}})
		if perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("Wait(result of %s) = %v, want invalid_argument", id, err)
		}
	}
	r, err = ask(t, n, "k1", agent.Message{Contents: model.Contents{result(r.Calls[0].CallID, `"42"`)}, Options: agent.TurnOptions{Tools: []model.Tool{lookup}}})
	if err != nil || r.Text != "It is 42." {
		t.Fatalf("Wait() = %+v, %v, want It is 42.", r, err)
	}
	request := m.Requests()[1]
	var results []string
	for _, message := range request.Messages {
		for _, c := range message.Contents {
			if r, ok := c.(*model.FunctionResult); ok {
				results = append(results, string(r.Result)+r.Error)
			}
		}
	}
	if want := []string{`1`, `"42"`}; !cmp.Equal(results, want) {
		t.Errorf("the model was given the results %q, want %q", results, want)
	}
	if r := say(t, n, "k1", "Bye"); r.Text != "Bye." {
		t.Errorf("the next answer = %q, want Bye.", r.Text)
	}
}

func result(id, value string) *model.FunctionResult {
	return &model.FunctionResult{CallID: id, Result: json.RawMessage(value)}
}

// idOf returns the id of the call of a tool that the model was shown last.
func idOf(m *modeltest.Scripted, tool string) string {
	for _, r := range m.Requests() {
		for _, message := range r.Messages {
			for _, call := range message.Contents.Calls() {
				if call.Name == tool {
					return call.CallID
				}
			}
		}
	}
	return "script-1-1"
}

// TestUnansweredCallersTool goes on without the result of a caller's tool.
func TestUnansweredCallersTool(t *testing.T) {
	m := modeltest.Script(t, modeltest.Call("lookup", `{"q":"x"}`), modeltest.Say("Never mind."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	if _, err := ask(t, n, "k1", agent.Message{Text: "x?", Options: agent.TurnOptions{Tools: []model.Tool{lookup}}}); err != nil {
		t.Fatal(err)
	}
	if r := say(t, n, "k1", "Forget it."); r.Text != "Never mind." {
		t.Errorf("answer = %q, want Never mind.", r.Text)
	}
	if got := m.Requests()[1].Messages[2]; got.Role != model.RoleTool || !strings.Contains(fmt.Sprint(got.Contents[0].(*model.FunctionResult).Error), "given up") {
		t.Errorf("the call is followed by %+v, want a result that says that it was given up", got)
	}
}

// TestTurnOptions has each option reach the model.
func TestTurnOptions(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("a"), modeltest.Say("b"))
	a := joker(m, pureTool("one"), pureTool("two"))
	n := begin(t, &memory.Disk{}, registry(t, a))
	warm, most := 0.5, 99
	if _, err := ask(t, n, "k1", agent.Message{Text: "1", Options: agent.TurnOptions{
		Instructions: "Be brief.", ToolNames: []string{"two"}, ToolMode: model.ToolsRequired, RequiredTool: "two",
		Temperature: &warm, MaxOutputTokens: &most,
	}}); err != nil {
		t.Fatal(err)
	}
	say(t, n, "k1", "2")
	first, second := m.Requests()[0], m.Requests()[1]
	if !strings.HasSuffix(first.Instructions, "\n\nBe brief.") || len(first.Tools) != 1 || first.Tools[0].Name != "two" ||
		first.ToolMode != model.ToolsRequired || first.RequiredTool != "two" || *first.Temperature != warm || *first.MaxOutputTokens != most {
		t.Errorf("first request = %+v, want all options", first)
	}
	if strings.Contains(second.Instructions, "brief") || len(second.Tools) != 2 || second.ToolMode != "" || second.Temperature != nil {
		t.Errorf("second request = %+v, want none of the options", second)
	}
}

// TestRefusedMessages refuses what nobody may say, before it is accepted or, at
// the latest, in its turn, and the session goes on.
func TestRefusedMessages(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("ok"))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, pureTool("one"))))
	said := func(c ...model.Content) agent.Message { return agent.Message{Contents: c} }
	for name, bad := range map[string]agent.Message{
		"empty":              {},
		"null content":       said(nil),
		"call":               said(&model.FunctionCall{CallID: "c", Name: "one", Arguments: "{}"}),
		"approval":           said(&model.ApprovalResponse{RequestID: "r", Approved: true}),
		"standing approval":  said(&model.StandingApproval{AlwaysApproveTool: true}),
		"role tool":          {Messages: []*model.Message{{Role: model.RoleTool, Contents: model.Contents{&model.Text{Text: "x"}}}}},
		"null message":       {Messages: []*model.Message{nil}},
		"both":               {Text: "x", Messages: []*model.Message{model.UserText("y")}},
		"bad format":         {Text: "x", Options: agent.TurnOptions{Format: &model.Format{Schema: json.RawMessage(`{"type":7}`)}}},
		"bad tool name":      {Text: "x", Options: agent.TurnOptions{Tools: []model.Tool{{Name: "a b"}}}},
		"tool twice":         {Text: "x", Options: agent.TurnOptions{Tools: []model.Tool{lookup, lookup}}},
		"bad tool mode":      {Text: "x", Options: agent.TurnOptions{ToolMode: "sometimes"}},
		"long correlation":   {Text: "x", CorrelationID: strings.Repeat("x", 257)},
		"negative max":       {Text: "x", Options: agent.TurnOptions{MaxOutputTokens: new(int)}},
		"dangling result":    said(result("c1", "1")),
		"tool of the agent":  {Text: "x", Options: agent.TurnOptions{Tools: []model.Tool{{Name: "one"}}}},
		"unknown tool name":  {Text: "x", Options: agent.TurnOptions{ToolNames: []string{"none"}}},
		"unknown tool to do": {Text: "x", Options: agent.TurnOptions{RequiredTool: "none"}},
	} {
		a, err := n.Send(ctxOf(t), session(t, "k1"), bad)
		if err == nil {
			_, err = n.Wait(ctxOf(t), a.Turn)
		}
		if perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("%s: %v, want invalid_argument", name, err)
		}
	}
	if r := say(t, n, "k1", "Still there?"); r.Text != "ok" {
		t.Errorf("answer = %q, want ok", r.Text)
	}
	if got := len(m.Requests()[0].Messages); got != 1 {
		t.Errorf("the model was given %d messages, want the last alone", got)
	}
}

// TestImport continues a conversation that was held elsewhere.
func TestImport(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Yes, seven."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	before := []*model.Message{
		model.UserText("Remember 7."),
		{Role: model.RoleAssistant, Contents: model.Contents{&model.FunctionCall{CallID: "c", Name: "note", Arguments: `{"n":7}`}}},
		model.ToolResult("c", "ok"), model.AssistantText("Noted."),
	}
	if err := n.Import(ctxOf(t), session(t, "k1"), before); err != nil {
		t.Fatal(err)
	}
	if r := say(t, n, "k1", "Seven?"); r.Text != "Yes, seven." || r.First != 4 || r.Messages != 6 {
		t.Errorf("answer = %+v, want Yes, seven. at the positions 4 to 6", r)
	}
	if got := len(m.Requests()[0].Messages); got != 5 {
		t.Errorf("the model was given %d messages, want 5", got)
	}
}

// TestAttachments passes images and files on, also after a restart.
func TestAttachments(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("A cat."), modeltest.Say("Still a cat."))
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, joker(m)))
	image := model.NewData("image/png", []byte{1, 2, 3})
	if _, err := ask(t, n, "k1", agent.Message{Text: "What is it?", Contents: model.Contents{image, &model.HostedFile{FileID: "f9"}}}); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	n.stop()
	n = begin(t, disk, registry(t, joker(m)))
	say(t, n, "k1", "Sure?")
	for i, r := range m.Requests() {
		want := model.Contents{&model.Text{Text: "What is it?"}, image, &model.HostedFile{FileID: "f9"}}
		if diff := cmp.Diff(want, r.Messages[0].Contents); diff != "" {
			t.Errorf("request %d: contents (-want +got):\n%s", i, diff)
		}
	}
}

// TestFallback asks the next model when one cannot serve, waits in between as the
// provider says, and tells faults of the request from those of the provider.
func TestFallback(t *testing.T) {
	broken := &model.Error{Provider: "first", Status: 503, Message: "overloaded", Retryable: true, RetryAfter: time.Hour}
	first := modeltest.Script(t, modeltest.Fail(broken), modeltest.Fail(broken), modeltest.Fail(broken),
		modeltest.Fail(&model.Error{Provider: "first", Status: 404, Message: "no such model"}),
		modeltest.Fail(&model.Error{Provider: "first", Status: 400, Message: "bad request"}))
	second := modeltest.Script(t, modeltest.Say("from the second"), modeltest.Say("again"))
	a := joker(first)
	a.Fallback = []model.Model{second}
	n := begin(t, &memory.Disk{}, registry(t, a))
	accepted := send(t, n, "k1", agent.Message{Text: "1"})
	began := n.clock.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r, err := n.Wait(ctxOf(t), accepted.Turn); err != nil || r.Text != "from the second" {
			t.Errorf("Wait() = %+v, %v, want the answer of the second", r, err)
		}
	}()
	skip(t, n, done)
	if took := n.clock.Now().Sub(began); took < 2*time.Hour {
		t.Errorf("the turn took %v, want the pauses that the provider asked for", took)
	}
	if r := say(t, n, "k1", "2"); r.Text != "again" {
		t.Errorf("answer = %+v, want that of the second", r)
	}
	if _, err := ask(t, n, "k1", agent.Message{Text: "3"}); err == nil || !strings.Contains(err.Error(), "bad request") {
		t.Errorf("Wait() = %v, want the fault of the request", err)
	}
}

// pureTool is a tool that does nothing.
func pureTool(name string) agent.Tool {
	return agent.NewTool(name, "does nothing", func(context.Context, struct{}) (string, error) { return "done", nil },
		agent.WithEffect(agent.Pure))
}

// TestRunAs has an orchestration ask for typed answers, alone and in a session.
func TestRunAs(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say(`{"order":1,"paid":true}`), modeltest.Say(`{"order":2,"paid":false}`))
	a := joker(m)
	reg := registry(t, a)
	perdure.AddOrchestrationNamed(reg, "Orders", func(ctx *perdure.Context, _ string) ([]receipt, error) {
		alone, err := agent.RunAs[receipt](ctx, a, "First?", agent.WithContents(model.NewData("image/png", []byte{1}))).Value()
		if err != nil {
			return nil, err
		}
		inside, err := agent.RunAs[receipt](ctx, agent.Named("joker"), "Second?", agent.InSession("s1")).Value()
		if _, bad := agent.Named("joker").Run(ctx, "").Await(); perdure.CodeOf(bad) != perdure.InvalidArgument {
			t.Errorf("Run() of an empty prompt = %v, want invalid_argument", bad)
		}
		return []receipt{alone, inside}, err
	})
	n := begin(t, &memory.Disk{}, reg)
	started, err := n.client.Start(ctxOf(t), "Orders", "", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Result[[]receipt](ctxOf(t), n.client, started.ID)
	if want := []receipt{{Order: 1, Paid: true}, {Order: 2}}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("Result() = %+v, %v, want %+v", got, err, want)
	}
	if c := m.Requests()[0].Messages[0].Contents; len(c) != 2 {
		t.Errorf("the model was given %d contents, want the text and the image", len(c))
	}
}

// TestRefusedByProvider goes on after messages that the provider refuses for good:
// no model is given them again, and the conversation keeps them.
func TestRefusedByProvider(t *testing.T) {
	bad := modeltest.Fail(&model.Error{Provider: "script", Status: 400, Message: "the image cannot be read"})
	m := modeltest.Script(t, modeltest.Say("Hello."), bad, modeltest.Say("Fine."), modeltest.Call("one", nil), bad, modeltest.Say("Good."))
	disk := &memory.Disk{}
	reg := func() *perdure.Registry { return registry(t, joker(m, pureTool("one"))) }
	n := begin(t, disk, reg())
	say(t, n, "k1", "Hello")
	if _, err := ask(t, n, "k1", agent.Message{Text: "See", Contents: model.Contents{model.NewData("image/png", []byte{1})}}); err == nil {
		t.Error("Wait() = nil, want what the provider says")
	}
	disk.Crash()
	n.stop()
	n = begin(t, disk, reg())
	if r := say(t, n, "k1", "Well?"); r.Text != "Fine." {
		t.Errorf("answer = %q, want Fine.", r.Text)
	}
	if got := len(m.Requests()[2].Messages); got != 3 {
		t.Errorf("the model was given %d messages, want 3, without the image", got)
	}
	if _, err := ask(t, n, "k1", agent.Message{Text: "Call one"}); err == nil {
		t.Error("Wait() = nil, want what the provider says")
	}
	if r := say(t, n, "k1", "And now?"); r.Text != "Good." {
		t.Errorf("answer = %q, want Good.", r.Text)
	}
	last := m.Requests()[5].Messages
	if got := toolText(last[len(last)-2]); !strings.Contains(got, "given up") {
		t.Errorf("the refused result is replaced by %q, want that the call was given up", got)
	}
	whole := conversation(t, n.Service, "k1")
	if !strings.Contains(whole, "user See\n") || !strings.Contains(whole, "tool \"done\"\n") {
		t.Errorf("the conversation lacks what was refused:\n%s", whole)
	}
}
