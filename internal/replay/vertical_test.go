package replay_test

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

var approvalDecision = perdure.NewEvent[bool]("ApprovalDecision")

func NotifyReviewer(context.Context, string) (string, error)    { return "", nil }
func EscalateForReview(context.Context, string) (string, error) { return "", nil }
func PublishContent(context.Context, string) (string, error)    { return "", nil }

func ContentApproval(ctx *perdure.Context, topic string) (string, error) {
	draft := "About " + topic
	if _, err := perdure.Call(ctx, NotifyReviewer, draft).Await(); err != nil {
		return "", err
	}
	approval := approvalDecision.Wait(ctx)
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

func TestContentApproval(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, ContentApproval)
	r := newRun(t, reg, "ContentApproval", `"topic"`).start()
	r.turn(done(1, `""`))
	r.turn(&history.EventRaised{Name: "approvaldecision", Input: history.Some("true")})
	r.turn(done(3, `"ok"`))
	if r.ended == nil || r.ended.Result.S != `"ok"` {
		t.Errorf("the orchestration ended with %+v, want ok", r.ended)
	}
}
