// Package javascript has orchestrations in Go and in JavaScript use each other's
// code. Those in JavaScript run in a worker with Microsoft's SDK,
// @microsoft/durabletask-js, which needs nothing to be changed; see README.md.
package javascript

import (
	"context"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// Order is what a customer wants. Both languages read it as JSON.
type Order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

// Quote says what an order costs. It runs here, in Go; what an item costs is known
// to the activity "price" in worker.mjs. Where that fails it is tried again.
func Quote(ctx *perdure.Context, order Order) (string, error) {
	retry := perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})
	price, err := perdure.CallNamed[float64](ctx, "price", order.Item, retry).Await()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %s: %.2f", order.Count, order.Item, float64(order.Count)*price), nil
}

// Reserve puts the items of an order aside. The orchestration "purchase" in
// worker.mjs calls it.
func Reserve(_ context.Context, order Order) (string, error) {
	if order.Count > 100 {
		return "", fmt.Errorf("there are no %d %s", order.Count, order.Item)
	}
	return fmt.Sprintf("shelf %d", len(order.Item)), nil
}

// Register makes what is in Go known to a worker.
func Register(reg *perdure.Registry, _ model.Model) error {
	perdure.AddOrchestration(reg, Quote)
	perdure.AddActivity(reg, Reserve)
	return nil
}
