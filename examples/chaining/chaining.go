// Package chaining has an orchestration ask one agent twice, in one session: what
// is said in the second turn builds on the first, which the agent remembers. Each
// turn is a step of the orchestration; after a crash between them the first is not
// asked again.
//
//	go run ./examples/serve chaining
//	curl --json '{"name":"Slogan","id":"s1","input":"a bicycle for two"}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl 'http://127.0.0.1:8080/api/v1/runs/s1?wait=30s'
package chaining

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

var writer = agent.Named("WriterAgent")

// Slogan has a slogan for a product written, then made better.
func Slogan(ctx *perdure.Context, product string) (string, error) {
	// The key makes the session this run's own; other runs with the same key would
	// go on with the same conversation.
	session := agent.InSession("slogan-" + ctx.NewID())
	if _, err := writer.Run(ctx, "Write a slogan for "+product+".", session).Text(); err != nil {
		return "", err
	}
	return writer.Run(ctx, "Improve it: at most six words, and no exclamation mark.", session).Text()
}

// NewWriter returns the agent that writes.
func NewWriter(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name:         "WriterAgent",
		Description:  "Writes and improves slogans.",
		Instructions: "You write slogans. Answer with the slogan alone.",
		Model:        m,
	}
}

// Register makes the orchestration and its agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, Slogan)
	return agent.Register(reg, NewWriter(m))
}
