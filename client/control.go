package client

import (
	"context"
	"encoding/json"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Suspend stops a run from going on; running steps finish, and what arrives is
// kept.
func (c *Client) Suspend(ctx context.Context, id, reason string, opts ...Option) error {
	_, err := c.control(ctx, &hub.Control{InstanceID: id, Kind: hub.Suspend, Reason: history.NoneIfEmpty(reason)}, opts)
	return err
}

// Resume lets a suspended run go on.
func (c *Client) Resume(ctx context.Context, id, reason string, opts ...Option) error {
	_, err := c.control(ctx, &hub.Control{InstanceID: id, Kind: hub.Resume, Reason: history.NoneIfEmpty(reason)}, opts)
	return err
}

// Ending says how a run is ended before its time.
type Ending struct {
	Output    any  // becomes the run's output, as JSON; nil = none
	Recursive bool // its unfinished children too
}

// Terminate ends a run; running activities see their context cancelled.
func (c *Client) Terminate(ctx context.Context, id string, e Ending, opts ...Option) error {
	return c.end(ctx, id, hub.Terminate, e, opts)
}

// Cancel is Terminate, with status Canceled.
func (c *Client) Cancel(ctx context.Context, id string, e Ending, opts ...Option) error {
	return c.end(ctx, id, hub.Cancel, e, opts)
}

func (c *Client) end(ctx context.Context, id string, kind hub.ControlKind, e Ending, opts []Option) error {
	output, err := encode("terminate", id, e.Output)
	if err != nil {
		return err
	}
	_, err = c.control(ctx, &hub.Control{InstanceID: id, Kind: kind, Reason: output, Recursive: e.Recursive}, opts)
	return err
}

// RestartOptions says how a run begins anew. The zero value keeps id and input.
type RestartOptions struct {
	NewID bool // under a new id, whatever the run's status; the old run stays
	Input any  // another input; nil = the same
	// ID is the id under which it begins anew, whatever the run's status; the old run
	// stays. One that is in use is refused with AlreadyExists. "" = as NewID says.
	ID string
	// Version is another version of the orchestration, "" for none; nil = the same.
	Version *string
}

// Restart begins an ended run anew and returns its id. A turn of an agent's session cannot
// be restarted: FailedPrecondition.
func (c *Client) Restart(ctx context.Context, id string, o RestartOptions, opts ...Option) (string, error) {
	input, err := encode("restart", id, o.Input)
	if err != nil {
		return "", err
	}
	r := &hub.Control{InstanceID: id, Kind: hub.Restart, NewID: o.NewID, As: o.ID, Input: input}
	if o.Version != nil {
		r.Version = history.Some(*o.Version)
	}
	return c.control(ctx, r, opts)
}

// Rewind lets a failed run go on from before its failure: recorded outcomes
// are kept, failed steps run again. A turn of an agent's session is refused with
// FailedPrecondition, here and by RewindTo: agent.Service.RewindTo asks the session.
func (c *Client) Rewind(ctx context.Context, id, reason string, opts ...Option) error {
	_, err := c.control(ctx, &hub.Control{InstanceID: id, Kind: hub.Rewind, Reason: history.NoneIfEmpty(reason)}, opts)
	return err
}

// RewindPoint is the point in a run's history to which it is rewound.
type RewindPoint struct {
	// Event is the number of an event, from 1. The turn that has it is made anew, with
	// what that turn was given before the event; what came of it, and later, is given up.
	Event int
	// Execution is the one whose events are counted; "" = the current one. If the run is
	// in another one, the rewind is refused with Conflict.
	Execution string
	Reason    string
	// Asked is the point that was asked for, if the caller has chosen this one by it: a
	// repeat with the same request id is known by that. nil = this one.
	Asked *RewindPoint
}

// RewindTo lets a run that has ended, in whatever way, go on from a point in its history.
// Outcomes recorded before it are kept; events that were raised after it are forgotten,
// and are waited for again. Of runs of agents it knows nothing: rewind these, which may
// wait for decisions, with agent.Service.RewindTo.
func (c *Client) RewindTo(ctx context.Context, id string, p RewindPoint, opts ...Option) error {
	if p.Event < 1 {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "rewind", Instance: id, Message: "events are counted from 1"}
	}
	r := &hub.Control{InstanceID: id, Kind: hub.Rewind, Reason: history.NoneIfEmpty(p.Reason), To: p.Event, Execution: p.Execution}
	if p.Asked != nil {
		r.Asked = &hub.Point{To: p.Asked.Event, Execution: p.Asked.Execution}
	}
	_, err := c.control(ctx, r, opts)
	return err
}

func (c *Client) control(ctx context.Context, r *hub.Control, opts []Option) (string, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	r.RequestID = options(opts).requestID
	return h.Control(ctx, r)
}

// PurgeOptions says what a purge takes with it.
type PurgeOptions struct {
	Recursive bool // sub-orchestrations too
	DryRun    bool // only count
	// Force is who gives up the calls of reversible and irreversible tools whose outcome is
	// not known: what has them is deleted too, and nobody will ever know what became of
	// them. The audit names them. "" = nobody.
	Force string
}

// Purge deletes runs that have ended, and entities, and returns how many. A run with a call
// whose outcome is not known stays, which is FailedPrecondition and names the decisions
// that have to be answered first; one below another, of which Recursive takes what may go,
// just stays. See Force.
func (c *Client) Purge(ctx context.Context, ids []string, o PurgeOptions, opts ...Option) (int, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return 0, err
	}
	if o.Force != "" && hub.ActorOf(ctx) == nil {
		ctx = hub.WithActor(ctx, &hub.Actor{By: o.Force})
	}
	p, err := h.Purge(ctx, &hub.Purge{
		RequestID: options(opts).requestID, IDs: ids, Recursive: o.Recursive, DryRun: o.DryRun, Force: o.Force != "",
	})
	return p.Count, err
}

// Entity is the state of an entity.
type Entity struct {
	ID       perdure.EntityID
	Queue    int    // operations that wait
	LockedBy string // instance id of the holder, "" if free
	State    json.RawMessage
}

// Entity returns the state of an entity, NotFound if there is none.
func (c *Client) Entity(ctx context.Context, id perdure.EntityID) (*Entity, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	e, err := h.Entity(ctx, id.String())
	if err != nil {
		return nil, err
	}
	return &Entity{ID: id, Queue: e.Queue, LockedBy: e.LockedBy, State: raw(e.State)}, nil
}

// Signal sends a one-way operation to an entity, which it creates if needed.
// input becomes JSON; nil passes none.
func (c *Client) Signal(ctx context.Context, id perdure.EntityID, operation string, input any, opts ...Option) error {
	text, err := encode("signal", id.String(), input)
	if err != nil {
		return err
	}
	s := &hub.Signal{RequestID: options(opts).requestID, InstanceID: id.String(), Operation: operation, Input: text}
	return c.Do(ctx, func(h hub.Hub) error { return h.Signal(ctx, s) })
}
