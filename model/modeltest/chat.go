package modeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/perdure/perdure/model"
)

// object is a JSON object under construction.
type object = map[string]any

// chatProtocol speaks OpenAI's Chat Completions.
type chatProtocol struct {
	model        string
	includeUsage bool
	id           string
	begun        bool
	calls        int
}

type chatRequest struct {
	Model               string            `json:"model"`
	Messages            []chatMessage     `json:"messages"`
	Tools               []chatTool        `json:"tools"`
	ToolChoice          json.RawMessage   `json:"tool_choice"`
	ResponseFormat      *chatFormat       `json:"response_format"`
	Temperature         *float64          `json:"temperature"`
	TopP                *float64          `json:"top_p"`
	MaxTokens           *int              `json:"max_tokens"`
	MaxCompletionTokens *int              `json:"max_completion_tokens"`
	Stop                stringOrList      `json:"stop"`
	Metadata            map[string]string `json:"metadata"`
	Stream              bool              `json:"stream"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type chatMessage struct {
	Role       string          `json:"role"`
	Name       string          `json:"name"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string       `json:"id"`
		Function chatFunction `json:"function"`
	} `json:"tool_calls"`
	ReasoningContent string `json:"reasoning_content"`
}

type chatFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Arguments   string          `json:"arguments"`
}

type chatTool struct {
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Schema      json.RawMessage `json:"schema"`
		Strict      bool            `json:"strict"`
	} `json:"json_schema"`
}

// stringOrList reads one string or a list of them.
type stringOrList []string

func (s *stringOrList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		*s = make(stringOrList, 1)
		return json.Unmarshal(data, &(*s)[0])
	}
	return json.Unmarshal(data, (*[]string)(s))
}

func (p *chatProtocol) decode(body []byte) (*model.Request, bool, error) {
	var in chatRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, false, err
	}
	p.model, p.includeUsage = in.Model, in.StreamOptions.IncludeUsage
	req := &model.Request{
		Temperature: in.Temperature, TopP: in.TopP, MaxOutputTokens: in.MaxCompletionTokens,
		Stop: in.Stop, Model: in.Model, Metadata: in.Metadata,
	}
	if req.MaxOutputTokens == nil {
		req.MaxOutputTokens = in.MaxTokens
	}
	for i, m := range in.Messages {
		if err := addChatMessage(req, m); err != nil {
			return nil, false, fmt.Errorf("messages[%d]: %w", i, err)
		}
	}
	for _, t := range in.Tools {
		req.Tools = append(req.Tools, model.Tool{
			Name: t.Function.Name, Description: t.Function.Description, Schema: t.Function.Parameters,
		})
	}
	req.ToolMode, req.RequiredTool = chatToolChoice(in.ToolChoice)
	if f := in.ResponseFormat; f != nil && f.Type != "text" {
		req.Format = &model.Format{Name: f.JSONSchema.Name, Description: f.JSONSchema.Description,
			Schema: f.JSONSchema.Schema, Strict: f.JSONSchema.Strict}
	}
	return req, in.Stream, checkCalls(req.Messages)
}

