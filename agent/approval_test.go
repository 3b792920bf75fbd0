package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// approving returns a node whose agent makes one payment, with arguments in this
// form, if that is approved, and the decision about it.
func approving(t *testing.T, s *sink, arguments string, options ...agent.ToolOption) (*node, agent.Accepted, *agent.Decision) {
	t.Helper()
	pay := agent.NewTool("pay", "pays", s.pay, append(options, agent.AlwaysRequireApproval())...)
	n := begin(t, &memory.Disk{}, registry(t, joker(paying(arguments), pay)))
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	return n, a, pending(t, n, agent.DecisionApproval)
}

// paying is a model that makes one payment, with these arguments.
func paying(arguments string) model.Model {
	return model.Func(func(_ contextOf, req *model.Request) updates {
		var content model.Content = &model.Text{Text: "Done."}
		if len(req.Messages) == 1 {
			content = &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: arguments}
		}
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{content}}}}).Updates()
	})
}

// TestS02_EditedArguments approves a payment with other arguments: they fit the
// schema, are bound by a hash of their own, and the model is told.
func TestS02_EditedArguments(t *testing.T) {
	var s sink
	n, a, d := approving(t, &s, `{"to":"Ann","amount":100}`)
	for name, answer := range map[string]agent.Answer{
		"that do not fit":   {Answer: agent.AnswerApprove, Args: json.RawMessage(`{"to":"Ann","amount":"all"}`)},
		"that are too many": {Answer: agent.AnswerApprove, Args: json.RawMessage(`{"to":"Ann","amount":1,"from":"Eve"}`)},
		"that are no JSON":  {Answer: agent.AnswerApprove, Args: json.RawMessage(`{"to":`)},
		"that are a list":   {Answer: agent.AnswerApprove, Args: json.RawMessage(`[]`)},
		"of a denial":       {Answer: agent.AnswerDeny, Args: json.RawMessage(`{"to":"Ann","amount":1}`)},
	} {
		if now := refused(t, n, d.ID, answer, perdure.InvalidArgument); t.Failed() || now != nil && now.State != agent.DecisionPending {
			t.Errorf("arguments %s: decision = %+v, want it pending", name, now)
		}
	}
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove, Args: json.RawMessage(`{"to":"Ann", "amount":5}`), By: "bob"})
	waitText(t, n, a.Turn, "Done.")
	if len(s.inputs) != 1 || s.inputs[0] != (payment{"Ann", 5}) || s.effects[d.EffectID] != 1 {
		t.Errorf("payments = %+v with effects %v, want one of 5 with the effect id %s", s.inputs, s.effects, d.EffectID)
	}
	got := transcript(t, n, "k1")
	want := `assistant pay({"to":"Ann","amount":100})` + "\n" + `tool = {"arguments_changed_by_a_person":{"amount":5,"to":"Ann"},"result":"paid Ann"}`
	if !strings.Contains(got, want) {
		t.Errorf("transcript = %s, want %s", got, want)
	}
	now, err := n.Decision(ctxOf(t), d.ID)
	if err != nil || string(now.Args) != `{"amount":100,"to":"Ann"}` || string(now.EditedArgs) != `{"amount":5,"to":"Ann"}` || now.EditedHash == now.ArgsHash || now.EditedHash == "" {
		t.Errorf("Decision() = %+v, %v, want both arguments, each with its hash", now, err)
	}
	if journal := script(t, n, a.Turn); !strings.Contains(journal, `\"edited\":{\"amount\":5`) && !strings.Contains(journal, `"edited":{"amount":5`) {
		t.Errorf("history = %s, want the changed arguments in it", journal)
	}
}

// TestS02_SameArguments approves with the arguments of the call in another form:
// nothing was changed. In a form that means something else, something was.
func TestS02_SameArguments(t *testing.T) {
	for text, same := range map[string]bool{
		`{"amount":9007199254740993,"to":"Ann"}`:          true,
		`{ "to" : "\u0041nn", "amount":9007199254740993}`: true,
		`{"amount":9007199254740992,"to":"Ann"}`:          false,
		`{"amount":9007199254740993,"to":"Аnn"}`:          false, // a Cyrillic A
	} {
		var s sink
		n, a, d := approving(t, &s, `{"to":"Ann","amount":9007199254740993}`)
		decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove, Args: json.RawMessage(text)})
		waitText(t, n, a.Turn, "Done.")
		if now, err := n.Decision(ctxOf(t), d.ID); err != nil || (now.EditedArgs == nil) != same || s.most() != 1 {
			t.Errorf("%s: Decision() = %+v, %v after %d payments, want it unchanged: %v, and one payment", text, now, err, s.most(), same)
		}
	}
}

