package model

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The values of Type in JSON. They are stored: append only.
const (
	typeText              = "text"
	typeReasoning         = "reasoning"
	typeData              = "data"
	typeURI               = "uri"
	typeError             = "error"
	typeFunctionCall      = "functionCall"
	typeFunctionResult    = "functionResult"
	typeHostedFile        = "hostedFile"
	typeHostedVectorStore = "hostedVectorStore"
	typeUsage             = "usage"
	typeMCPToolCall       = "mcpServerToolCall"
	typeApprovalRequest   = "toolApprovalRequest"
	typeApprovalResponse  = "toolApprovalResponse"
	typeStandingApproval  = "alwaysApproveToolApprovalResponse"
)

// newContent returns empty content of the given type, or nil for unknown types.
func newContent(typ string) Content {
	switch typ {
	case typeText:
		return new(Text)
	case typeReasoning:
		return new(Reasoning)
	case typeData:
		return new(Data)
	case typeURI:
		return new(URI)
	case typeError:
		return new(ErrorContent)
	case typeFunctionCall:
		return new(FunctionCall)
	case typeFunctionResult:
		return new(FunctionResult)
	case typeHostedFile:
		return new(HostedFile)
	case typeHostedVectorStore:
		return new(HostedVectorStore)
	case typeUsage:
		return new(UsageContent)
	case typeMCPToolCall:
		return new(MCPToolCall)
	case typeApprovalRequest:
		return new(ApprovalRequest)
	case typeApprovalResponse:
		return new(ApprovalResponse)
	case typeStandingApproval:
		return new(StandingApproval)
	}
	return nil
}

// Type returns "text".
func (*Text) Type() string { return typeText }

// Type returns "reasoning".
func (*Reasoning) Type() string { return typeReasoning }

// Type returns "data".
func (*Data) Type() string { return typeData }

// Type returns "uri".
func (*URI) Type() string { return typeURI }

// Type returns "error".
func (*ErrorContent) Type() string { return typeError }

// Type returns "functionCall".
func (*FunctionCall) Type() string { return typeFunctionCall }

// Type returns "functionResult".
func (*FunctionResult) Type() string { return typeFunctionResult }

// Type returns "hostedFile".
func (*HostedFile) Type() string { return typeHostedFile }

// Type returns "hostedVectorStore".
func (*HostedVectorStore) Type() string { return typeHostedVectorStore }

// Type returns "usage".
func (*UsageContent) Type() string { return typeUsage }

// Type returns "mcpServerToolCall".
func (*MCPToolCall) Type() string { return typeMCPToolCall }

// Type returns "toolApprovalRequest".
func (*ApprovalRequest) Type() string { return typeApprovalRequest }

// Type returns "toolApprovalResponse".
func (*ApprovalResponse) Type() string { return typeApprovalResponse }

// Type returns "alwaysApproveToolApprovalResponse".
func (*StandingApproval) Type() string { return typeStandingApproval }

// Type returns the Type member of the stored JSON, or "" if it has none.
func (r *Raw) Type() string { return typeOf(r.JSON) }

func (*Text) content()              {}
func (*Reasoning) content()         {}
func (*Data) content()              {}
func (*URI) content()               {}
func (*ErrorContent) content()      {}
func (*FunctionCall) content()      {}
func (*FunctionResult) content()    {}
func (*HostedFile) content()        {}
func (*HostedVectorStore) content() {}
func (*UsageContent) content()      {}
func (*MCPToolCall) content()       {}
func (*ApprovalRequest) content()   {}
func (*ApprovalResponse) content()  {}
func (*StandingApproval) content()  {}
func (*Raw) content()               {}

// Contents is the ordered content of a message. It marshals as a JSON array,
// also when nil.
type Contents []Content

// MarshalJSON implements [json.Marshaler].
func (cs Contents) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, c := range cs {
		if i > 0 {
			b.WriteByte(',')
		}
		one, err := marshalContent(c)
		if err != nil {
			return nil, fmt.Errorf("content %d: %w", i, err)
		}
		b.Write(one)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. Elements of unknown type, or that
// are no objects, become [*Raw]; a known type whose members do not fit is an error.
func (cs *Contents) UnmarshalJSON(data []byte) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil {
		return err
	}
	if elements == nil {
		*cs = nil
		return nil
	}
	out := make(Contents, len(elements))
	for i, e := range elements {
		c, err := unmarshalContent(e)
		if err != nil {
			return fmt.Errorf("content %d: %w", i, err)
		}
		out[i] = c
	}
	*cs = out
	return nil
}

// Text joins the text content and leaves out everything else.
func (cs Contents) Text() string {
	var text []byte
	for _, c := range cs {
		if t, ok := c.(*Text); ok {
			text = append(text, t.Text...)
		}
	}
	return string(text)
}

// Usage adds up the usage content.
func (cs Contents) Usage() Usage {
	var sum Usage
	for _, c := range cs {
		if u, ok := c.(*UsageContent); ok {
			sum.Add(u.Details)
		}
	}
	return sum
}

// Calls returns the tool calls that wait for a result, in order.
func (cs Contents) Calls() []*FunctionCall {
	var calls []*FunctionCall
	for _, c := range cs {
		if call, ok := c.(*FunctionCall); ok && !call.InformationalOnly {
			calls = append(calls, call)
		}
	}
	return calls
}
