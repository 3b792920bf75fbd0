package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// TestAccounts lists what turns took: one with a tool and another agent, whose
// answer is too long to lie in the history, one that fails in its second step.
func TestAccounts(t *testing.T) {
	long := strings.Repeat("long ", 10_000)
	physics := named("Physicist", modeltest.Script(t, modeltest.Say(long)))
	m := modeltest.Script(t,
		modeltest.Call("look", `{}`).Then(modeltest.Call("Physicist", `{"query":"What is it?"}`)),
		modeltest.Say("Done."),
		modeltest.Call("look", `{}`),
		modeltest.Fail(&model.Error{Provider: "script", Status: 400, Message: "out of order"}))
	lead := joker(m, lookTool(), physics.AsTool())
	lead.Prices = model.Prices{modeltest.Provider + "/*": {Rates: model.Rates{Input: 1, Output: 1}}}
	r := record()
	n := begin(t, &memory.Disk{}, registry(t, lead, physics), r.Telemetry)
	first := say(t, n, "k1", "Temperature?")
	n.clock.Advance(time.Second)
	second := send(t, n, "k1", agent.Message{Text: "Again."})
	if _, err := n.Wait(ctxOf(t), second.Turn); err == nil {
		t.Fatal("Wait() = nil, want an error")
	}
	idle(t, n) // the session has heard of the end
	state, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil {
		t.Fatal(err)
	}

	page, err := n.Accounts(ctxOf(t), session(t, "k1"), nil, 10)
	if err != nil || len(page.Turns) != 2 || page.Next != nil {
		t.Fatalf("Accounts() = %+v, %v, want two", page, err)
	}
	failed, done := page.Turns[0], page.Turns[1]
	if done.Turn != first.Turn || done.Status != agent.TurnCompleted || done.Model != first.Model || done.Steps != 2 || done.Ended.IsZero() {
		t.Errorf("Accounts() has %+v, want the first turn, %s, completed", done, first.Turn)
	}
	if diff := cmp.Diff([]any{first.Usage, first.Spent}, []any{done.Usage, done.Spent}); diff != "" {
		t.Errorf("the first turn took (-response +account):\n%s", diff)
	}
	if failed.Turn != second.Turn || failed.Status != agent.TurnFailed || failed.Steps != 1 || !strings.Contains(failed.Error, "out of order") {
		t.Errorf("Accounts() has %+v, want the second turn, %s, failed", failed, second.Turn)
	}
	if want := state.Usage.TotalTokenCount; done.Usage.TotalTokenCount+failed.Usage.TotalTokenCount != want || failed.Spent.USD == 0 {
		t.Errorf("the turns took %+v and %+v, want %d tokens together, as the session says", done, failed, want)
	}
	if got := r.GetSpans()[0].SpanContext.TraceID().String(); done.TraceID != got {
		t.Errorf("the trace is %q, want %q", done.TraceID, got)
	}
	older, err := n.Accounts(ctxOf(t), session(t, "k1"), nil, 1)
	if err != nil || len(older.Turns) != 1 || older.Next == nil {
		t.Fatalf("Accounts(1) = %+v, %v, want one and a cursor", older, err)
	}
	if older, err = n.Accounts(ctxOf(t), session(t, "k1"), older.Next, 1); err != nil || len(older.Turns) != 1 || older.Turns[0].Turn != first.Turn {
		t.Errorf("Accounts(after) = %+v, %v, want %s", older, err, first.Turn)
	}
	if _, err := n.Accounts(ctxOf(t), session(t, "none"), nil, 1); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Accounts(no session) = %v, want NotFound", err)
	}
}

func TestSteps(t *testing.T) {
	long := strings.Repeat("long ", 10_000)
	physics := named("Physicist", modeltest.Script(t, modeltest.Say(long)))
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{}) (string, error) { return "paid", nil }, agent.AlwaysRequireApproval())
	m := modeltest.Script(t,
		modeltest.Call("Physicist", `{"query":"What is it?"}`), modeltest.Call("pay", `{}`),
		modeltest.Fail(&model.Error{Provider: "script", Status: 400, Message: "out of order"}))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, physics.AsTool(), pay), physics))
	a := send(t, n, "k1", agent.Message{Text: "go"})
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending})
	if err != nil || len(page.Decisions) != 1 {
		t.Fatalf("Decisions() = %+v, %v, want one", page, err)
	}
	if _, err := n.Decide(ctxOf(t), page.Decisions[0].ID, agent.Answer{Answer: agent.AnswerApprove}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); err == nil {
		t.Fatal("Wait() = nil, want an error")
	}
	steps, err := n.Steps(ctxOf(t), a.Turn)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	run := ""
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%d %s %s %s, tokens %v, ended %v", s.Step, s.Kind, s.Name, s.Status, s.Usage.TotalTokenCount > 0, !s.Ended.IsZero()))
		run += s.Run
	}
	want := []string{
		"1 model  completed, tokens true, ended true",
		"0 agent physicist completed, tokens true, ended true",
		"2 model  completed, tokens true, ended true",
		"2 tool pay asked, tokens false, ended true",
		"2 tool pay completed, tokens false, ended true",
		"3 model  failed, tokens false, ended true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Steps() differ (-want +got):\n%s", diff)
	}
	inner, err := n.Steps(ctxOf(t), run)
	if err != nil || len(inner) != 1 || inner[0].Usage.OutputTokenCount == 0 || inner[0].Usage.TotalTokenCount != steps[1].Usage.TotalTokenCount {
		t.Errorf("Steps(%s) = %+v, %v, want the one call, which took what the run took", run, inner, err)
	}
}