// TestS02_EditedCrash cuts the power at each moment of a payment that is approved
// with other arguments: it is made once, with these.
func TestS02_EditedCrash(t *testing.T) {
	s := &sink{}
	agents := func() *agent.Agent {
		return joker(stateless{}, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval(), agent.WithReconcile(s.happened)))
	}
	eachCut(t, agents, func(n *node) error {
		a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "Pay.", CorrelationID: "a"})
		if err != nil {
			return err
		}
		for {
			if _, err := n.hub.Idle(ctxOf(t)); err != nil {
				return err
			}
			page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending})
			if err != nil {
				return err
			}
			if len(page.Decisions) == 0 {
				_, err := n.Wait(ctxOf(t), a.Turn)
				return err
			}
			answer := agent.Answer{Answer: agent.AnswerApprove, Args: json.RawMessage(`{"to":"Bob","amount":2}`)}
			if _, err := n.Decide(ctxOf(t), page.Decisions[0].ID, answer); err != nil && perdure.CodeOf(err) != perdure.Conflict {
				return err
			}
		}
	}, func(n *node, at int) {
		if got := transcript(t, n, "k1"); fmt.Sprint(s.inputs) != "[{Bob 2}]" || !strings.Contains(got, `"result":"paid Bob"`) {
			t.Errorf("cut at %d: payments = %v and transcript %s, want one to Bob", at, s.inputs, got)
		}
		*s = sink{}
	})
}

// TestS02_Dangling raises events that answer no decision, and answers decisions
// that are not there: nothing is paid, and the session goes on.
func TestS02_Dangling(t *testing.T) {
	var s sink
	n, a, d := approving(t, &s, `{"to":"Ann","amount":1}`)
	for _, id := range []string{d.ID, "", d.CallID, strings.ToUpper(d.ID)} {
		if err := n.client.Raise(ctxOf(t), a.Turn, "decision:"+id, map[string]any{"state": "answered", "answer": "approve", "args": map[string]any{"to": "Eve"}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"x", d.CallID, d.EffectID, d.ID + "0", d.ID[1:]} {
		refused(t, n, id, agent.Answer{Answer: agent.AnswerApprove}, perdure.NotFound)
	}
	idle(t, n)
	if s.most() != 0 {
		t.Fatalf("%d payments, want none", s.most())
	}
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerDeny})
	waitText(t, n, a.Turn, "Done.")
	for range 2 { // again, and late
		refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove}, perdure.Conflict)
	}
	if r := say(t, n, "k1", "Hello?"); r.Text != "Done." || s.most() != 0 {
		t.Errorf("answer = %q after %d payments, want Done. and none", r.Text, s.most())
	}
}

// TestEscalation lets the time of an approval run out twice before it is given.
func TestEscalation(t *testing.T) {
	for _, given := range []bool{true, false} {
		var s sink
		n, a, first := approving(t, &s, `{"to":"Ann","amount":1}`, agent.ApprovalTimeout(time.Hour),
			agent.EscalateTo("finance", 2*time.Hour), agent.EscalateTo("board", 0))
		if first.OnTimeout != "escalate" || first.Assignee != "" || first.Level != 0 {
			t.Errorf("decision = %+v, want one that escalates", first)
		}
		n.clock.Advance(time.Hour)
		second := pending(t, n, agent.DecisionApproval)
		if second.Assignee != "finance" || second.Level != 1 || second.ID == first.ID || second.OnTimeout != "escalate" || second.Deadline.Sub(second.RequestedAt) != 2*time.Hour {
			t.Errorf("decision = %+v, want a new one for finance with 2 hours", second)
		}
		n.clock.Advance(2 * time.Hour)
		third := pending(t, n, agent.DecisionApproval)
		if third.Assignee != "board" || third.Level != 2 || third.Deadline != nil || third.OnTimeout != "" {
			t.Errorf("decision = %+v, want a new one for the board without a deadline", third)
		}
		for assignee, want := range map[string]int{"board": 1, "finance": 0, "": 1} {
			page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending, Assignee: assignee})
			if err != nil || len(page.Decisions) != want {
				t.Errorf("Decisions() for %q = %+v, %v, want %d", assignee, page, err, want)
			}
		}
		for _, late := range []*agent.Decision{first, second} {
			if now := refused(t, n, late.ID, agent.Answer{Answer: agent.AnswerApprove}, perdure.Conflict); now.State != agent.DecisionExpired {
				t.Errorf("decision = %+v, want it expired", now)
			}
		}
		answer := map[bool]string{true: agent.AnswerApprove, false: agent.AnswerDeny}[given]
		decide(t, n, third.ID, agent.Answer{Answer: answer})
		waitText(t, n, a.Turn, "Done.")
		if want := map[bool]int{true: 1}[given]; s.most() != want {
			t.Errorf("%d payments, want %d", s.most(), want)
		}
	}
}

