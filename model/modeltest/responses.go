package modeltest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/perdure/perdure/model"
)

// responsesProtocol speaks the part of OpenAI's Responses API that a stateless
// call needs, and responses in the background.
type responsesProtocol struct {
	model      string
	background bool
	// encrypted says that the caller wants the encrypted form of reasoning.
	encrypted bool
	id        string
	sequence  int
	begun     bool
	// items are the output items so far; text is that of the open message, if
	// one is open.
	items []any
	open  bool
	text  string
	// thought is the text of the reasoning that is open, if thinking is set.
	thinking bool
	thought  string
}

type responsesRequest struct {
	Model           string            `json:"model"`
	Instructions    string            `json:"instructions"`
	Input           json.RawMessage   `json:"input"`
	Stream          bool              `json:"stream"`
	Background      bool              `json:"background"`
	Include         []string          `json:"include"`
	Previous        string            `json:"previous_response_id"`
	Temperature     *float64          `json:"temperature"`
	TopP            *float64          `json:"top_p"`
	MaxOutputTokens *int              `json:"max_output_tokens"`
	Metadata        map[string]string `json:"metadata"`
	ToolChoice      json.RawMessage   `json:"tool_choice"`
	Tools           []chatFunction    `json:"tools"`
	Text            struct {
		Format *struct {
			Type   string          `json:"type"`
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
			Strict bool            `json:"strict"`
		} `json:"format"`
	} `json:"text"`
}

type responsesItem struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    string          `json:"output"`
	Encrypted string          `json:"encrypted_content"`
	Summary   []struct {
		Text string `json:"text"`
	} `json:"summary"`
}

func (p *responsesProtocol) decode(body []byte) (*model.Request, bool, error) {
	var in responsesRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, false, err
	}
	if in.Previous != "" {
		return nil, false, fmt.Errorf("previous_response_id: nothing is kept here; send the whole input")
	}
	p.model, p.background = in.Model, in.Background
	p.encrypted = slices.Contains(in.Include, "reasoning.encrypted_content")
	req := &model.Request{
		Instructions: in.Instructions, Model: in.Model, Temperature: in.Temperature, TopP: in.TopP,
		MaxOutputTokens: in.MaxOutputTokens, Metadata: in.Metadata,
	}
	req.ToolMode, req.RequiredTool = chatToolChoice(in.ToolChoice)
	for _, t := range in.Tools {
		req.Tools = append(req.Tools, model.Tool{Name: t.Name, Description: t.Description, Schema: t.Parameters})
	}
	if f := in.Text.Format; f != nil && f.Type != "text" {
		req.Format = &model.Format{Name: f.Name, Schema: f.Schema, Strict: f.Strict}
	}
	messages, err := responsesInput(in.Input)
	if err != nil {
		return nil, false, err
	}
	req.Messages = messages
	return req, in.Stream, checkCalls(req.Messages)
}

// responsesInput reads the input: a string or a list of items.
func responsesInput(raw json.RawMessage) ([]*model.Message, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []*model.Message{model.UserText(text)}, nil
	}
	var items []responsesItem
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	var messages []*model.Message
	// add appends to the message of the assistant that is last, if one is.
	add := func(c ...model.Content) {
		if n := len(messages); n > 0 && messages[n-1].Role == model.RoleAssistant {
			messages[n-1].Contents = append(messages[n-1].Contents, c...)
			return
		}
		messages = append(messages, &model.Message{Role: model.RoleAssistant, Contents: c})
	}
	for i, item := range items {
		switch item.Type {
		case "message", "":
			contents, err := chatContents(item.Content)
			if err != nil {
				return nil, fmt.Errorf("input[%d]: %w", i, err)
			}
			switch item.Role {
			case "assistant":
				add(contents...)
			case "developer", "system":
				messages = append(messages, &model.Message{Role: model.RoleSystem, Contents: contents})
			case "user":
				messages = append(messages, &model.Message{Role: model.RoleUser, Contents: contents})
			default:
				return nil, fmt.Errorf("input[%d]: role %q is not known", i, item.Role)
			}
		case "reasoning":
			r := &model.Reasoning{ProtectedData: item.Encrypted}
			for _, s := range item.Summary {
				r.Text += s.Text
			}
			add(r)
		case "function_call":
			add(&model.FunctionCall{CallID: item.CallID, Name: item.Name, Arguments: item.Arguments})
		case "function_call_output":
			messages = append(messages, model.ToolResult(item.CallID, item.Output))
		default:
			return nil, fmt.Errorf("input[%d]: item of type %q is not known", i, item.Type)
		}
	}
	return messages, nil
}

