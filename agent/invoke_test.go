package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// play has a payment made in a turn, with the clock moved on while it waits for
// nothing but time.
func play(t *testing.T, n *node) (turn string) {
	t.Helper()
	a := send(t, n, "k1", agent.Message{Text: "Pay."})
	drive(t, n, a.Turn)
	return a.Turn
}

// drive moves the clock on until a turn has ended or waits for more than time.
func drive(t *testing.T, n *node, turn string) {
	t.Helper()
	for ctx := ctxOf(t); ; {
		next, err := n.hub.Idle(ctx)
		if err != nil {
			t.Fatal(err)
		}
		i, err := n.hub.Instance(ctx, turn, false)
		if err != nil || i.Status.Terminal() || next.IsZero() || next.Sub(n.clock.Now()) > time.Hour {
			return
		}
		n.clock.Advance(next.Sub(n.clock.Now()))
	}
}

var errLost = fmt.Errorf("the connection broke: %w", agent.ErrOutcomeUnknown)

// lostPayments are ways in which a payment ends without an outcome.
var lostPayments = map[string]struct {
	fail    func(ctx context.Context) error
	options []agent.ToolOption
	reason  string
}{
	"said so":  {func(context.Context) error { return errLost }, nil, "the connection broke"},
	"panicked": {func(context.Context) error { panic("oh no") }, nil, "oh no"},
	"too slow": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, []agent.ToolOption{agent.WithTimeout(time.Millisecond)}, "did not answer within 1ms"},
}

// TestG05_LostOutcome has calls end without an outcome: the model is told nothing
// before it is known, unless the tool may be called again.
func TestG05_LostOutcome(t *testing.T) {
	for name, c := range lostPayments {
		paying := func(s *sink, effect agent.Effect, more ...agent.ToolOption) *agent.Agent {
			return joker(stateless{}, agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) {
				_, _ = s.pay(ctx, in)
				return "", c.fail(ctx)
			}, append(append(more, agent.WithEffect(effect)), c.options...)...))
		}
		for _, effect := range []agent.Effect{agent.Irreversible, agent.Reversible} {
			t.Run(name+", "+effect.String(), func(t *testing.T) {
				var s sink
				n := begin(t, &memory.Disk{}, registry(t, paying(&s, effect)))
				turn := play(t, n)
				d := pending(t, n, agent.DecisionOutcomeUnknown)
				for what, err := range map[string]error{"Delete()": n.Delete(ctxOf(t), session(t, "k1")), "Reset()": n.Reset(ctxOf(t), session(t, "k1"))} {
					if perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), d.ID) {
						t.Errorf("%s = %v, want failed_precondition with the decision %s", what, err, d.ID)
					}
				} // and the turn goes on waiting for the answer
				if !strings.Contains(d.Reason, c.reason) || strings.Contains(transcript(t, n, "k1"), "tool =") {
					t.Errorf("decision because of %q, want %q and nothing told to the model\n%s", d.Reason, c.reason, transcript(t, n, "k1"))
				}
				decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerHappened, Result: []byte(`"paid, says the bank"`)})
				waitText(t, n, turn, "Done.")
				if got := transcript(t, n, "k1"); !strings.Contains(got, "says the bank") || s.most() != 1 {
					t.Errorf("%d payments and transcript %s, want one and what the bank says", s.most(), got)
				}
			})
		}
		t.Run(name+", reconciled", func(t *testing.T) {
			s := &sink{}
			n := begin(t, &memory.Disk{}, registry(t, paying(s, agent.Irreversible, agent.WithReconcile(s.happened))))
			waitText(t, n, play(t, n), "Done.")
			if got := transcript(t, n, "k1"); !strings.Contains(got, `"paid Ann"`) || s.most() != 1 || len(pendingOf(t, n)) != 0 {
				t.Errorf("%d payments and transcript %s, want one that is found out", s.most(), got)
			}
		})
		t.Run(name+", never done", func(t *testing.T) {
			var s sink
			never := func(context.Context, string, payment) (agent.Outcome, error) { return agent.NotHappened(), nil }
			n := begin(t, &memory.Disk{}, registry(t, paying(&s, agent.Irreversible, agent.WithReconcile(never))))
			play(t, n)
			if pending(t, n, agent.DecisionOutcomeUnknown); s.most() != 3 {
				t.Errorf("%d calls before a person is asked, want 3", s.most())
			}
		})
		t.Run(name+", idempotent", func(t *testing.T) {
			var s sink
			n := begin(t, &memory.Disk{}, registry(t, paying(&s, agent.Idempotent)))
			waitText(t, n, play(t, n), "Done.")
			if got := transcript(t, n, "k1"); !strings.Contains(got, c.reason) || s.most() != 1 {
				t.Errorf("%d payments and transcript %s, want one and %q", s.most(), got, c.reason)
			}
		})
	}
}

