package modeltest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/perdure/perdure/model"
)

// anthropicProtocol speaks Anthropic's Messages API.
type anthropicProtocol struct {
	model string
	id    string
	begun bool
	// open is the type of the block that is being sent, "" if none is; index
	// is its number or that of the next.
	open  string
	index int
}

type anthropicRequest struct {
	Model         string             `json:"model"`
	System        json.RawMessage    `json:"system"`
	Messages      []anthropicMessage `json:"messages"`
	MaxTokens     *int               `json:"max_tokens"`
	Temperature   *float64           `json:"temperature"`
	TopP          *float64           `json:"top_p"`
	StopSequences []string           `json:"stop_sequences"`
	Stream        bool               `json:"stream"`
	Tools         []struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		InputSchema json.RawMessage `json:"input_schema"`
	} `json:"tools"`
	ToolChoice struct {
		Type string `json:"type"`
		Name string `json:"name"`
	} `json:"tool_choice"`
	OutputConfig struct {
		Format *struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"format"`
	} `json:"output_config"`
}

type anthropicMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type anthropicBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	Data      string          `json:"data"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	IsError   bool            `json:"is_error"`
	Source    struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type"`
		Data      string `json:"data"`
		URL       string `json:"url"`
		FileID    string `json:"file_id"`
	} `json:"source"`
}

func (p *anthropicProtocol) decode(body []byte) (*model.Request, bool, error) {
	var in anthropicRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, false, err
	}
	if in.MaxTokens == nil {
		return nil, false, fmt.Errorf("max_tokens: field required")
	}
	p.model = in.Model
	system, err := anthropicBlocks(in.System)
	if err != nil {
		return nil, false, fmt.Errorf("system: %w", err)
	}
	req := &model.Request{
		Instructions: blocksText(system), Model: in.Model, Temperature: in.Temperature, TopP: in.TopP,
		MaxOutputTokens: in.MaxTokens, Stop: in.StopSequences,
	}
	for i, m := range in.Messages {
		messages, err := anthropicMessages(m)
		if err != nil {
			return nil, false, fmt.Errorf("messages.%d: %w", i, err)
		}
		req.Messages = append(req.Messages, messages...)
	}
	for _, t := range in.Tools {
		req.Tools = append(req.Tools, model.Tool{Name: t.Name, Description: t.Description, Schema: t.InputSchema})
	}
	switch in.ToolChoice.Type {
	case "none":
		req.ToolMode = model.ToolsNone
	case "any", "tool":
		req.ToolMode, req.RequiredTool = model.ToolsRequired, in.ToolChoice.Name
	}
	if f := in.OutputConfig.Format; f != nil {
		req.Format = &model.Format{Schema: f.Schema}
	}
	return req, in.Stream, checkCalls(req.Messages)
}

// anthropicBlocks reads content: a string or a list of blocks.
func anthropicBlocks(raw json.RawMessage) ([]anthropicBlock, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []anthropicBlock{{Type: "text", Text: text}}, nil
	}
	var blocks []anthropicBlock
	err := json.Unmarshal(raw, &blocks)
	return blocks, err
}

func blocksText(blocks []anthropicBlock) string {
	var text []string
	for _, b := range blocks {
		text = append(text, b.Text)
	}
	return strings.Join(text, "\n")
}

