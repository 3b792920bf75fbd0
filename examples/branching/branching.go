// Package branching has a workflow whose way depends on what its steps find: an
// order is paid, held back until it is paid in advance, or reported as fraud. An
// edge with a condition is an if. What a condition looks at is recorded (input,
// results of steps), so that a replay takes the same way.
//
//	curl --json '{"id":"A1","customer":"ada","cents":4900}' \
//	  'http://127.0.0.1:8080/api/workflow/CheckOut/run?waitForResponse=true'
//	curl --json '{"id":"A2","customer":"mallory","cents":4900}' \
//	  'http://127.0.0.1:8080/api/workflow/CheckOut/run?waitForResponse=true'
package branching

import (
	"context"
	"fmt"

	"github.com/perdure/perdure"
)

type Purchase struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Cents    int    `json:"cents"`
}

type Customer struct {
	Name    string `json:"name"`
	Blocked bool   `json:"blocked"`
	Credit  int    `json:"credit"` // cents that may be open
}

// CheckOut takes an order.
func CheckOut(ctx *perdure.Context, p Purchase) (string, error) {
	customer, err := perdure.Call(ctx, LookUpCustomer, p.Customer).Await()
	if err != nil {
		return "", err
	}
	switch {
	case customer.Blocked:
		return perdure.Call(ctx, ReportFraud, p).Await()
	case p.Cents > customer.Credit:
		return perdure.Call(ctx, AskForPrepayment, p).Await()
	}
	// The edges join again here, or do not: it is a function.
	return perdure.Call(ctx, Charge, p).Await()
}

// customers stands for a database.
var customers = map[string]Customer{
	"ada":     {Name: "ada", Credit: 100_00},
	"mallory": {Name: "mallory", Credit: 100_00, Blocked: true},
}

// LookUpCustomer returns a customer. Who is new has no credit.
func LookUpCustomer(_ context.Context, name string) (Customer, error) {
	if c, ok := customers[name]; ok {
		return c, nil
	}
	return Customer{Name: name}, nil
}

// Charge has an order paid.
func Charge(_ context.Context, p Purchase) (string, error) {
	return fmt.Sprintf("%s: charged %d.%02d", p.ID, p.Cents/100, p.Cents%100), nil
}

// AskForPrepayment holds an order back.
func AskForPrepayment(_ context.Context, p Purchase) (string, error) {
	return fmt.Sprintf("%s: %s is asked to pay in advance", p.ID, p.Customer), nil
}

// ReportFraud stops an order.
func ReportFraud(_ context.Context, p Purchase) (string, error) {
	return fmt.Sprintf("%s: %s was reported", p.ID, p.Customer), nil
}

// Register makes the workflow and its steps known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, CheckOut)
	perdure.AddActivity(reg, LookUpCustomer)
	perdure.AddActivity(reg, Charge)
	perdure.AddActivity(reg, AskForPrepayment)
	perdure.AddActivity(reg, ReportFraud)
}
