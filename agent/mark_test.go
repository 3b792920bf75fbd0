package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// slowSink is an outside world whose answers are held back.
type slowSink struct {
	sink
	once    sync.Once
	entered chan struct{} // closed when something was paid
	release chan struct{}
	free    func()        // closes release
	left    chan struct{} // closed when the first answer was given
}

func newSlowSink(t *testing.T) *slowSink {
	s := &slowSink{entered: make(chan struct{}), release: make(chan struct{}), left: make(chan struct{})}
	s.free = sync.OnceFunc(func() { close(s.release) })
	t.Cleanup(s.free) // before the node is stopped, which waits for the call
	return s
}

// pay pays and answers when it is released, whoever still wants to know.
func (s *slowSink) pay(ctx context.Context, in payment) (string, error) {
	text, err := s.sink.pay(ctx, in)
	first := false
	s.once.Do(func() { close(s.entered); first = true })
	<-s.release
	if first {
		defer close(s.left)
	}
	return text, err
}

// giveUp begins a payment and ends its turn before it is answered.
func giveUp(t *testing.T, n *node, s *slowSink, how string) (turn string) {
	t.Helper()
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	<-s.entered
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = n.hub.WaitCompletion(ctxOf(t), a.Turn)
	}()
	if how == "terminated" {
		if err := n.client.Terminate(ctxOf(t), a.Turn, client.Ending{}); err != nil {
			t.Fatal(err)
		}
		<-ended
		return a.Turn
	}
	began := n.clock.Now()
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	for ctx := ctxOf(t); ; { // in steps, so that the timer is there before its time has come
		select {
		case <-ended:
			if waited := n.clock.Now().Sub(began); waited < agent.DefaultGrace {
				t.Errorf("the call was given up after %v, want %v", waited, agent.DefaultGrace)
			}
			return a.Turn
		case <-ctx.Done():
			t.Fatalf("the turn does not end\n%s", script(t, n, a.Turn))
		case <-time.After(time.Millisecond):
			n.clock.Advance(100 * time.Millisecond)
		}
	}
}

// mustHold checks that neither the session nor the turn can be deleted, and that
// the error names the decision.
func mustHold(t *testing.T, n *node, d *agent.Decision) {
	t.Helper()
	_, purged := n.client.Purge(ctxOf(t), []string{d.Run}, client.PurgeOptions{})
	for what, err := range map[string]error{
		"Delete()": n.Delete(ctxOf(t), session(t, "k1")), "Reset()": n.Reset(ctxOf(t), session(t, "k1")), "Purge()": purged,
	} {
		if perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), d.ID) {
			t.Errorf("%s = %v, want failed_precondition with the decision %s", what, err, d.ID)
		}
	}
}

