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
// it. Outside of tools it is the zero ToolCall. The effect id of the call is
// perdure.Activity(ctx).EffectID.
func CallOf(ctx context.Context) ToolCall {
	call, _ := ctx.Value(toolCallKey{}).(ToolCall)
	return call
}

// toolStep is the activity that calls a tool. Its failures are told to the model.
func (c *code) toolStep(ctx context.Context, in toolInput) (json.RawMessage, error) {
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
	return text, nil
}
