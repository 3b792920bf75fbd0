package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
	"time"
)

// This file is a miniature of agent-framework-go: the shapes of its types and the
// JSON that they write, as far as package agent relies on them.

type (
	foreignOption interface{ Value() any }
	foreignStream iter.Seq2[*foreignUpdate, error]
)

// foreignMessage is a message.
type foreignMessage struct {
	Contents             foreignContents
	Role                 string
	ID                   string
	AuthorName           string         `json:",omitzero"`
	CreatedAt            time.Time      `json:",omitzero"`
	AdditionalProperties map[string]any `json:",omitzero"`
}

// foreignUpdate is a piece of an answer.
type foreignUpdate struct {
	AgentID, MessageID, ResponseID string
	FinishReason                   string          `json:",omitzero"`
	Role                           string          `json:",omitzero"`
	AuthorName                     string          `json:",omitzero"`
	Contents                       foreignContents `json:",omitzero"`
	AdditionalProperties           map[string]any  `json:",omitzero"`
}

// foreignContents tell their kinds apart by the member Type, and keep the bytes of
// kinds that they do not know.
type foreignContents []any

type (
	foreignText struct {
		Type string
		Text string
	}
	foreignCall struct {
		Type              string
		Arguments         string
		CallID            string
		Name              string
		InformationalOnly bool
	}
	foreignResult struct {
		Type   string
		CallID string
		Result any    `json:",omitzero"`
		Error  string `json:",omitzero"`
	}
)

func (c *foreignContents) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, raw := range list {
		var head struct{ Type string }
		if err := json.Unmarshal(raw, &head); err != nil {
			return err
		}
		var content any
		switch head.Type {
		case "text":
			content = &foreignText{}
		case "functionCall":
			content = &foreignCall{}
		case "functionResult":
			content = &foreignResult{}
		default:
			*c = append(*c, json.RawMessage(bytes.Clone(raw)))
			continue
		}
		if err := json.Unmarshal(raw, content); err != nil {
			return err
		}
		*c = append(*c, content)
	}
	return nil
}

func sayText(s string) *foreignText { return &foreignText{"text", s} }

func callOf(id, name, arguments string) *foreignCall {
	return &foreignCall{Type: "functionCall", CallID: id, Name: name, Arguments: arguments}
}

func resultOf(id string, v any) *foreignResult {
	return &foreignResult{Type: "functionResult", CallID: id, Result: v}
}

// foreignAgent answers with what its script says for the messages that it is
// given, updates and errors.
type foreignAgent struct {
	script func(messages []*foreignMessage) []any
	mu     sync.Mutex // guards seen
	seen   []string   // the messages of each run, as JSON
}

// Run has the shape of the method of agent-framework-go's agents.
func (a *foreignAgent) Run(_ context.Context, messages []*foreignMessage, options ...foreignOption) foreignStream {
	return func(yield func(*foreignUpdate, error) bool) {
		data, err := json.Marshal(messages)
		if err != nil || len(options) > 0 {
			yield(nil, fmt.Errorf("messages %w, %d options", err, len(options)))
			return
		}
		a.mu.Lock()
		a.seen = append(a.seen, string(data))
		a.mu.Unlock()
		for _, step := range a.script(messages) {
			if err, ok := step.(error); ok {
				yield(nil, err)
				return
			}
			if !yield(step.(*foreignUpdate), nil) {
				return
			}
		}
	}
}

func (a *foreignAgent) runs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen
}

// says returns the script of an agent that answers once, with contents.
func says(contents ...any) func([]*foreignMessage) []any {
	return func([]*foreignMessage) []any {
		return []any{nilUpdate, &foreignUpdate{MessageID: "x", Role: "assistant", Contents: contents}, &foreignUpdate{FinishReason: "stop"}}
	}
}

// nilUpdate is what a careless sequence yields.
var nilUpdate *foreignUpdate
