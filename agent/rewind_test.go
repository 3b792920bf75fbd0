package agent_test

import (
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

// TestG05_Rewind rewinds a turn with an approved payment to each of its events. What was
// foretold to be asked is asked, and nothing else; a payment that is not idempotent is not
// made again by itself, and no approval is used twice.
func TestG05_Rewind(t *testing.T) {
	for _, effect := range []agent.Effect{agent.Irreversible, agent.Idempotent} {
		for n, last := 1, 1; n <= last; n++ {
			t.Run(fmt.Sprintf("%v, to event %d", effect, n), func(t *testing.T) { last = rewindPayment(t, effect, n) })
		}
	}
}

// rewindPayment returns how many events the turn had.
func rewindPayment(t *testing.T, effect agent.Effect, n int) int {
	var s sink
	node, a, d := approving(t, &s, `{"to":"Ann","amount":1}`, agent.WithEffect(effect))
	decide(t, node, d.ID, agent.Answer{Answer: agent.AnswerApprove})
	waitText(t, node, a.Turn, "Done.")
	events, err := node.hub.History(ctxOf(t), a.Turn, "")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := node.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: n})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, ask := range plan.Asks {
		want = append(want, ask.Kind+" "+ask.Tool)
	}
	for _, open := range pendingOf(t, node) {
		got = append(got, open.Kind+" "+open.Tool)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rewound to event %d, decisions (-foretold +open):\n%s\n%s", plan.To, diff, script(t, node, a.Turn))
	}
	if made := s.most(); made != 1 {
		t.Errorf("the payment was made %d times before anybody was asked, want once", made)
	}
	times := 1
	for _, open := range pendingOf(t, node) {
		answer := agent.Answer{Answer: agent.AnswerApprove}
		if open.Kind == agent.DecisionOutcomeUnknown {
			answer = agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(`"paid Ann"`)}
		} else {
			times++
		}
		decide(t, node, open.ID, answer)
	}
	if _, err := node.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	if left := pendingOf(t, node); len(left) > 0 {
		t.Fatalf("after the answers %s is asked for\n%s", left[0].Kind, script(t, node, a.Turn))
	}
	if in, err := node.hub.Instance(ctxOf(t), a.Turn, false); err != nil || !in.Status.Terminal() {
		t.Fatalf("the turn is %v (%s, %+v), %v, want it ended\n%s", in.Status, in.PhaseCause, in.Pending, err, script(t, node, a.Turn))
	}
	waitText(t, node, a.Turn, "Done.")
	if made := s.most(); made != times || len(s.effects) != 1 {
		t.Errorf("payments by effect id = %v, want one, made %d times", s.effects, times)
	}
	return len(events)
}

// TestG05_RewindAbove rewinds an orchestration to before it has begun an agent, which has
// paid: the payment is not made again by itself.
func TestG05_RewindAbove(t *testing.T) {
	t.Run("of its own", func(t *testing.T) { rewindAbove(t, nil) })
	t.Run("in a session", func(t *testing.T) { rewindAbove(t, []agent.RunOption{agent.InSession("s")}) })
}

func rewindAbove(t *testing.T, options []agent.RunOption) {
	m := model.Func(func(_ contextOf, req *model.Request) updates {
		var content model.Content = &model.Text{Text: "Done."}
		if len(req.Messages) == 1 {
			content = &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"to":"Ann","amount":1}`}
		}
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{content}}}}).Updates()
	})
	var s sink
	cashier := joker(m, agent.NewTool("pay", "pays", s.pay))
	reg := registry(t, cashier)
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, _ string) (string, error) {
		return cashier.Run(ctx, "Pay.", options...).Text()
	})
	n := begin(t, &memory.Disk{}, reg)
	if _, err := n.client.Start(ctxOf(t), "Order", "", client.StartOptions{ID: "order"}); err != nil {
		t.Fatal(err)
	}
	want := func(when string) {
		t.Helper()
		if text, err := client.Result[string](ctxOf(t), n.client, "order"); err != nil || text != "Done." || s.most() != 1 || len(s.effects) != 1 {
			t.Errorf("%s: Result() = %q, %v, payments %v; want one payment", when, text, err, s.effects)
		}
	}
	want("before the rewind")
	for _, event := range []int{0, 99} {
		if _, err := n.RewindTo(ctxOf(t), "order", client.RewindPoint{Event: event}); perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("RewindTo(event %d) = %v, want code %v", event, err, perdure.InvalidArgument)
		}
	}
	for _, told := range []bool{false, true} { // whether a person has said what became of the payment
		if err := n.client.RewindTo(ctxOf(t), "order", client.RewindPoint{Event: 1}); err != nil {
			t.Fatal(err)
		}
		if !told && options == nil { // a session knows that it has answered
			d := pending(t, n, agent.DecisionOutcomeUnknown)
			decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(`"paid Ann"`)})
		}
		want("after a rewind")
	}
}
