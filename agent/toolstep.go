package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
)

// toolInput is what a tool step is scheduled with.
type toolInput struct {
	Tool          string `json:"tool"`
	CallID        string `json:"callId"`
	Arguments     string `json:"arguments"`
	Session       string `json:"session,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
	Decision      string `json:"decision,omitempty"` // that was waited for
	Expired       bool   `json:"expired,omitempty"`  // its time is over
}

// toolOutput is the outcome of a tool step: the result of the tool, or what it
// needs before there is one.
type toolOutput struct {
	Result json.RawMessage `json:"result,omitempty"`
	Ask    *ask            `json:"ask,omitempty"`  // open this decision
	Wait   string          `json:"wait,omitempty"` // this decision is still open
}

// ToolCall describes the call that a tool serves.
type ToolCall struct {
	Agent         string
	Tool          string
	CallID        string // as the provider made it; another one after a repeated model step
	Session       string // instance id of the session; "" = none
	Turn          string // instance id of the turn
	CorrelationID string // of the message that the turn answers
}

type toolCallKey struct{}

// CallOf describes the tool call that runs with ctx or a context derived from
// it. Outside of tools it is the zero ToolCall.
func CallOf(ctx context.Context) ToolCall {
	call, _ := ctx.Value(toolCallKey{}).(ToolCall)
	return call
}

// toolStep is the activity that calls a tool. Its failures are told to the model.
func (c *code) toolStep(ctx context.Context, in toolInput) (*toolOutput, error) {
	b, ok := c.tools[in.Tool]
	if !ok {
		return nil, perdure.NonRetryable(fmt.Errorf("there is no tool %q", in.Tool))
	}
	arguments, err := b.validate(in.Arguments)
	if err != nil {
		return nil, perdure.NonRetryable(err)
	}
	ctx = context.WithValue(ctx, toolCallKey{}, ToolCall{
		Agent: c.agent.Name, Tool: in.Tool, CallID: in.CallID, Session: in.Session,
		Turn: perdure.Activity(ctx).InstanceID, CorrelationID: in.CorrelationID,
	})
	if b.guarded() {
		g, err := newGate(ctx, b, in, arguments)
		if err != nil {
			return nil, err
		}
		if out, err := g.pass(ctx); out != nil || err != nil {
			return out, err
		}
		arguments = g.arguments
	}
	value, err := b.tool.Call(ctx, arguments)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, perdure.NonRetryable(fmt.Errorf("the result of %s has no JSON: %w", in.Tool, err))
	}
	return &toolOutput{Result: text}, nil
}
