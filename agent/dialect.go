package agent

import (
	"encoding/json"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/dafx"
)

// The operation run also takes requests as Microsoft's SDKs send them, and answers
// these in the caller's dialect: see package dafx.

// run admits a message. A caller is answered when its turn has ended.
func (s *session) run() (any, error) {
	operation := perdure.OperationOf(s.ctx)
	r, err := s.readRun(operation.Input.S)
	if r != nil && err == nil {
		if r.dialect != "" && len(r.Input) == 0 { // they ask for nothing
			return (&dafx.Result{Agent: s.agent.Name, Session: s.id.String()}).Write(r.dialect), nil
		}
		_, err = r.messages()
	}
	if err != nil {
		if !operation.Signal || r == nil || r.dialect == "" || r.CorrelationID == "" {
			return nil, err
		}
		r.refused = failureOf(err) // those who look for the answer see why there is none
	}
	_, err = s.admit(r, !operation.Signal && !r.noWait)
	if operation.Signal && perdure.CodeOf(err) == perdure.FailedPrecondition {
		return nil, nil // refused, as the sender wanted it
	}
	if err == nil && r.noWait && !operation.Signal {
		return dafx.Accepted(r.CorrelationID).Write(r.dialect), nil
	}
	return nil, err
}

// readRun reads a request. With an error it returns what could be read of it.
func (s *session) readRun(text string) (*runRequest, error) {
	if isOwn(text) {
		r := &runRequest{}
		return r, s.ctx.Input(r)
	}
	in, err := dafx.ParseRequest([]byte(text))
	if in == nil {
		return nil, refused("%v", err)
	}
	if in.CorrelationID == "" && err == nil {
		in.CorrelationID = perdure.OperationOf(s.ctx).RequestID
	}
	r := &runRequest{CorrelationID: in.CorrelationID, Input: in.Messages, dialect: in.Dialect, noWait: in.NoWait}
	if err != nil {
		return r, refused("%v", err)
	}
	if len(in.CorrelationID) > maxCorrelationID {
		return nil, refused("the correlation id has more than %d bytes", maxCorrelationID)
	}
	r.Options, err = s.options(in)
	return r, err
}

// isOwn reports whether a request has a member that only our own code sends.
func isOwn(text string) bool {
	var own struct{ Input, Busy, TurnOptions, Import, Principal json.RawMessage }
	return json.Unmarshal([]byte(text), &own) == nil && len(own.Input)+len(own.Busy)+len(own.TurnOptions)+len(own.Import)+len(own.Principal) > 0
}

// options are the options of a request for the turn.
func (s *session) options(in *dafx.Request) (*TurnOptions, error) {
	format, err := in.Format.Resolve(s.agent.Formats)
	if err != nil {
		return nil, refused("agent %s: %v", s.agent.Name, err)
	}
	o := &TurnOptions{
		Instructions: in.Options.Instructions, Temperature: in.Options.Temperature, TopP: in.Options.TopP,
		MaxOutputTokens: in.Options.MaxOutputTokens, ToolMode: in.Options.ToolMode, RequiredTool: in.Options.RequiredTool,
		Metadata: in.Options.Metadata, Format: format, NoTools: in.NoTools, OrchestrationID: in.OrchestrationID,
	}
	for _, name := range in.Tools { // theirs pass over names that the agent does not know
		if s.has(name) && !slices.Contains(o.ToolNames, name) {
			o.ToolNames = append(o.ToolNames, name)
		}
	}
	o.NoTools = o.NoTools || len(in.Tools) > 0 && len(o.ToolNames) == 0
	return o.orNil(), nil
}

// waits has the caller of the operation be told the outcome of a message.
func (s *session) waits(a *admitted, r *runRequest) {
	token := s.ctx.Defer()
	a.Replies = append(a.Replies, token)
	if r.dialect != "" {
		if a.Foreign == nil {
			a.Foreign = map[string]dafx.Dialect{}
		}
		a.Foreign[token] = r.dialect
	}
}
