package agent_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Refund is the input of a tool.
type Refund struct {
	Order  string `json:"order"`
	Amount int    `json:"amount"`
}

// A tool that must not be called twice: large refunds need an approval, which is
// asked of finance when nobody has given it in a day; the bank can be asked what
// became of a call that was interrupted, and whoever cannot tell asks a person.
func ExampleNewTool() {
	bank := &bank{paid: map[string]string{}}
	refund := agent.NewTool("refund", "Refunds an order.", func(ctx context.Context, in Refund) (string, error) {
		switch status := bank.pay(agent.EffectID(ctx), in); status {
		case http.StatusOK:
			return bank.paid[agent.EffectID(ctx)], nil
		case http.StatusServiceUnavailable: // it has not looked at the request
			return "", agent.NotDone(fmt.Errorf("the bank is closed"))
		default: // perhaps it was paid, perhaps not
			return "", fmt.Errorf("the bank answered %d: %w", status, agent.ErrOutcomeUnknown)
		}
	},
		agent.RequireApproval(func(_ context.Context, in Refund) bool { return in.Amount > 100 }),
		agent.ApprovalTimeout(24*time.Hour),
		agent.EscalateTo("finance", 72*time.Hour),
		agent.WithReconcile(func(_ context.Context, effectID string, _ Refund) (agent.Outcome, error) {
			if receipt, ok := bank.paid[effectID]; ok {
				return agent.Happened(receipt), nil
			}
			return agent.NotHappened(), nil
		}),
		agent.WithTimeout(time.Minute),
		agent.WithRetry(perdure.RetryPolicy{MaxAttempts: 5}),
	)
	ctx := perdure.WithActivity(context.Background(), perdure.ActivityInfo{EffectID: "e1"}) // as the runtime does
	fmt.Println(refund.Call(ctx, `{"order":"7","amount":20}`))
	// Output: 20 for order 7 <nil>
}

// bank is a service that keeps what it was asked for by effect id.
type bank struct{ paid map[string]string }

func (b *bank) pay(effectID string, in Refund) int {
	b.paid[effectID] = fmt.Sprintf("%d for order %s", in.Amount, in.Order)
	return http.StatusOK
}
