// Package provider has an agent use a model at an endpoint of one's own: OpenAI, Azure
// OpenAI or whatever speaks OpenAI's protocol, such as vLLM, Ollama or a gateway.
// Calls that fail are repeated as the provider asks for, by durable timers: a server
// that is restarted meanwhile goes on waiting. When the endpoint cannot serve, a
// second one is asked.
//
//	MODEL_URL=http://127.0.0.1:11434/v1 MODEL=llama3.2 go run ./examples/serve provider
//	curl --json '{"message":"Tell me a joke about a pirate."}' \
//	  http://127.0.0.1:8080/api/agents/Joker/run
//
// No endpoint at hand? This serves the demo model over OpenAI's protocol, at
// http://127.0.0.1:8089/v1:
//
//	perdure model serve
package provider

import (
	"errors"
	"net/http"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/openai"
)

// Endpoint is where a model is.
type Endpoint struct {
	URL   string // such as https://api.openai.com/v1 or http://127.0.0.1:11434/v1
	Model string
	Key   string // "" = none is needed
}

// model returns the model at the endpoint. It makes no call.
func (e Endpoint) model() (model.Model, error) {
	return openai.New(openai.Config{
		BaseURL: e.URL, Model: e.Model, APIKey: e.Key,
		// The client makes one attempt and has no time limit of its own: how long a
		// call may take, and how often it is repeated, is the agent's matter.
		HTTPClient: &http.Client{},
	})
}

// New returns the agent. The endpoints are asked in their order; at least one is
// needed.
func New(endpoints ...Endpoint) (*agent.Agent, error) {
	var models []model.Model
	var errs []error
	for _, e := range endpoints {
		m, err := e.model()
		models, errs = append(models, m), append(errs, err)
	}
	if len(models) == 0 {
		errs = append(errs, errors.New("no endpoint is given"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &agent.Agent{
		Name:         "Joker",
		Description:  "Tells jokes.",
		Instructions: "You are good at telling jokes.",
		Model:        models[0],
		Fallback:     models[1:],
		Retry:        &perdure.RetryPolicy{MaxAttempts: 4, FirstInterval: 2 * time.Second, Jitter: 0.2},
	}, nil
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, endpoints ...Endpoint) error {
	a, err := New(endpoints...)
	if err != nil {
		return err
	}
	return agent.Register(reg, a)
}
