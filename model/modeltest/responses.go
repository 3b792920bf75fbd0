package modeltest

import (
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure/model"
)

// responsesProtocol speaks the part of OpenAI's Responses API that a stateless
// call needs.
type responsesProtocol struct {
	model    string
	id       string
	sequence int
	begun    bool
	// items are the output items so far; text is that of the open message, if
	// one is open.
	items []any
	open  bool
	text  string
}

type responsesRequest struct {
	Model           string            `json:"model"`
	Instructions    string            `json:"instructions"`
	Input           json.RawMessage   `json:"input"`
	Stream          bool              `json:"stream"`
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
}

func (p *responsesProtocol) decode(body []byte) (*model.Request, bool, error) {
	var in responsesRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, false, err
	}
	p.model = in.Model
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
	for i, item := range items {
		switch item.Type {
		case "message", "":
			contents, err := chatContents(item.Content)
			if err != nil {
				return nil, fmt.Errorf("input[%d]: %w", i, err)
			}
			role := model.Role(item.Role)
			if role == "developer" {
				role = model.RoleSystem
			}
			messages = append(messages, &model.Message{Role: role, Contents: contents})
		case "function_call":
			call := &model.FunctionCall{CallID: item.CallID, Name: item.Name, Arguments: item.Arguments}
			if n := len(messages); n > 0 && messages[n-1].Role == model.RoleAssistant {
				messages[n-1].Contents = append(messages[n-1].Contents, call)
				continue
			}
			messages = append(messages, &model.Message{Role: model.RoleAssistant, Contents: model.Contents{call}})
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
		p.begun, p.id = true, "resp_"+u.ResponseID
		events = append(events,
			p.event("response.created", object{"response": p.response("in_progress", nil)}),
			p.event("response.in_progress", object{"response": p.response("in_progress", nil)}))
	}
	for _, c := range u.Contents {
		switch c := c.(type) {
		case *model.Text:
			events = append(events, p.addText(c.Text)...)
		case *model.FunctionCall:
			events = append(events, p.addCall(c)...)
		}
	}
	return events
}

func (p *responsesProtocol) addText(text string) []event {
	var events []event
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
	events := p.closeText()
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
	events := p.closeText()
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
	out := object{"id": p.id, "object": "response", "created_at": created, "model": p.model, "status": status,
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
	p.closeText()
	return p.response(responsesStatus(r.FinishReason), r)
}

func (p *responsesProtocol) failure(e *model.Error) (any, event) {
	body := object{"error": object{"message": e.Message, "type": "server_error", "code": e.Code, "param": nil}}
	return body, p.event("error", object{"message": e.Message, "code": e.Code, "param": nil})
}
