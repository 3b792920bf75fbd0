// Package sharedstate has a workflow whose steps share state, and runs of it that
// share more. What the steps of one run share are variables: they come back with
// the replay. What runs share are entities, whose key is the scope: the stock of
// a product, the invoices of a year. An order for which there is not enough in
// stock halts the workflow: it returns.
//
//	curl --json '{"operation":"Add","input":8}' http://127.0.0.1:8080/api/v1/entities/stock/cup/call
//	curl --json '{"customer":"ada","lines":[{"product":"cup","count":3,"cents":450}]}' \
//	  'http://127.0.0.1:8080/api/workflow/FulfilOrder/run?waitForResponse=true'
//	curl http://127.0.0.1:8080/api/v1/entities/stock/cup
package sharedstate

import (
	"context"
	"fmt"
	"strconv"

	"github.com/perdure/perdure"
)

type Line struct {
	Product string `json:"product"`
	Count   int    `json:"count"`
	Cents   int    `json:"cents"` // of one
}

type Order struct {
	Customer string `json:"customer"`
	Lines    []Line `json:"lines"`
}

// State is what the steps of a run share, each of which fills in its part.
type State struct {
	Net      int    `json:"net"`
	Shipping int    `json:"shipping"`
	Invoice  string `json:"invoice,omitempty"`
	Halted   string `json:"halted,omitempty"` // why the run went no further
}

// FulfilOrder takes an order out of the stock and writes an invoice. No other run
// can take from the stock between the look and the taking.
func FulfilOrder(ctx *perdure.Context, order Order) (State, error) {
	var state State
	stock := make([]perdure.EntityID, len(order.Lines))
	for i, line := range order.Lines {
		stock[i] = perdure.NewEntityID("stock", line.Product)
		state.Net += line.Count * line.Cents
	}
	unlock, err := perdure.Lock(ctx, stock...)
	if err != nil {
		return state, err
	}
	defer unlock()
	needed := map[string]int{} // two lines may be of one product
	for i, line := range order.Lines {
		left, err := perdure.CallEntity[int](ctx, stock[i], "Count", nil).Await()
		if err != nil {
			return state, err
		}
		if needed[line.Product] += line.Count; left < needed[line.Product] {
			state.Halted = fmt.Sprintf("%d of %d %s are in stock", left, needed[line.Product], line.Product)
			return state, nil
		}
	}
	for i, line := range order.Lines {
		if _, err := perdure.CallEntity[int](ctx, stock[i], "Add", -line.Count).Await(); err != nil {
			return state, err
		}
	}
	unlock() // what follows needs no stock
	if state.Shipping, err = perdure.Call(ctx, ShippingCost, state).Await(); err != nil {
		return state, err
	}
	year := strconv.Itoa(ctx.Now().Year())
	number, err := perdure.CallEntity[int](ctx, perdure.NewEntityID("invoices", year), "Next", nil).Await()
	state.Invoice = fmt.Sprintf("%s-%d", year, number)
	return state, err
}

// ShippingCost returns the cents for an order. An activity is given the state and
// returns its part of it.
func ShippingCost(_ context.Context, state State) (int, error) {
	if state.Net >= 50_00 {
		return 0, nil
	}
	return 4_90, nil
}

// Stock is how much of a product there is: an entity, that does one operation at
// a time. Its methods are the operations.
type Stock struct {
	Left int `json:"left"`
}

// Count returns how much there is.
func (s *Stock) Count() int { return s.Left }

// Add adds to the stock, or takes from it, and returns how much there is then.
func (s *Stock) Add(n int) (int, error) {
	if s.Left+n < 0 {
		return s.Left, fmt.Errorf("%d are too many: there are %d", -n, s.Left)
	}
	s.Left += n
	return s.Left, nil
}

// Invoices numbers the invoices of a year.
type Invoices struct {
	Last int `json:"last"`
}

// Next returns the next number.
func (i *Invoices) Next() int { i.Last++; return i.Last }

// Register makes the workflow, its step and the shared state known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, FulfilOrder)
	perdure.AddActivity(reg, ShippingCost)
	perdure.AddEntity[Stock](reg, "stock")
	perdure.AddEntity[Invoices](reg, "invoices")
}
