package agent

import (
	"context"

	"github.com/perdure/perdure/model"
)

// Middleware stands around the calls of an agent: guardrails, redaction, logs. It
// runs inside of steps, so what it does may be repeated after a crash, and what it
// returns is what is recorded. A nil function changes nothing.
type Middleware struct {
	// Model returns a model that is called instead of next, such as one that
	// checks the request, or the answer, and calls next. It is made for each call.
	Model func(next model.Model) model.Model
	// Tool is called instead of a tool, with arguments that fit its schema and
	// that were approved where that is needed. It should call next, which calls
	// the tool, or return an error, which is told to the model. Arguments that it
	// changes must fit the schema; for a tool with an approval they must not be
	// changed.
	Tool func(ctx context.Context, call ToolCall, arguments string, next ToolFunc) (any, error)
}

// ToolFunc calls a tool with arguments in JSON.
type ToolFunc func(ctx context.Context, arguments string) (any, error)

// wrapModel returns a model with the agent's middleware around it, the first
// outermost.
func (a *Agent) wrapModel(m model.Model) model.Model {
	for i := len(a.Middleware) - 1; i >= 0; i-- {
		if wrap := a.Middleware[i].Model; wrap != nil {
			m = wrap(m)
		}
	}
	return m
}

// wrapTool returns the call of a tool with the agent's middleware around it.
func (a *Agent) wrapTool(call ToolCall, next ToolFunc) ToolFunc {
	for i := len(a.Middleware) - 1; i >= 0; i-- {
		wrap, inner := a.Middleware[i].Tool, next
		if wrap == nil {
			continue
		}
		next = func(ctx context.Context, arguments string) (any, error) { return wrap(ctx, call, arguments, inner) }
	}
	return next
}
