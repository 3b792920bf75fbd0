package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// payer is a node with an orchestration, Order, that has an agent pay and look at the same
// time; the run of the agent is "order:0001".
func payer(t *testing.T, s *sink, options ...agent.ToolOption) *node {
	t.Helper()
	m := model.Func(func(_ contextOf, req *model.Request) updates {
		contents := model.Contents{&model.Text{Text: fmt.Sprintf("Done after %d.", len(req.Messages))}}
		if len(req.Messages) == 1 {
			contents = model.Contents{
				&model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"to":"Ann","amount":1}`},
				&model.FunctionCall{CallID: "c2", Name: "look", Arguments: `{}`},
			}
		}
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: contents}}}).Updates()
	})
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
	cashier := joker(m, agent.NewTool("pay", "pays", s.pay, options...), look)
	reg := registry(t, cashier)
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, _ string) (string, error) {
		return cashier.Run(ctx, "Pay.").Text()
	})
	n := begin(t, &memory.Disk{}, reg)
	if _, err := n.client.Start(ctxOf(t), "Order", "", client.StartOptions{ID: "order"}); err != nil {
		t.Fatal(err)
	}
	return n
}

// told returns what was said in a run, without times and ids.
func told(t *testing.T, n *node, run string) []string {
	t.Helper()
	all, complete, err := n.Conversation(ctxOf(t), run)
	if err != nil || !complete {
		t.Fatalf("Conversation(%s) = complete %v, %v", run, complete, err)
	}
	var lines []string
	for _, s := range all {
		if s.Message == nil {
			continue
		}
		text, err := json.Marshal(s.Message.Contents)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%d %s %s", s.Position, s.Message.Role, text))
	}
	return lines
}

// TestG05_Fork forks a run of an agent, which has paid, from each of its events. What was
// foretold to be asked is asked, and nothing else; no payment is made again by itself, no
// approval is used twice, and the source stays as it is.
func TestG05_Fork(t *testing.T) {
	for name, options := range map[string][]agent.ToolOption{
		"approved":   {agent.AlwaysRequireApproval()},
		"by itself":  nil,
		"idempotent": {agent.WithEffect(agent.Idempotent), agent.AlwaysRequireApproval()},
	} {
		t.Run(name, func(t *testing.T) {
			var s sink
			n := payer(t, &s, options...)
			idle(t, n)
			for _, d := range pendingOf(t, n) {
				decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
			}
			if _, err := client.Result[string](ctxOf(t), n.client, "order"); err != nil {
				t.Fatal(err)
			}
			events, err := n.hub.History(ctxOf(t), "order:0001", "")
			if err != nil {
				t.Fatal(err)
			}
			said := told(t, n, "order:0001")
			for e := 1; e <= len(events)+1; e++ {
				forkPayment(t, n, &s, e, said)
			}
			if diff := cmp.Diff(said, told(t, n, "order:0001")); diff != "" {
				t.Errorf("the source has changed (-before +after):\n%s", diff)
			}
		})
	}
}

func forkPayment(t *testing.T, n *node, s *sink, event int, said []string) {
	t.Helper()
	before := len(s.effects)
	plan, err := n.PlanFork(ctxOf(t), "order:0001", client.ForkOptions{Event: event})
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("fork%d", event)
	f, err := n.Fork(ctxOf(t), "order:0001", client.ForkOptions{Event: event, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if f.ID != id || f.Event != plan.Event || !cmp.Equal(f.Asks, plan.Asks) {
		t.Errorf("Fork(event %d) = %+v, want as planned: %+v", event, f, plan)
	}
	idle(t, n)
	var want, got []string
	for _, ask := range plan.Asks {
		want = append(want, ask.Kind+" "+ask.Tool)
	}
	for _, open := range pendingOf(t, n) {
		if open.Run != id {
			t.Errorf("forked from event %d, run %s asks, want the fork", event, open.Run)
		}
		got = append(got, open.Kind+" "+open.Tool)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("forked from event %d, decisions (-foretold +open):\n%s\n%s", f.Event, diff, script(t, n, id))
	}
	if made := len(s.effects) - before; made > 0 {
		t.Errorf("forked from event %d, the payment was made %d times before anybody was asked", event, made)
	}
	for _, open := range pendingOf(t, n) {
		decide(t, n, open.ID, agent.Answer{Answer: agent.AnswerApprove})
	}
	idle(t, n)
	if left := pendingOf(t, n); len(left) > 0 {
		t.Fatalf("forked from event %d, after the answers %s is asked for\n%s", event, left[0].Kind, script(t, n, id))
	}
	r, err := n.Wait(ctxOf(t), id)
	if err != nil || r.Text != "Done after 4." || r.Turn != id {
		t.Errorf("forked from event %d, Wait() = %+v, %v\n%s", event, r, err, script(t, n, id))
	}
	if made := len(s.effects) - before; made != len(want) || s.most() != 1 {
		t.Errorf("forked from event %d, payments by effect id = %v, want %d more", event, s.effects, len(want))
	}
	if diff := cmp.Diff(said, told(t, n, id)); diff != "" {
		t.Errorf("forked from event %d, the conversation is (-of the source +of the fork):\n%s", event, diff)
	}
}

// TestForkAboveAgent forks an orchestration that has an agent at work: the fork has one of
// its own, and a decision of the other's is none of it.
func TestForkAboveAgent(t *testing.T) {
	var s sink
	n := payer(t, &s, agent.AlwaysRequireApproval())
	idle(t, n)
	if _, err := n.Fork(ctxOf(t), "order", client.ForkOptions{ID: "second"}); err != nil {
		t.Fatal(err)
	}
	idle(t, n)
	asked := pendingOf(t, n)
	if len(asked) != 2 || asked[0].Run == asked[1].Run || asked[0].EffectID == asked[1].EffectID {
		t.Fatalf("Decisions() = %+v, want one for each run of the agent", asked)
	}
	for _, d := range asked {
		decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
	}
	for _, id := range []string{"order", "second"} {
		if text, err := client.Result[string](ctxOf(t), n.client, id); err != nil || text != "Done after 4." {
			t.Errorf("Result(%s) = %q, %v", id, text, err)
		}
	}
	if s.most() != 1 || len(s.effects) != 2 {
		t.Errorf("payments by effect id = %v, want two", s.effects)
	}
}

// TestForkTool forks a run of an agent with another result of a tool, which its model is
// then told.
func TestForkTool(t *testing.T) {
	var s sink
	n := payer(t, &s)
	if _, err := client.Result[string](ctxOf(t), n.client, "order"); err != nil {
		t.Fatal(err)
	}
	run, err := n.hub.History(ctxOf(t), "order:0001", "")
	if err != nil {
		t.Fatal(err)
	}
	step := 0
	for i, e := range run {
		if e.Meta != nil && len(e.Meta.Effect) > 0 && step == 0 {
			step = i + 1
		}
	}
	f, err := n.Fork(ctxOf(t), "order:0001", client.ForkOptions{ID: "f", Step: step, Result: map[string]any{"result": "paid nobody"}})
	if err != nil {
		t.Fatal(err)
	}
	idle(t, n)
	if r, err := n.Wait(ctxOf(t), "f"); err != nil || r.Text != "Done after 4." || len(s.effects) != 1 {
		t.Errorf("forked from event %d, Wait() = %+v, %v, payments %v; want an answer without another payment\n%s", f.Event, r, err, s.effects, script(t, n, "f"))
	}
	if said := told(t, n, "f"); len(said) != 5 || said[2] == told(t, n, "order:0001")[2] {
		t.Errorf("Conversation(f) = %v, want another result of the payment", said)
	}
}

// TestForkRepeated repeats forks that leave it open where to cut, when their source has
// gone on: they are the forks that they were.
func TestForkRepeated(t *testing.T) {
	var s sink
	n := payer(t, &s, agent.AlwaysRequireApproval())
	idle(t, n)
	forked := func() (ids [2]string) {
		for i, run := range []string{"order:0001", "order"} {
			f, err := n.Fork(ctxOf(t), run, client.ForkOptions{}, client.WithRequestID("service"))
			if err != nil {
				t.Fatalf("Fork(%s) = %v", run, err)
			}
			ids[i] = f.ID
		}
		id, err := n.client.Fork(ctxOf(t), "order", client.ForkOptions{}, client.WithRequestID("client"))
		if err != nil || id == ids[1] {
			t.Fatalf("client.Fork(order) = %s, %v, want another one than %s", id, err, ids[1])
		}
		return ids
	}
	first := forked()
	idle(t, n)
	for _, d := range pendingOf(t, n) {
		decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
	}
	idle(t, n)
	if again := forked(); again != first {
		t.Errorf("Fork(again) = %v, want %v", again, first)
	}
}

// TestForkOfTurn refuses to fork the turn of a session.
func TestForkOfTurn(t *testing.T) {
	var s sink
	n, a, _ := approving(t, &s, `{"to":"Ann","amount":1}`)
	if _, err := n.Fork(ctxOf(t), a.Turn, client.ForkOptions{Event: 2}); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Fork(turn of a session) = %v, want code %v", err, perdure.FailedPrecondition)
	}
	if _, err := n.client.Fork(ctxOf(t), a.Turn, client.ForkOptions{Event: 2}); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("client.Fork(turn of a session) = %v, want code %v", err, perdure.FailedPrecondition)
	}
}
