package agent_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store/memory"
)

// TestS04_Starters has orchestrations ask for payments, in nobody's name: who has started
// the first of them must not approve, and nobody may if that is not known.
func TestS04_Starters(t *testing.T) {
	var s sink
	pay := agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval(), agent.SeparateDuties())
	reg := registry(t, joker(stateless{}, pay))
	alone := func(ctx *perdure.Context, _ string) (string, error) {
		return agent.Named("Joker").Run(ctx, "Pay.").Text()
	}
	perdure.AddOrchestrationNamed(reg, "alone", alone)
	perdure.AddOrchestrationNamed(reg, "inSession", func(ctx *perdure.Context, key string) (string, error) {
		return agent.Named("Joker").Run(ctx, "Pay.", agent.InSession(key)).Text()
	})
	perdure.AddOrchestrationNamed(reg, "above", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.CallOrchestration(ctx, alone, "").Await()
	})
	n := begin(t, &memory.Disk{}, reg)
	by := func(name string) *hub.Actor { return &hub.Actor{By: name, Action: "start"} }
	raise := func(id, by string) {
		ctx := hub.WithActor(ctxOf(t), &hub.Actor{By: by, Action: "raise event"})
		if err := n.hub.Raise(ctx, &hub.Raise{InstanceID: id, Name: "news"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		starts  string
		actor   *hub.Actor // who has started it
		by      string
		refused string
	}{
		{"her own", "alone", by("ann"), "ann", "started by ann"},
		{"her own, at a session", "inSession", by("ann"), "ann", "started by ann"},
		{"her own, from above", "above", by("ann"), "ann", "started by ann"},
		{"hers, as a program says", "alone", &hub.Actor{By: "shop", For: "ann", Action: "start"}, "ann", "started by ann"},
		{"the program's own", "alone", &hub.Actor{By: "shop", For: "ann", Action: "start"}, "shop", "started by shop"},
		{"somebody else's", "alone", by("ann"), "bob", ""},
		{"somebody else's, at a session", "inSession", by("ann"), "bob", ""},
		{"somebody else's, from above", "above", by("ann"), "bob", ""},
		{"nobody's", "alone", nil, "bob", "is not known"},
		{"nobody's, at a session", "inSession", nil, "bob", "is not known"},
		{"without a token", "alone", by(access.Local), "bob", "is not known"},
		{"by somebody without a token", "alone", by("ann"), access.Local, "not known who approves"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.inputs = nil
			id := strings.ReplaceAll(c.name, " ", "-")
			start := &hub.Start{InstanceID: id, Name: c.starts, Input: history.Some(`"` + id + `"`)}
			if _, err := n.hub.Start(hub.WithActor(ctxOf(t), c.actor), start); err != nil {
				t.Fatal(err)
			}
			d := pending(t, n, agent.DecisionApproval)
			raise(id, "bob") // which starts nothing
			now, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerApprove, By: c.by})
			refused := d.Refusals(c.by)
			if c.refused == "" {
				idle(t, n)
				if err != nil || len(refused) != 0 || len(s.inputs) != 1 {
					t.Errorf("Decide() = %v, refusals %v, %d payments, want none refused and 1 payment", err, refused, len(s.inputs))
				}
				return
			}
			if perdure.CodeOf(err) != perdure.PermissionDenied || !strings.Contains(err.Error(), c.refused) || now.State != agent.DecisionPending || len(s.inputs) != 0 {
				t.Errorf("Decide() = %+v, %v, %d payments, want it refused and pending: %q", now, err, len(s.inputs), c.refused)
			}
			if len(refused) != 1 || refused[0].Answer != agent.AnswerApprove || !strings.Contains(refused[0].Reason, c.refused) {
				t.Errorf("Refusals(%s) = %+v, want approve refused: %q", c.by, refused, c.refused)
			}
			decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerDeny, By: c.by})
		})
	}
}
