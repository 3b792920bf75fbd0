package agent

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// TurnOptions change one turn. The zero value changes nothing.
type TurnOptions struct {
	// Instructions is added after those of the agent.
	Instructions string `json:"instructions,omitempty"`
	// Tools are the caller's own. When the model calls one, the turn ends with
	// Response.Calls, and the caller answers with a message that holds a
	// *model.FunctionResult for each. Their names must not be those of tools of
	// the agent.
	Tools []model.Tool `json:"tools,omitempty"`
	// NoTools offers none of the agent's tools; ToolNames, if not empty, only
	// these of them.
	NoTools   bool     `json:"noTools,omitempty"`
	ToolNames []string `json:"toolNames,omitempty"`
	// ToolMode and RequiredTool say whether the model must call tools in its
	// first step; after that it may answer.
	ToolMode     model.ToolMode `json:"toolMode,omitempty"`
	RequiredTool string         `json:"requiredTool,omitempty"`
	// Format asks for structured output: see Response.Value.
	Format *model.Format `json:"format,omitempty"`
	// Temperature, TopP and MaxOutputTokens replace those of the agent.
	Temperature     *float64 `json:"temperature,omitempty"`
	TopP            *float64 `json:"topP,omitempty"`
	MaxOutputTokens *int     `json:"maxOutputTokens,omitempty"`
	// Metadata is kept with the turn.
	Metadata map[string]string `json:"metadata,omitempty"`
	// OrchestrationID is the orchestration that asks, for the record.
	OrchestrationID string `json:"orchestrationId,omitempty"`
}

// maxCallerTools bounds the tools that a caller may bring.
const maxCallerTools = 128

// orNil returns nil for options that change nothing.
func (o *TurnOptions) orNil() *TurnOptions {
	if text, err := json.Marshal(o); err == nil && string(text) == "{}" {
		return nil
	}
	return o
}

// check returns what is wrong with the options, whatever the agent.
func (o *TurnOptions) check() error {
	if o == nil {
		return nil
	}
	wrong := func(format string, args ...any) error {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "run agent", Message: fmt.Sprintf(format, args...)}
	}
	if len(o.Tools) > maxCallerTools {
		return wrong("%d tools were given; at most %d are allowed", len(o.Tools), maxCallerTools)
	}
	seen := map[string]bool{}
	for _, t := range o.Tools {
		switch {
		case !toolName.MatchString(t.Name):
			return wrong("tool %q: the name is not 1 to 64 letters, digits, _ and -", t.Name)
		case seen[t.Name]:
			return wrong("tool %q is there twice", t.Name)
		}
		seen[t.Name] = true
		if _, err := resolveSchema(t.Schema); err != nil {
			return wrong("tool %q: %v", t.Name, err)
		}
	}
	if o.Format != nil {
		if _, err := resolveSchema(o.Format.Schema); err != nil {
			return wrong("the format of the answer: %v", err)
		}
	}
	switch o.ToolMode {
	case model.ToolsAuto, model.ToolsNone, model.ToolsRequired:
	default:
		return wrong("there is no tool mode %q; known are none and required", string(o.ToolMode))
	}
	if o.MaxOutputTokens != nil && *o.MaxOutputTokens <= 0 {
		return wrong("the bound of output tokens is not positive")
	}
	return nil
}

// resolveSchema returns a JSON schema ready for validation, nil if there is none.
func resolveSchema(text json.RawMessage) (*jsonschema.Resolved, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return resolved, nil
}

// callers reports whether a tool is one of the caller's.
func (o *TurnOptions) callers(tool string) bool {
	return o != nil && slices.ContainsFunc(o.Tools, func(t model.Tool) bool { return t.Name == tool })
}

// offers reports whether a tool of the agent may be called in the turn, whatever
// the model calls.
func (o *TurnOptions) offers(tool string) bool {
	return o == nil || !o.NoTools && o.ToolMode != model.ToolsNone && (len(o.ToolNames) == 0 || slices.Contains(o.ToolNames, tool))
}

// inherited returns what holds for an agent to which the conversation is handed
// over: all but the choice of the other's tools.
func (o *TurnOptions) inherited() *TurnOptions {
	if o == nil {
		return nil
	}
	copied := *o
	copied.NoTools, copied.ToolNames, copied.ToolMode, copied.RequiredTool = false, nil, model.ToolsAuto, ""
	return copied.orNil()
}

// has reports whether a tool is the agent's.
func (c *code) has(tool string) bool {
	_, special := c.special[tool]
	return special || c.tools[tool] != nil
}

// fits reports options that this agent cannot serve.
func (c *code) fits(o *TurnOptions) error {
	if o == nil {
		return nil
	}
	if c.wraps() && (len(o.Tools) > 0 || o.NoTools || len(o.ToolNames) > 0) {
		return refused("the agent %s wraps one of another framework, which cannot be told what tools there are", c.agent.Name)
	}
	for _, t := range o.Tools {
		if c.has(t.Name) {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: "run agent",
				Message: fmt.Sprintf("the agent has a tool %q of its own; give the caller's another name", t.Name)}
		}
	}
	for _, name := range append(o.ToolNames[:len(o.ToolNames):len(o.ToolNames)], o.RequiredTool) {
		if name != "" && !c.has(name) && !o.callers(name) {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: "run agent",
				Message: fmt.Sprintf("the agent %s has no tool %q", c.agent.Name, name)}
		}
	}
	return nil
}

// request is what the model is asked about messages in a model step, from 1.
func (c *code) request(messages []*model.Message, o *TurnOptions, step int) *model.Request {
	req := &model.Request{
		Instructions: c.agent.Instructions, Messages: messages, Tools: c.offer,
		Temperature: c.agent.Temperature, MaxOutputTokens: c.agent.MaxOutputTokens,
	}
	if o == nil {
		return req
	}
	if o.Instructions != "" {
		if req.Instructions != "" {
			req.Instructions += "\n\n"
		}
		req.Instructions += o.Instructions
	}
	req.Tools = nil
	for _, t := range c.offer {
		if !o.NoTools && (len(o.ToolNames) == 0 || slices.Contains(o.ToolNames, t.Name)) {
			req.Tools = append(req.Tools, t)
		}
	}
	req.Tools = append(req.Tools, o.Tools...)
	req.Format = o.Format
	if o.ToolMode == model.ToolsNone || step == 1 {
		req.ToolMode, req.RequiredTool = o.ToolMode, o.RequiredTool
	}
	if o.Temperature != nil {
		req.Temperature = o.Temperature
	}
	if o.MaxOutputTokens != nil {
		req.MaxOutputTokens = o.MaxOutputTokens
	}
	req.TopP = o.TopP
	return req
}
