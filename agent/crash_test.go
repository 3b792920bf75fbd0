package agent_test

import (
	"context"
	"regexp"
	"sync"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/perduretest"
)

// offsets of streams count the attempts of a model step.
var offsets = regexp.MustCompile(`"(next|offset)":\d+`)

// TestCrashEverywhere drops the process before and after each commit of a turn
// with a payment that needs an approval, and can be looked up: the end is always
// the same, and the payment is made once. Declared idempotent, it is made twice
// with at least one of the crashes.
func TestCrashEverywhere(t *testing.T) {
	for class, want := range map[agent.Effect]int{agent.Irreversible: 1, agent.Idempotent: 2} {
		t.Run(class.String(), func(t *testing.T) {
			var mu sync.Mutex
			var world *sink // of one run of the scenario
			most := 0
			now := func() *sink {
				mu.Lock()
				defer mu.Unlock()
				return world
			}
			done := perduretest.CrashEverywhere(t, perduretest.Scenario{
				Ignore: offsets,
				Register: func(reg *perdure.Registry) {
					mu.Lock()
					world = &sink{}
					mu.Unlock()
					pay := agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) { return now().pay(ctx, in) },
						agent.WithEffect(class), agent.WithReconcile(now().happened), agent.AlwaysRequireApproval())
					if err := agent.Register(reg, joker(stateless{}, pay)); err != nil {
						t.Error(err)
					}
				},
				Run: func(e *perduretest.Env) {
					approveAndWait(t, e)
					most = max(most, now().most())
				},
			})
			if most != want {
				t.Errorf("the payment was made at most %d times, want %d", most, want)
			}
			if done.Commits < 10 || done.Crashes < done.Commits {
				t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
			}
		})
	}
}

// approveAndWait has a payment made in a turn, with an approval.
func approveAndWait(t *testing.T, e *perduretest.Env) {
	agents := agent.NewService(e.Client())
	a, err := agents.Send(t.Context(), session(t, "k1"), agent.Message{Text: "Pay.", CorrelationID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	e.Settle()
	page, err := agents.Decisions(t.Context(), agent.DecisionFilter{State: agent.DecisionPending})
	if err != nil || len(page.Decisions) != 1 {
		t.Fatalf("Decisions() = %+v, %v, want one", page, err)
	}
	if _, err := agents.Decide(t.Context(), page.Decisions[0].ID, agent.Answer{Answer: agent.AnswerApprove}); err != nil {
		t.Error(err)
	}
	if r, err := agents.Wait(t.Context(), a.Turn); err != nil || r.Text != "Done." {
		t.Errorf("Wait() = %+v, %v, want Done.", r, err)
	}
}
