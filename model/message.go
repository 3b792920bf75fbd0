package model

import (
	"encoding/json"
	"fmt"
	"time"
)

// Role says who a message is from.
type Role string

// The roles that every provider knows.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleSystem    Role = "system"
	RoleTool      Role = "tool"
)

// Properties are members that a provider or a program adds to a message. Values
// keep the JSON that they were read from.
type Properties map[string]json.RawMessage

// Source tells which component produced a message. The zero Source means that it
// came from outside.
type Source struct {
	ID   string `json:",omitzero"`
	Type string `json:",omitzero"`
}

// Message is one entry of a conversation. A message that has been handed to
// another package is immutable.
type Message struct {
	Contents             Contents
	Role                 Role
	ID                   string
	AuthorName           string     `json:",omitzero"`
	Source               Source     `json:",omitzero"`
	CreatedAt            time.Time  `json:",omitzero"`
	AdditionalProperties Properties `json:",omitzero"`
}

// Text joins the text content of the message.
func (m *Message) Text() string { return m.Contents.Text() }

// UserText returns a message of the user with the text s.
func UserText(s string) *Message { return textMessage(RoleUser, s) }

// AssistantText returns a message of the assistant with the text s.
func AssistantText(s string) *Message { return textMessage(RoleAssistant, s) }

// SystemText returns a system message with the text s.
func SystemText(s string) *Message { return textMessage(RoleSystem, s) }

func textMessage(role Role, s string) *Message {
	return &Message{Role: role, Contents: Contents{&Text{Text: s}}}
}

// ToolResult returns the message that answers the tool call callID with v. An
// error v becomes the result's error, a json.RawMessage is taken as it is, nil
// means no result, and anything else is marshalled. What cannot be marshalled is
// reported to the model as an error of the tool.
func ToolResult(callID string, v any) *Message {
	return &Message{Role: RoleTool, Contents: Contents{newResult(callID, v)}}
}

func newResult(callID string, v any) *FunctionResult {
	if v == nil {
		return &FunctionResult{CallID: callID}
	}
	if err, ok := v.(error); ok {
		return &FunctionResult{CallID: callID, Error: err.Error()}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return &FunctionResult{CallID: callID, Error: fmt.Sprintf("result cannot be encoded: %v", err)}
	}
	if string(b) == "null" {
		b = nil
	}
	return &FunctionResult{CallID: callID, Result: b}
}
