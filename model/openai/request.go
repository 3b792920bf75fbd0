package openai

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure/model"
)

// dialect holds what differs between servers of the same protocol.
type dialect struct {
	// provider marks reasoning that may be sent back.
	provider string
	// legacyMaxTokens sends max_tokens, which all compatible servers know,
	// in place of max_completion_tokens.
	legacyMaxTokens bool
	store           bool
}

// The types below are the request as it goes over the wire. The order of their
// fields is the order of the bytes: what stays equal from call to call comes
// first.

type wireRequest struct {
	Model               string            `json:"model"`
	Tools               []wireTool        `json:"tools,omitempty"`
	ToolChoice          any               `json:"tool_choice,omitempty"`
	ResponseFormat      *wireFormat       `json:"response_format,omitempty"`
	Messages            []wireMessage     `json:"messages"`
	Temperature         *float64          `json:"temperature,omitempty"`
	TopP                *float64          `json:"top_p,omitempty"`
	MaxCompletionTokens *int              `json:"max_completion_tokens,omitempty"`
	MaxTokens           *int              `json:"max_tokens,omitempty"`
	Stop                []string          `json:"stop,omitempty"`
	Store               bool              `json:"store,omitempty"`
	Metadata            map[string]string `json:"metadata,omitempty"`
	Stream              bool              `json:"stream"`
	StreamOptions       wireStreamOptions `json:"stream_options"`
}

type wireStreamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type wireTool struct {
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

type wireFormat struct {
	Type       string      `json:"type"`
	JSONSchema *wireSchema `json:"json_schema,omitempty"`
}

type wireSchema struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema"`
	Strict      bool            `json:"strict,omitempty"`
}

type wireToolChoice struct {
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

// encode writes the body of the call.
func (d dialect) encode(name string, req *model.Request) ([]byte, error) {
	w := wireRequest{
		Model:          cmp.Or(req.Model, name),
		ResponseFormat: encodeFormat(req.Format),
		Temperature:    req.Temperature,
		TopP:           req.TopP,
		Stop:           req.Stop,
		Stream:         true,
		StreamOptions:  wireStreamOptions{IncludeUsage: true},
	}
	for _, t := range req.Tools {
		if t.Name == "" {
			return nil, fmt.Errorf("tool without a name")
		}
		w.Tools = append(w.Tools, wireTool{Type: "function", Function: wireFunction{
			Name: t.Name, Description: t.Description, Parameters: t.Schema,
		}})
	}
	if len(w.Tools) > 0 {
		w.ToolChoice = toolChoice(req)
	}
	if d.legacyMaxTokens {
		w.MaxTokens = req.MaxOutputTokens
	} else {
		w.MaxCompletionTokens = req.MaxOutputTokens
	}
	if d.store {
		w.Store, w.Metadata = true, req.Metadata
	}
	messages, err := d.messages(req)
	if err != nil {
		return nil, err
	}
	w.Messages = messages
	return model.StableJSON(w)
}

func toolChoice(req *model.Request) any {
	switch {
	case req.ToolMode == model.ToolsRequired && req.RequiredTool != "":
		return wireToolChoice{Type: "function", Function: wireFunction{Name: req.RequiredTool}}
	case req.ToolMode != model.ToolsAuto:
		return string(req.ToolMode)
	}
	return nil
}

func encodeFormat(f *model.Format) *wireFormat {
	if f == nil {
		return nil
	}
	if len(f.Schema) == 0 {
		return &wireFormat{Type: "json_object"}
	}
	return &wireFormat{Type: "json_schema", JSONSchema: &wireSchema{
		Name: cmp.Or(f.Name, "answer"), Description: f.Description, Schema: f.Schema, Strict: f.Strict,
	}}
}
