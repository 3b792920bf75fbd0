// Package longtools has an agent whose tools start an orchestration that takes days,
// look how it goes, and take a person's decision to it. No call waits for its end:
// the agent answers at once, and the user comes back to the conversation whenever
// there is something to say.
//
//	go run ./examples/serve longtools
//	curl --json '{"message":"Start content about \"tides\".","sessionId":"k1"}' \
//	  http://127.0.0.1:8080/api/agents/Publisher/run
//	curl --json '{"message":"Get status of run \"RUN\".","sessionId":"k1"}' \
//	  http://127.0.0.1:8080/api/agents/Publisher/run
//	curl --json '{"message":"Submit decision for \"RUN\": publish it.","sessionId":"k1"}' \
//	  http://127.0.0.1:8080/api/agents/Publisher/run
//
// (The offline demo model has to be told the name of the tool and the id of the run;
// a real one finds both.)
package longtools

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
)

// Verdict is what the user decides about a draft.
type Verdict struct {
	Approved bool   `json:"approved"`
	Feedback string `json:"feedback,omitempty"`
}

var (
	decided = perdure.NewEvent[Verdict]("Decision")
	writer  = agent.Named("WriterAgent")
)

// Article has an article written, and published when it was approved. See package
// humanreview for one that is written anew.
func Article(ctx *perdure.Context, topic string) (string, error) {
	draft, err := writer.Run(ctx, "Write a short article about "+topic+".").Text()
	if err != nil {
		return "", err
	}
	ctx.SetCustomStatus("the user is to decide about the draft: " + draft)
	v, err := decided.Wait(ctx).Await()
	switch {
	case err != nil:
		return "", err
	case !v.Approved:
		return fmt.Sprintf("Rejected: %s", v.Feedback), nil
	}
	return fmt.Sprintf("Published: %s", draft), nil
}

// Run names a run to the model.
type Run struct {
	ID string `json:"run_id" jsonschema:"the run that start_content has begun"`
}

// Topic is the input of start_content.
type Topic struct {
	Topic string `json:"topic"`
}

// Start begins to have an article written and reviewed. The effect id makes it one
// run, also if the tool is called again after a crash.
func Start(ctx context.Context, in Topic) (Run, error) {
	c, err := agent.ClientOf(ctx)
	if err != nil {
		return Run{}, err
	}
	started, err := client.Start(ctx, c, Article, in.Topic, client.StartOptions{RequestID: agent.EffectID(ctx)})
	return Run{started.ID}, err
}

// Status is how a run goes.
type Status struct {
	Status string          `json:"status"`
	Waits  json.RawMessage `json:"waits,omitempty"` // for what
	Output json.RawMessage `json:"output,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Look returns how a run goes.
func Look(ctx context.Context, in Run) (Status, error) {
	c, err := agent.ClientOf(ctx)
	if err != nil {
		return Status{}, err
	}
	i, err := c.Get(ctx, in.ID)
	if err != nil {
		return Status{}, err
	}
	s := Status{Status: string(i.Status), Waits: i.CustomStatus, Output: i.Output}
	if i.Failure != nil {
		s.Error = i.Failure.Message
	}
	return s, nil
}

// Decision is the input of submit_decision.
type Decision struct {
	Run
	Verdict
}

// Decide takes the user's decision to the run.
func Decide(ctx context.Context, in Decision) (string, error) {
	c, err := agent.ClientOf(ctx)
	if err != nil {
		return "", err
	}
	err = client.Raise(ctx, c, in.ID, decided, in.Verdict, client.WithRequestID(agent.EffectID(ctx)))
	return "the decision was handed on", err
}

// NewPublisher returns the agent that the user talks with.
func NewPublisher(m model.Model) *agent.Agent {
	again := agent.WithEffect(agent.Idempotent) // the effect id sees to it
	return &agent.Agent{
		Name: "Publisher", Description: "Has articles written, reviewed and published.", Model: m,
		Instructions: "You have articles written. Start one when you are asked to, and tell its run id. " +
			"Submit a decision about a draft only when the user has clearly made it.",
		Tools: []agent.Tool{
			agent.NewTool("start_content", "Starts to have an article written. It takes days.", Start, again),
			agent.NewTool("get_status", "Tells how the work on an article goes.", Look, agent.WithEffect(agent.Pure)),
			agent.NewTool("submit_decision", "Approves the draft, or rejects it with feedback.", Decide, again),
		},
	}
}

// Register makes the orchestration and both agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, Article)
	return agent.Register(reg, NewPublisher(m), &agent.Agent{
		Name: "WriterAgent", Description: "Writes short articles.", Model: m, Instructions: "You write short, factual articles.",
	})
}
