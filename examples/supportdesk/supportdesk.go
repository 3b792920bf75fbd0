// Package supportdesk has an agent and workflows in one app. Customers chat with
// the agent; a workflow that handles a complaint has the same agent write in the
// same conversation, so that it knows of that when the customer chats on. The
// agent's tool and the workflow's step are one function.
//
//	m, _, err := auto.FromEnv(os.Getenv)
//	cfg, err := supportdesk.Config(m)
//	app, err := host.New(cfg)
//	err = app.Run(ctx)
//
// It serves the agent, the workflow, and both as MCP tools at /mcp:
//
//	curl --json '{"customer":"ada","order":"A100","text":"The cup is broken."}' \
//	  'http://127.0.0.1:8080/api/workflow/HandleComplaint/run?waitForResponse=true'
//	curl --json '{"message":"When will it come? My order is A100.","sessionId":"ada"}' \
//	  http://127.0.0.1:8080/api/agents/SupportClerk/run
package supportdesk

import (
	"context"
	"errors"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

type Complaint struct {
	Customer string `json:"customer"`
	Order    string `json:"order"`
	Text     string `json:"text"`
}

type Settled struct {
	Replacement string `json:"replacement"`
	Letter      string `json:"letter"`
}

var clerk = agent.Named("SupportClerk")

// HandleComplaint sends a replacement and has the clerk tell the customer, in the
// conversation that the clerk has with that customer.
func HandleComplaint(ctx *perdure.Context, c Complaint) (s Settled, err error) {
	parcel, err := perdure.Call(ctx, TrackParcel, ParcelQuery{Order: c.Order}).Await()
	if err != nil {
		return s, err
	}
	if s.Replacement, err = perdure.Call(ctx, SendReplacement, c.Order).Await(); err != nil {
		return s, err
	}
	prompt := fmt.Sprintf("The customer complains about order %s, which is %s: %s\n"+
		"We send a replacement, %s. Write the customer a short answer.", c.Order, parcel.Place, c.Text, s.Replacement)
	s.Letter, err = clerk.Run(ctx, prompt, agent.InSession(c.Customer)).Text()
	return s, err
}

type ParcelQuery struct {
	Order string `json:"order" jsonschema:"the number of the order"`
}

type Parcel struct {
	Order string `json:"order"`
	Place string `json:"place"`
}

// TrackParcel says where an order is: a step of the workflow and a tool of the
// agent.
func TrackParcel(_ context.Context, q ParcelQuery) (Parcel, error) {
	if q.Order == "" {
		return Parcel{}, perdure.NonRetryable(errors.New("an order has a number"))
	}
	return Parcel{Order: q.Order, Place: "on its way"}, nil
}

// SendReplacement has an order sent once more.
func SendReplacement(_ context.Context, order string) (string, error) { return "R-" + order, nil }

// NewClerk returns the agent.
func NewClerk(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name:         "SupportClerk",
		Description:  "Answers questions about orders.",
		Instructions: "You answer customers, kindly and in few words.",
		Model:        m,
		Tools: []agent.Tool{
			agent.NewTool("track_parcel", "Says where an order is.", TrackParcel, agent.WithEffect(agent.Pure)),
		},
	}
}

// Register makes the workflow, its steps and the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, HandleComplaint)
	perdure.AddActivity(reg, TrackParcel)
	perdure.AddActivity(reg, SendReplacement)
	return agent.Register(reg, NewClerk(m))
}

// Workflows says which orchestrations are tools, too.
func Workflows() ([]mcp.Workflow, error) {
	input, err := agent.FormatFor[Complaint]()
	if err != nil {
		return nil, err
	}
	return []mcp.Workflow{{
		Orchestration: "HandleComplaint",
		Description:   "Sends a replacement for an order and writes to the customer.",
		Input:         input.Schema,
	}}, nil
}

// Config returns an app with all of it.
func Config(m model.Model) (host.Config, error) {
	reg := perdure.NewRegistry()
	if err := Register(reg, m); err != nil {
		return host.Config{}, err
	}
	workflows, err := Workflows()
	return host.Config{Registry: reg, Workflows: workflows}, err
}
