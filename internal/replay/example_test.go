package replay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
)

var ApprovalDecision = perdure.NewEvent[bool]("ApprovalDecision")

func NotifyReviewer(_ context.Context, draft string) (string, error) {
	return "asked for a review of " + draft, nil
}

func PublishContent(_ context.Context, draft string) (string, error) {
	return "published " + draft, nil
}

func EscalateForReview(_ context.Context, draft string) (string, error) {
	return "escalated " + draft, nil
}

// ContentApproval waits a day for a decision.
func ContentApproval(ctx *perdure.Context, topic string) (string, error) {
	draft := "an article about " + topic
	if _, err := perdure.Call(ctx, NotifyReviewer, draft).Await(); err != nil {
		return "", err
	}
	approval := ApprovalDecision.Wait(ctx)
	timeout := ctx.Timer(24 * time.Hour)
	if perdure.Any(ctx, approval, timeout) == timeout {
		return perdure.Call(ctx, EscalateForReview, draft).Await()
	}
	timeout.Cancel()
	if approved, err := approval.Await(); err != nil || !approved {
		return "Content rejected", err
	}
	return perdure.Call(ctx, PublishContent, draft).Await()
}

func Example_approval() {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, ContentApproval)
	perdure.AddActivity(reg, NotifyReviewer)
	perdure.AddActivity(reg, PublishContent)
	perdure.AddActivity(reg, EscalateForReview)

	fmt.Println(play(reg, "ContentApproval", `"durable agents"`, raised("ApprovalDecision", "true")))
	fmt.Println(play(reg, "ContentApproval", `"durable agents"`))
	// Output:
	// completed "published an article about durable agents"
	// completed "escalated an article about durable agents"
}

func Shout(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }

func Example_map() {
	reg := perdure.NewRegistry()
	perdure.AddActivity(reg, Shout)
	perdure.AddOrchestrationNamed(reg, "ShoutAll", func(ctx *perdure.Context, words []string) ([]string, error) {
		return perdure.Map(ctx, words, 2, func(ctx *perdure.Context, word string) (string, error) {
			return perdure.Call(ctx, Shout, word).Await()
		})
	})
	fmt.Println(play(reg, "ShoutAll", `["a","b","c"]`))
	// Output:
	// completed ["A","B","C"]
}

func Example_all() {
	reg := perdure.NewRegistry()
	perdure.AddActivity(reg, Shout)
	perdure.AddOrchestrationNamed(reg, "Both", func(ctx *perdure.Context, _ struct{}) (string, error) {
		left, right := perdure.Call(ctx, Shout, "left"), perdure.Call(ctx, Shout, "right")
		if err := perdure.All(ctx, left, right); err != nil {
			return "", err
		}
		l, _ := left.Await()
		r, _ := right.Await()
		return l + " " + r, nil
	})
	fmt.Println(play(reg, "Both", ""))
	// Output:
	// completed "LEFT RIGHT"
}

func Example_retry() {
	attempts := 0
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "Charge", func(ctx context.Context, cents int) (string, error) {
		attempts++
		if attempts < 3 {
			return "", errors.New("the bank is busy")
		}
		return fmt.Sprintf("charged %d at attempt %d", cents, perdure.Activity(ctx).Attempt), nil
	})
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, cents int) (string, error) {
		policy := perdure.RetryPolicy{MaxAttempts: 5, FirstInterval: time.Second}
		return perdure.CallNamed[string](ctx, "Charge", cents, perdure.WithRetry(policy)).Await()
	})
	fmt.Println(play(reg, "Order", "250"))
	// Output:
	// completed "charged 250 at attempt 3"
}

func Example_stepError() {
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "Charge", func(context.Context, int) (string, error) {
		return "", &perdure.Error{Code: perdure.NotFound, Message: "no such card"}
	})
	perdure.AddOrchestrationNamed(reg, "Order", func(ctx *perdure.Context, cents int) (string, error) {
		_, err := perdure.CallNamed[string](ctx, "Charge", cents).Await()
		var step *perdure.StepError
		if errors.As(err, &step) && perdure.CodeOf(err) == perdure.NotFound {
			return fmt.Sprintf("%s failed: %s", step.Step, step.Message), nil
		}
		return "", err
	})
	fmt.Println(play(reg, "Order", "250"))
	// Output:
	// completed "Charge failed: no such card"
}

func Example_continueAsNew() {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "CountDown", func(ctx *perdure.Context, n int) (string, error) {
		if n == 0 {
			return "lift off", nil
		}
		if err := ctx.Timer(time.Second).Await(); err != nil {
			return "", err
		}
		return "", perdure.ContinueAsNew(ctx, n-1)
	})
	fmt.Println(play(reg, "CountDown", "3"))
	// Output:
	// continued 2
	// continued 1
	// continued 0
	// completed "lift off"
}

func Example_branches() {
	reg := perdure.NewRegistry()
	perdure.AddActivity(reg, Shout)
	perdure.AddOrchestrationNamed(reg, "Race", func(ctx *perdure.Context, _ struct{}) (string, error) {
		var log []string
		slow := ctx.Go(func(ctx *perdure.Context) {
			_ = ctx.Timer(time.Hour).Await()
			log = append(log, "an hour")
		})
		fast := ctx.Go(func(ctx *perdure.Context) {
			word, _ := perdure.Call(ctx, Shout, "now").Await()
			log = append(log, word)
		})
		err := perdure.All(ctx, slow, fast)
		return strings.Join(log, ", "), err
	})
	fmt.Println(play(reg, "Race", ""))
	// Output:
	// completed "NOW, an hour"
}

func Example_request() {
	ask := perdure.NewRequest[string, string]("ask")
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "Desk", func(ctx *perdure.Context, _ struct{}) (string, error) {
		question, err := ask.Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		return "", question.Reply(ctx, "you asked: "+question.Input)
	})
	fmt.Println(play(reg, "Desk", "", raised("ask", `{"requestId":"1","input":"why?"}`)))
	// Output:
	// answer to 1: "you asked: why?"
	// completed ""
}

// Account is an entity: its fields are the state, its methods the operations.
type Account struct{ Cents int }

func (a *Account) Deposit(cents int) int { a.Cents += cents; return a.Cents }

func (a *Account) Withdraw(cents int) (int, error) {
	if cents > a.Cents {
		return 0, errors.New("not enough money")
	}
	a.Cents -= cents
	return a.Cents, nil
}

func Example_entity() {
	account := perdure.NewEntityID("account", "alice")
	reg := perdure.NewRegistry()
	perdure.AddEntity[Account](reg, "account")
	perdure.AddOrchestrationNamed(reg, "Transfer", func(ctx *perdure.Context, _ struct{}) (string, error) {
		unlock, err := perdure.Lock(ctx, account)
		if err != nil {
			return "", err
		}
		defer unlock()
		if _, err := perdure.CallEntity[int](ctx, account, "deposit", 500).Await(); err != nil {
			return "", err
		}
		rest, err := perdure.CallEntity[int](ctx, account, "withdraw", 200).Await()
		if err != nil {
			return "", err
		}
		_, err = perdure.CallEntity[int](ctx, account, "withdraw", 10_000).Await()
		return fmt.Sprintf("%d left, then %v", rest, err), nil
	})
	fmt.Println(play(reg, "Transfer", ""))
	// Output:
	// completed "300 left, then withdraw: not enough money"
}