func (p *responsesProtocol) update(u *model.Update) []event {
	var events []event
	if !p.begun {
		p.begun = true
		if p.id == "" { // else the creation was told before
			p.id = "resp_" + u.ResponseID
			events = append(events, p.event("response.created", object{"response": p.response("in_progress", nil)}))
		}
		events = append(events, p.event("response.in_progress", object{"response": p.response("in_progress", nil)}))
	}
	for _, c := range u.Contents {
		switch c := c.(type) {
		case *model.Text:
			events = append(events, p.addText(c.Text)...)
		case *model.Reasoning:
			events = append(events, p.addThought(c)...)
		case *model.FunctionCall:
			events = append(events, p.addCall(c)...)
		}
	}
	return events
}

// addThought continues the open reasoning; protected data ends it.
func (p *responsesProtocol) addThought(c *model.Reasoning) []event {
	events := p.closeText()
	at := object{"item_id": p.itemID(), "output_index": len(p.items), "summary_index": 0}
	if !p.thinking {
		p.thinking = true
		events = append(events, p.event("response.output_item.added",
			object{"output_index": len(p.items), "item": p.reasoningItem("in_progress", "")}))
	}
	if c.Text != "" {
		if p.thought == "" {
			events = append(events, p.event("response.reasoning_summary_part.added", with(at, "part", summaryText(""))))
		}
		p.thought += c.Text
		events = append(events, p.event("response.reasoning_summary_text.delta", with(at, "delta", c.Text)))
	}
	if c.ProtectedData != "" {
		events = append(events, p.closeThought(c.ProtectedData)...)
	}
	return events
}

// closeThought ends the open reasoning.
func (p *responsesProtocol) closeThought(protected string) []event {
	if !p.thinking {
		return nil
	}
	at := object{"item_id": p.itemID(), "output_index": len(p.items), "summary_index": 0}
	var events []event
	if p.thought != "" {
		events = append(events,
			p.event("response.reasoning_summary_text.done", with(at, "text", p.thought)),
			p.event("response.reasoning_summary_part.done", with(at, "part", summaryText(p.thought))))
	}
	item := p.reasoningItem("completed", protected)
	events = append(events, p.event("response.output_item.done", object{"output_index": len(p.items), "item": item}))
	p.items = append(p.items, item)
	p.thinking, p.thought = false, ""
	return events
}

func (p *responsesProtocol) reasoningItem(status, protected string) object {
	summary := []any{}
	if p.thought != "" {
		summary = append(summary, summaryText(p.thought))
	}
	item := object{"type": "reasoning", "id": p.itemID(), "status": status, "summary": summary}
	if p.encrypted && protected != "" {
		item["encrypted_content"] = protected
	}
	return item
}

func summaryText(s string) object { return object{"type": "summary_text", "text": s} }

func (p *responsesProtocol) addText(text string) []event {
	events := p.closeThought("")
	at := object{"item_id": p.itemID(), "output_index": len(p.items), "content_index": 0}
	if !p.open {
		p.open = true
		events = append(events,
			p.event("response.output_item.added", object{"output_index": len(p.items), "item": p.messageItem("in_progress", nil)}),
			p.event("response.content_part.added", with(at, "part", outputText(""))))
	}
	p.text += text
	return append(events, p.event("response.output_text.delta", with(at, "delta", text)))
}

// closeText ends the open message.
func (p *responsesProtocol) closeText() []event {
	if !p.open {
		return nil
	}
	at := object{"item_id": p.itemID(), "output_index": len(p.items), "content_index": 0}
	item := p.messageItem("completed", []any{outputText(p.text)})
	events := []event{
		p.event("response.output_text.done", with(at, "text", p.text)),
		p.event("response.content_part.done", with(at, "part", outputText(p.text))),
		p.event("response.output_item.done", object{"output_index": len(p.items), "item": item}),
	}
	p.items = append(p.items, item)
	p.open, p.text = false, ""
	return events
}

