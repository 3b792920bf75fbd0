package agent

import (
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

// runRequest is the input of the operation run.
type runRequest struct {
	CorrelationID string `json:"correlationId"`
	// Message and Role are a message as Microsoft's Python SDK sends it; Input
	// holds messages in the form of package model instead.
	Message string           `json:"message,omitempty"`
	Role    string           `json:"role,omitempty"`
	Input   []*model.Message `json:"input,omitempty"`
	Busy    Busy             `json:"busy,omitempty"`
	After   string           `json:"after,omitempty"` // turn that must be the newest
	Options *TurnOptions     `json:"turnOptions,omitempty"`
	Import  bool             `json:"import,omitempty"` // the messages are not answered

	Principal Principal `json:"principal,omitzero"` // who sends them
	Trace     traceRef  `json:"trace,omitempty"`    // the span below which they are answered

	// Of requests of Microsoft's SDKs only.
	dialect dafx.Dialect // of the answer; "" = our own
	noWait  bool         // the caller wants to know only that it was heard
	refused *problem     // why the turn is to fail at once
}

// newRequest returns the request that says a message.
func newRequest(m *Message) (*runRequest, error) {
	r := &runRequest{
		CorrelationID: m.CorrelationID, Busy: m.Busy, After: m.After, Options: m.Options.orNil(), Principal: m.Principal,
	}
	if err := m.Principal.check(); err != nil {
		return nil, err
	}
	if err := m.Busy.check(); err != nil {
		return nil, err
	}
	if m.CorrelationID != "" && strings.TrimSpace(m.CorrelationID) == "" {
		return nil, refused("the correlation id is blank")
	}
	if len(m.CorrelationID) > maxCorrelationID {
		return nil, refused("the correlation id has more than %d bytes", maxCorrelationID)
	}
	switch {
	case len(m.Messages) > 0 && (m.Text != "" || len(m.Contents) > 0):
		return nil, refused("either Messages is given or a single message")
	case len(m.Messages) > 0:
		r.Input = m.Messages
	case len(m.Contents) > 0:
		role := m.Role
		if role == "" {
			role = model.RoleUser
		}
		one := &model.Message{Role: role}
		if m.Text != "" {
			one.Contents = append(one.Contents, &model.Text{Text: m.Text})
		}
		one.Contents = append(one.Contents, m.Contents...)
		r.Input = []*model.Message{one}
	default:
		r.Message, r.Role = m.Text, string(m.Role)
	}
	_, err := r.messages()
	return r, err
}

// maxCorrelationID bounds a correlation id, in bytes.
const maxCorrelationID = 256

func refused(format string, args ...any) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: "run agent", Message: fmt.Sprintf(format, args...)}
}

// messages returns what the request says, in the form in which it is kept:
// results of the caller's tools are messages of their own.
func (r *runRequest) messages() ([]*model.Message, error) {
	if r.refused != nil {
		return r.Input, nil
	}
	if err := r.Options.check(); err != nil {
		return nil, err
	}
	if len(r.Input) > 0 {
		return r.input()
	}
	if strings.TrimSpace(r.Message) == "" {
		return nil, refused("the message is empty")
	}
	role := model.Role(strings.ToLower(strings.TrimSpace(r.Role)))
	switch role {
	case "":
		role = model.RoleUser
	case model.RoleUser, model.RoleSystem, model.RoleAssistant:
	default:
		return nil, refused("there is no role %q", r.Role)
	}
	return []*model.Message{{Role: role, Contents: model.Contents{&model.Text{Text: r.Message}}}}, nil
}

func (r *runRequest) input() ([]*model.Message, error) {
	var out []*model.Message
	for i, m := range r.Input {
		switch {
		case m == nil:
			return nil, refused("message %d is null", i)
		case r.Import:
			out = append(out, m)
			continue
		}
		said, results, err := partsOf(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		out = append(out, results...)
		if said != nil {
			out = append(out, said)
		}
	}
	if len(out) == 0 {
		return nil, refused("the message is empty")
	}
	return out, nil
}

// partsOf parts a message into what is said and the results of the caller's
// tools. Content by which a caller would speak for the model or for a person that
// decides is refused.
func partsOf(m *model.Message) (said *model.Message, results []*model.Message, err error) {
	rest := model.Contents{}
	for _, c := range m.Contents {
		switch c := c.(type) {
		case *model.FunctionResult:
			results = append(results, &model.Message{Role: model.RoleTool, Contents: model.Contents{c}})
		case *model.FunctionCall, *model.MCPToolCall:
			return nil, nil, refused("only the model calls tools")
		case *model.ApprovalRequest, *model.ApprovalResponse, *model.StandingApproval:
			return nil, nil, refused("a message approves nothing: answer the decision")
		case *model.Text:
			if c.Text != "" {
				rest = append(rest, c)
			}
		case *model.UsageContent:
		case nil:
			return nil, nil, refused("a content is null")
		default:
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		if len(results) == 0 {
			return nil, nil, refused("the message is empty")
		}
		return nil, results, nil
	}
	copied := *m
	copied.Contents = rest
	switch m.Role {
	case "":
		copied.Role = model.RoleUser
	case model.RoleUser, model.RoleSystem, model.RoleAssistant:
	default:
		return nil, nil, refused("there is no role %q", string(m.Role))
	}
	return &copied, results, nil
}
