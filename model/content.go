package model

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Content is one part of a message: one of the pointer types of this package
// that have a Type method. The set is closed; what it lacks travels as [*Raw].
// Content that is part of a message is not changed any more.
type Content interface {
	// Type is the discriminator in JSON, such as "text".
	Type() string
	content()
}

// Text is text that a person or a model wrote.
type Text struct {
	Annotations Annotations `json:",omitempty"`
	Text        string
}

// Reasoning is what a model thought on the way to its answer.
type Reasoning struct {
	Annotations Annotations `json:",omitempty"`
	Text        string
	// ProtectedData is the provider's signature or encrypted form of the
	// thought. It goes back to the same provider unchanged and to no other;
	// the adapters of Perdure mark it with their name for that.
	ProtectedData string `json:",omitempty"`
}

// Data is binary content carried in the message, such as an image.
type Data struct {
	Annotations Annotations `json:",omitempty"`
	// URI is a data URI (RFC 2397). [NewData] makes one.
	URI  string
	Name string `json:",omitempty"`
}

// URI refers to content that lies elsewhere.
type URI struct {
	Annotations Annotations `json:",omitempty"`
	URI         string
	MediaType   string
}

// ErrorContent reports that a part of the work went wrong, while the answer as
// a whole went on.
type ErrorContent struct {
	Annotations Annotations `json:",omitempty"`
	Message     string
	Details     string `json:",omitempty"`
	ErrorCode   string `json:",omitempty"`
}

// FunctionCall is a model's wish to call a tool. In a stream it is always whole.
type FunctionCall struct {
	Annotations Annotations `json:",omitempty"`
	// Arguments is JSON text as the model wrote it; it may be invalid.
	Arguments string
	// CallID links the result to the call. The provider invents it.
	CallID string
	Name   string
	// InformationalOnly marks a call that was already served elsewhere.
	InformationalOnly bool
	// Error says why the call could not be understood.
	Error string `json:",omitempty"`
}

// FunctionResult is what a tool answered.
type FunctionResult struct {
	Annotations Annotations `json:",omitempty"`
	CallID      string
	// Result is any JSON value; empty means that the tool returned nothing.
	Result json.RawMessage `json:",omitempty"`
	// Error is the failure that the model is told about.
	Error string `json:",omitempty"`
}

// HostedFile refers to a file that the provider stores.
type HostedFile struct {
	Annotations Annotations `json:",omitempty"`
	FileID      string
	Name        string `json:",omitempty"`
	MediaType   string `json:",omitempty"`
}

// HostedVectorStore refers to a vector store that the provider keeps.
type HostedVectorStore struct {
	Annotations   Annotations `json:",omitempty"`
	VectorStoreID string
}

// UsageContent reports tokens used. It is never sent to a model.
type UsageContent struct {
	Annotations Annotations `json:",omitempty"`
	Details     Usage
}

// MCPToolCall records a call that the provider itself made to an MCP server.
type MCPToolCall struct {
	Annotations Annotations `json:",omitempty"`
	Arguments   string
	CallID      string
	Name        string
	ServerName  string `json:",omitempty"`
}

// ApprovalRequest asks whether a tool may be called.
type ApprovalRequest struct {
	Annotations Annotations `json:",omitempty"`
	RequestID   string
	// ToolCall is a *FunctionCall or an *MCPToolCall; nil if unknown.
	ToolCall Content
}

// ApprovalResponse answers an [ApprovalRequest].
type ApprovalResponse struct {
	Annotations Annotations `json:",omitempty"`
	RequestID   string
	// ToolCall repeats the call of the request.
	ToolCall Content
	Approved bool
	Reason   string `json:",omitempty"`
}

// StandingApproval is an answer that also approves later calls.
type StandingApproval struct {
	Annotations Annotations `json:",omitempty"`
	// Response is the answer to the request at hand.
	Response *ApprovalResponse `json:"innerResponse"`
	// AlwaysApproveTool approves every later call of the tool.
	AlwaysApproveTool bool `json:",omitempty"`
	// AlwaysApproveToolWithArguments approves later calls with equal arguments.
	AlwaysApproveToolWithArguments bool `json:",omitempty"`
}

// Raw is content that this package does not know. JSON holds the value as it
// was read and is written back unchanged.
type Raw struct {
	JSON json.RawMessage
}

// NewData returns content that carries b, of the given media type such as
// "image/png".
func NewData(mediaType string, b []byte) *Data {
	return &Data{URI: "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(b)}
}

// Decode returns the media type and the bytes that the data URI holds. The media
// type is empty if the URI names none.
func (d *Data) Decode() (mediaType string, b []byte, err error) {
	const scheme = "data:"
	if len(d.URI) < len(scheme) || !strings.EqualFold(d.URI[:len(scheme)], scheme) {
		return "", nil, fmt.Errorf("data content: not a data URI")
	}
	head, body, found := strings.Cut(d.URI[len(scheme):], ",")
	if !found {
		return "", nil, fmt.Errorf("data content: data URI without a comma")
	}
	if mediaType, ok := strings.CutSuffix(head, ";base64"); ok {
		b, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return "", nil, fmt.Errorf("data content: %w", err)
		}
		return mediaType, b, nil
	}
	text, err := url.PathUnescape(body)
	if err != nil {
		return "", nil, fmt.Errorf("data content: %w", err)
	}
	return head, []byte(text), nil
}