// anthropicMessages splits a message of the user into the results of tools and
// what the user said.
func anthropicMessages(in anthropicMessage) ([]*model.Message, error) {
	if in.Role != "user" && in.Role != "assistant" {
		return nil, fmt.Errorf("role: %q is not known", in.Role)
	}
	blocks, err := anthropicBlocks(in.Content)
	if err != nil {
		return nil, err
	}
	said := &model.Message{Role: model.Role(in.Role)}
	results := &model.Message{Role: model.RoleTool}
	for i, b := range blocks {
		if b.Type == "text" && strings.TrimSpace(b.Text) == "" {
			return nil, fmt.Errorf("content.%d: text content blocks must be non-empty", i)
		}
		if b.Type == "tool_result" {
			content, err := anthropicBlocks(b.Content)
			if err != nil {
				return nil, err
			}
			results.Contents = append(results.Contents, anthropicResult(b, blocksText(content)))
			continue
		}
		c, err := anthropicContent(b)
		if err != nil {
			return nil, fmt.Errorf("content.%d: %w", i, err)
		}
		said.Contents = append(said.Contents, c)
	}
	var out []*model.Message
	for _, m := range []*model.Message{results, said} {
		if len(m.Contents) > 0 {
			out = append(out, m)
		}
	}
	return out, nil
}

func anthropicResult(b anthropicBlock, text string) model.Content {
	if b.IsError {
		return &model.FunctionResult{CallID: b.ToolUseID, Error: text}
	}
	return model.ToolResult(b.ToolUseID, text).Contents[0]
}

func anthropicContent(b anthropicBlock) (model.Content, error) {
	switch b.Type {
	case "text":
		return &model.Text{Text: b.Text}, nil
	case "thinking":
		if b.Signature == "" {
			return nil, fmt.Errorf("thinking: signature: field required")
		}
		return &model.Reasoning{Text: b.Thinking, ProtectedData: b.Signature}, nil
	case "redacted_thinking":
		return &model.Reasoning{ProtectedData: b.Data}, nil
	case "tool_use":
		var input map[string]any
		if err := json.Unmarshal(b.Input, &input); err != nil {
			return nil, fmt.Errorf("tool_use: input: %w", err)
		}
		return &model.FunctionCall{CallID: b.ID, Name: b.Name, Arguments: string(b.Input)}, nil
	case "image", "document":
		switch b.Source.Type {
		case "file":
			return &model.HostedFile{FileID: b.Source.FileID, MediaType: b.Type + "/*"}, nil
		case "url":
			return &model.URI{URI: b.Source.URL, MediaType: b.Type + "/*"}, nil
		}
		return &model.Data{URI: "data:" + b.Source.MediaType + ";base64," + b.Source.Data}, nil
	}
	return nil, fmt.Errorf("content block of type %q is not known", b.Type)
}

func (p *anthropicProtocol) update(u *model.Update) []event {
	var events []event
	if !p.begun {
		p.begun, p.id = true, "msg_"+u.ResponseID
		events = append(events, p.event("message_start", object{"message": p.message(nil, nil, model.Usage{})}),
			p.event("ping", object{}))
	}
	for _, c := range u.Contents {
		events = append(events, p.content(c)...)
	}
	return events
}

func (p *anthropicProtocol) content(c model.Content) []event {
	switch c := c.(type) {
	case *model.Text:
		return append(p.start("text", object{"type": "text", "text": ""}),
			p.delta(object{"type": "text_delta", "text": c.Text}))
	case *model.Reasoning:
		return p.thinking(c)
	case *model.FunctionCall:
		half := len(c.Arguments) / 2
		events := append(p.stop(), p.start("tool_use",
			object{"type": "tool_use", "id": c.CallID, "name": c.Name, "input": object{}})...)
		for _, piece := range []string{"", c.Arguments[:half], c.Arguments[half:]} {
			events = append(events, p.delta(object{"type": "input_json_delta", "partial_json": piece}))
		}
		return append(events, p.stop()...)
	}
	return nil
}

// thinking sends a thought. Protected data without a text is a redacted thought,
// unless a block of thinking is open: then it is its signature.
func (p *anthropicProtocol) thinking(c *model.Reasoning) []event {
	if c.Text == "" && c.ProtectedData != "" && p.open != "thinking" {
		events := append(p.stop(), p.start("redacted_thinking",
			object{"type": "redacted_thinking", "data": c.ProtectedData})...)
		return append(events, p.stop()...)
	}
	events := p.start("thinking", object{"type": "thinking", "thinking": "", "signature": ""})
	if c.Text != "" {
		events = append(events, p.delta(object{"type": "thinking_delta", "thinking": c.Text}))
	}
	if c.ProtectedData != "" {
		events = append(events, p.delta(object{"type": "signature_delta", "signature": c.ProtectedData}))
		events = append(events, p.stop()...)
	}
	return events
}

