package main

import (
	"context"
	"iter"
	"log/slog"
	"os"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/examples/contentapproval"
	"github.com/perdure/perdure/examples/delivery"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

// hosted is what dev hosts.
type hosted struct {
	registry *perdure.Registry
	model    string // the model in use, in words; "" = none
	// workflows are offered as MCP tools.
	workflows []mcp.Workflow
	// routes adds further routes; nil = none.
	routes func(*host.App)
	// beside runs beside the server, for its address, until the context ends; nil =
	// nothing does. An error ends the server.
	beside func(ctx context.Context, url string) error
	// try are commands to try, for a server at the address.
	try func(url string) []string
}

// hosting returns what dev hosts when time runs timeScale times as fast.
type hosting func(ctx context.Context, timeScale float64) (*hosted, error)

// samples wires the sample orchestrations and agents, by hand.
func samples(_ context.Context, timeScale float64) (*hosted, error) {
	m, about, err := auto.FromEnv(os.Getenv)
	if err != nil {
		return nil, err
	}
	if _, ok := m.(*auto.Demo); ok && timeScale > 1 {
		// It keeps up, or the time limit of model calls would pass meanwhile.
		m = auto.NewDemo(auto.DemoConfig{Pace: max(time.Duration(float64(auto.DefaultPace)/timeScale), 1)})
	}
	m = reported{m}
	h := &hosted{registry: perdure.NewRegistry(), model: describe(about), try: try, workflows: offered()}
	for _, register := range []func(*perdure.Registry, model.Model) error{
		joker.Register, contentapproval.Register, multiagent.Register,
	} {
		if err := register(h.registry, m); err != nil {
			return nil, err
		}
	}
	delivery.Register(h.registry)
	return h, nil
}

// offered are the samples that are MCP tools.
func offered() []mcp.Workflow {
	return []mcp.Workflow{
		{Orchestration: "ContentApproval", Description: "Writes an article about a topic and publishes it when a person has approved it.",
			Input: map[string]string{"type": "string", "description": "The topic."}},
		{Orchestration: "ExpertPanel", Description: "Asks a physicist and a chemist a question and judges their answers.",
			Input: map[string]string{"type": "string", "description": "The question."}},
	}
}

// reported logs why calls of a model fail: while they are repeated, whoever
// waits for the answer sees only that it takes long.
type reported struct{ model.Model }

// Describe implements model.Describer.
func (m reported) Describe() model.Info { return model.Describe(m.Model) }

// Generate implements model.Model.
func (m reported) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		for update, err := range m.Model.Generate(ctx, req) {
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "a model call failed", "err", err)
			}
			if !yield(update, err) {
				return
			}
		}
	}
}

// describe says which model is in use.
func describe(about model.Info) string {
	text := about.Provider + "/" + about.Model
	if about.Endpoint != "" {
		text += " at " + about.Endpoint
	}
	return text
}

// try returns commands that show the samples of a server.
func try(url string) []string {
	hub := ""
	if url != "http://"+host.DefaultAddr { // where commands look by themselves
		hub = " --hub " + url
	}
	return []string{
		`perdure agent send Joker me 'Tell me a joke about a pirate.' --wait` + hub,
		`perdure run start ContentApproval --id tides --input '"tides"'` + hub,
		`perdure run event tides ApprovalDecision --data true` + hub,
		`perdure run start ExpertPanel --id panel --input '"What is temperature?"' --watch` + hub,
		`perdure run logs tides` + hub,
	}
}