// TestG05_MarkOutlivesTurn ends a turn while a payment has no outcome. It is
// listed, keeps the session, and is settled by its late answer, by a person, or by
// whoever forces the deletion; it is never made again.
func TestG05_MarkOutlivesTurn(t *testing.T) {
	for _, how := range []string{"terminated", "stopped"} {
		for _, by := range []string{"itself", "happened", "did_not_happen", "force"} {
			t.Run(how+", settled by "+by, func(t *testing.T) {
				var s *slowSink
				pay := func(ctx context.Context, in payment) (string, error) { return s.pay(ctx, in) }
				n := begin(t, &memory.Disk{}, registry(t, joker(stateless{}, agent.NewTool("pay", "pays", pay))))
				s = newSlowSink(t)
				turn := giveUp(t, n, s, how)
				d := pendingNow(t, n, agent.DecisionOutcomeUnknown)
				if d.Run != turn || d.Tool != "pay" || string(d.Args) != `{"amount":1,"to":"Ann"}` || d.Session != "@dafx-joker@k1" || d.Step != 1 {
					t.Errorf("decision = %+v, want one about the payment of turn %s", d, turn)
				}
				mustHold(t, n, d)
				refused(t, n, d.ID, agent.Answer{Answer: agent.AnswerRetry}, perdure.Conflict)
				wantState := agent.DecisionSuperseded
				var force []agent.EndOption
				switch by {
				case "itself":
					s.free()
					<-s.left
					for ctx := ctxOf(t); len(pendingOf(t, n)) > 0; { // until its answer has arrived
						if ctx.Err() != nil {
							t.Fatal("the late answer settles nothing")
						}
					}
				case "force":
					force = append(force, agent.Force("ann"))
				default:
					wantState = agent.DecisionAnswered
					decide(t, n, d.ID, agent.Answer{Answer: by, By: "ann"})
				}
				if by != "force" {
					if now, err := n.Decision(ctxOf(t), d.ID); err != nil || now.State != wantState {
						t.Errorf("Decision() = %+v, %v, want it %s", now, err, wantState)
					}
				}
				if r := say(t, n, "k1", "Go on."); r.Text != "Done." {
					t.Errorf("answer = %q, want Done.", r.Text)
				}
				if err := n.Delete(ctxOf(t), session(t, "k1"), force...); err != nil {
					t.Errorf("Delete() = %v, want nil", err)
				}
				if got := runs(t, n, "dafx-joker~k1~"); len(got) != 0 {
					t.Errorf("runs = %v, want none", got)
				}
				if by == "force" {
					if now, err := n.Decision(ctxOf(t), d.ID); err != nil || now.State != wantState || now.AnsweredBy != "ann" || string(now.Args) != "null" {
						t.Errorf("Decision() = %+v, %v, want it given up by ann, without arguments", now, err)
					}
				}
				if s.most() != 1 {
					t.Errorf("%d payments, want 1", s.most())
				}
				if by != "itself" {
					s.free()
					<-s.left
				}
			})
		}
	}
}

// pendingOf returns the open decisions.
func pendingOf(t *testing.T, n *node) []*agent.Decision {
	t.Helper()
	page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending})
	if err != nil {
		t.Fatal(err)
	}
	return page.Decisions
}

// pendingNow returns the only open decision, without a wait for calls that run.
func pendingNow(t *testing.T, n *node, kind string) *agent.Decision {
	t.Helper()
	list := pendingOf(t, n)
	if len(list) != 1 || list[0].Kind != kind {
		t.Fatalf("Decisions() = %+v, want one of kind %s", list, kind)
	}
	return list[0]
}

// TestG05_Grace stops a turn whose payment answers within its grace: the outcome
// is in the conversation, and nobody is asked.
func TestG05_Grace(t *testing.T) {
	var s *slowSink
	pay := func(ctx context.Context, in payment) (string, error) { return s.pay(ctx, in) }
	n := begin(t, &memory.Disk{}, registry(t, joker(stateless{}, agent.NewTool("pay", "pays", pay))))
	s = newSlowSink(t)
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	<-s.entered
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	s.free()
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if got := transcript(t, n, "k1"); !strings.Contains(got, `tool = "paid Ann"`) {
		t.Errorf("transcript = %s, want the outcome in it", got)
	}
	if list := pendingOf(t, n); len(list) != 0 {
		t.Errorf("Decisions() = %+v, want none", list)
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil {
		t.Errorf("Delete() = %v, want nil", err)
	}
}

// TestG05_NoCallAfterStop stops a turn whose next payment has not been sent: it is
// not sent any more, though the other one has its grace.
func TestG05_NoCallAfterStop(t *testing.T) {
	var s *slowSink
	pay := func(ctx context.Context, in payment) (string, error) { return s.pay(ctx, in) }
	opened, goOn := make(chan struct{}), make(chan struct{})
	when := func(_ context.Context, in payment) bool {
		if in.To == "Bob" { // between the schedule and the mark
			close(opened)
			<-goOn
		}
		return false
	}
	m := modeltest.Script(t, modeltest.Call("pay", payment{"Ann", 1}).Then(modeltest.Call("pay", payment{"Bob", 2})))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, agent.NewTool("pay", "pays", pay, agent.RequireApproval(when)))))
	s = newSlowSink(t)
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	<-s.entered
	<-opened
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	stopNoted(t, n, a.Turn)
	close(goOn)
	s.free()
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if fmt.Sprint(s.inputs) != "[{Ann 1}]" {
		t.Errorf("payments = %v, want that to Ann", s.inputs)
	}
	if list := pendingOf(t, n); len(list) != 0 {
		t.Errorf("Decisions() = %+v, want none", list)
	}
}

