package dafx

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// Result is what a turn has answered: the result of the operation run.
type Result struct {
	Messages     []*model.Message
	Agent        string // its name
	Session      string // instance id; "" = none
	ID           string // of the response
	Created      time.Time
	FinishReason string
	Usage        *model.Usage    // nil = not known
	Value        json.RawMessage // structured output; empty = none
}

// Accepted is the result for callers that do not wait for their turn.
func Accepted(correlationID string) *Result {
	return &Result{Messages: []*model.Message{model.SystemText(fmt.Sprintf(
		"Request accepted (correlation id %s). The agent answers in the background; the state of the session has the answer.", correlationID))}}
}

// Failed is the result of a turn that could not answer, for readers that expect a
// result.
func Failed(code, message string) *Result {
	return &Result{Messages: []*model.Message{{
		Role: model.RoleAssistant, Contents: model.Contents{&model.ErrorContent{Message: message, ErrorCode: code}},
	}}}
}

// Write returns the result in a dialect.
func (r *Result) Write(d Dialect) json.RawMessage {
	var m Members
	if d == Python {
		m.text("type", "agent_response")
		m.add("messages", pythonForm.writeMessages(r.Messages))
		m.textIf("response_id", r.ID)
		m.textIf("agent_id", r.Agent)
		if !r.Created.IsZero() {
			m.text("created_at", FormatTime(r.Created))
		}
		m.textIf("finish_reason", r.FinishReason)
		if r.Usage != nil {
			m.add("usage_details", writePythonUsage(*r.Usage))
		}
		m.rawIf("value", r.Value)
		return m.raw()
	}
	m.add("messages", dotNetForm.writeMessages(r.Messages))
	m.textIf("agentId", r.Session)
	m.textIf("responseId", r.ID)
	if !r.Created.IsZero() {
		m.text("createdAt", FormatTime(r.Created))
	}
	m.textIf("finishReason", r.FinishReason)
	if r.Usage != nil {
		m.add("usage", writeUsage(*r.Usage))
	}
	m.rawIf("value", r.Value)
	return m.raw()
}

// ParseResult reads a result in either dialect, which it tells. Contents that do
// not fit their kind are kept verbatim. The errors are *FormatError.
func ParseResult(input []byte) (*Result, Dialect, error) {
	m := objectOf(input)
	if m == nil || !json.Valid(input) {
		return nil, "", malformed("result", "%s is no object", shown(input))
	}
	form, d, usage := &dotNetForm, DotNet, m.find("usage")
	in := &reader{where: "result", m: m}
	out := &Result{Session: in.text("agentId")}
	if kind, _ := stringOf(m.Get("type")); kind == "agent_response" {
		form, d, usage = &pythonForm, Python, m.find("usageDetails")
		out = &Result{Agent: in.text("agentId")}
	}
	out.ID, out.FinishReason, out.Value = in.text("responseId"), in.text("finishReason"), m.Get("value")
	out.Created, _ = ParseTime(in.text("createdAt"))
	if usage != nil {
		u := readUsage(objectOf(usage))
		out.Usage = &u
	}
	messages, err := form.readMessages(m.find("messages"), false)
	if err != nil {
		return nil, "", err
	}
	out.Messages = messages
	return out, d, in.err
}

// WritePascal returns the result in the dialect of .NET, with the names of its
// members as the first hosts of .NET answered over HTTP: "Messages".
func (r *Result) WritePascal() json.RawMessage {
	m := pascal(objectOf(r.Write(DotNet)))
	messages := elements(m.Get("Messages"), func(message Members) Members {
		message = pascal(message)
		message.Set("Contents", elements(message.Get("Contents"), pascal))
		return message
	})
	m.Set("Messages", messages)
	if usage := objectOf(m.Get("Usage")); usage != nil {
		m.Set("Usage", pascal(usage).raw())
	}
	return m.raw()
}

// pascal capitalises names, but not that of the type.
func pascal(m Members) Members {
	out := make(Members, len(m))
	for i, member := range m {
		if name := member.Name; name != "" && name != typeMember {
			member.Name = strings.ToUpper(name[:1]) + name[1:]
		}
		out[i] = member
	}
	return out
}

// elements changes the objects in an array of objects.
func elements(raw json.RawMessage, change func(Members) Members) json.RawMessage {
	var in []json.RawMessage
	if json.Unmarshal(raw, &in) != nil {
		return raw
	}
	for i, e := range in {
		if m := objectOf(e); m != nil {
			in[i] = change(m).raw()
		}
	}
	return list(in)
}
