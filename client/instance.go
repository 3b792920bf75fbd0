package client

import (
	"context"
	"encoding/json"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Status is the status of a run, by the name that lists and filters use.
type Status string

// The statuses.
const (
	Pending    Status = "pending" // created, not begun
	Running    Status = "running"
	Suspended  Status = "suspended"
	Completed  Status = "completed"
	Failed     Status = "failed"
	Terminated Status = "terminated"
	Canceled   Status = "canceled"
)

// Ended reports whether a run in this status has ended.
func (s Status) Ended() bool {
	return s == Completed || s == Failed || s == Terminated || s == Canceled
}

// Instance is the state of an orchestration, or of an entity as lists show it.
// It belongs to the caller. Times are zero where there is none.
type Instance struct {
	ID         string
	Name       string
	Version    string
	Execution  string
	RowVersion uint64 // grows with each change

	Status     Status
	Phase      string // why it has not ended: "waiting_event", ...; "" if it has
	PhaseSince time.Time
	PhaseCause string
	Step       string   // the step that runs or waits
	WaitName   string   // the event waited for: the first of Waits
	Waits      []string // all events waited for
	NextFireAt time.Time
	Attempt    int

	Created   time.Time
	Started   time.Time
	Updated   time.Time
	Completed time.Time
	Folded    time.Time // when its history, input and output were given up

	Parent string
	Root   string
	Tags   map[string]string

	// JSON, nil where there is none. Input and Output are left out of lists.
	CustomStatus json.RawMessage
	Input        json.RawMessage
	Output       json.RawMessage
	// Failure says why it failed, else nil.
	Failure *perdure.StepError
}

// Get returns the state of an instance with its input and output, NotFound if
// there is none.
func (c *Client) Get(ctx context.Context, id string) (*Instance, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	i, err := h.Instance(ctx, id, true)
	return view(i, err)
}

// WaitStart waits until a run has begun. If there is none, it waits for its
// creation. The input may be left out of the answer.
func (c *Client) WaitStart(ctx context.Context, id string) (*Instance, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	i, err := h.WaitStart(ctx, id)
	return view(i, err)
}

// WaitCompletion waits until a run has ended, in whatever status, and returns it
// with its output or failure; the input may be left out. If there is no such
// run, it waits for its creation.
func (c *Client) WaitCompletion(ctx context.Context, id string) (*Instance, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	i, err := h.WaitCompletion(ctx, id)
	return view(i, err)
}

// RunError is the error of a run that has ended without a result.
type RunError struct {
	ID      string
	Status  Status
	Failure *perdure.StepError // nil if it did not fail
}

// Error implements error.
func (e *RunError) Error() string {
	text := "run " + e.ID + " " + string(e.Status)
	if e.Failure != nil {
		text += ": " + e.Failure.Message
	}
	return text
}

// Unwrap returns the failure.
func (e *RunError) Unwrap() error {
	if e.Failure == nil {
		return nil
	}
	return e.Failure
}

// Result waits until a run has ended and returns its result. A run that ended
// otherwise gives a *RunError; of one that was folded the result is gone, which is
// FailedPrecondition.
func Result[T any](ctx context.Context, c *Client, id string) (T, error) {
	var result T
	i, err := c.WaitCompletion(ctx, id)
	if err != nil {
		return result, err
	}
	if i.Status != Completed {
		return result, &RunError{ID: id, Status: i.Status, Failure: i.Failure}
	}
	if !i.Folded.IsZero() {
		return result, &perdure.Error{Code: perdure.FailedPrecondition, Op: "read result of", Instance: id,
			Message: "the run was folded at " + i.Folded.Format(time.RFC3339) + ": its result was given up"}
	}
	if i.Output == nil {
		return result, nil
	}
	return result, decode("read result of", id, history.Some(string(i.Output)), &result)
}

// view turns the hub's instance into ours.
func view(i *hub.Instance, err error) (*Instance, error) {
	if err != nil {
		return nil, err
	}
	return &Instance{
		ID: i.ID, Name: i.Name, Version: i.AppVersion.S, Execution: i.Execution, RowVersion: i.Record.Version,
		Status: Status(StatusName(i.Record.Status)), Phase: PhaseName(i.Phase), PhaseSince: i.PhaseSince,
		PhaseCause: i.PhaseCause, Step: i.Step, WaitName: i.WaitName, Waits: i.Waits, NextFireAt: i.NextFireAt, Attempt: int(i.Attempt),
		Created: i.Created, Started: i.Started, Updated: i.Updated, Completed: i.Record.Completed, Folded: i.Folded,
		Parent: i.Parent, Root: i.Root, Tags: i.Tags,
		CustomStatus: raw(i.CustomStatus), Input: raw(i.Input), Output: raw(i.Output), Failure: failure(i.Failure),
	}, nil
}

// raw returns a payload as JSON: itself if it is JSON, else as a string.
func raw(t history.Text) json.RawMessage {
	switch {
	case !t.Set:
		return nil
	case json.Valid([]byte(t.S)):
		return json.RawMessage(t.S)
	}
	quoted, err := json.Marshal(t.S)
	if err != nil { // a string is always encodable
		panic(err)
	}
	return quoted
}

func failure(f *history.Failure) *perdure.StepError {
	if f == nil {
		return nil
	}
	return &perdure.StepError{Type: f.Type, Message: f.Message, Stack: f.Stack.S, NonRetryable: f.NonRetriable, Cause: failure(f.Inner)}
}
