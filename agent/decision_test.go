package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

type payment struct {
	To     string `json:"to"`
	Amount int64  `json:"amount"`
}

// sink is the outside world: it counts effects.
type sink struct {
	mu      sync.Mutex
	effects map[string]int // by effect id
	inputs  []payment
}

func (s *sink) pay(ctx context.Context, in payment) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.effects == nil {
		s.effects = map[string]int{}
	}
	s.effects[agent.EffectID(ctx)]++
	s.inputs = append(s.inputs, in)
	return "paid " + in.To, nil
}

// most returns how often the effect that happened most often happened.
func (s *sink) most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, count := range s.effects {
		n = max(n, count)
	}
	return n
}

func (s *sink) happened(_ context.Context, effectID string, in payment) (agent.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.effects[effectID] > 0 {
		return agent.Happened("paid " + in.To), nil
	}
	return agent.NotHappened(), nil
}

// idle waits until nothing moves.
func idle(t *testing.T, n *node) {
	t.Helper()
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
}

// pending returns the only open decision.
func pending(t *testing.T, n *node, kind string) *agent.Decision {
	t.Helper()
	idle(t, n)
	page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending, Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Decisions) != 1 {
		t.Fatalf("Decisions() = %d open ones of kind %s, want 1", len(page.Decisions), kind)
	}
	return page.Decisions[0]
}

func decide(t *testing.T, n *node, id string, a agent.Answer) {
	t.Helper()
	if d, err := n.Decide(ctxOf(t), id, a); err != nil || d.State != agent.DecisionAnswered || d.Answer != a.Answer {
		t.Fatalf("Decide(%s) = %+v, %v, want the answer taken", a.Answer, d, err)
	}
}

// refused checks that an answer is not taken.
func refused(t *testing.T, n *node, id string, a agent.Answer, want perdure.Code) *agent.Decision {
	t.Helper()
	d, err := n.Decide(ctxOf(t), id, a)
	if perdure.CodeOf(err) != want {
		t.Errorf("Decide(%s, %+v) = %v, want %v", id, a, err, want)
	}
	return d
}

func waitText(t *testing.T, n *node, turn, want string) {
	t.Helper()
	if r, err := n.Wait(ctxOf(t), turn); err != nil || r.Text != want {
		t.Errorf("Wait() = %+v, %v, want %s\n%s", r, err, want, script(t, n, turn))
	}
}

func TestApproval(t *testing.T) {
	var s sink
	pay := agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval())
	looked := make(chan struct{}, 1)
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) {
		looked <- struct{}{}
		return "here", nil
	}, agent.WithEffect(agent.Pure))
	m := modeltest.Script(t, modeltest.Call("pay", `{"to":"Ann","amount": 9007199254740993}`).Then(modeltest.Call("look", nil)), modeltest.Say("Done."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, pay, look)))
	a := send(t, n, "k1", agent.Message{Text: "Pay Ann."})
	d := pending(t, n, agent.DecisionApproval)
	<-looked // the other call does not wait
	want := `{"amount":9007199254740993,"to":"Ann"}`
	if d.Run != a.Turn || d.Agent != "Joker" || d.Session != "@dafx-joker@k1" || d.Tool != "pay" || string(d.Args) != want || d.Step != 1 ||
		d.OnTimeout != "deny" || d.Deadline == nil || d.Deadline.Sub(d.RequestedAt) != agent.DefaultApprovalTimeout {
		t.Errorf("decision = %+v with %s, want the call with %s and a day", d, d.Args, want)
	}
	i, err := n.hub.Instance(ctxOf(t), a.Turn, false)
	if err != nil || i.Phase != store.WaitingApproval {
		t.Errorf("phase = %v, %v, want waiting_approval", i.Phase, err)
	}
	approve := agent.Answer{Answer: agent.AnswerApprove, By: "eve"}
	refused(t, n, "0123", approve, perdure.NotFound)
	refused(t, n, d.ID, agent.Answer{Answer: "maybe"}, perdure.InvalidArgument)
	refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerHappened}, perdure.InvalidArgument)
	if now := refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove, ArgsHash: "beef"}, perdure.Conflict); now == nil || now.State != agent.DecisionPending {
		t.Errorf("current decision = %+v, want a pending one", now)
	}
	forged := map[string]string{"state": "answered", "answer": "approve"}
	if err := n.client.Raise(ctxOf(t), a.Turn, "decision:"+d.ID, forged); err != nil {
		t.Fatal(err)
	}
	pending(t, n, agent.DecisionApproval)
	if s.most() != 0 {
		t.Fatal("the tool was called without an approval")
	}
	approve.ArgsHash = d.ArgsHash
	decide(t, n, d.ID, approve)
	waitText(t, n, a.Turn, "Done.")
	if again := refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerDeny}, perdure.Conflict); !again.Used || again.AnsweredBy != "eve" || again.Answer != agent.AnswerApprove {
		t.Errorf("decision = %+v, want it used, as eve has answered", again)
	}
	if s.most() != 1 || len(s.inputs) != 1 || s.inputs[0] != (payment{"Ann", 9007199254740993}) {
		t.Errorf("payments = %+v, want one to Ann", s.inputs)
	}
}