// start opens a block of the given type unless one is open.
func (p *anthropicProtocol) start(kind string, block object) []event {
	if p.open == kind {
		return nil
	}
	events := p.stop()
	p.open = kind
	return append(events, p.event("content_block_start", object{"index": p.index, "content_block": block}))
}

func (p *anthropicProtocol) delta(delta object) event {
	return p.event("content_block_delta", object{"index": p.index, "delta": delta})
}

// stop closes the open block.
func (p *anthropicProtocol) stop() []event {
	if p.open == "" {
		return nil
	}
	ev := p.event("content_block_stop", object{"index": p.index})
	p.open = ""
	p.index++
	return []event{ev}
}

func (p *anthropicProtocol) end(r *model.Response) []event {
	return append(p.stop(),
		p.event("message_delta", object{"delta": object{"stop_reason": stopReason(r.FinishReason), "stop_sequence": nil},
			"usage": anthropicUsage(r.Usage())}),
		p.event("message_stop", object{}))
}

func (p *anthropicProtocol) event(name string, data object) event {
	data["type"] = name
	return event{name: name, data: data}
}

func (p *anthropicProtocol) message(content []any, stop any, u model.Usage) object {
	if content == nil {
		content = []any{}
	}
	return object{"id": p.id, "type": "message", "role": "assistant", "model": p.model, "content": content,
		"stop_reason": stop, "stop_sequence": nil, "usage": anthropicUsage(u)}
}

func (p *anthropicProtocol) whole(r *model.Response) any {
	p.id = "msg_" + r.ID
	var content []any
	for _, m := range r.Messages {
		for _, c := range m.Contents {
			switch c := c.(type) {
			case *model.Text:
				content = append(content, object{"type": "text", "text": c.Text})
			case *model.Reasoning:
				if c.Text == "" {
					content = append(content, object{"type": "redacted_thinking", "data": c.ProtectedData})
					continue
				}
				content = append(content, object{"type": "thinking", "thinking": c.Text, "signature": c.ProtectedData})
			case *model.FunctionCall:
				content = append(content, object{"type": "tool_use", "id": c.CallID, "name": c.Name,
					"input": json.RawMessage(c.Arguments)})
			}
		}
	}
	return p.message(content, stopReason(r.FinishReason), r.Usage())
}

// anthropicUsage counts the cache apart from the input.
func anthropicUsage(u model.Usage) object {
	written := u.AdditionalCounts[model.CountCacheWrite]
	return object{
		"input_tokens":                u.InputTokenCount - u.CachedInputTokenCount - written,
		"cache_read_input_tokens":     u.CachedInputTokenCount,
		"cache_creation_input_tokens": written,
		"output_tokens":               u.OutputTokenCount,
		"output_tokens_details":       object{"thinking_tokens": u.ReasoningTokenCount},
	}
}

func stopReason(finish string) string {
	switch finish {
	case model.FinishStop, "":
		return "end_turn"
	case model.FinishLength:
		return "max_tokens"
	case model.FinishToolCalls:
		return "tool_use"
	case model.FinishContentFilter:
		return "refusal"
	}
	return finish
}

func (p *anthropicProtocol) failure(e *model.Error) (any, event) {
	kind := "api_error"
	switch {
	case e.Status == 429:
		kind = "rate_limit_error"
	case e.Status == 529:
		kind = "overloaded_error"
	case e.Status == 401:
		kind = "authentication_error"
	case e.Status >= 400 && e.Status < 500:
		kind = "invalid_request_error"
	}
	body := object{"type": "error", "error": object{"type": kind, "message": e.Message}}
	return body, event{name: "error", data: body}
}
