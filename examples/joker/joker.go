// Package joker is the smallest agent: a model that tells jokes.
//
//	curl --json '{"message":"Tell me a joke about a pirate."}' \
//	  http://127.0.0.1:8080/api/agents/Joker/run
package joker

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// New returns the agent.
func New(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name:         "Joker",
		Description:  "Tells jokes.",
		Instructions: "You are good at telling jokes.",
		Model:        m,
	}
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	return agent.Register(reg, New(m))
}
