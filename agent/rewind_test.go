package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
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

// TestRewindOfSession tries to rewind turns of a session in ways in which that has no say:
// what it knows of its conversation stays what its turns have said.
func TestRewindOfSession(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("He was tide."), modeltest.Fail(perdure.NonRetryable(errors.New("no more jokes"))), modeltest.Say("Arr."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	told := send(t, n, "k1", agent.Message{Text: "A joke about a pirate."})
	waitText(t, n, told.Turn, "He was tide.")
	failed := send(t, n, "k1", agent.Message{Text: "Another one."})
	if _, err := n.Wait(ctxOf(t), failed.Turn); err == nil {
		t.Fatal("the second turn has not failed")
	}
	_, byService := n.RewindTo(ctxOf(t), told.Turn, client.RewindPoint{Event: 3}) // not the last
	for _, turn := range []string{told.Turn, failed.Turn} {
		for what, err := range map[string]error{
			"Service.RewindTo": byService,
			"Client.RewindTo":  n.client.RewindTo(ctxOf(t), turn, client.RewindPoint{Event: 3}),
			"Client.Rewind":    n.client.Rewind(ctxOf(t), turn, "why not"),
		} {
			if perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), "session") {
				t.Errorf("%s(%s) = %v, want %v about the session", what, turn, err, perdure.FailedPrecondition)
			}
		}
	}
	if got := say(t, n, "k1", "Say arr.").Text; got != "Arr." {
		t.Errorf("the next turn says %q, want Arr.", got)
	}
	want := "user A joke about a pirate.\nassistant He was tide.\nuser Another one.\nuser Say arr.\nassistant Arr.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

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
	cashier := joker(paying(`{"to":"Ann","amount":1}`), agent.NewTool("pay", "pays", s.pay, agent.WithEffect(effect), agent.AlwaysRequireApproval()))
	reg := registry(t, cashier)
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, _ string) (string, error) { return cashier.Run(ctx, "Pay.").Text() })
	node := begin(t, &memory.Disk{}, reg)
	if _, err := node.client.Start(ctxOf(t), "Order", "", client.StartOptions{ID: "order"}); err != nil {
		t.Fatal(err)
	}
	d := pending(t, node, agent.DecisionApproval)
	turn := d.Run // one without a session
	decide(t, node, d.ID, agent.Answer{Answer: agent.AnswerApprove})
	waitText(t, node, turn, "Done.")
	events, err := node.hub.History(ctxOf(t), turn, "")
	if err != nil {
		t.Fatal(err)
	}
	rewind := func() (*agent.Rewinding, error) {
		return node.RewindTo(ctxOf(t), turn, client.RewindPoint{Event: n}, client.WithRequestID("back"))
	}
	plan, err := rewind()
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
		t.Fatalf("rewound to event %d, decisions (-foretold +open):\n%s\n%s", plan.To, diff, script(t, node, turn))
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
	for range 2 {
		if _, err := node.hub.Idle(ctxOf(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := rewind(); err != nil {
			t.Errorf("RewindTo(event %d) repeated with its request id = %v, want it answered", n, err)
		}
	}
	if left := pendingOf(t, node); len(left) > 0 {
		t.Fatalf("after the answers %s is asked for\n%s", left[0].Kind, script(t, node, turn))
	}
	if in, err := node.hub.Instance(ctxOf(t), turn, false); err != nil || !in.Status.Terminal() {
		t.Fatalf("the turn is %v (%s, %+v), %v, want it ended\n%s", in.Status, in.PhaseCause, in.Pending, err, script(t, node, turn))
	}
	waitText(t, node, turn, "Done.")
	if made := s.most(); made != times || len(s.effects) != 1 {
		t.Errorf("payments by effect id = %v, want one, made %d times", s.effects, times)
	}
	return len(events)
}

// TestRewindLeavesQuestions rewinds a run whose agent waits for a person, so that the agent
// is begun with another message: what it had asked before is asked no more. A run below
// that goes on as it was still asks.
func TestRewindLeavesQuestions(t *testing.T) {
	var s sink
	m := model.Func(func(_ contextOf, req *model.Request) updates {
		var content model.Content = &model.Text{Text: "Done."}
		if len(req.Messages) == 1 {
			content = &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"to":"` + req.Messages[0].Text() + `","amount":1}`}
		}
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{content}}}}).Updates()
	})
	cashier := joker(m, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval()))
	reg := registry(t, cashier)
	var to atomic.Value
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, _ string) (string, error) {
		return cashier.Run(ctx, to.Load().(string)).Text()
	})
	n := begin(t, &memory.Disk{}, reg)
	rewind := func() {
		t.Helper()
		if err := n.client.Terminate(ctxOf(t), "order", client.Ending{}); err != nil {
			t.Fatal(err)
		}
		idle(t, n)
		n.clock.Advance(time.Second)
		if err := n.client.RewindTo(ctxOf(t), "order", client.RewindPoint{Event: 1}); err != nil {
			t.Fatal(err)
		}
	}
	to.Store("Ann")
	if _, err := n.client.Start(ctxOf(t), "Order", "", client.StartOptions{ID: "order"}); err != nil {
		t.Fatal(err)
	}
	ann := pending(t, n, agent.DecisionApproval)
	rewind()
	if d := pending(t, n, agent.DecisionApproval); d.ID != ann.ID {
		t.Errorf("decision after a rewind above = %s, want still %s\n%s", d.ID, ann.ID, script(t, n, ann.Run))
	}
	to.Store("Bob")
	rewind()
	bob := pending(t, n, agent.DecisionApproval)
	if string(bob.Args) != `{"amount":1,"to":"Bob"}` || bob.Run != ann.Run {
		t.Errorf("decision = %+v, want one of %s about Bob", bob, ann.Run)
	}
	if d := refused(t, n, ann.ID, agent.Answer{Answer: agent.AnswerApprove}, perdure.Conflict); d.State != agent.DecisionSuperseded {
		t.Errorf("the decision of before is %s, want it superseded", d.State)
	}
	decide(t, n, bob.ID, agent.Answer{Answer: agent.AnswerApprove})
	if text, err := client.Result[string](ctxOf(t), n.client, "order"); err != nil || text != "Done." || s.most() != 1 || len(s.inputs) != 1 || s.inputs[0].To != "Bob" {
		t.Errorf("Result() = %q, %v, payments %+v; want one to Bob", text, err, s.inputs)
	}
}

// TestG05_RewindAbove rewinds an orchestration to before it has begun an agent, which has
// paid: the payment is not made again by itself.
func TestG05_RewindAbove(t *testing.T) {
	t.Run("of its own", func(t *testing.T) { rewindAbove(t, nil) })
	t.Run("in a session", func(t *testing.T) { rewindAbove(t, []agent.RunOption{agent.InSession("s")}) })
}

func rewindAbove(t *testing.T, options []agent.RunOption) {
	var s sink
	cashier := joker(paying(`{"to":"Ann","amount":1}`), agent.NewTool("pay", "pays", s.pay))
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