// checkCalls refuses what OpenAI refuses: a tool call without a result, or a
// result without a call.
func checkCalls(messages []*model.Message) error {
	open := map[string]bool{}
	for i, m := range messages {
		if m.Role != model.RoleTool && len(open) > 0 {
			return fmt.Errorf("messages[%d]: tool calls without a result precede it", i)
		}
		for _, c := range m.Contents {
			switch c := c.(type) {
			case *model.FunctionCall:
				open[c.CallID] = true
			case *model.FunctionResult:
				if !open[c.CallID] {
					return fmt.Errorf("messages[%d]: result of an unknown tool call %q", i, c.CallID)
				}
				delete(open, c.CallID)
			}
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%d tool calls without a result at the end", len(open))
	}
	return nil
}

func addChatMessage(req *model.Request, in chatMessage) error {
	contents, err := chatContents(in.Content)
	if err != nil {
		return err
	}
	m := &model.Message{Role: model.Role(in.Role), AuthorName: in.Name, Contents: contents}
	switch in.Role {
	case "system", "developer":
		if req.Instructions == "" && len(req.Messages) == 0 {
			req.Instructions = contents.Text()
			return nil
		}
		m.Role = model.RoleSystem
	case "user":
	case "assistant":
		if in.ReasoningContent != "" {
			m.Contents = append(model.Contents{&model.Reasoning{Text: in.ReasoningContent}}, m.Contents...)
		}
		for _, c := range in.ToolCalls {
			m.Contents = append(m.Contents, &model.FunctionCall{
				CallID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments,
			})
		}
	case "tool":
		m = model.ToolResult(in.ToolCallID, contents.Text())
	default:
		return fmt.Errorf("role %q is not known", in.Role)
	}
	req.Messages = append(req.Messages, m)
	return nil
}

// chatContents reads a message's content: null, a string, or a list of parts.
func chatContents(raw json.RawMessage) (model.Contents, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return model.Contents{&model.Text{Text: text}}, nil
	}
	var parts []chatPart
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, err
	}
	var contents model.Contents
	for _, p := range parts {
		c, err := p.content()
		if err != nil {
			return nil, err
		}
		contents = append(contents, c)
	}
	return contents, nil
}

// chatPart is a part of a message in either of OpenAI's APIs.
type chatPart struct {
	Type     string   `json:"type"`
	Text     string   `json:"text"`
	Refusal  string   `json:"refusal"`
	ImageURL imageURL `json:"image_url"`
	Audio    struct {
		Data   string `json:"data"`
		Format string `json:"format"`
	} `json:"input_audio"`
	chatFile
	File chatFile `json:"file"`
}

type chatFile struct {
	FileID   string `json:"file_id"`
	Filename string `json:"filename"`
	FileData string `json:"file_data"`
	FileURL  string `json:"file_url"`
}

// imageURL reads an image: an object with a URL, or the URL alone.
type imageURL string

func (u *imageURL) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, (*string)(u))
	}
	var in struct {
		URL string `json:"url"`
	}
	err := json.Unmarshal(data, &in)
	*u = imageURL(in.URL)
	return err
}

func (p *chatPart) content() (model.Content, error) {
	switch p.Type {
	case "text", "input_text", "output_text":
		return &model.Text{Text: p.Text}, nil
	case "refusal":
		return &model.ErrorContent{Message: p.Refusal, ErrorCode: "refusal"}, nil
	case "image_url", "input_image":
		switch {
		case p.FileID != "":
			return &model.HostedFile{FileID: p.FileID, MediaType: "image/*"}, nil
		case strings.HasPrefix(string(p.ImageURL), "data:"):
			return &model.Data{URI: string(p.ImageURL)}, nil
		}
		return &model.URI{URI: string(p.ImageURL), MediaType: "image/*"}, nil
	case "input_audio":
		return &model.Data{URI: "data:audio/" + p.Audio.Format + ";base64," + p.Audio.Data}, nil
	case "file":
		return p.File.content(), nil
	case "input_file":
		return p.chatFile.content(), nil
	}
	return nil, fmt.Errorf("content part of type %q is not known", p.Type)
}

func (f chatFile) content() model.Content {
	switch {
	case f.FileID != "":
		return &model.HostedFile{FileID: f.FileID}
	case f.FileURL != "":
		return &model.URI{URI: f.FileURL, MediaType: "application/*"}
	}
	return &model.Data{URI: f.FileData, Name: f.Filename}
}

func chatToolChoice(raw json.RawMessage) (model.ToolMode, string) {
	var mode string
	if json.Unmarshal(raw, &mode) == nil {
		if mode == "auto" {
			return model.ToolsAuto, ""
		}
		return model.ToolMode(mode), ""
	}
	var choice struct {
		Name     string       `json:"name"`
		Function chatFunction `json:"function"`
	}
	if json.Unmarshal(raw, &choice) != nil || choice.Name+choice.Function.Name == "" {
		return model.ToolsAuto, ""
	}
	return model.ToolsRequired, choice.Name + choice.Function.Name
}

