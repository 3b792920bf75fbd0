package model

import (
	"encoding/json"
	"iter"
	"slices"
	"time"
)

// Why a model stopped. Adapters map their provider's words to these and pass
// others through.
const (
	FinishStop          = "stop"
	FinishLength        = "length"
	FinishToolCalls     = "tool_calls"
	FinishContentFilter = "content_filter"
)

// PropertyModel is the additional property that names the model which answered,
// as the provider reports it.
const PropertyModel = "model"

// Update is a piece of a streamed answer. An update that was handed out is
// immutable.
type Update struct {
	AgentID string
	// MessageID tells messages apart: updates with the same non-empty id form
	// one message.
	MessageID  string
	ResponseID string

	// FinishReason is set on the last update that says anything about it.
	FinishReason         string     `json:",omitzero"`
	AuthorName           string     `json:",omitzero"`
	Role                 Role       `json:",omitzero"`
	ContinuationToken    string     `json:",omitzero"`
	CreatedAt            time.Time  `json:",omitzero"`
	Contents             Contents   `json:",omitzero"`
	AdditionalProperties Properties `json:",omitzero"`
}

// Text joins the text content of the update.
func (u *Update) Text() string { return u.Contents.Text() }

// Response is a whole answer.
type Response struct {
	Messages []*Message

	AgentID              string     `json:",omitzero"`
	ID                   string     `json:",omitzero"`
	CreatedAt            time.Time  `json:",omitzero"`
	ContinuationToken    string     `json:",omitzero"`
	FinishReason         string     `json:",omitzero"`
	AdditionalProperties Properties `json:",omitzero"`
}

// MarshalJSON implements [json.Marshaler]. Messages is always an array.
func (r Response) MarshalJSON() ([]byte, error) {
	type plain Response
	p := plain(r)
	if p.Messages == nil {
		p.Messages = []*Message{}
	}
	return json.Marshal(p)
}

// Text joins the text of all messages.
func (r *Response) Text() string {
	var text []byte
	for _, m := range r.Messages {
		text = append(text, m.Text()...)
	}
	return string(text)
}

// Usage adds up the usage that the messages report.
func (r *Response) Usage() Usage {
	var sum Usage
	for _, m := range r.Messages {
		sum.Add(m.Contents.Usage())
	}
	return sum
}

// Calls returns the tool calls that wait for a result, in order: those to which
// the response itself has none.
func (r *Response) Calls() []*FunctionCall {
	var calls []*FunctionCall
	answered := map[string]bool{}
	for _, m := range r.Messages {
		calls = append(calls, m.Contents.Calls()...)
		for _, c := range m.Contents {
			if result, ok := c.(*FunctionResult); ok {
				answered[result.CallID] = true
			}
		}
	}
	return slices.DeleteFunc(calls, func(c *FunctionCall) bool { return answered[c.CallID] })
}

// Model returns the model that answered, as the provider reports it; "" if it
// did not.
func (r *Response) Model() string {
	var name string
	if err := json.Unmarshal(r.AdditionalProperties[PropertyModel], &name); err != nil {
		return ""
	}
	return name
}

// Updates returns the response as a stream with one update per message, for
// models that answer in one piece. Collect(r.Updates()) equals r if r came from
// Collect.
func (r *Response) Updates() iter.Seq2[*Update, error] {
	return func(yield func(*Update, error) bool) {
		for _, m := range r.Messages {
			u := &Update{
				AgentID: r.AgentID, MessageID: m.ID, ResponseID: r.ID,
				AuthorName: m.AuthorName, Role: m.Role, CreatedAt: m.CreatedAt,
				Contents: m.Contents,
			}
			if !yield(u, nil) {
				return
			}
		}
		yield(&Update{
			AgentID: r.AgentID, ResponseID: r.ID, FinishReason: r.FinishReason,
			ContinuationToken: r.ContinuationToken, CreatedAt: r.CreatedAt,
			AdditionalProperties: r.AdditionalProperties,
		}, nil)
	}
}