func (p *responsesProtocol) addCall(c *model.FunctionCall) []event {
	events := append(p.closeThought(""), p.closeText()...)
	id, index := p.itemID(), len(p.items)
	item := func(status, arguments string) object {
		return object{"type": "function_call", "id": id, "call_id": c.CallID, "name": c.Name,
			"arguments": arguments, "status": status}
	}
	at := object{"item_id": id, "output_index": index}
	done := item("completed", c.Arguments)
	p.items = append(p.items, done)
	return append(events,
		p.event("response.output_item.added", object{"output_index": index, "item": item("in_progress", "")}),
		p.event("response.function_call_arguments.delta", with(at, "delta", c.Arguments)),
		p.event("response.function_call_arguments.done", with(at, "arguments", c.Arguments)),
		p.event("response.output_item.done", object{"output_index": index, "item": done}))
}

func (p *responsesProtocol) end(r *model.Response) []event {
	events := append(p.closeThought(""), p.closeText()...)
	status := responsesStatus(r.FinishReason)
	return append(events, p.event("response."+status, object{"response": p.response(status, r)}))
}

func responsesStatus(finish string) string {
	if finish == model.FinishLength || finish == model.FinishContentFilter {
		return "incomplete"
	}
	return "completed"
}

func (p *responsesProtocol) itemID() string { return fmt.Sprintf("%s_item_%d", p.id, len(p.items)) }

func (p *responsesProtocol) messageItem(status string, content []any) object {
	if content == nil {
		content = []any{}
	}
	return object{"type": "message", "id": p.itemID(), "role": "assistant", "status": status, "content": content}
}

func outputText(s string) object {
	return object{"type": "output_text", "text": s, "annotations": []any{}}
}

// with returns a copy of o with one more member.
func with(o object, name string, v any) object {
	out := object{name: v}
	for k, v := range o {
		out[k] = v
	}
	return out
}

func (p *responsesProtocol) event(name string, data object) event {
	data["type"], data["sequence_number"] = name, p.sequence
	p.sequence++
	return event{name: name, data: data}
}

// response is the response object; r is nil while it is in progress.
func (p *responsesProtocol) response(status string, r *model.Response) object {
	items := p.items
	if items == nil {
		items = []any{}
	}
	out := object{"id": p.id, "object": "response", "created_at": created, "model": p.model, "status": status, "background": p.background,
		"output": items, "error": nil, "incomplete_details": nil, "usage": nil}
	if r == nil {
		return out
	}
	u := r.Usage()
	out["usage"] = object{
		"input_tokens": u.InputTokenCount, "output_tokens": u.OutputTokenCount, "total_tokens": u.TotalTokenCount,
		"input_tokens_details": object{"cached_tokens": u.CachedInputTokenCount,
			"cache_write_tokens": u.AdditionalCounts[model.CountCacheWrite]},
		"output_tokens_details": object{"reasoning_tokens": u.ReasoningTokenCount},
	}
	if status == "incomplete" {
		reason := "max_output_tokens"
		if r.FinishReason == model.FinishContentFilter {
			reason = "content_filter"
		}
		out["incomplete_details"] = object{"reason": reason}
	}
	return out
}

func (p *responsesProtocol) whole(r *model.Response) any {
	p.id = "resp_" + r.ID
	for _, m := range r.Messages {
		p.update(&model.Update{ResponseID: r.ID, Contents: m.Contents})
	}
	p.closeThought("")
	p.closeText()
	return p.response(responsesStatus(r.FinishReason), r)
}

func (p *responsesProtocol) failure(e *model.Error) (any, event) {
	body := object{"error": object{"message": e.Message, "type": "server_error", "code": e.Code, "param": nil}}
	return body, p.event("error", object{"message": e.Message, "code": e.Code, "param": nil})
}

// failed returns the response object and the last event of a response that an
// error has ended.
func (p *responsesProtocol) failed(e *model.Error) (object, []event) {
	response := p.response("failed", nil)
	response["error"] = object{"code": e.Code, "message": e.Message}
	return response, []event{p.event("response.failed", object{"response": response})}
}
