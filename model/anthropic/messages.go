package anthropic

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/perdure/perdure/model"
)

// How protected data is marked as ours. The marks are stored.
const (
	markSignature = Provider + "/signature:"
	markRedacted  = Provider + "/redacted:"
)

type wireMessage struct {
	Role    string      `json:"role"`
	Content []wireBlock `json:"content"`
}

// wireBlock is a content block of any type. Thinking is a pointer because the API
// demands the member also when the text is empty.
type wireBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Source    *wireSource     `json:"source,omitempty"`
	Thinking  *string         `json:"thinking,omitempty"`
	Signature string          `json:"signature,omitempty"`
	Data      string          `json:"data,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	Content   string          `json:"content,omitempty"`
	IsError   bool            `json:"is_error,omitempty"`
}

type wireSource struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	URL       string `json:"url,omitempty"`
	FileID    string `json:"file_id,omitempty"`
}

// addMessages converts the conversation. System messages at its head join the
// instructions; a later one becomes text of the user, marked as the system's, so
// that the prompt before it stays as it was. Neighbours of one role become one
// message: the results of parallel calls have to stand together.
func (w *wireRequest) addMessages(req *model.Request) error {
	w.Messages = []wireMessage{}
	if req.Instructions != "" {
		w.System = append(w.System, textBlock(req.Instructions))
	}
	for i, m := range req.Messages {
		role, blocks, err := convert(m)
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		switch {
		case len(blocks) == 0:
			continue
		case role == "system" && len(w.Messages) == 0:
			w.System = append(w.System, blocks...)
			continue
		case role == "system":
			role = "user"
			blocks = []wireBlock{textBlock("<system>\n" + m.Text() + "\n</system>")}
		}
		if n := len(w.Messages); n > 0 && w.Messages[n-1].Role == role {
			w.Messages[n-1].Content = append(w.Messages[n-1].Content, blocks...)
			continue
		}
		w.Messages = append(w.Messages, wireMessage{Role: role, Content: blocks})
	}
	return nil
}

func convert(m *model.Message) (role string, blocks []wireBlock, err error) {
	switch m.Role {
	case model.RoleSystem, model.RoleUser, model.RoleAssistant:
		role = string(m.Role)
	case model.RoleTool:
		role = "user"
	default:
		return "", nil, fmt.Errorf("role %q is not known", m.Role)
	}
	for _, c := range m.Contents {
		b, err := block(c, m.Role)
		if err != nil {
			return "", nil, err
		}
		if b.Type != "" {
			blocks = append(blocks, b)
		}
	}
	return role, blocks, nil
}

// block converts content; what has no form gives a block without a type.
func block(c model.Content, role model.Role) (wireBlock, error) {
	switch c := c.(type) {
	case *model.Text:
		if strings.TrimSpace(c.Text) != "" { // the API refuses blank text
			return textBlock(c.Text), nil
		}
	case *model.Reasoning:
		if role == model.RoleAssistant {
			return reasoningBlock(c), nil
		}
	case *model.FunctionCall:
		if role == model.RoleAssistant && !c.InformationalOnly {
			return wireBlock{Type: "tool_use", ID: c.CallID, Name: c.Name, Input: callInput(c.Arguments)}, nil
		}
	case *model.FunctionResult:
		return wireBlock{Type: "tool_result", ToolUseID: c.CallID, Content: c.ForModel(), IsError: c.Error != ""}, nil
	}
	if role == model.RoleSystem || role == model.RoleAssistant {
		return wireBlock{}, nil // neither has a form for attachments
	}
	switch c := c.(type) {
	case *model.Data:
		return dataBlock(c)
	case *model.URI:
		return uriBlock(c), nil
	case *model.HostedFile:
		kind := "document"
		if strings.HasPrefix(c.MediaType, "image/") {
			kind = "image"
		}
		return wireBlock{Type: kind, Source: &wireSource{Type: "file", FileID: c.FileID}}, nil
	}
	return wireBlock{}, nil
}

func textBlock(s string) wireBlock { return wireBlock{Type: "text", Text: s} }

// reasoningBlock converts reasoning that came from Anthropic. Other reasoning is
// left out: without a valid signature the API refuses it.
func reasoningBlock(r *model.Reasoning) wireBlock {
	if data, ok := strings.CutPrefix(r.ProtectedData, markRedacted); ok {
		return wireBlock{Type: "redacted_thinking", Data: data}
	}
	if signature, ok := strings.CutPrefix(r.ProtectedData, markSignature); ok {
		return wireBlock{Type: "thinking", Thinking: &r.Text, Signature: signature}
	}
	return wireBlock{}
}

// callInput returns the arguments as a JSON object. Arguments that are none go
// back as text in an object of one member: the API takes objects only.
func callInput(arguments string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(arguments), &object) == nil && object != nil {
		return json.RawMessage(arguments)
	}
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}")
	}
	b, err := json.Marshal(map[string]string{"invalid_arguments": arguments})
	if err != nil {
		return json.RawMessage("{}")
	}
	return b
}

func dataBlock(d *model.Data) (wireBlock, error) {
	mediaType, b, err := d.Decode()
	if err != nil {
		return wireBlock{}, err
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	source := &wireSource{Type: "base64", MediaType: mediaType, Data: base64.StdEncoding.EncodeToString(b)}
	switch {
	case strings.HasPrefix(mediaType, "image/"):
		return wireBlock{Type: "image", Source: source}, nil
	case mediaType == "application/pdf":
		return wireBlock{Type: "document", Source: source}, nil
	case strings.HasPrefix(mediaType, "text/"):
		return textBlock(string(b)), nil
	}
	return wireBlock{}, fmt.Errorf("data of type %q cannot be sent", mediaType)
}

func uriBlock(u *model.URI) wireBlock {
	source := &wireSource{Type: "url", URL: u.URI}
	switch {
	case strings.HasPrefix(u.MediaType, "image/"):
		return wireBlock{Type: "image", Source: source}
	case u.MediaType == "application/pdf":
		return wireBlock{Type: "document", Source: source}
	}
	return textBlock(u.URI)
}
