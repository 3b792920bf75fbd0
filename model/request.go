package model

import "encoding/json"

// Request is what a model is asked. The zero value of every field but Messages
// means the provider's default.
type Request struct {
	// Instructions is the system text. It precedes Messages.
	Instructions string `json:",omitzero"`
	// Messages is the conversation, oldest first.
	Messages []*Message
	// Tools are offered in this order; adapters keep it, so that the prompt
	// prefix stays the same from call to call.
	Tools []Tool `json:",omitempty"`
	// ToolMode says whether the model may, must or must not call tools.
	ToolMode ToolMode `json:",omitzero"`
	// RequiredTool names the one tool to call when ToolMode is ToolsRequired;
	// empty allows any.
	RequiredTool string `json:",omitzero"`

	// Temperature and TopP steer sampling; nil leaves them out of the call.
	Temperature *float64 `json:",omitempty"`
	TopP        *float64 `json:",omitempty"`
	// MaxOutputTokens bounds the answer, reasoning included.
	MaxOutputTokens *int `json:",omitempty"`
	// Stop are texts that end the answer before they appear in it.
	Stop []string `json:",omitempty"`

	// Format asks for structured output; nil means text.
	Format *Format `json:",omitempty"`
	// Model overrides the model that the adapter was made with.
	Model string `json:",omitzero"`
	// Metadata is passed to providers that store it with the call and is
	// otherwise ignored.
	Metadata map[string]string `json:",omitempty"`
}

// Tool describes a function that the model may call.
type Tool struct {
	// Name is unique within a request: letters, digits, '_' and '-', at most 64.
	Name string
	// Description tells the model when and how to use the tool.
	Description string `json:",omitzero"`
	// Schema is the JSON schema of the arguments, an object schema. Its bytes
	// are passed on as they are; empty means a tool without arguments.
	Schema json.RawMessage `json:",omitempty"`
}

// ToolMode says how the tools of a request may be used.
type ToolMode string

const (
	// ToolsAuto lets the model decide. It is the default.
	ToolsAuto ToolMode = ""
	// ToolsNone forbids tool calls; the tools stay in the prompt.
	ToolsNone ToolMode = "none"
	// ToolsRequired demands at least one tool call.
	ToolsRequired ToolMode = "required"
)

// Format is a JSON schema that the answer has to follow.
type Format struct {
	// Name labels the schema for the provider; empty means "answer".
	Name string `json:",omitzero"`
	// Description tells the model what the answer is for.
	Description string `json:",omitzero"`
	// Schema is the JSON schema. Empty asks for any JSON object.
	Schema json.RawMessage `json:",omitempty"`
	// Strict asks the provider to enforce the schema where it can; the schema
	// then has to keep to the subset that the provider supports.
	Strict bool `json:",omitzero"`
}