// TestApprovalNotGiven denies an approval, and lets the time of one run out.
func TestApprovalNotGiven(t *testing.T) {
	var s sink
	big := func(_ context.Context, in payment) bool { return in.Amount > 10 }
	pay := agent.NewTool("pay", "pays", s.pay, agent.RequireApproval(big), agent.ApprovalTimeout(time.Hour))
	m := modeltest.Script(t,
		modeltest.Call("pay", payment{"Ann", 10}).Then(modeltest.Call("pay", payment{"Bob", 11})), modeltest.Say("Denied."),
		modeltest.Call("pay", payment{"Cid", 12}), modeltest.Say("Expired."), modeltest.Say("Hello."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, pay)))
	a := send(t, n, "k1", agent.Message{Text: "1"})
	d := pending(t, n, agent.DecisionApproval)
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerDeny, Comment: "too much"})
	waitText(t, n, a.Turn, "Denied.")
	a = send(t, n, "k1", agent.Message{Text: "2"})
	d = pending(t, n, agent.DecisionApproval)
	n.clock.Advance(time.Hour)
	waitText(t, n, a.Turn, "Expired.")
	if late := refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove}, perdure.Conflict); late.State != agent.DecisionExpired {
		t.Errorf("decision = %+v, want an expired one", late)
	}
	if r := say(t, n, "k1", "3"); r.Text != "Hello." {
		t.Errorf("answer = %q, want Hello.", r.Text)
	}
	got := transcript(t, n, "k1")
	for _, part := range []string{`= "paid Ann"`, "the call was denied: too much", "not approved in time"} {
		if !strings.Contains(got, part) {
			t.Errorf("transcript = %s, want %q in it", got, part)
		}
	}
	if len(s.inputs) != 1 {
		t.Errorf("payments = %+v, want one", s.inputs)
	}
}

// TestS02_Deciders has many people answer at the same time: one wins.
func TestS02_Deciders(t *testing.T) {
	var s sink
	m := modeltest.Script(t, modeltest.Call("pay", payment{"Ann", 1}), modeltest.Say("Done."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval()))))
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	d := pending(t, n, agent.DecisionApproval)
	const deciders = 100
	won := make(chan string, deciders)
	var wait sync.WaitGroup
	for i := range deciders {
		wait.Go(func() {
			answer := []string{agent.AnswerApprove, agent.AnswerDeny}[i%2]
			_, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: answer})
			if err == nil {
				won <- answer
			} else if perdure.CodeOf(err) != perdure.Conflict {
				t.Errorf("Decide() = %v, want a conflict", err)
			}
		})
	}
	wait.Wait()
	close(won)
	waitText(t, n, a.Turn, "Done.")
	first, more := <-won, len(won)
	paid := map[string]int{agent.AnswerApprove: 1, agent.AnswerDeny: 0}[first]
	if first == "" || more != 0 || s.most() != paid {
		t.Errorf("%q and %d others won and %d payments were made, want one winner and %d", first, more, s.most(), paid)
	}
}

// TestStoppedApproval stops a turn that waits: its decision is closed and the
// session goes on.
func TestStoppedApproval(t *testing.T) {
	var s sink
	m := modeltest.Script(t, modeltest.Call("pay", payment{"Ann", 1}), modeltest.Say("Hello."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval()))))
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	d := pending(t, n, agent.DecisionApproval)
	if turn, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil || turn != a.Turn {
		t.Fatalf("Stop() = %q, %v, want %q", turn, err, a.Turn)
	}
	if r := say(t, n, "k1", "Hi."); r.Text != "Hello." {
		t.Errorf("answer = %q, want Hello.", r.Text)
	}
	if now := refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove}, perdure.Conflict); now.State != agent.DecisionSuperseded {
		t.Errorf("decision = %+v, want a superseded one", now)
	}
	page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending})
	if err != nil || len(page.Decisions) != 0 || s.most() != 0 {
		t.Errorf("Decisions() = %+v, %v, want none and no payment", page, err)
	}
}