// TestG05_Expiry lets the time of a session run out in which a payment has no
// outcome: it stays until a person has decided.
func TestG05_Expiry(t *testing.T) {
	var s sink
	entered := make(chan struct{})
	joke := joker(stateless{}, agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) {
		_, _ = s.pay(ctx, in)
		close(entered)
		<-ctx.Done()
		return "", ctx.Err()
	}))
	joke.TTL = time.Hour
	n := begin(t, &memory.Disk{}, registry(t, joke))
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	<-entered
	if err := n.client.Terminate(ctxOf(t), a.Turn, client.Ending{}); err != nil {
		t.Fatal(err)
	}
	d := pending(t, n, agent.DecisionOutcomeUnknown)
	if r := say(t, n, "k1", "Hello?"); r.Text != "Done." { // the session hears of the end
		t.Errorf("answer = %q, want Done.", r.Text)
	}
	for range 3 {
		n.clock.Advance(time.Hour)
		idle(t, n)
		if _, err := n.Session(ctxOf(t), session(t, "k1")); err != nil {
			t.Fatalf("Session() = %v, want it kept", err)
		}
	}
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(`"paid"`)})
	for range 2 {
		n.clock.Advance(time.Hour)
		idle(t, n)
	}
	if _, err := n.Session(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Session() = %v, want not_found", err)
	}
}

// rowsOf selects the rows of a kind that a turn has.
func rowsOf(turn string, kind store.RowKind) store.RowQuery {
	return store.RowQuery{Kind: kind, Owner: turn, Limit: 100}
}

// stopNoted waits until a turn sends no more calls.
func stopNoted(t *testing.T, n *node, turn string) {
	t.Helper()
	for ctx := ctxOf(t); ; {
		rows, _, err := n.hub.ReadRows(ctx, rowsOf(turn, 112))
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) > 0 {
			return
		}
	}
}

// TestPowerCutInGivenUp cuts the power at each moment of a turn that is terminated,
// or stopped and its grace over, while a payment has no outcome, of the answer of a
// person and of the deletion that waits for it: the payment is made once and never
// forgotten.
func TestPowerCutInGivenUp(t *testing.T) {
	t.Run("terminated", func(t *testing.T) {
		powerCutInGivenUp(t, func(n *node, turn string) error { return n.client.Terminate(ctxOf(t), turn, client.Ending{}) })
	})
	t.Run("stopped", func(t *testing.T) {
		powerCutInGivenUp(t, func(n *node, turn string) error {
			ctx := ctxOf(t)
			if _, err := n.StopTurn(ctx, session(t, "k1"), turn); err != nil {
				return err
			}
			for {
				i, err := n.hub.Instance(ctx, turn, false)
				if err != nil || i.Status.Terminal() {
					return err
				}
				n.clock.Advance(100 * time.Millisecond) // in steps: the timer must be there first
			}
		})
	})
}

