package openai

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/perdure/perdure/model"
)

type wireMessage struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
	// Content is a string or a []wirePart; nil is written as null, which an
	// assistant message with tool calls needs.
	Content          any        `json:"content"`
	Reasoning        string     `json:"reasoning,omitempty"`
	ReasoningContent string     `json:"reasoning_content,omitempty"`
	ToolCalls        []wireCall `json:"tool_calls,omitempty"`
	ToolCallID       string     `json:"tool_call_id,omitempty"`
}

type wireCall struct {
	ID       string           `json:"id"`
	Type     string           `json:"type"`
	Function wireCallFunction `json:"function"`
}

type wireCallFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type wirePart struct {
	Type       string     `json:"type"`
	Text       string     `json:"text,omitempty"`
	ImageURL   *wireImage `json:"image_url,omitempty"`
	InputAudio *wireAudio `json:"input_audio,omitempty"`
	File       *wireFile  `json:"file,omitempty"`
}

type wireImage struct {
	URL string `json:"url"`
}

type wireAudio struct {
	Data   string `json:"data"`
	Format string `json:"format"`
}

type wireFile struct {
	FileID   string `json:"file_id,omitempty"`
	Filename string `json:"filename,omitempty"`
	FileData string `json:"file_data,omitempty"`
}

// messages converts the conversation. Messages of which nothing is left are
// dropped.
func (d dialect) messages(req *model.Request) ([]wireMessage, error) {
	out := []wireMessage{}
	if req.Instructions != "" {
		out = append(out, wireMessage{Role: "system", Content: req.Instructions})
	}
	turn := lastUserMessage(req.Messages)
	for i, m := range req.Messages {
		var converted []wireMessage
		var err error
		switch m.Role {
		case model.RoleSystem:
			converted = textMessage("system", m)
		case model.RoleUser:
			converted, err = userMessage(m)
		case model.RoleAssistant:
			converted = d.assistantMessage(m, i > turn)
		case model.RoleTool:
			converted = toolMessages(m)
		default:
			err = fmt.Errorf("role %q is not known", m.Role)
		}
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		out = append(out, converted...)
	}
	return out, nil
}

func lastUserMessage(messages []*model.Message) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == model.RoleUser {
			return i
		}
	}
	return -1
}

func textMessage(role string, m *model.Message) []wireMessage {
	text := m.Text()
	if text == "" {
		return nil
	}
	return []wireMessage{{Role: role, Content: text}}
}

// userMessage sends plain text as a string and anything else as parts.
func userMessage(m *model.Message) ([]wireMessage, error) {
	var parts []wirePart
	plain := true
	for _, c := range m.Contents {
		p, err := part(c)
		if err != nil {
			return nil, err
		}
		if p.Type == "" {
			continue
		}
		plain = plain && p.Type == "text"
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	w := wireMessage{Role: "user", Name: authorName(m.AuthorName), Content: parts}
	if plain {
		var text strings.Builder
		for _, p := range parts {
			text.WriteString(p.Text)
		}
		w.Content = text.String()
	}
	return []wireMessage{w}, nil
}

// part converts what a user can send; other content gives a part without a type.
func part(c model.Content) (wirePart, error) {
	switch c := c.(type) {
	case *model.Text:
		if c.Text == "" {
			return wirePart{}, nil
		}
		return wirePart{Type: "text", Text: c.Text}, nil
	case *model.Data:
		return dataPart(c)
	case *model.URI:
		if strings.HasPrefix(c.MediaType, "image/") {
			return wirePart{Type: "image_url", ImageURL: &wireImage{URL: c.URI}}, nil
		}
		return wirePart{Type: "text", Text: c.URI}, nil
	case *model.HostedFile:
		return wirePart{Type: "file", File: &wireFile{FileID: c.FileID}}, nil
	}
	return wirePart{}, nil
}

func dataPart(d *model.Data) (wirePart, error) {
	mediaType, b, err := d.Decode()
	if err != nil {
		return wirePart{}, err
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	switch {
	case strings.HasPrefix(mediaType, "image/"):
		return wirePart{Type: "image_url", ImageURL: &wireImage{URL: model.NewData(mediaType, b).URI}}, nil
	case strings.HasPrefix(mediaType, "text/"):
		return wirePart{Type: "text", Text: string(b)}, nil
	case mediaType == "audio/wav", mediaType == "audio/mpeg", mediaType == "audio/mp3":
		format := "mp3"
		if mediaType == "audio/wav" {
			format = "wav"
		}
		return wirePart{Type: "input_audio", InputAudio: &wireAudio{Data: base64.StdEncoding.EncodeToString(b), Format: format}}, nil
	case mediaType == "application/pdf":
		name := d.Name
		if name == "" {
			name = "file.pdf"
		}
		return wirePart{Type: "file", File: &wireFile{Filename: name, FileData: model.NewData(mediaType, b).URI}}, nil
	}
	return wirePart{}, fmt.Errorf("data of type %q cannot be sent", mediaType)
}

// assistantMessage converts what a model said before. Reasoning that this
// provider showed in the clear goes back while its turn lasts.
func (d dialect) assistantMessage(m *model.Message, inTurn bool) []wireMessage {
	w := wireMessage{Role: "assistant", Name: authorName(m.AuthorName)}
	if text := m.Text(); text != "" {
		w.Content = text
	}
	for _, c := range m.Contents {
		switch c := c.(type) {
		case *model.FunctionCall:
			if !c.InformationalOnly {
				w.ToolCalls = append(w.ToolCalls, wireCall{ID: c.CallID, Type: "function",
					Function: wireCallFunction{Name: c.Name, Arguments: c.Arguments}})
			}
		case *model.Reasoning:
			field, ours := strings.CutPrefix(c.ProtectedData, d.provider+"/")
			switch {
			case !ours || !inTurn:
			case field == fieldReasoning:
				w.Reasoning += c.Text
			case field == fieldReasoningContent:
				w.ReasoningContent += c.Text
			}
		}
	}
	if w.Content == nil && len(w.ToolCalls) == 0 {
		return nil
	}
	return []wireMessage{w}
}

// toolMessages converts tool results, each to a message of its own.
func toolMessages(m *model.Message) []wireMessage {
	var out []wireMessage
	for _, c := range m.Contents {
		if r, ok := c.(*model.FunctionResult); ok {
			out = append(out, wireMessage{Role: "tool", ToolCallID: r.CallID, Content: resultText(r)})
		}
	}
	return out
}

// resultText is what the model reads as the result of a tool.
func resultText(r *model.FunctionResult) string {
	if r.Error != "" {
		return "error: " + r.Error
	}
	return r.ForModel()
}

// maxName is the API's limit for names of participants.
const maxName = 64

// authorName replaces what the API does not allow in names.
func authorName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, name)
	return name[:min(len(name), maxName)]
}