// TestPowerCutInEscalation cuts the power at each moment of an approval that is
// escalated and then given by nobody.
func TestPowerCutInEscalation(t *testing.T) {
	s := &sink{}
	agents := func() *agent.Agent {
		return joker(stateless{}, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval(),
			agent.ApprovalTimeout(time.Hour), agent.EscalateTo("finance", time.Hour)))
	}
	eachCut(t, agents, func(n *node) error {
		a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "Pay.", CorrelationID: "a"})
		for err == nil {
			if _, err = n.hub.Idle(ctxOf(t)); err != nil {
				break
			}
			i, failed := n.hub.Instance(ctxOf(t), a.Turn, false)
			if failed != nil || i.Status.Terminal() {
				return failed
			}
			n.clock.Advance(time.Hour)
		}
		return err
	}, func(n *node, at int) {
		page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{})
		if err != nil || len(page.Decisions) != 2 || s.most() != 0 {
			t.Errorf("cut at %d: Decisions() = %+v, %v with %d payments, want two and none", at, page, err, s.most())
		}
		for _, d := range page.Decisions {
			if d.State != agent.DecisionExpired {
				t.Errorf("cut at %d: decision = %+v, want it expired", at, d)
			}
		}
	})
}

// TestS03_Originator has an admin approve the payment of another: it is made in
// the name of who has asked for it.
func TestS03_Originator(t *testing.T) {
	var s sink
	var as []agent.Principal
	pay := agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) {
		as = append(as, agent.CallOf(ctx).Originator)
		return s.pay(ctx, in)
	}, agent.AlwaysRequireApproval())
	n := begin(t, &memory.Disk{}, registry(t, joker(stateless{}, pay)))
	eve := agent.Principal{Name: "eve", Roles: []string{"guest"}}
	a := send(t, n, "k1", agent.Message{Text: "Pay.", Principal: eve})
	d := pending(t, n, agent.DecisionApproval)
	if fmt.Sprint(d.Originator) != "eve [guest]" {
		t.Errorf("originator of the decision = %v, want eve", d.Originator)
	}
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove, By: "admin"})
	waitText(t, n, a.Turn, "Done.")
	if fmt.Sprint(as) != "[eve [guest]]" {
		t.Errorf("the call was made in the name of %v, want eve", as)
	}
	marks, _, err := n.hub.ReadRows(ctxOf(t), rowsOf(a.Turn, 111))
	if err != nil || len(marks) != 1 || !strings.Contains(string(marks[0].Value), `"originator":{"name":"eve","roles":["guest"]}`) {
		t.Errorf("marks = %+v, %v, want one with eve", marks, err)
	}
}

// TestS03_Steer has somebody else steer a running turn: the message is a turn of
// its own, in its own name.
func TestS03_Steer(t *testing.T) {
	var as []string
	entered, goOn := make(chan struct{}, 2), make(chan struct{}, 2)
	look := agent.NewTool("look", "looks", func(ctx context.Context, _ struct{}) (string, error) {
		as = append(as, agent.CallOf(ctx).Originator.Name)
		entered <- struct{}{}
		<-goOn
		return "here", nil
	})
	m := modeltest.Script(t, modeltest.Call("look", nil), modeltest.Say("To the admin."), modeltest.Call("look", nil), modeltest.Say("To eve."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "Look.", Principal: agent.Principal{Name: "admin"}})
	<-entered
	b := send(t, n, "k1", agent.Message{Text: "Look for me.", Principal: agent.Principal{Name: "eve"}, Busy: agent.BusySteer})
	if b.Steers != "" {
		t.Errorf("the message steers %s, want a turn of its own", b.Steers)
	}
	goOn <- struct{}{}
	goOn <- struct{}{}
	waitText(t, n, a.Turn, "To the admin.")
	waitText(t, n, b.Turn, "To eve.")
	if fmt.Sprint(as) != "[admin eve]" {
		t.Errorf("calls were made in the names of %v, want admin, then eve", as)
	}
}

// TestDecisionFrames reads the stream of a turn that waits for a decision.
func TestDecisionFrames(t *testing.T) {
	var s sink
	n, a, d := approving(t, &s, `{"to":"Ann","amount":1}`)
	var got []string
	decided := false
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == agent.FrameDecision && !decided { // the reader sees that the turn waits
			if f.Decision != d.ID || f.Kind != agent.DecisionApproval || f.Tool != "pay" || f.CallID != d.CallID {
				t.Errorf("frame = %+v, want it to name decision %s and its call", f, d.ID)
			}
			decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
			decided = true
		}
		got = append(got, string(f.Type))
	}
	want := "step tool_call decision decided tool_result step text end"
	if strings.Join(got, " ") != want {
		t.Errorf("frames = %v, want %s", got, want)
	}
}
