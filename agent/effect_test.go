package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// stateless is a model that pays, and when it has the result says so, however
// often it is asked.
type stateless struct{}

func (stateless) Generate(_ context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		var content model.Content = &model.Text{Text: "Done."}
		if len(r.Messages) == 1 {
			content = &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"to":"Ann","amount":1}`}
		}
		yield(&model.Update{Contents: model.Contents{content}}, nil)
	}
}

// untilPaid has a payment made in a turn and answers what must be decided: an
// approval with yes, a lost outcome by looking into the sink.
func untilPaid(t *testing.T, n *node, s *sink) error {
	a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "Pay.", CorrelationID: "a"})
	if err != nil {
		return err
	}
	for {
		if _, err := n.hub.Idle(ctxOf(t)); err != nil {
			return err
		}
		i, err := n.hub.Instance(ctxOf(t), a.Turn, false)
		if err != nil || i.Status == store.Completed {
			return err
		}
		page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending})
		if err != nil {
			return err
		}
		if len(page.Decisions) != 1 {
			t.Fatalf("the turn is %v with %d open decisions, want 1\n%s", i.Status, len(page.Decisions), script(t, n, a.Turn))
		}
		d := page.Decisions[0]
		answer := agent.Answer{Answer: agent.AnswerApprove}
		if d.Kind == agent.DecisionOutcomeUnknown {
			answer = agent.Answer{Answer: agent.AnswerRetry}
			if o, _ := s.happened(t.Context(), d.EffectID, payment{}); o == agent.Happened("paid ") {
				answer = agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(`"paid Ann"`)}
			}
		}
		if _, err := n.Decide(ctxOf(t), d.ID, answer); err != nil && perdure.CodeOf(err) != perdure.Conflict {
			return err
		}
	}
}

// TestPowerCutInEffect cuts the power at each moment of a turn with a payment that
// needs an approval: it is made once, whoever finds out what became of it.
func TestPowerCutInEffect(t *testing.T) {
	for _, c := range []struct {
		name    string
		effect  agent.Effect
		options func(s *sink) []agent.ToolOption
	}{
		{"a person decides", agent.Irreversible, func(*sink) []agent.ToolOption { return nil }},
		{"reconciled", agent.Irreversible, func(s *sink) []agent.ToolOption { return []agent.ToolOption{agent.WithReconcile(s.happened)} }},
		{"reversible", agent.Reversible, func(*sink) []agent.ToolOption { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &sink{}
			agents := func() *agent.Agent {
				options := append(c.options(s), agent.WithEffect(c.effect), agent.AlwaysRequireApproval())
				return joker(stateless{}, agent.NewTool("pay", "pays", s.pay, options...))
			}
			eachCut(t, agents, func(n *node) error { return untilPaid(t, n, s) }, func(n *node, at int) {
				want := "user Pay.\nassistant pay({\"to\":\"Ann\",\"amount\":1})\ntool = \"paid Ann\"\nassistant Done.\n"
				if got := transcript(t, n, "k1"); got != want {
					t.Errorf("cut at %d: transcript = %s, want %s", at, got, want)
				}
				if len(s.effects) != 1 || s.most() != 1 {
					t.Errorf("cut at %d: effects = %v, want one, once", at, s.effects)
				}
				*s = sink{}
			})
		})
	}
}

// TestLostOutcome cuts the power when a payment was made and its outcome is about
// to be recorded: tools that may be called again are, others are not.
func TestLostOutcome(t *testing.T) {
	for effect, want := range map[agent.Effect]int{agent.Pure: 2, agent.Idempotent: 2, agent.Reversible: 1, agent.Irreversible: 1} {
		for name, more := range map[string][]agent.ToolOption{"free": nil, "approved": {agent.AlwaysRequireApproval()}} {
			t.Run(effect.String()+" "+name, func(t *testing.T) {
				s, disk := &sink{}, &memory.Disk{}
				disk.OnGroup(func(memory.GroupEvent) memory.Verdict {
					if s.most() > 0 {
						return memory.CrashNow
					}
					return memory.Proceed
				})
				reg := registry(t, joker(stateless{}, agent.NewTool("pay", "pays", s.pay, append(more, agent.WithEffect(effect))...)))
				n := begin(t, disk, reg)
				if err := untilPaid(t, n, s); err == nil {
					t.Fatal("untilPaid() = nil, want a power cut")
				}
				n.stop()
				disk.OnGroup(nil)
				n = begin(t, disk, reg)
				if err := untilPaid(t, n, s); err != nil {
					t.Fatal(err)
				}
				if len(s.effects) != 1 || s.most() != want {
					t.Errorf("effects = %v, want one, %d times", s.effects, want)
				}
				unknown, err := n.Decisions(ctxOf(t), agent.DecisionFilter{Kind: agent.DecisionOutcomeUnknown, State: agent.DecisionAnswered})
				if err != nil || len(unknown.Decisions) != 2-want {
					t.Errorf("decisions about the outcome = %+v, %v, want %d", unknown, err, 2-want)
				}
			})
		}
	}
}

// TestPowerCutInExpiry cuts the power at each moment of a turn whose approval
// nobody gives: nothing is called.
func TestPowerCutInExpiry(t *testing.T) {
	s := &sink{}
	agents := func() *agent.Agent {
		return joker(stateless{}, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval(), agent.ApprovalTimeout(time.Hour)))
	}
	eachCut(t, agents, func(n *node) error {
		a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "Pay.", CorrelationID: "a"})
		for err == nil {
			if _, err = n.hub.Idle(ctxOf(t)); err != nil {
				break
			}
			i, failed := n.hub.Instance(ctxOf(t), a.Turn, false)
			if failed != nil || i.Status == store.Completed {
				return failed
			}
			n.clock.Advance(time.Hour)
		}
		return err
	}, func(n *node, at int) {
		if got := transcript(t, n, "k1"); !strings.Contains(got, "not approved in time") || s.most() != 0 {
			t.Errorf("cut at %d: %d payments and transcript %s, want none and that it is late", at, s.most(), got)
		}
		page, err := n.Decisions(ctxOf(t), agent.DecisionFilter{})
		if err != nil || len(page.Decisions) != 1 || page.Decisions[0].State != agent.DecisionExpired {
			t.Errorf("cut at %d: Decisions() = %+v, %v, want one that expired", at, page, err)
		}
	})
}

func TestEffectOptions(t *testing.T) {
	fn := func(context.Context, payment) (int, error) { return 0, nil }
	for part, option := range map[string]agent.ToolOption{
		"no effect class 9":                     agent.WithEffect(9),
		"for the input int, the tool has agent": agent.RequireApproval(func(context.Context, int) bool { return true }),
		"for the input string":                  agent.WithReconcile(func(context.Context, string, string) (agent.Outcome, error) { return agent.Unknown(), nil }),
		"the approval function is nil":          agent.RequireApproval[payment](nil),
		"the Reconcile function is nil":         agent.WithReconcile[payment](nil),
		"timeout is negative":                   agent.ApprovalTimeout(-1),
	} {
		err := agent.Register(perdure.NewRegistry(), joker(parrot(), agent.NewTool("pay", "pays", fn, option)))
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Register() = %v, want %q", err, part)
		}
	}
	for e, want := range map[agent.Effect]string{0: "irreversible", agent.Reversible: "reversible", agent.Idempotent: "idempotent", agent.Pure: "pure", 9: "Effect(9)"} {
		if got := fmt.Sprint(e); got != want {
			t.Errorf("String(%d) = %s, want %s", uint8(e), got, want)
		}
	}
}

// foreign is a tool that NewTool did not make, as those of MCP servers.
type foreign struct{ s *sink }

func (foreign) Name() string         { return "pay" }
func (foreign) Description() string  { return "pays" }
func (foreign) Schema() any          { return json.RawMessage(`{"type":"object"}`) }
func (foreign) Effect() agent.Effect { return agent.Idempotent }
func (f foreign) Call(ctx context.Context, arguments string) (any, error) {
	var in payment
	if err := json.Unmarshal([]byte(arguments), &in); err != nil {
		return nil, err
	}
	return f.s.pay(ctx, in)
}

// TestWith has a tool of others need an approval, and a tool of one's own too.
func TestWith(t *testing.T) {
	var s sink
	own := agent.NewTool("pay", "pays", s.pay)
	for name, tool := range map[string]agent.Tool{
		"foreign": agent.With(foreign{&s}, agent.RequireApproval(func(_ context.Context, in map[string]any) bool { return in["to"] == "Ann" })),
		"own":     agent.With(own, agent.RequireApproval(func(_ context.Context, in payment) bool { return in.To == "Ann" })),
	} {
		t.Run(name, func(t *testing.T) {
			s = sink{}
			n := begin(t, &memory.Disk{}, registry(t, joker(stateless{}, tool)))
			a := send(t, n, "k1", agent.Message{Text: "Pay."})
			d := pending(t, n, agent.DecisionApproval)
			if s.most() != 0 {
				t.Errorf("%d payments without an approval, want none", s.most())
			}
			decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
			waitText(t, n, a.Turn, "Done.")
			if s.most() != 1 {
				t.Errorf("%d payments, want 1", s.most())
			}
		})
	}
	wrong := agent.With(foreign{}, agent.RequireApproval(func(context.Context, payment) bool { return true }))
	if err := agent.Register(perdure.NewRegistry(), joker(parrot(), wrong)); err == nil {
		t.Error("Register() = nil, want that the option is for another input")
	}
}