// TestRetry repeats calls that fail as far as their class allows.
func TestRetry(t *testing.T) {
	down := errors.New("the bank is down")
	three := agent.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})
	for _, c := range []struct {
		name    string
		effect  agent.Effect
		fails   int // so many times
		with    error
		options []agent.ToolOption
		calls   int
		told    string
	}{
		{"pure", agent.Pure, 2, down, []agent.ToolOption{three}, 3, "paid Ann"},
		{"idempotent", agent.Idempotent, 2, down, []agent.ToolOption{three}, 3, "paid Ann"},
		{"idempotent, too often", agent.Idempotent, 9, down, []agent.ToolOption{three}, 3, "the bank is down"},
		{"idempotent, final", agent.Idempotent, 9, perdure.NonRetryable(down), []agent.ToolOption{three}, 1, "the bank is down"},
		{"idempotent, no policy", agent.Idempotent, 1, down, nil, 1, "the bank is down"},
		{"irreversible", agent.Irreversible, 2, down, []agent.ToolOption{three}, 1, "the bank is down"},
		{"irreversible, not done", agent.Irreversible, 2, agent.NotDone(down), []agent.ToolOption{three}, 3, "paid Ann"},
		{"irreversible, not done too often", agent.Irreversible, 9, agent.NotDone(down), []agent.ToolOption{three}, 3, "the bank is down"},
		{"irreversible, not done, no policy", agent.Irreversible, 1, agent.NotDone(down), nil, 1, "the bank is down"},
		{"approved, not done", agent.Irreversible, 2, agent.NotDone(down), []agent.ToolOption{three, agent.AlwaysRequireApproval()}, 3, "paid Ann"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sink
			pay := agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) {
				text, _ := s.pay(ctx, in)
				if s.most() <= c.fails {
					return "", c.with
				}
				return text, nil
			}, append(c.options, agent.WithEffect(c.effect))...)
			n := begin(t, &memory.Disk{}, registry(t, joker(stateless{}, pay)))
			turn := play(t, n)
			if list := pendingOf(t, n); len(list) == 1 {
				decide(t, n, list[0].ID, agent.Answer{Answer: agent.AnswerApprove})
			}
			drive(t, n, turn)
			waitText(t, n, turn, "Done.")
			if got := transcript(t, n, "k1"); !strings.Contains(got, c.told) || s.most() != c.calls || len(s.effects) != 1 {
				t.Errorf("%d calls with %d effect ids and transcript %s, want %d calls with 1 and %q", s.most(), len(s.effects), got, c.calls, c.told)
			}
			if list := pendingOf(t, n); len(list) != 0 {
				t.Errorf("Decisions() = %+v, want none", list)
			}
		})
	}
}

// TestMaxToolErrors has a model call a tool that always fails.
func TestMaxToolErrors(t *testing.T) {
	calls := 0
	fail := agent.NewTool("fail", "fails", func(context.Context, struct{}) (string, error) {
		calls++
		if calls == 3 {
			return "once it works", nil
		}
		return "", errors.New("no")
	})
	m := model.Func(func(ctx contextOf, req *model.Request) updates {
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{
			&model.FunctionCall{CallID: fmt.Sprint("c", len(req.Messages)), Name: "fail", Arguments: "{}"},
		}}}}).Updates()
	})
	joke := joker(m, fail)
	joke.MaxToolErrors = 4
	n := begin(t, &memory.Disk{}, registry(t, joke))
	a := send(t, n, "k1", agent.Message{Text: "Go."})
	_, err := n.Wait(ctxOf(t), a.Turn)
	if perdure.CodeOf(err) != perdure.ResourceExhausted || !strings.Contains(err.Error(), "4 calls of tools in a row") || calls != 7 {
		t.Errorf("Wait() = %v after %d calls, want resource_exhausted after 2 failures, a success and 4 failures", err, calls)
	}
}
