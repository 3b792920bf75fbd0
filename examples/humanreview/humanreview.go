// Package humanreview has an agent write an article that a person reviews: what is
// rejected is written anew with the reviewer's comments, until it is approved, the
// rounds are used up, or the reviewer lets the time pass. While the run waits,
// nothing runs.
//
//	go run ./examples/serve humanreview
//	curl --json '{"name":"Review","id":"r1","input":{"topic":"tides","rounds":3,"patience_hours":72}}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl --json '{"draft":1,"approved":false,"feedback":"Shorter."}' \
//	  http://127.0.0.1:8080/api/v1/runs/r1/events/HumanApproval
//	curl --json '{"draft":2,"approved":true}' \
//	  http://127.0.0.1:8080/api/v1/runs/r1/events/HumanApproval
package humanreview

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Request says what is to be written.
type Request struct {
	Topic         string `json:"topic"`
	Rounds        int    `json:"rounds"`         // drafts at most
	PatienceHours int    `json:"patience_hours"` // for each draft
}

// Draft is what the agent writes.
type Draft struct {
	Title   string `json:"title"`
	Content string `json:"content"`
}

// Verdict is what the reviewer answers.
type Verdict struct {
	Draft    int    `json:"draft"` // number, from 1
	Approved bool   `json:"approved"`
	Feedback string `json:"feedback"`
}

// HumanApproval is the reviewer's answer.
var HumanApproval = perdure.NewEvent[Verdict]("HumanApproval")

var writer = agent.Named("WriterAgent")

// Review has an article written and reviewed, and returns it published. The custom
// status of the run tells people what it waits for.
func Review(ctx *perdure.Context, in Request) (Draft, error) {
	session := agent.InSession("review-" + ctx.NewID()) // in which the writer remembers its drafts
	prompt := "Write a short article about " + in.Topic + "."
	for round := 1; round <= in.Rounds; round++ {
		draft, err := agent.RunAs[Draft](ctx, writer, prompt, session).Value()
		if err != nil {
			return Draft{}, err
		}
		ctx.SetCustomStatus(fmt.Sprintf("draft %d of %d waits for %s", round, in.Rounds, HumanApproval.Name()))
		if _, err := perdure.Call(ctx, NotifyReviewer, draft).Await(); err != nil {
			return Draft{}, err
		}
		verdict, err := await(ctx, round, in.PatienceHours)
		if err != nil {
			return Draft{}, err
		}
		if verdict.Approved {
			ctx.SetCustomStatus("published")
			return perdure.Call(ctx, PublishContent, draft).Await()
		}
		prompt = "The reviewer rejects the draft: " + verdict.Feedback + "\nWrite it anew."
	}
	return Draft{}, fmt.Errorf("none of %d drafts was approved", in.Rounds)
}

// await returns the reviewer's answer to a draft. One to another draft does not count:
// a click that came twice must not decide about what nobody has read.
func await(ctx *perdure.Context, draft, patience int) (Verdict, error) {
	timeout := ctx.Timer(time.Duration(patience) * time.Hour)
	for {
		verdict := HumanApproval.Wait(ctx)
		if perdure.Any(ctx, verdict, timeout) == timeout {
			return Verdict{}, fmt.Errorf("draft %d was not reviewed within %d hours", draft, patience)
		}
		v, err := verdict.Await()
		if err != nil || v.Draft == draft {
			timeout.Cancel()
			return v, err
		}
	}
}

// NotifyReviewer tells the reviewer which run waits.
func NotifyReviewer(ctx context.Context, d Draft) (struct{}, error) {
	perdure.Logger(ctx).Info("a draft waits for review", "title", d.Title)
	return struct{}{}, nil
}

// PublishContent stands for a publishing system.
func PublishContent(_ context.Context, d Draft) (Draft, error) { return d, nil }

// NewWriter returns the agent that writes.
func NewWriter(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name: "WriterAgent", Description: "Writes short articles.", Model: m,
		Instructions: "You write short, factual articles and heed what reviewers say.",
	}
}

// Register makes the orchestration, its activities and its agent known to a
// worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, Review)
	perdure.AddActivity(reg, NotifyReviewer)
	perdure.AddActivity(reg, PublishContent)
	return agent.Register(reg, NewWriter(m))
}
