package agent

import (
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"

	"github.com/perdure/perdure/model"
)

// spanMessage is a message as the conventions for generative AI write it into
// spans.
type spanMessage struct {
	Role   string     `json:"role"`
	Parts  []spanPart `json:"parts"`
	Finish string     `json:"finish_reason,omitempty"` // of what a model has said
}

// spanPart is a part of a message.
type spanPart struct {
	Type      string          `json:"type"`
	Content   string          `json:"content,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Response  any             `json:"response,omitempty"`
	URI       string          `json:"uri,omitempty"`
	MimeType  string          `json:"mime_type,omitempty"`
	FileID    string          `json:"file_id,omitempty"`
}

// contentOf is what a model is given.
func contentOf(instructions string, messages []*model.Message) []attribute.KeyValue {
	out := []attribute.KeyValue{attribute.String("gen_ai.input.messages", messagesJSON(messages, ""))}
	if instructions != "" {
		out = append(out, attribute.String("gen_ai.system_instructions", jsonText([]spanPart{{Type: "text", Content: instructions}})))
	}
	return out
}

// definitionsOf is the tools that a model is offered.
func definitionsOf(tools []model.Tool) []attribute.KeyValue {
	if len(tools) == 0 {
		return nil
	}
	type definition struct {
		Type        string          `json:"type"`
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters,omitempty"`
	}
	var list []definition
	for _, t := range tools {
		list = append(list, definition{"function", t.Name, t.Description, t.Schema})
	}
	return []attribute.KeyValue{attribute.String("gen_ai.tool.definitions", jsonText(list))}
}

func messagesJSON(messages []*model.Message, finish string) string {
	list := []spanMessage{}
	for _, m := range messages {
		s := spanMessage{Role: string(m.Role), Parts: []spanPart{}, Finish: finish}
		for _, c := range m.Contents {
			if p, ok := partOf(c); ok {
				s.Parts = append(s.Parts, p)
			}
		}
		list = append(list, s)
	}
	return jsonText(list)
}

// partOf is a content as a part. The bytes of images and files are left out.
func partOf(c model.Content) (spanPart, bool) {
	switch c := c.(type) {
	case *model.Text:
		return spanPart{Type: "text", Content: c.Text}, true
	case *model.Reasoning:
		return spanPart{Type: "reasoning", Content: c.Text}, true
	case *model.FunctionCall:
		arguments := json.RawMessage(c.Arguments)
		if !json.Valid(arguments) {
			arguments = json.RawMessage(jsonText(c.Arguments))
		}
		return spanPart{Type: "tool_call", ID: c.CallID, Name: c.Name, Arguments: arguments}, true
	case *model.FunctionResult:
		p := spanPart{Type: "tool_call_response", ID: c.CallID, Response: c.Result}
		if c.Error != "" {
			p.Response = c.Error
		}
		return p, true
	case *model.URI:
		return spanPart{Type: "uri", URI: c.URI, MimeType: c.MediaType}, true
	case *model.HostedFile:
		return spanPart{Type: "file", FileID: c.FileID}, true
	case *model.UsageContent:
		return spanPart{}, false
	}
	return spanPart{Type: "other"}, true
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // what tools have said need not be JSON
		return `"` + err.Error() + `"`
	}
	return string(text)
}
