package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

// ForkOptions says how a run is forked. The zero value forks it under a new id, from before
// what has failed first; if nothing has, from its end.
type ForkOptions struct {
	// ID is that of the new run, which nobody has. "" = a random one.
	ID string
	// Event is the number of the first event that the new run does not have, from 1. Of the
	// turn that has it, what came before it is given to the new run. 0 = the outcome of the
	// step that is changed, else the first that is a failure, else the end.
	Event int
	// Execution is the one whose events are counted; "" = the current one.
	Execution string
	// Asked is the point that was asked for, Event and Execution, if the caller has chosen
	// this one by it: a repeat with the same request id is known by that. nil = this one.
	Asked *RewindPoint
	Input any // in place of the source's, becomes JSON; nil = the same
	// Step is the number of the event that has scheduled a step which is to have another
	// outcome; 0 = all are as they were. It is Result, as JSON, or Failure.
	Step    int
	Result  any
	Failure string // "" = the step has succeeded
	// Rows are made when id and execution of the new run are known, and are written with
	// it. Package agent gives here what its runs need; nil = there are none.
	Rows func(ctx context.Context, id, execution string) ([]store.Row, error)
}

// Fork begins a new run as a copy of another one, and returns its id. What has an outcome
// before the cut is served from the journal; what was open there, and all that comes
// after it, is done by the new run, under ids of its own. The source stays as it is. Of
// runs of agents it knows nothing: fork these with agent.Service.Fork.
func (c *Client) Fork(ctx context.Context, id string, o ForkOptions, opts ...Option) (string, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	r := &hub.Start{RequestID: options(opts).requestID, InstanceID: o.ID, Fork: &hub.Fork{Run: id, Execution: o.Execution, To: o.Event}}
	if r.Input, err = encode("fork", id, o.Input); err != nil {
		return "", err
	}
	if o.Step != 0 {
		r.Fork.Patch = &hub.Patch{Event: o.Step}
		if o.Failure != "" {
			r.Fork.Patch.Failure = &history.Failure{Type: "Changed", Message: o.Failure, NonRetriable: true}
		} else if r.Fork.Patch.Result, err = encode("fork", id, o.Result); err != nil {
			return "", err
		}
	}
	if o.Asked != nil {
		r.Fork.Asked = &hub.Point{To: o.Asked.Event, Execution: o.Asked.Execution}
	}
	if o.Event == 0 {
		if o.Asked == nil {
			r.Fork.Asked = &hub.Point{Execution: o.Execution}
		}
		events, err := h.History(ctx, id, o.Execution)
		if err != nil {
			return "", err
		}
		if r.Fork.To, err = ForkPoint(id, events, o.Step); err != nil {
			return "", err
		}
	}
	name(r)
	if o.Rows != nil {
		if r.Fork.Rows, err = o.Rows(ctx, r.InstanceID, r.ExecutionID); err != nil {
			return "", err
		}
	}
	started, err := h.Start(ctx, r)
	return started.InstanceID, err
}

// ForkPoint returns the number of the event from which a run with these events is forked
// if none is given. Step is that of the step that is changed, 0 = none is.
func ForkPoint(id string, events []*history.Event, step int) (int, error) {
	if step < 0 || step > len(events) {
		return 0, &perdure.Error{Code: perdure.InvalidArgument, Op: "fork", Instance: id,
			Message: fmt.Sprintf("event %d is not there: its history has %d events, counted from 1", step, len(events))}
	}
	return steps.ForkPoint(events, step), nil
}

// name gives a fork the ids that it has not: the same when its request is repeated.
func name(r *hub.Start) {
	one := func(what string) string {
		sum := make([]byte, 16)
		if r.RequestID == "" {
			_, _ = rand.Read(sum) // never fails
		} else {
			all := sha256.Sum256([]byte("fork " + what + " " + r.Fork.Run + " " + r.RequestID))
			copy(sum, all[:])
		}
		return hex.EncodeToString(sum)
	}
	if r.InstanceID == "" {
		r.InstanceID = one("run")
	}
	r.ExecutionID = one("execution of " + r.InstanceID)
}
