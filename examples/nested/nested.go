// Package nested has workflows within workflows: an order is paid by a workflow,
// which has another one look for fraud, and sent by a third. Each is a run of its
// own, with its own history, that can be looked at, and is registered like any
// other. If the shipment fails, the payment is taken back.
//
//	curl --json '{"id":"A1","cents":4900,"address":"12 Analytical Row"}' \
//	  'http://127.0.0.1:8080/api/workflow/ProcessOrder/run?runId=A1'
//	curl 'http://127.0.0.1:8080/api/v1/runs?filter=root:A1'
package nested

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure"
)

type Order struct {
	ID      string `json:"id"`
	Cents   int    `json:"cents"`
	Address string `json:"address"`
}

type Done struct {
	Payment  string `json:"payment"`
	Shipment string `json:"shipment,omitempty"`
	Refund   string `json:"refund,omitempty"` // of the payment, if nothing was sent
}

// ProcessOrder has an order paid and sent. A child is called as an activity is; a
// child that fails is an error.
func ProcessOrder(ctx *perdure.Context, order Order) (done Done, err error) {
	if done.Payment, err = perdure.CallOrchestration(ctx, PayOrder, order).Await(); err != nil {
		return done, err
	}
	again := perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: time.Minute})
	done.Shipment, err = perdure.CallOrchestration(ctx, ShipOrder, order, again).Await()
	if err == nil {
		return done, nil
	}
	ctx.Logger().Warn("the shipment failed", "order", order.ID, "err", err)
	done.Refund, err = perdure.Call(ctx, Refund, done.Payment).Await()
	return done, err
}

// PayOrder charges an order that does not look like fraud.
func PayOrder(ctx *perdure.Context, order Order) (string, error) {
	risk, err := perdure.CallOrchestration(ctx, CheckFraud, order).Await()
	if err != nil {
		return "", err
	}
	if risk > 0.5 {
		return "", fmt.Errorf("order %s looks like fraud: the risk is %.2f", order.ID, risk)
	}
	return perdure.Call(ctx, ChargeCard, order).Await()
}

// CheckFraud asks two services for the risk of an order, at the same time, and
// believes the worse.
func CheckFraud(ctx *perdure.Context, order Order) (float64, error) {
	amount := perdure.Call(ctx, RiskOfAmount, order.Cents)
	address := perdure.Call(ctx, RiskOfAddress, order.Address)
	a, err := amount.Await()
	if err != nil {
		return 0, err
	}
	b, err := address.Await()
	return max(a, b), err
}

// ShipOrder has a parcel packed and fetched.
func ShipOrder(ctx *perdure.Context, order Order) (string, error) {
	parcel, err := perdure.Call(ctx, Pack, order).Await()
	if err != nil {
		return "", err
	}
	return perdure.Call(ctx, Dispatch, parcel).Await()
}

// RiskOfAmount is one of the services.
func RiskOfAmount(_ context.Context, cents int) (float64, error) {
	return min(float64(cents)/1000_00, 1), nil
}

// RiskOfAddress is the other one.
func RiskOfAddress(_ context.Context, address string) (float64, error) {
	if address == "" {
		return 0, errors.New("there is no address")
	}
	return 0.1, nil
}

// ChargeCard takes the money.
func ChargeCard(_ context.Context, order Order) (string, error) { return "payment of " + order.ID, nil }

// Refund gives it back.
func Refund(_ context.Context, payment string) (string, error) { return "refund of " + payment, nil }

// Pack makes a parcel of an order.
func Pack(_ context.Context, order Order) (string, error) { return "parcel of " + order.ID, nil }

// Dispatch hands a parcel over.
func Dispatch(_ context.Context, parcel string) (string, error) { return "shipment of " + parcel, nil }

// Register makes the workflows and their steps known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, ProcessOrder)
	perdure.AddOrchestration(reg, PayOrder)
	perdure.AddOrchestration(reg, CheckFraud)
	perdure.AddOrchestration(reg, ShipOrder)
	perdure.AddActivity(reg, RiskOfAmount)
	perdure.AddActivity(reg, RiskOfAddress)
	perdure.AddActivity(reg, ChargeCard)
	perdure.AddActivity(reg, Refund)
	perdure.AddActivity(reg, Pack)
	perdure.AddActivity(reg, Dispatch)
}
