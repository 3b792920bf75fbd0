// Package mcpclient has an agent use the tools of an MCP server. Each call is a step
// of the turn, as durable as a call of a Go function; what the server offers is
// pinned, so that a tool that changes later is an error and not something else to
// call. The server says what its tools do to the world; this program knows better,
// and asks a person before anything is written.
//
//	go run ./examples/serve mcptool   # any MCP server will do
//	MCP_URL=http://127.0.0.1:8080/mcp go run ./examples/serve -addr 127.0.0.1:8081 -data /tmp/mcpclient mcpclient
//	curl --json '{"message":"Ask StockAdvisor about \"ACME\"."}' \
//	  http://127.0.0.1:8081/api/agents/Assistant/run
package mcpclient

import (
	"context"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/model"
)

// Dial connects with the MCP server at a URL. reads are the tools of it that may be
// used; that they change nothing is not taken from the server.
func Dial(ctx context.Context, url string, reads ...string) (*mcp.Client, error) {
	effects := map[string]agent.Effect{}
	for _, name := range reads {
		effects[name] = agent.Idempotent
	}
	return mcp.Dial(ctx, mcp.Server{
		Name:        "tools",
		URL:         url,
		Effects:     effects,
		IgnoreHints: true, // what is not named is irreversible
		Timeout:     30 * time.Second,
	})
}

// New returns the agent, with all tools of the server. A tool that may change
// something waits for a person's approval before each call.
func New(ctx context.Context, m model.Model, server *mcp.Client) (*agent.Agent, error) {
	tools, err := server.Tools(ctx)
	if err != nil {
		return nil, err
	}
	for i, t := range tools {
		if e, ok := t.(agent.EffectTool); !ok || e.Effect() == agent.Irreversible {
			tools[i] = agent.With(t, agent.AlwaysRequireApproval())
		}
	}
	return &agent.Agent{
		Name: "Assistant", Description: "Uses the tools of an MCP server.", Model: m,
		Instructions: "You help with the tools that you have.",
		Tools:        tools,
	}, nil
}

// Register makes the agent known to a worker.
func Register(ctx context.Context, reg *perdure.Registry, m model.Model, server *mcp.Client) error {
	a, err := New(ctx, m, server)
	if err != nil {
		return err
	}
	return agent.Register(reg, a)
}
