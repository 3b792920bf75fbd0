package browser_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// Work is what an activity of an order is to do.
type Work struct {
	Ms    int `json:"ms"`    // how long it takes
	Fails int `json:"fails"` // how many attempts fail first
}

// registerScene makes known what the pictures in the documentation show.
func registerScene(reg *perdure.Registry) error {
	for _, name := range []string{"ReserveStock", "ChargeCard", "CheckFraud", "PrintLabel", "WriteInvoice", "SendInvoice"} {
		perdure.AddActivityNamed(reg, name, func(ctx context.Context, w Work) (string, error) {
			select {
			case <-time.After(time.Duration(w.Ms) * time.Millisecond):
			case <-ctx.Done():
				return "", ctx.Err()
			}
			if perdure.Activity(ctx).Attempt <= w.Fails {
				return "", errors.New("502 bad gateway")
			}
			return "done", nil
		})
	}
	perdure.AddOrchestrationNamed(reg, "Order", order)
	perdure.AddOrchestrationNamed(reg, "Invoice", func(ctx *perdure.Context, _ struct{}) (string, error) {
		if _, err := perdure.CallNamed[string](ctx, "WriteInvoice", Work{Ms: 250}).Await(); err != nil {
			return "", err
		}
		return perdure.CallNamed[string](ctx, "SendInvoice", Work{Ms: 150}).Await()
	})
	return multiagent.Register(reg, modeltest.Reply(expert))
}

// Goods say how an order goes.
type Goods struct {
	Item  string `json:"item"`
	Fails int    `json:"fails"` // attempts at the card that fail first
	// Pause is the pause after the first of these, in ms; 0 = short.
	Pause int `json:"pause,omitempty"`
}

// order has several steps at a time, retries, a timer, a child, and waits for an event.
func order(ctx *perdure.Context, g Goods) (string, error) {
	if _, err := perdure.CallNamed[string](ctx, "ReserveStock", Work{Ms: 200}).Await(); err != nil {
		return "", err
	}
	again := perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 4, FirstInterval: time.Duration(max(g.Pause, 150)) * time.Millisecond})
	card := perdure.CallNamed[string](ctx, "ChargeCard", Work{Ms: 120, Fails: g.Fails}, again)
	fraud := perdure.CallNamed[string](ctx, "CheckFraud", Work{Ms: 500})
	label := perdure.CallNamed[string](ctx, "PrintLabel", Work{Ms: 300})
	if err := perdure.All(ctx, card, fraud, label); err != nil {
		return "", err
	}
	if err := ctx.Timer(250 * time.Millisecond).Await(); err != nil {
		return "", err
	}
	if _, err := perdure.CallOrchestrationNamed[string](ctx, "Invoice", struct{}{}).Await(); err != nil {
		return "", err
	}
	by, err := perdure.NewEvent[string]("PickedUp").Wait(ctx).Await()
	return g.Item + " was picked up by " + by, err
}

// expert is what the members of the panel say.
func expert(r *model.Request) modeltest.Step {
	switch {
	case strings.Contains(r.Instructions, "physics"):
		return modeltest.Say("Temperature is how fast particles move on average. What is hot gives energy to what is cold.").Pace(8 * time.Millisecond)
	case strings.Contains(r.Instructions, "chemistry"):
		return modeltest.Say("Temperature decides how fast reactions go and which way they lean. Ten degrees more about double the rate.").Pace(12 * time.Millisecond)
	}
	return modeltest.Say("The **physicist** says what temperature is, the chemist what it does: the first answer is the better one.").Pace(6 * time.Millisecond)
}