func (p *chatProtocol) update(u *model.Update) []event {
	var events []event
	if !p.begun {
		p.begun, p.id = true, "chatcmpl-"+u.ResponseID
		events = append(events, p.chunk(object{"role": "assistant", "content": ""}, nil))
	}
	for _, c := range u.Contents {
		switch c := c.(type) {
		case *model.Text:
			events = append(events, p.chunk(object{"content": c.Text}, nil))
		case *model.Reasoning:
			events = append(events, p.chunk(object{"reasoning_content": c.Text}, nil))
		case *model.FunctionCall:
			events = append(events, p.callChunks(c)...)
		case *model.ErrorContent:
			events = append(events, p.chunk(object{"refusal": c.Message}, nil))
		}
	}
	return events
}

// callChunks sends a call as providers do: the name first, then the arguments in
// fragments.
func (p *chatProtocol) callChunks(c *model.FunctionCall) []event {
	index := p.calls
	p.calls++
	half := len(c.Arguments) / 2
	fragments := []object{
		{"index": index, "id": c.CallID, "type": "function", "function": object{"name": c.Name, "arguments": ""}},
		{"index": index, "function": object{"arguments": c.Arguments[:half]}},
		{"index": index, "function": object{"arguments": c.Arguments[half:]}},
	}
	var events []event
	for _, f := range fragments {
		events = append(events, p.chunk(object{"tool_calls": []any{f}}, nil))
	}
	return events
}

func (p *chatProtocol) end(r *model.Response) []event {
	events := []event{p.chunk(object{}, r.FinishReason)}
	if p.includeUsage {
		last := p.head("chat.completion.chunk")
		last["choices"], last["usage"] = []any{}, chatUsage(r.Usage())
		events = append(events, event{data: last})
	}
	return append(events, event{data: "[DONE]"})
}

func (p *chatProtocol) chunk(delta object, finish any) event {
	c := p.head("chat.completion.chunk")
	c["choices"] = []any{object{"index": 0, "delta": delta, "finish_reason": finish}}
	return event{data: c}
}

// created is the time that answers carry: it is fixed, so that they compare.
const created = 1793610000

func (p *chatProtocol) head(kind string) object {
	return object{"id": p.id, "object": kind, "created": created, "model": p.model}
}

func (p *chatProtocol) whole(r *model.Response) any {
	p.id = "chatcmpl-" + r.ID
	message := object{"role": "assistant", "content": nil}
	if text := r.Text(); text != "" {
		message["content"] = text
	}
	var calls []any
	for _, c := range r.Calls() {
		calls = append(calls, object{"id": c.CallID, "type": "function",
			"function": object{"name": c.Name, "arguments": c.Arguments}})
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	out := p.head("chat.completion")
	out["choices"] = []any{object{"index": 0, "message": message, "finish_reason": r.FinishReason}}
	out["usage"] = chatUsage(r.Usage())
	return out
}

func chatUsage(u model.Usage) object {
	return object{
		"prompt_tokens": u.InputTokenCount, "completion_tokens": u.OutputTokenCount, "total_tokens": u.TotalTokenCount,
		"prompt_tokens_details": object{"cached_tokens": u.CachedInputTokenCount,
			"cache_write_tokens": u.AdditionalCounts[model.CountCacheWrite]},
		"completion_tokens_details": object{"reasoning_tokens": u.ReasoningTokenCount},
	}
}

func (p *chatProtocol) failure(e *model.Error) (any, event) {
	kind := "server_error"
	if e.Status >= 400 && e.Status < 500 {
		kind = "invalid_request_error"
	}
	body := object{"error": object{"message": e.Message, "type": kind, "code": e.Code, "param": nil}}
	return body, event{data: body}
}