// TestOutcomeUnknown cuts the power while a tool runs. What has become of the
// call is for a person to say.
func TestOutcomeUnknown(t *testing.T) {
	for _, c := range []struct {
		answer agent.Answer
		calls  int
		part   string
	}{
		{agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(`"so they say"`)}, 1, `= "so they say"`},
		{agent.Answer{Answer: agent.AnswerDidNotHappen, Comment: "the bank knows nothing"}, 1, "not carried out: the bank knows nothing"},
		{agent.Answer{Answer: agent.AnswerRetry}, 2, `= "paid Ann"`},
	} {
		t.Run(c.answer.Answer, func(t *testing.T) {
			var s sink
			disk := &memory.Disk{}
			entered := make(chan struct{}, 1)
			pay := agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) {
				text, err := s.pay(ctx, in)
				if len(s.inputs) == 1 {
					entered <- struct{}{}
					<-ctx.Done()
					return "", ctx.Err()
				}
				return text, err
			}, agent.WithEffect(agent.Reversible), agent.WithReconcile(func(context.Context, string, payment) (agent.Outcome, error) {
				return agent.Happened(nil), errors.New("the bank is closed")
			}))
			m := modeltest.Script(t, modeltest.Call("pay", payment{"Ann", 1}), modeltest.Say("Done."))
			reg := registry(t, joker(m, pay))
			n := begin(t, disk, reg)
			a := send(t, n, "k1", agent.Message{Text: "Pay."})
			<-entered
			disk.Crash()
			n.stop()
			n = begin(t, disk, reg)
			d := pending(t, n, agent.DecisionOutcomeUnknown)
			if len(s.inputs) != 1 || d.Deadline != nil || d.Tool != "pay" {
				t.Errorf("%d calls and decision %+v, want one call and no deadline", len(s.inputs), d)
			}
			decide(t, n, d.ID, c.answer)
			waitText(t, n, a.Turn, "Done.")
			if got := transcript(t, n, "k1"); !strings.Contains(got, c.part) || len(s.inputs) != c.calls || len(s.effects) != 1 {
				t.Errorf("%d calls with %d effect ids, transcript %s, want %d with 1 and %q", len(s.inputs), len(s.effects), got, c.calls, c.part)
			}
		})
	}
}

// TestApprovalInOrchestration waits for an approval in a run without a session.
func TestApprovalInOrchestration(t *testing.T) {
	var s sink
	joke := joker(stateless{}, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval()))
	reg := registry(t, joke)
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, _ string) (string, error) {
		return joke.Run(ctx, "Pay.").Text()
	})
	n := begin(t, &memory.Disk{}, reg)
	if _, err := n.hub.Start(ctxOf(t), &hub.Start{InstanceID: "o1", Name: "Order"}); err != nil {
		t.Fatal(err)
	}
	d := pending(t, n, agent.DecisionApproval)
	if d.Session != "" || d.Agent != "Joker" {
		t.Errorf("decision = %+v, want one of Joker without a session", d)
	}
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
	i, err := n.hub.WaitCompletion(ctxOf(t), "o1")
	if err != nil || i.Output.S != `"Done."` || s.most() != 1 {
		t.Errorf("output = %+v, %v after %d payments, want Done. after 1", i, err, s.most())
	}
}

// TestS02_NewCode approves a call of a tool that has changed since it was
// asked for: the approval is void.
func TestS02_NewCode(t *testing.T) {
	var s sink
	disk := &memory.Disk{}
	pay := func(description string) *agent.Agent {
		return joker(stateless{}, agent.NewTool("pay", description, s.pay, agent.AlwaysRequireApproval()))
	}
	n := begin(t, disk, registry(t, pay("pays euros")))
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	pending(t, n, agent.DecisionApproval)
	disk.Crash()
	n.stop()
	n = begin(t, disk, registry(t, pay("pays pounds")))
	decide(t, n, pending(t, n, agent.DecisionApproval).ID, agent.Answer{Answer: agent.AnswerApprove})
	waitText(t, n, a.Turn, "Done.")
	if got := transcript(t, n, "k1"); !strings.Contains(got, "the approval is not for this call") || s.most() != 0 {
		t.Errorf("%d payments and transcript %s, want none and that the approval is void", s.most(), got)
	}
}

// endsMeanwhile is a hub where something happens right after the open calls were listed.
type endsMeanwhile struct {
	hub.Hub
	then func()
}

func (h *endsMeanwhile) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	rows, next, err := h.Hub.ReadRows(ctx, q)
	if then := h.then; then != nil && q.Kind == hub.RowHold && len(rows) > 0 {
		h.then = nil
		then()
	}
	return rows, next, err
}

// TestTurnEndsWhileDecisionsAreListed has a call, and its turn, end between the two looks
// that tell whether somebody must be asked about it.
func TestTurnEndsWhileDecisionsAreListed(t *testing.T) {
	called, free := make(chan struct{}), make(chan struct{})
	pay := agent.NewTool("pay", "pays", func(context.Context, payment) (string, error) {
		close(called)
		<-free
		return "paid", nil
	})
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, modeltest.Call("pay", `{"to":"Ann","amount":1}`), modeltest.Say("Done.")), pay)))
	a, err := n.Send(t.Context(), session(t, "k1"), agent.Message{Text: "pay"})
	if err != nil {
		t.Fatal(err)
	}
	<-called
	s := agent.NewService(client.New(&endsMeanwhile{n.hub, func() {
		close(free)
		waitText(t, n, a.Turn, "Done.")
	}}))
	page, err := s.Decisions(t.Context(), agent.DecisionFilter{})
	if err != nil || len(page.Decisions) > 0 {
		t.Errorf("Decisions() = %+v, %v, want none: the call has its outcome", page.Decisions, err)
	}
}
