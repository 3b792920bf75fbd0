package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
)

// toolInput is what a tool step is scheduled with.
type toolInput struct {
	Tool      string `json:"tool"`
	CallID    string `json:"callId"`
	Arguments string `json:"arguments"`
	Agent     string `json:"agent,omitempty"`

	Originator    Principal `json:"originator,omitzero"` // in whose name
	Step          int       `json:"step,omitempty"`      // model step that made the call
	Session       string    `json:"session,omitempty"`
	CorrelationID string    `json:"correlationId,omitempty"`
	Decision      string    `json:"decision,omitempty"` // that was waited for
	Expired       bool      `json:"expired,omitempty"`  // its time is over
	Trace         traceRef  `json:"trace,omitempty"`    // the turn's
}

// toolOutput is the outcome of a tool step: the result of the tool, or what it
// needs before there is one.
type toolOutput struct {
	Result json.RawMessage `json:"result,omitempty"`
	Edited json.RawMessage `json:"edited,omitempty"` // arguments that a person has put in place of the model's
	Ask    *ask            `json:"ask,omitempty"`    // open this decision
	Wait   string          `json:"wait,omitempty"`   // this decision is still open
	// Beside says that the decision stands beside the one that was waited for, which
	// holds when it is made.
	Beside bool `json:"beside,omitempty"`
}

// ToolCall describes the call that a tool serves.
type ToolCall struct {
	Agent         string
	Tool          string
	CallID        string // as the provider made it; another one after a repeated model step
	Session       string // instance id of the session; "" = none
	Turn          string // instance id of the turn
	CorrelationID string // of the message that the turn answers
	// Originator is who has sent the message: in whose name the call is made,
	// whoever has approved it.
	Originator Principal
}

type toolCallKey struct{}

// CallOf describes the tool call that runs with ctx or a context derived from
// it. Outside of tools it is the zero ToolCall.
func CallOf(ctx context.Context) ToolCall {
	call, _ := ctx.Value(toolCallKey{}).(ToolCall)
	return call
}

// toolStep is the activity that calls a tool. A failure that is not repeated is
// told to the model.
func (c *code) toolStep(ctx context.Context, in toolInput) (*toolOutput, error) {
	arguments := in.Arguments
	b, ok := c.tools[in.Tool]
	var refusal error
	if ok {
		arguments, refusal = b.validate(in.Arguments)
	} else {
		b, refusal = &boundTool{}, fmt.Errorf("there is no tool %q", in.Tool)
	}
	refusal = perdure.NonRetryable(refusal)
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	ctx, end, err := service.begin(ctx, h, c.agent.Name, in.Tool)
	if err != nil {
		return nil, err
	}
	defer end()
	ctx = context.WithValue(ctx, toolCallKey{}, ToolCall{
		Agent: c.agent.Name, Tool: in.Tool, CallID: in.CallID, Session: in.Session,
		Turn: perdure.Activity(ctx).InstanceID, CorrelationID: in.CorrelationID, Originator: in.Originator,
	})
	if o := observerOf(ctx); o != nil {
		ctx = o.below(ctx, in.Trace)
	}
	if b.guarded() {
		g, err := newGate(ctx, b, in, arguments, refusal)
		if err != nil {
			return nil, err
		}
		out, err := g.run(ctx)
		return g.told(out, err)
	} else if refusal != nil {
		return nil, refusal
	}
	result, err := b.invoke(ctx, arguments)
	if err != nil {
		return nil, err
	}
	return &toolOutput{Result: result}, nil
}
