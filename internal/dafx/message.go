package dafx

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// messageForm is how a place writes messages.
type messageForm struct {
	typ                          string // value of the member "type"; "" = none
	author, created, id, further string // names of members
	write                        func(model.Content) json.RawMessage
	read                         func(json.RawMessage) (model.Content, error)
}

var (
	dotNetForm = messageForm{author: "authorName", created: "createdAt", id: "messageId", further: "additionalProperties", write: WriteContent, read: ReadContent}
	stateForm  = messageForm{author: "authorName", created: "createdAt", id: "messageId", further: "extensionData", write: WriteContent, read: ReadContent}
	pythonForm = messageForm{typ: "message", author: "author_name", id: "message_id", further: "additional_properties", write: WritePythonContent, read: ReadPythonContent}
)

// writeMessage returns a message. Its role is always there.
func (f *messageForm) writeMessage(m *model.Message) json.RawMessage {
	var out Members
	out.textIf("type", f.typ)
	out.text("role", string(m.Role))
	contents := make([]json.RawMessage, len(m.Contents))
	for i, c := range m.Contents {
		contents[i] = f.write(c)
	}
	if f.typ != "" { // Python has the contents before the author
		out.add("contents", list(contents))
	}
	out.textIf(f.author, m.AuthorName)
	if f.created != "" && !m.CreatedAt.IsZero() {
		out.text(f.created, FormatTime(m.CreatedAt))
	}
	out.textIf(f.id, m.ID)
	if f.typ == "" {
		out.add("contents", list(contents))
	}
	if len(m.AdditionalProperties) > 0 {
		var further Members
		for _, name := range slices.Sorted(maps.Keys(m.AdditionalProperties)) {
			further.rawIf(name, m.AdditionalProperties[name])
		}
		out.add(f.further, further.raw())
	}
	return out.raw()
}

func (f *messageForm) writeMessages(messages []*model.Message) json.RawMessage {
	out := make([]json.RawMessage, len(messages))
	for i, m := range messages {
		out[i] = f.writeMessage(m)
	}
	return list(out)
}

// readMessage reads a message. Strict = content that does not fit its kind is an
// error, else it is kept verbatim.
func (f *messageForm) readMessage(raw json.RawMessage, strict bool) (*model.Message, error) {
	members := objectOf(raw)
	if members == nil {
		return nil, malformed("message", "%s is no object", shown(raw))
	}
	r := &reader{where: "message", m: members}
	m := &model.Message{Role: model.Role(strings.ToLower(strings.TrimSpace(r.text("role")))), ID: r.text(f.id), AuthorName: r.text(f.author)}
	if f.created != "" {
		m.CreatedAt, _ = ParseTime(r.text(f.created))
	}
	if further := members.find(f.further); isObject(further) {
		for _, p := range objectOf(further) {
			if m.AdditionalProperties == nil {
				m.AdditionalProperties = model.Properties{}
			}
			m.AdditionalProperties[p.Name] = p.Value
		}
	}
	var contents []json.RawMessage
	if raw := members.find("contents"); raw != nil && json.Unmarshal(raw, &contents) != nil {
		return nil, malformed("message", "contents are no array: %s", shown(raw))
	}
	for _, one := range contents {
		if !strict && orNil(one) == nil {
			continue
		}
		c, err := f.read(one)
		if err != nil && strict {
			return nil, err
		}
		if err != nil {
			c = verbatim(one)
		}
		m.Contents = append(m.Contents, c)
	}
	return m, r.err
}

func (f *messageForm) readMessages(raw json.RawMessage, strict bool) ([]*model.Message, error) {
	var elements []json.RawMessage
	if raw = orNil(raw); raw != nil && json.Unmarshal(raw, &elements) != nil {
		return nil, malformed("messages", "%s is no array", shown(raw))
	}
	var messages []*model.Message
	for i, e := range elements {
		m, err := f.readMessage(e, strict)
		if err != nil {
			return nil, malformed("messages", "message %d: %v", i, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// Counts that only package model has a place of its own for.
const (
	countCached    = "cachedInputTokenCount"
	countReasoning = "reasoningTokenCount"
)

// writeStateUsage returns usage as the state document has it: counts of which it
// does not know are extension data.
func writeStateUsage(u model.Usage) json.RawMessage {
	m := tokenCounts(u, "inputTokenCount", "outputTokenCount", "totalTokenCount")
	if further := furtherCounts(u, countCached, countReasoning); len(further) > 0 {
		m.add("extensionData", further.raw())
	}
	return m.raw()
}

// writeUsage returns usage as results of .NET have it.
func writeUsage(u model.Usage) json.RawMessage {
	m := tokenCounts(u, "inputTokenCount", "outputTokenCount", "totalTokenCount")
	m = append(m, furtherCounts(model.Usage{CachedInputTokenCount: u.CachedInputTokenCount, ReasoningTokenCount: u.ReasoningTokenCount}, countCached, countReasoning)...)
	if further := furtherCounts(model.Usage{AdditionalCounts: u.AdditionalCounts}, "", ""); len(further) > 0 {
		m.add("additionalCounts", further.raw())
	}
	return m.raw()
}

func writePythonUsage(u model.Usage) json.RawMessage {
	m := tokenCounts(u, "input_token_count", "output_token_count", "total_token_count")
	return append(m, furtherCounts(u, "cached_input_token_count", "reasoning_token_count")...).raw()
}

func tokenCounts(u model.Usage, in, out, total string) Members {
	var m Members
	for _, c := range []struct {
		name string
		n    int64
	}{{in, u.InputTokenCount}, {out, u.OutputTokenCount}, {total, u.TotalTokenCount}} {
		if c.n != 0 {
			m.count(c.name, c.n)
		}
	}
	return m
}

func furtherCounts(u model.Usage, cached, reasoning string) Members {
	var m Members
	if u.CachedInputTokenCount != 0 {
		m.count(cached, u.CachedInputTokenCount)
	}
	if u.ReasoningTokenCount != 0 {
		m.count(reasoning, u.ReasoningTokenCount)
	}
	for _, name := range slices.Sorted(maps.Keys(u.AdditionalCounts)) {
		m.count(name, u.AdditionalCounts[name])
	}
	return m
}

// readUsage reads usage in any of the forms.
func readUsage(m Members) model.Usage {
	u := readCounts(m)
	for _, name := range []string{"extensionData", "additionalCounts"} {
		u.Add(readCounts(objectOf(m.find(name))))
	}
	return u
}

func readCounts(m Members) model.Usage {
	var u model.Usage
	for _, member := range m {
		n, ok := countOf(member.Value)
		switch name := folded(member.Name); {
		case !ok:
		case name == "inputtokencount":
			u.InputTokenCount = n
		case name == "outputtokencount":
			u.OutputTokenCount = n
		case name == "totaltokencount":
			u.TotalTokenCount = n
		case name == folded(countCached):
			u.CachedInputTokenCount = n
		case name == folded(countReasoning):
			u.ReasoningTokenCount = n
		default:
			u.Add(model.Usage{AdditionalCounts: map[string]int64{member.Name: n}})
		}
	}
	return u
}

// FormatTime writes a time as the documents have it.
func FormatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// ParseTime reads a time, in UTC; without an offset it is meant in UTC.
func ParseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
