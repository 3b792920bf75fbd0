// Package contentapproval has an agent write an article, which a person approves
// or rejects within 24 hours; after that it is escalated. While it waits nothing
// runs. ContentApproval returns what became of the article; ApprovalDecision is
// the reviewer's answer: whether the draft is approved.
//
//	curl --json '{"name":"ContentApproval","id":"tides","input":"tides"}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl --json 'true' \
//	  http://127.0.0.1:8080/api/v1/runs/tides/events/ApprovalDecision
package contentapproval

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

var writer = agent.Named("ContentGenerationAgent")

var ApprovalDecision = perdure.NewEvent[bool]("ApprovalDecision")

func ContentApproval(ctx *perdure.Context, topic string) (string, error) {
	draft, err := writer.Run(ctx, "Write an article about "+topic).Text()
	if err != nil {
		return "", err
	}
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

// NotifyReviewer tells the reviewer that a draft waits. It returns which run it
// belongs to, to which the reviewer raises ApprovalDecision.
func NotifyReviewer(ctx context.Context, draft string) (string, error) {
	run := perdure.Activity(ctx).InstanceID
	perdure.Logger(ctx).Info("a draft waits for review", "event", ApprovalDecision.Name(), "characters", len(draft))
	return run, nil
}

// PublishContent publishes a draft and says so.
func PublishContent(_ context.Context, draft string) (string, error) {
	return fmt.Sprintf("Content published: %s", draft), nil
}

// EscalateForReview hands a draft on that nobody has reviewed, and says so.
func EscalateForReview(_ context.Context, draft string) (string, error) {
	return fmt.Sprintf("Content escalated for review: %s", draft), nil
}

// NewWriter returns the agent that writes.
func NewWriter(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name:         "ContentGenerationAgent",
		Description:  "Writes short articles.",
		Instructions: "You write short, factual articles.",
		Model:        m,
	}
}

// Register makes the orchestration, its activities and its agent known to a
// worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, ContentApproval)
	perdure.AddActivity(reg, NotifyReviewer)
	perdure.AddActivity(reg, PublishContent)
	perdure.AddActivity(reg, EscalateForReview)
	return agent.Register(reg, NewWriter(m))
}
