// Package mcptool offers agents to others as tools of the Model Context Protocol: to
// desktop assistants, editors and agents of any framework. A call says something in a
// session and returns the answer; with the session's id the next call goes on with
// the conversation. What was begun survives the end of caller and server.
//
//	go run ./examples/serve mcptool
//	curl --json '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"StockAdvisor","arguments":{"query":"Stock price of \"ACME\"?"}}}' \
//	  -H 'Accept: application/json, text/event-stream' http://127.0.0.1:8080/mcp
//
// A program that speaks MCP over stdin and stdout runs "perdure mcp", which offers
// the tools of that server. package host serves all agents of its registry at /mcp;
// Offer chooses among them, for a server of one's own.
package mcptool

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/model"
)

// Stock is the input of stock_price.
type Stock struct {
	Symbol string `json:"symbol"`
}

// Price stands for an exchange.
func Price(_ context.Context, in Stock) (string, error) {
	prices := map[string]string{"ACME": "12.40", "PERD": "99.00"}
	if p, ok := prices[in.Symbol]; ok {
		return p, nil
	}
	return "", fmt.Errorf("no stock has the symbol %q", in.Symbol)
}

// Agents returns the agents. The second is for the house only.
func Agents(m model.Model) []*agent.Agent {
	return []*agent.Agent{
		{
			Name: "StockAdvisor", Model: m, Instructions: "You explain stock prices. You give no advice to buy.",
			Description: "Knows stock prices. Ask in plain words; it remembers the conversation.", // which others read
			Tools:       []agent.Tool{agent.NewTool("stock_price", "Returns the price of a stock.", Price, agent.WithEffect(agent.Pure))},
		},
		{Name: "Auditor", Description: "Checks what was said.", Model: m, Instructions: "You check the answers of others."},
	}
}

// Register makes the agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error { return agent.Register(reg, Agents(m)...) }

// Offer offers the agents with these names. mcp.Handler serves it over HTTP.
func Offer(reg *perdure.Registry, service *agent.Service, names ...string) (mcp.Offer, error) {
	infos, err := agent.List(reg)
	if err != nil {
		return mcp.Offer{}, err
	}
	infos = slices.DeleteFunc(infos, func(i agent.Info) bool { return !slices.Contains(names, i.Name) })
	if len(infos) != len(names) {
		return mcp.Offer{}, fmt.Errorf("not all of the agents %v are registered", names)
	}
	return mcp.Offer{Service: service, Agents: infos}, nil
}

// Serve serves an offer to the program that has started this one, over in and out,
// such as os.Stdin and os.Stdout, until ctx or in ends.
func Serve(ctx context.Context, in io.ReadCloser, out io.WriteCloser, o mcp.Offer) error {
	return mcp.ServeStdio(ctx, in, out, o)
}