func powerCutInGivenUp(t *testing.T, end func(n *node, turn string) error) {
	s, sent, decided, paid := &sink{}, false, false, 0
	lost := func(ctx context.Context, in payment) (string, error) {
		_, _ = s.pay(ctx, in)
		<-ctx.Done()
		return "", ctx.Err()
	}
	eachCutTold(t, func() *agent.Agent { return joker(stateless{}, agent.NewTool("pay", "pays", lost)) }, func(n *node, _ bool) error {
		id := session(t, "k1")
		turn := id.Turn("a")
		if !sent {
			if _, err := n.Send(ctxOf(t), id, agent.Message{Text: "Pay.", CorrelationID: "a"}); err != nil {
				return err
			}
			sent = true
		}
		ctx := ctxOf(t)
		for s.most() == 0 { // after a cut right behind the mark it is asked, not made
			page, err := n.Decisions(ctx, agent.DecisionFilter{})
			if err != nil {
				return err
			}
			if len(page.Decisions) > 0 {
				break
			}
		}
		if !decided {
			if err := end(n, turn); err != nil {
				return err
			}
			if _, err := n.hub.WaitCompletion(ctxOf(t), turn); err != nil {
				return err
			}
			if _, err := n.hub.Idle(ctxOf(t)); err != nil {
				return err
			}
			page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{Kind: agent.DecisionOutcomeUnknown})
			if err != nil {
				return err
			}
			if len(page.Decisions) != 1 {
				t.Fatalf("%d decisions, want 1", len(page.Decisions))
			}
			d := page.Decisions[0]
			if d.State == agent.DecisionPending {
				if err := n.Delete(ctxOf(t), id); perdure.CodeOf(err) != perdure.FailedPrecondition {
					if err == nil {
						t.Error("Delete() = nil, want failed_precondition")
					}
					return err
				}
				if _, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerHappened}); err != nil {
					return err
				}
			}
			decided = true
		}
		if err := n.Delete(ctxOf(t), id); err != nil && perdure.CodeOf(err) != perdure.NotFound {
			return err
		}
		return nil
	}, func(n *node, at int) {
		if got := runs(t, n, session(t, "k1").Turn("a")); len(got) != 0 {
			t.Errorf("cut at %d: runs = %v, want none", at, got)
		}
		if s.most() > 1 {
			t.Errorf("cut at %d: %d payments, want at most 1", at, s.most())
		}
		paid += s.most()
		*s, sent, decided = sink{}, false, false
	})
	if paid < 10 {
		t.Errorf("%d payments in all, want one with most cuts", paid)
	}
}

// TestG05_MarkOfSubAgent stops a turn whose agent has another one make a payment:
// what became of it is asked, and the session is kept.
func TestG05_MarkOfSubAgent(t *testing.T) {
	var s sink
	entered := make(chan struct{})
	clerk := joker(stateless{}, agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) {
		_, _ = s.pay(ctx, in)
		close(entered)
		<-ctx.Done()
		return "", ctx.Err()
	}))
	clerk.Name = "Clerk"
	boss := joker(modeltest.Script(t, modeltest.Call("Clerk", map[string]string{"query": "Pay."})), clerk.AsTool())
	n := begin(t, &memory.Disk{}, registry(t, boss, clerk))
	a := send(t, n, "k1", agent.Message{Text: "Have it paid.", Principal: agent.Principal{Name: "eve"}})
	<-entered
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	began := n.clock.Now()
	for ctx := ctxOf(t); ; n.clock.Advance(100 * time.Millisecond) {
		i, err := n.hub.Instance(ctx, a.Turn, false)
		if err != nil {
			t.Fatal(err)
		}
		if i.Status.Terminal() {
			break
		}
	}
	if waited := n.clock.Now().Sub(began); waited < agent.DefaultGrace {
		t.Errorf("the call was given up after %v, want its grace of %v", waited, agent.DefaultGrace)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	d := pending(t, n, agent.DecisionOutcomeUnknown)
	if d.Agent != "Clerk" || d.Originator.Name != "eve" {
		t.Errorf("decision = %+v, want one of Clerk in the name of eve", d)
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), d.ID) {
		t.Errorf("Delete() = %v, want failed_precondition with the decision %s", err, d.ID)
	}
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerHappened})
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil || s.most() != 1 {
		t.Errorf("Delete() = %v after %d payments, want nil after 1", err, s.most())
	}
}

// TestStopOfUnservedSubAgent stops a turn that waits for an agent that nobody runs.
func TestStopOfUnservedSubAgent(t *testing.T) {
	boss := joker(modeltest.Script(t, modeltest.Call("Nobody", map[string]string{"query": "Pay."})), agent.Named("Nobody").AsTool("does all"))
	n := begin(t, &memory.Disk{}, registry(t, boss))
	a := send(t, n, "k1", agent.Message{Text: "Have it paid."})
	idle(t, n)
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	drive(t, n, a.Turn)
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
}
