// Package sequential has two workflows of steps that run one after the other, one
// of which they share: CancelOrder and OrderStatus both look the order up. A step
// is an activity, a workflow is a function that calls them, and a step is shared
// as any function is. Results are recorded: after a crash a workflow goes on with
// the step that has none.
//
//	curl -d A100 'http://127.0.0.1:8080/api/workflow/CancelOrder/run?waitForResponse=true'
//	curl -d A100 'http://127.0.0.1:8080/api/workflow/OrderStatus/run?waitForResponse=true'
package sequential

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure"
)

type Order struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Status   string `json:"status"`
}

// CancelOrder cancels an order and tells the customer. A mail server that is down
// for a while does not matter.
func CancelOrder(ctx *perdure.Context, id string) (string, error) {
	order, err := perdure.Call(ctx, LookUpOrder, id).Await()
	if err != nil {
		return "", err
	}
	if order, err = perdure.Call(ctx, MarkCancelled, order).Await(); err != nil {
		return "", err
	}
	patient := perdure.WithRetry(perdure.RetryPolicy{FirstInterval: time.Minute, Deadline: 24 * time.Hour})
	return perdure.Call(ctx, MailCustomer, order, patient).Await()
}

// OrderStatus tells how far an order is.
func OrderStatus(ctx *perdure.Context, id string) (string, error) {
	order, err := perdure.Call(ctx, LookUpOrder, id).Await()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Order %s of %s is %s", order.ID, order.Customer, order.Status), nil
}

// orders stands for a database.
var orders = map[string]Order{
	"A100": {ID: "A100", Customer: "ada@example.com", Status: "packed"},
	"A200": {ID: "A200", Customer: "bob@example.com", Status: "delivered"},
}

// LookUpOrder returns an order. That there is none does not change by asking
// again.
func LookUpOrder(_ context.Context, id string) (Order, error) {
	order, ok := orders[id]
	if !ok {
		return Order{}, perdure.NonRetryable(fmt.Errorf("there is no order %q", id))
	}
	return order, nil
}

// MarkCancelled cancels an order that has not been delivered. It may run twice
// when a process dies: cancelling what is cancelled must do no harm.
func MarkCancelled(_ context.Context, order Order) (Order, error) {
	if order.Status == "delivered" {
		return order, perdure.NonRetryable(fmt.Errorf("order %s has been delivered", order.ID))
	}
	order.Status = "cancelled"
	return order, nil
}

// MailCustomer tells the customer. A mail service that takes a key against
// duplicates should be given that of the step, which is the same in each attempt.
func MailCustomer(ctx context.Context, order Order) (string, error) {
	perdure.Logger(ctx).Info("mail", "to", order.Customer, "order", order.ID, "key", perdure.Activity(ctx).EffectID)
	return fmt.Sprintf("Order %s is %s, %s was told", order.ID, order.Status, order.Customer), nil
}

// Register makes the workflows and their steps known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, CancelOrder)
	perdure.AddOrchestration(reg, OrderStatus)
	perdure.AddActivity(reg, LookUpOrder)
	perdure.AddActivity(reg, MarkCancelled)
	perdure.AddActivity(reg, MailCustomer)
}
