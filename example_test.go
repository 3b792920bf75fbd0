package perdure_test

import (
	"context"
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

// An orchestration and its activities are plain functions; a registry makes them
// known to a worker.
func Example() {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, ContentApproval)
	perdure.AddActivity(reg, NotifyReviewer)
	perdure.AddActivity(reg, PublishContent)
	perdure.AddActivity(reg, EscalateForReview)
	fmt.Println(reg.Orchestrations(), reg.Activities(), reg.Err())
	// Output:
	// [ContentApproval] [EscalateForReview NotifyReviewer PublishContent] <nil>
}

func Shout(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }

func ExampleRegistry_Err() {
	reg := perdure.NewRegistry()
	perdure.AddActivity(reg, Shout)
	perdure.AddActivity(reg, Shout)
	perdure.AddOrchestrationNamed(reg, "", ContentApproval)
	fmt.Println(reg.Err())
	// Output:
	// activity "Shout": the name is registered already: give it another
	// orchestration: the name is empty
}

func ExampleRetryPolicy_Pause() {
	policy := perdure.RetryPolicy{FirstInterval: time.Second, Backoff: 3, MaxInterval: 10 * time.Second}
	for attempt := 1; attempt <= 4; attempt++ {
		fmt.Print(policy.Pause(attempt, 0), " ")
	}
	// Output:
	// 1s 3s 9s 10s
}

func ExampleActivity() {
	ctx := perdure.WithActivity(context.Background(), perdure.ActivityInfo{Name: "Charge", Attempt: 2})
	fmt.Println(perdure.Activity(ctx).Name, perdure.Activity(ctx).Attempt)
	// Output:
	// Charge 2
}
