package dafx

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Member is a member of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members are the members of a JSON object in their order. They keep what is not
// known, and where it stood.
type Members []Member

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Members) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return malformed("JSON", "%s is no object", shown(data))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	out := Members{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		member := Member{Name: name.(string)} // the decoder allows nothing else here
		if err := d.Decode(&member.Value); err != nil {
			return err
		}
		out = append(out, member)
	}
	*m = out
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (m Members) MarshalJSON() ([]byte, error) { return m.raw(), nil }

// raw is the JSON of an object. Values are taken as they are.
func (m Members) raw() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, member := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(member.Name))
		b.WriteByte(':')
		b.Write(member.Value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// Get returns the value of a member, nil if it is absent or null. The last one
// counts.
func (m Members) Get(name string) json.RawMessage {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].Name == name {
			return orNil(m[i].Value)
		}
	}
	return nil
}

// find is Get for names in which neither case nor underscores count, so that it
// finds a member under the names of both dialects.
func (m Members) find(name string) json.RawMessage {
	name = folded(name)
	for i := len(m) - 1; i >= 0; i-- {
		if folded(m[i].Name) == name {
			return orNil(m[i].Value)
		}
	}
	return nil
}

// has is find for members that may be null.
func (m Members) has(name string) bool {
	for _, member := range m {
		if folded(member.Name) == folded(name) {
			return true
		}
	}
	return false
}

// Set replaces the value of a member where it stands, or adds the member. A nil
// value removes it.
func (m *Members) Set(name string, value json.RawMessage) {
	for i := len(*m) - 1; i >= 0; i-- {
		if (*m)[i].Name != name {
			continue
		}
		if value == nil {
			*m = append((*m)[:i:i], (*m)[i+1:]...)
			continue
		}
		changed := append(Members{}, *m...)
		changed[i].Value = value
		*m = changed
		return
	}
	if value != nil {
		*m = append(*m, Member{name, value})
	}
}

// add appends a member.
func (m *Members) add(name string, value json.RawMessage) { *m = append(*m, Member{name, value}) }

// text appends a string.
func (m *Members) text(name, s string) { m.add(name, quoted(s)) }

// textIf appends a string unless it is empty.
func (m *Members) textIf(name, s string) {
	if s != "" {
		m.text(name, s)
	}
}

// rawIf appends a value unless there is none.
func (m *Members) rawIf(name string, value json.RawMessage) {
	if value = orNil(value); value != nil {
		m.add(name, value)
	}
}

// count appends a number.
func (m *Members) count(name string, n int64) { m.add(name, strconv.AppendInt(nil, n, 10)) }

// truth appends true, unless it is false.
func (m *Members) truth(name string, b bool) {
	if b {
		m.add(name, json.RawMessage("true"))
	}
}

func folded(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// orNil returns nil for absent values and null.
func orNil(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null" {
		return nil
	}
	return raw
}

// quoted is s as JSON.
func quoted(s string) json.RawMessage { return encoded(s) }

// encoded is a value that can be encoded as JSON.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return json.RawMessage("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// list is a JSON array.
func list(values []json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(v)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// objectOf reads an object, nil if the value is none.
func objectOf(raw json.RawMessage) Members {
	var m Members
	if !isObject(raw) || m.UnmarshalJSON(raw) != nil {
		return nil
	}
	return m
}

func isObject(raw json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{"))
}

// stringOf reads a string; anything else is not ok.
func stringOf(raw json.RawMessage) (s string, ok bool) {
	if raw = orNil(raw); raw == nil {
		return "", true
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// numberOf reads a number, which may be written as a string.
func numberOf(raw json.RawMessage) (float64, bool) {
	var n json.Number
	if raw = orNil(raw); raw == nil || json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(n.String()), 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// countOf reads a whole number, which may be written as a string.
func countOf(raw json.RawMessage) (int64, bool) {
	var n json.Number
	if raw = orNil(raw); raw == nil || json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, true
	}
	f, ok := numberOf(raw)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// truthOf reads a truth value, which may be written as a string.
func truthOf(raw json.RawMessage) (value, ok bool) {
	if json.Unmarshal(raw, &value) == nil {
		return value, true
	}
	s, _ := stringOf(raw)
	value, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(s)))
	return value, err == nil
}

// shown makes JSON fit for a message.
func shown(raw []byte) string {
	const most = 60
	if len(raw) <= most {
		return strconv.Quote(string(raw))
	}
	return strconv.Quote(string(raw[:most])) + "..."
}
