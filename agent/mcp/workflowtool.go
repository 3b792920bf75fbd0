package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
)

// Workflow is an orchestration as a tool: a call runs it, its output is the
// result. Orchestration is required.
type Workflow struct {
	// Orchestration is the name under which it is registered.
	Orchestration string
	// Tool is the name of the tool, 1 to 64 letters, digits, '_', '-' and '.'.
	// "" = that of the orchestration without a leading dafx-, in which '_'
	// stands for other characters.
	Tool string
	// Description tells models what the workflow does and what it takes.
	Description string
	// Input is a value whose JSON is the schema of the input; nil = any value,
	// most often a text.
	Input any
}

// tool describes the workflow to models.
func (w *Workflow) tool() (*sdk.Tool, error) {
	if w.Orchestration == "" {
		return nil, errors.New("a workflow has no Orchestration")
	}
	t := &sdk.Tool{Name: w.Tool, Description: w.Description}
	if t.Name == "" {
		t.Name = oddName.ReplaceAllString(strings.TrimPrefix(w.Orchestration, "dafx-"), "_")
	}
	if len(t.Name) > 64 || strings.ContainsFunc(t.Name, func(r rune) bool { return r != '.' && oddName.MatchString(string(r)) }) {
		return nil, fmt.Errorf("the workflow %s cannot be the tool %.80q: a name is 1 to 64 letters, digits, dots, _ and -", w.Orchestration, t.Name)
	}
	if t.Description == "" {
		t.Description = "Runs the workflow " + t.Name + "."
	}
	input := w.Input
	if input == nil {
		input = map[string]string{"description": "The input of the workflow: text, or JSON as the workflow expects it."}
	}
	schema, err := json.Marshal(map[string]any{"type": "object", "properties": map[string]any{
		"input": input,
		"runId": map[string]string{"type": "string", "description": "The id of a run. Without input: wait for a run that has not ended when it was asked for before. " +
			"With input: the id of the new run."},
	}})
	if err != nil {
		return nil, fmt.Errorf("the schema of the input of %s: %w", w.Orchestration, err)
	}
	t.InputSchema = json.RawMessage(schema)
	return t, nil
}

// offeredWorkflow is an orchestration as a tool.
type offeredWorkflow struct {
	client   *client.Client
	workflow Workflow
	wait     time.Duration
}

// call runs the orchestration, or comes back to a run, and waits for its end.
// What goes wrong is a result too: the model at the other end can act on it.
func (o *offeredWorkflow) call(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	var in struct {
		Input json.RawMessage
		RunID string
	}
	if err := decodeArguments(r.Params.Arguments, &in); err != nil {
		return refusal(err), nil
	}
	if in.Input == nil && in.RunID == "" {
		return refusal(invalid("the argument input is missing", nil)), nil
	}
	id := in.RunID
	if in.Input != nil {
		started, err := o.client.Start(ctx, o.workflow.Orchestration, in.Input, client.StartOptions{ID: id, Exists: client.Get, RequestID: repeatable(r)})
		if err != nil {
			return refusal(err), nil
		}
		id = started.ID
	}
	if err := o.check(ctx, id); err != nil {
		return refusal(err), nil
	}
	ctx, stop := patience(ctx, o.wait)
	defer stop()
	i, err := o.client.WaitCompletion(ctx, id)
	switch {
	case err == nil:
		return o.ended(i)
	case ctx.Err() != nil:
		return o.goesOn(ctx, id)
	}
	return refusal(err), nil
}

// check refuses runs of other orchestrations, of which this tool's callers are to
// learn nothing.
func (o *offeredWorkflow) check(ctx context.Context, id string) error {
	i, err := o.client.Get(ctx, id)
	if perdure.CodeOf(err) == perdure.NotFound || err == nil && (i.Name != o.workflow.Orchestration || strings.HasPrefix(id, "@")) {
		return &perdure.Error{Code: perdure.NotFound, Op: "call tool", Message: fmt.Sprintf("there is no run %.100q of this workflow", id)}
	}
	return err
}

// ended is the output of a run, a text as it is, anything else as JSON; else why
// there is none.
func (o *offeredWorkflow) ended(i *client.Instance) (*sdk.CallToolResult, error) {
	meta := sdk.Meta{"perdure/runId": i.ID}
	if i.Status != client.Completed {
		text := "the run was " + string(i.Status)
		if i.Failure != nil {
			text = i.Failure.Message
		}
		return result(text, true, meta), nil
	}
	var text string
	if len(i.Output) == 0 || json.Unmarshal(i.Output, &text) == nil {
		return result(text, false, meta), nil
	}
	r := result(string(i.Output), false, meta)
	var object map[string]any
	if json.Unmarshal(i.Output, &object) == nil {
		r.StructuredContent = i.Output
	}
	return r, nil
}

// lookTime bounds the last look at a run that has not ended in time.
const lookTime = 5 * time.Second

// goesOn says that a run has not ended, for what it waits, and how to come back.
func (o *offeredWorkflow) goesOn(ctx context.Context, id string) (*sdk.CallToolResult, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	text := fmt.Sprintf("The run %q has not ended yet.", id)
	if i, err := o.client.Get(ctx, id); err == nil {
		if i.Status.Ended() {
			return o.ended(i)
		}
		waits := slices.DeleteFunc(i.Waits, func(event string) bool { return strings.HasPrefix(event, "perdure.") })
		if len(waits) > 0 {
			text += " It waits for " + strings.Join(waits, ", ") + ", which somebody has to send."
		}
	}
	text += fmt.Sprintf(" It goes on by itself. Call this tool again with the argument runId %q, and without input, to wait for its result.", id)
	return result(text, false, sdk.Meta{"perdure/runId": id}), nil
}
