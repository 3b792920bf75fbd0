// Package delivery has an order that is paid and then delivered, and a warehouse that is
// closed at first: the delivery fails after the payment. Somebody opens the warehouse and
// rewinds the run, which goes on from the step that has failed: nothing is paid twice.
//
//	curl --json '{"name":"Delivery","id":"order-7","input":"a lamp"}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl --json '{"operation":"Open"}' \
//	  http://127.0.0.1:8080/api/v1/entities/warehouse/main/signal
//	curl --json '{}' http://127.0.0.1:8080/api/v1/runs/order-7/rewind
package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/perdure/perdure"
)

// Delivery has what was ordered reserved, paid and picked, and says what became of it.
func Delivery(ctx *perdure.Context, what string) (string, error) {
	warehouse := perdure.NewEntityID("warehouse", "main")
	if _, err := perdure.CallEntity[int](ctx, warehouse, "Reserve", what).Await(); err != nil {
		return "", err
	}
	receipt, err := perdure.Call(ctx, TakePayment, what).Await()
	if err != nil {
		return "", err
	}
	shelf, err := perdure.CallEntity[string](ctx, warehouse, "Pick", what).Await()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Delivered from %s, %s", shelf, receipt), nil
}

// TakePayment takes the money and returns the receipt.
func TakePayment(ctx context.Context, what string) (string, error) {
	return fmt.Sprintf("receipt %s for %s", perdure.Activity(ctx).InstanceID, what), nil
}

// Warehouse is the state of the entity.
type Warehouse struct {
	IsOpen   bool `json:"open"`
	Reserved int  `json:"reserved"`
	Picked   int  `json:"picked"`
}

// Open opens the warehouse.
func (w *Warehouse) Open() { w.IsOpen = true }

// Close closes it.
func (w *Warehouse) Close() { w.IsOpen = false }

// Reserve keeps something for an order and returns how much is kept.
func (w *Warehouse) Reserve(string) int {
	w.Reserved++
	return w.Reserved
}

// Pick takes something reserved from its shelf and returns which that is.
func (w *Warehouse) Pick(what string) (string, error) {
	if !w.IsOpen {
		return "", errors.New("the warehouse is closed: signal Open to the entity warehouse / main, then rewind this run")
	}
	w.Reserved--
	w.Picked++
	return fmt.Sprintf("shelf %d", len(what)), nil
}

// Register makes the orchestration, its activity and the entity known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, Delivery)
	perdure.AddActivity(reg, TakePayment)
	perdure.AddEntity[Warehouse](reg, "warehouse")
}
