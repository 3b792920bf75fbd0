package main

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure"
)

// expense is what somebody wants back.
type expense struct {
	Who    string `json:"who"`
	Amount int    `json:"amount"`
}

var approval = perdure.NewEvent[bool]("Approval")

func registry() *perdure.Registry {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, Expense)
	perdure.AddActivity(reg, AskManager)
	perdure.AddActivity(reg, Pay)
	return reg
}

// Expense asks the manager, waits for up to two days, and pays.
func Expense(ctx *perdure.Context, e expense) (string, error) {
	if _, err := perdure.Call(ctx, AskManager, e).Await(); err != nil {
		return "", err
	}
	decision, timeout := approval.Wait(ctx), ctx.Timer(48*time.Hour)
	if perdure.Any(ctx, decision, timeout) == timeout {
		return "nobody has decided", nil
	}
	timeout.Cancel()
	if approved, err := decision.Await(); err != nil || !approved {
		return "not approved", err
	}
	return perdure.Call(ctx, Pay, e).Await()
}

// AskManager would send a message.
func AskManager(_ context.Context, e expense) (string, error) {
	return fmt.Sprintf("May %s have %d?", e.Who, e.Amount), nil
}

// Pay would move money.
func Pay(_ context.Context, e expense) (string, error) {
	return fmt.Sprintf("%s has got %d", e.Who, e.Amount), nil
}
