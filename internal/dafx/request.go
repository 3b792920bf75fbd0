package dafx

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// Request is a wish to run an agent: the input of the operation run.
type Request struct {
	Dialect Dialect
	// CorrelationID is empty only if the input was a mere text.
	CorrelationID   string
	OrchestrationID string // the orchestration that asks; "" = none
	// Messages are empty only if the caller has sent none, which asks for nothing.
	Messages []*model.Message
	Format   Format
	NoTools  bool
	Tools    []string // names of the only tools that may be called; empty = all
	NoWait   bool     // the caller wants to be told only that it was heard
	Created  time.Time
	Options  Options
}

// Format is the form that an answer is to have. The zero value is text.
type Format struct {
	JSON              bool
	Schema            json.RawMessage // of the JSON; empty = any object
	Name, Description string
	// Type names a type of the caller's program, "module.qualname", that stands
	// for the schema; "" = none.
	Type string
}

// ParseRequest reads the input of the operation run: an object, or a JSON string
// that holds one; any other string is the message. Which dialect it is, the member
// "messages" (.NET) or "message" (Python) tells. The errors are *FormatError; with
// one it returns what could be read of an object, so that somebody can be told.
func ParseRequest(input []byte) (*Request, error) {
	if !json.Valid(input) {
		return nil, malformed("run request", "%s is no JSON", shown(input))
	}
	var text string
	if json.Unmarshal(input, &text) == nil && orNil(input) != nil {
		inner := []byte(text)
		if !isObject(inner) || !json.Valid(inner) {
			return said(text)
		}
		input = inner
	}
	members := objectOf(input)
	if members == nil {
		return nil, malformed("run request", "%s is neither an object nor a text", shown(input))
	}
	r := &reader{where: "run request", m: members}
	request := &Request{
		CorrelationID: r.scalar("correlationId"), OrchestrationID: r.scalar("orchestrationId"),
		NoTools: !r.truth("enableToolCalls", true), NoWait: !r.truth("waitForResponse", true),
		Tools: r.names("enableToolNames"), Options: readOptions(r.m.find("options")),
	}
	request.Created, _ = ParseTime(r.scalar("createdAt"))
	request.Format = r.format()
	switch {
	case members.has("messages"):
		request.Dialect = DotNet
		messages, err := dotNetForm.readMessages(members.find("messages"), true)
		if err != nil {
			return request, err
		}
		request.Messages = messages
	case members.has("message"):
		request.Dialect = Python
		m := model.UserText(r.scalar("message"))
		if role := strings.ToLower(strings.TrimSpace(r.text("role"))); role != "" {
			m.Role = model.Role(role)
		}
		request.Messages = []*model.Message{m}
	default:
		r.err = malformed("run request", "there is neither message nor messages")
	}
	if r.err == nil {
		r.err = request.check()
	}
	if r.err == nil && strings.TrimSpace(request.CorrelationID) == "" {
		r.err = malformed("run request", "correlationId is missing")
	}
	return request, r.err
}

// said is the request of somebody who sent a mere text.
func said(text string) (*Request, error) {
	r := &Request{Dialect: Python, Messages: []*model.Message{model.UserText(text)}}
	return r, r.check()
}

func (r *Request) check() error {
	for i, m := range r.Messages {
		switch m.Role {
		case model.RoleUser, model.RoleAssistant, model.RoleSystem, model.RoleTool:
		default:
			return malformed("run request", "there is no role %q; known are user, assistant, system and tool", string(m.Role))
		}
		if r.Dialect == Python && strings.TrimSpace(m.Text()) == "" {
			return malformed("run request", "the message is empty")
		}
		if len(m.Contents) == 0 {
			return malformed("run request", "message %d has no contents", i)
		}
	}
	return nil
}

// scalar reads a string; other values that are neither object nor array are taken
// as they are written.
func (r *reader) scalar(name string) string {
	raw := r.m.find(name)
	if s, ok := stringOf(raw); ok {
		return s
	}
	return string(raw)
}

// truth reads a truth value.
func (r *reader) truth(name string, absent bool) bool {
	raw := r.m.find(name)
	if raw == nil {
		return absent
	}
	value, ok := truthOf(raw)
	if !ok && r.err == nil {
		r.err = malformed(r.where, "%s is neither true nor false: %s", name, shown(raw))
	}
	return value
}

func (r *reader) names(name string) []string {
	var names []string
	if raw := r.m.find(name); raw != nil && json.Unmarshal(raw, &names) != nil && r.err == nil {
		r.err = malformed(r.where, "%s is no array of names: %s", name, shown(raw))
	}
	return names
}

// Members of the formats of Python.
const (
	schemaTypeMember = "__response_schema_type__"
	schemaTypeModel  = "pydantic_model"
)

// ParseFormat reads the member response_format or responseFormat.
func ParseFormat(raw json.RawMessage) (Format, error) {
	r := &reader{where: "run request", m: Members{{"responseFormat", raw}}}
	f := r.format()
	return f, r.err
}

// Resolve returns the structured output that the format asks for, nil for text.
// Formats holds the schemas of the caller's types.
func (f Format) Resolve(formats map[string]json.RawMessage) (*model.Format, error) {
	if !f.JSON {
		return nil, nil
	}
	schema, name := f.Schema, f.Name
	if f.Type != "" {
		if schema = formats[f.Type]; schema == nil {
			return nil, malformed("response format", "the type %s is not known: register its JSON schema with the agent, or send the schema", f.Type)
		}
		name = f.Type[strings.LastIndexByte(f.Type, '.')+1:]
	}
	return &model.Format{Name: name, Description: f.Description, Schema: schema}, nil
}

// format reads the form that the answer is to have.
func (r *reader) format() Format {
	f := Format{JSON: strings.EqualFold(strings.TrimSpace(r.text("requestResponseFormat")), "json")}
	raw := r.m.find("responseFormat")
	if raw == nil {
		return f
	}
	m := objectOf(raw)
	in := &reader{where: "response format", m: m}
	kind := strings.ToLower(in.kind())
	word, isWord := stringOf(raw)
	switch {
	case isWord && strings.EqualFold(word, "text") || kind == "text":
		return Format{}
	case isWord && strings.EqualFold(word, "json"):
		return Format{JSON: true}
	case kind == "json":
		f = Format{JSON: true, Schema: m.find("schema"), Name: in.text("schemaName"), Description: in.text("schemaDescription")}
	case m.has(schemaTypeMember):
		f = Format{JSON: true, Type: strings.Trim(in.text("module")+"."+in.text("qualname"), ".")}
		if given := in.text(schemaTypeMember); given != schemaTypeModel || f.Type == "" {
			in.err = malformed(r.where, "response_format %s names no type", shown(raw))
		}
	case m != nil && kind == "":
		f = Format{JSON: true, Schema: raw, Name: title(m)}
	default:
		in.err = malformed(r.where, "there is no response format %s", shown(raw))
	}
	if f.Schema != nil && !isObject(f.Schema) {
		in.err = malformed(r.where, "the schema of the response format is no object: %s", shown(f.Schema))
	}
	if r.err == nil {
		r.err = in.err
	}
	return f
}

// title is the name that a schema gives itself, if a model can be told it.
func title(schema Members) string {
	s, _ := stringOf(schema.Get("title"))
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return ""
		}
	}
	if len(s) > 64 {
		return ""
	}
	return s
}
