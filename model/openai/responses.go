package openai

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/perdure/perdure/model"
)

// The types below are a request of the Responses API as it goes over the wire, in
// the order of wireRequest.

type responsesRequest struct {
	Model           string            `json:"model"`
	Tools           []responsesTool   `json:"tools,omitempty"`
	ToolChoice      any               `json:"tool_choice,omitempty"`
	Text            *responsesText    `json:"text,omitempty"`
	Instructions    string            `json:"instructions,omitempty"`
	Input           []responsesItem   `json:"input"`
	Include         []string          `json:"include"`
	Temperature     *float64          `json:"temperature,omitempty"`
	TopP            *float64          `json:"top_p,omitempty"`
	MaxOutputTokens *int              `json:"max_output_tokens,omitempty"`
	Store           bool              `json:"store"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	Stream          bool              `json:"stream"`
}

// responsesTool is a tool, or the choice of one. Strict has to be there: the API
// takes its absence for true.
type responsesTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

type responsesChoice struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type responsesText struct {
	Format responsesFormat `json:"format"`
}

type responsesFormat struct {
	Type        string          `json:"type"`
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// responsesItem is an item of the input of any type.
type responsesItem struct {
	Type    string          `json:"type"`
	Role    string          `json:"role,omitempty"`
	Content []responsesPart `json:"content,omitempty"`

	ID               string           `json:"id,omitempty"`
	Summary          *[]responsesPart `json:"summary,omitempty"`
	EncryptedContent string           `json:"encrypted_content,omitempty"`

	CallID    string  `json:"call_id,omitempty"`
	Name      string  `json:"name,omitempty"`
	Arguments *string `json:"arguments,omitempty"`
	Output    *string `json:"output,omitempty"`
}

type responsesPart struct {
	Type     string `json:"type"`
	Text     string `json:"text,omitempty"`
	ImageURL string `json:"image_url,omitempty"`
	FileID   string `json:"file_id,omitempty"`
	FileURL  string `json:"file_url,omitempty"`
	Filename string `json:"filename,omitempty"`
	FileData string `json:"file_data,omitempty"`
}

// encodeResponses writes the body of a call of the Responses API, which has no
// form for req.Stop.
func (d dialect) encodeResponses(name string, req *model.Request) ([]byte, error) {
	w := responsesRequest{
		Model:           cmp.Or(req.Model, name),
		Text:            responsesTextOf(req.Format),
		Instructions:    req.Instructions,
		Input:           []responsesItem{},
		Include:         []string{"reasoning.encrypted_content"},
		Temperature:     req.Temperature,
		TopP:            req.TopP,
		MaxOutputTokens: req.MaxOutputTokens,
		Stream:          true,
	}
	for _, t := range req.Tools {
		if t.Name == "" {
			return nil, fmt.Errorf("tool without a name")
		}
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		w.Tools = append(w.Tools, responsesTool{Type: "function", Name: t.Name, Description: t.Description, Parameters: schema})
	}
	switch {
	case len(w.Tools) == 0:
	case req.ToolMode == model.ToolsRequired && req.RequiredTool != "":
		w.ToolChoice = responsesChoice{Type: "function", Name: req.RequiredTool}
	case req.ToolMode != model.ToolsAuto:
		w.ToolChoice = string(req.ToolMode)
	}
	if d.store {
		w.Store, w.Metadata = true, req.Metadata
	}
	for i, m := range req.Messages {
		items, err := d.items(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		w.Input = append(w.Input, items...)
	}
	return model.StableJSON(w)
}

func responsesTextOf(f *model.Format) *responsesText {
	switch {
	case f == nil:
		return nil
	case len(f.Schema) == 0:
		return &responsesText{Format: responsesFormat{Type: "json_object"}}
	}
	return &responsesText{Format: responsesFormat{Type: "json_schema", Name: cmp.Or(f.Name, "answer"),
		Description: f.Description, Schema: f.Schema, Strict: &f.Strict}}
}

// items converts a message.
func (d dialect) items(m *model.Message) ([]responsesItem, error) {
	switch m.Role {
	case model.RoleSystem:
		if text := m.Text(); text != "" {
			return []responsesItem{said("system", responsesPart{Type: "input_text", Text: text})}, nil
		}
		return nil, nil
	case model.RoleUser:
		return userItems(m)
	case model.RoleAssistant:
		return d.assistantItems(m), nil
	case model.RoleTool:
		var items []responsesItem
		for _, c := range m.Contents {
			if r, ok := c.(*model.FunctionResult); ok {
				text := resultText(r)
				items = append(items, responsesItem{Type: "function_call_output", CallID: r.CallID, Output: &text})
			}
		}
		return items, nil
	}
	return nil, fmt.Errorf("role %q is not known", m.Role)
}

func said(role string, parts ...responsesPart) responsesItem {
	return responsesItem{Type: "message", Role: role, Content: parts}
}

func userItems(m *model.Message) ([]responsesItem, error) {
	var parts []responsesPart
	for _, c := range m.Contents {
		p, err := inputPart(c)
		if err != nil {
			return nil, err
		}
		if p.Type != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return []responsesItem{said("user", parts...)}, nil
}

// inputPart converts what a user can send, by way of the form that Chat
// Completions has for it; other content gives a part without a type.
func inputPart(c model.Content) (responsesPart, error) {
	switch c := c.(type) {
	case *model.URI:
		if strings.HasPrefix(c.MediaType, "application/") {
			return responsesPart{Type: "input_file", FileURL: c.URI}, nil
		}
	case *model.HostedFile:
		if strings.HasPrefix(c.MediaType, "image/") {
			return responsesPart{Type: "input_image", FileID: c.FileID}, nil
		}
	}
	p, err := part(c)
	switch p.Type {
	case "text":
		return responsesPart{Type: "input_text", Text: p.Text}, err
	case "image_url":
		return responsesPart{Type: "input_image", ImageURL: p.ImageURL.URL}, err
	case "file":
		return responsesPart{Type: "input_file", FileID: p.File.FileID, Filename: p.File.Filename, FileData: p.File.FileData}, err
	case "input_audio":
		return responsesPart{}, errors.New("the Responses API takes no audio")
	}
	return responsesPart{}, err
}

// assistantItems converts what a model said before, in its order. The API refuses
// reasoning that nothing follows.
func (d dialect) assistantItems(m *model.Message) []responsesItem {
	var items, thoughts []responsesItem
	add := func(item responsesItem) {
		items = append(append(items, thoughts...), item)
		thoughts = nil
	}
	for _, c := range m.Contents {
		switch c := c.(type) {
		case *model.Text:
			if c.Text != "" {
				add(said("assistant", responsesPart{Type: "output_text", Text: c.Text}))
			}
		case *model.FunctionCall:
			if !c.InformationalOnly {
				add(responsesItem{Type: "function_call", CallID: c.CallID, Name: c.Name, Arguments: &c.Arguments})
			}
		case *model.Reasoning:
			if item, ours := d.thought(c); ours {
				thoughts = append(thoughts, item)
			}
		}
	}
	return items
}

// markEncrypted follows the provider's name in the protected data of reasoning
// that came from the Responses API; then come the item's id, a colon, and its
// encrypted content. It is stored.
const markEncrypted = "/encrypted:"

// thought converts reasoning that came from this provider.
func (d dialect) thought(r *model.Reasoning) (responsesItem, bool) {
	data, ours := strings.CutPrefix(r.ProtectedData, d.provider+markEncrypted)
	if !ours {
		return responsesItem{}, false
	}
	id, encrypted, _ := strings.Cut(data, ":")
	summary := []responsesPart{}
	if r.Text != "" {
		summary = append(summary, responsesPart{Type: "summary_text", Text: r.Text})
	}
	return responsesItem{Type: "reasoning", ID: id, Summary: &summary, EncryptedContent: encrypted}, true
}
