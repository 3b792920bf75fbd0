package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// marshalContent writes c with its Type as the first member.
func marshalContent(c Content) ([]byte, error) {
	switch c := c.(type) {
	case nil:
		return nil, errors.New("nil content")
	case *Raw:
		if len(c.JSON) == 0 {
			return nil, errors.New("raw content without JSON")
		}
		return c.JSON, nil
	case json.Marshaler:
		return c.MarshalJSON()
	}
	return nil, fmt.Errorf("content of type %T", c)
}

// unmarshalContent reads one element of a content list.
func unmarshalContent(data json.RawMessage) (Content, error) {
	c := newContent(typeOf(data))
	if c == nil {
		return &Raw{JSON: bytes.Clone(data)}, nil
	}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Type(), err)
	}
	return c, nil
}

// typeOf returns the discriminator of a JSON object, "" if there is none.
func typeOf(data []byte) string {
	var header struct{ Type string }
	if err := json.Unmarshal(data, &header); err != nil {
		return ""
	}
	return header.Type
}

// marshalTyped writes the members of v, a struct, after the member Type.
func marshalTyped(typ string, v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`{"Type":"` + typ + `"`)
	start := b.Len()
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if bytes.Equal(out[start:], []byte("{}")) {
		return append(out[:start], '}'), nil
	}
	out[start] = ','
	return out, nil
}

// MarshalJSON implements [json.Marshaler].
func (t *Text) MarshalJSON() ([]byte, error) {
	type plain Text
	return marshalTyped(typeText, (*plain)(t))
}

// MarshalJSON implements [json.Marshaler].
func (r *Reasoning) MarshalJSON() ([]byte, error) {
	type plain Reasoning
	return marshalTyped(typeReasoning, (*plain)(r))
}

// MarshalJSON implements [json.Marshaler].
func (d *Data) MarshalJSON() ([]byte, error) {
	type plain Data
	return marshalTyped(typeData, (*plain)(d))
}

// MarshalJSON implements [json.Marshaler].
func (u *URI) MarshalJSON() ([]byte, error) {
	type plain URI
	return marshalTyped(typeURI, (*plain)(u))
}

// MarshalJSON implements [json.Marshaler].
func (e *ErrorContent) MarshalJSON() ([]byte, error) {
	type plain ErrorContent
	return marshalTyped(typeError, (*plain)(e))
}

// MarshalJSON implements [json.Marshaler].
func (c *FunctionCall) MarshalJSON() ([]byte, error) {
	type plain FunctionCall
	return marshalTyped(typeFunctionCall, (*plain)(c))
}

// MarshalJSON implements [json.Marshaler].
func (r *FunctionResult) MarshalJSON() ([]byte, error) {
	type plain FunctionResult
	p := plain(*r)
	if bytes.Equal(p.Result, []byte("null")) {
		p.Result = nil
	}
	return marshalTyped(typeFunctionResult, &p)
}

// UnmarshalJSON implements [json.Unmarshaler]. A null result is none.
func (r *FunctionResult) UnmarshalJSON(data []byte) error {
	type plain FunctionResult
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	if bytes.Equal(p.Result, []byte("null")) {
		p.Result = nil
	}
	*r = FunctionResult(p)
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (f *HostedFile) MarshalJSON() ([]byte, error) {
	type plain HostedFile
	return marshalTyped(typeHostedFile, (*plain)(f))
}

// MarshalJSON implements [json.Marshaler].
func (s *HostedVectorStore) MarshalJSON() ([]byte, error) {
	type plain HostedVectorStore
	return marshalTyped(typeHostedVectorStore, (*plain)(s))
}

// MarshalJSON implements [json.Marshaler].
func (u *UsageContent) MarshalJSON() ([]byte, error) {
	type plain UsageContent
	return marshalTyped(typeUsage, (*plain)(u))
}

// MarshalJSON implements [json.Marshaler].
func (c *MCPToolCall) MarshalJSON() ([]byte, error) {
	type plain MCPToolCall
	return marshalTyped(typeMCPToolCall, (*plain)(c))
}

// MarshalJSON implements [json.Marshaler].
func (r *ApprovalRequest) MarshalJSON() ([]byte, error) {
	type plain ApprovalRequest
	return marshalTyped(typeApprovalRequest, (*plain)(r))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *ApprovalRequest) UnmarshalJSON(data []byte) error {
	type plain ApprovalRequest
	var p struct {
		plain
		ToolCall json.RawMessage
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	call, err := unmarshalToolCall(p.ToolCall)
	if err != nil {
		return err
	}
	*r = ApprovalRequest(p.plain)
	r.ToolCall = call
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (r *ApprovalResponse) MarshalJSON() ([]byte, error) {
	type plain ApprovalResponse
	return marshalTyped(typeApprovalResponse, (*plain)(r))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *ApprovalResponse) UnmarshalJSON(data []byte) error {
	type plain ApprovalResponse
	var p struct {
		plain
		ToolCall json.RawMessage
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	call, err := unmarshalToolCall(p.ToolCall)
	if err != nil {
		return err
	}
	*r = ApprovalResponse(p.plain)
	r.ToolCall = call
	return nil
}

// unmarshalToolCall reads the call inside an approval. It keeps calls of unknown
// type as [*Raw].
func unmarshalToolCall(data json.RawMessage) (Content, error) {
	if len(data) == 0 || bytes.Equal(data, []byte("null")) {
		return nil, nil
	}
	switch typeOf(data) {
	case typeFunctionCall, typeMCPToolCall:
		return unmarshalContent(data)
	}
	return &Raw{JSON: bytes.Clone(data)}, nil
}

// MarshalJSON implements [json.Marshaler].
func (s *StandingApproval) MarshalJSON() ([]byte, error) {
	type plain StandingApproval
	return marshalTyped(typeStandingApproval, (*plain)(s))
}

// MarshalJSON implements [json.Marshaler].
func (r *Raw) MarshalJSON() ([]byte, error) {
	return marshalContent(r)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Raw) UnmarshalJSON(data []byte) error {
	r.JSON = bytes.Clone(data)
	return nil
}
