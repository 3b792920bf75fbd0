// Package client starts, steers and reads orchestrations and entities of a hub:
// the one in the same process (host.App.Client) or, over the wire (Connect), that of
// a server.
//
// A call that changes something returns nil only when the change is durable. What the
// hub refuses because it has more to do than it can is tried again when the hub says,
// for as long as the context allows: give one an end, or see Client.Impatient.
// Errors are *perdure.Error; branch on them with perdure.CodeOf.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Client works with one hub. Its methods may be called concurrently. Contexts
// bound how long a call waits, never what it has changed.
type Client struct {
	connect   func(context.Context) (hub.Hub, error)
	hangUp    func() error // nil = nothing is to be ended
	impatient bool         // what is refused for now is not tried again
}

// New returns a client of a hub. Users get theirs from the package that opened
// the hub.
func New(h hub.Hub) *Client {
	return Later(func(context.Context) (hub.Hub, error) { return h, nil })
}

// Later returns a client of a hub that connect returns, which is asked for each
// call and may wait until there is one.
func Later(connect func(context.Context) (hub.Hub, error)) *Client { return &Client{connect: connect} }

// Hub returns the client's hub. It is for the packages of this module that
// build on a client.
func (c *Client) Hub(ctx context.Context) (hub.Hub, error) { return c.connect(ctx) }

// Impatient returns a client of the same hub that tries nothing again: what the hub
// refuses because it has more to do than it can fails with ResourceExhausted at once. It
// is for those who have callers of their own, to whom they tell Error.RetryAfter. It ends
// with c, and is not closed.
func (c *Client) Impatient() *Client { return &Client{connect: c.connect, impatient: true} }

// Do has do call the hub, and again when the hub says, while that has more to do than it
// can. It is for the packages of this module that build on a client.
func (c *Client) Do(ctx context.Context, do func(hub.Hub) error) error {
	h, err := c.connect(ctx)
	if err != nil {
		return err
	}
	for {
		err := do(h)
		var e *perdure.Error
		if c.impatient || !errors.As(err, &e) || e.Code != perdure.ResourceExhausted || e.RetryAfter <= 0 {
			return err
		}
		if end, ends := ctx.Deadline(); ends && time.Until(end) < e.RetryAfter {
			return err
		}
		select {
		case <-time.After(e.RetryAfter):
		case <-ctx.Done():
			return err
		}
	}
}

// Close ends the connection of a client that Connect has returned; calls that run
// fail. It is called once. Other clients have nothing to close.
func (c *Client) Close() error {
	if c.hangUp == nil {
		return nil
	}
	return c.hangUp()
}

// Option changes one call.
type Option func(*call)

type call struct{ requestID string }

// WithRequestID makes a call repeatable: with the same id and content it has
// one effect and one answer within 24 hours, with other content it fails with
// Conflict.
func WithRequestID(id string) Option { return func(c *call) { c.requestID = id } }

func options(opts []Option) call {
	var c call
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Raise sends an external event to an orchestration, kept until it waits for
// it. data becomes JSON; nil sends none. To a run that has ended the event is
// accepted and dropped.
func (c *Client) Raise(ctx context.Context, id, event string, data any, opts ...Option) error {
	text, err := encode("raise event", id, data)
	if err != nil {
		return err
	}
	r := &hub.Raise{RequestID: options(opts).requestID, InstanceID: id, Name: event, Data: text}
	return c.Do(ctx, func(h hub.Hub) error { return h.Raise(ctx, r) })
}

// Raise sends an external event with data of its type.
func Raise[T any](ctx context.Context, c *Client, id string, event perdure.Event[T], data T, opts ...Option) error {
	return c.Raise(ctx, id, event.Name(), data, opts...)
}

// Ask sends a request-reply event to an orchestration, or a called operation
// to an entity (an id that begins with "@"), and stores the answer, which is
// JSON, in the value that answer points to, if it is not nil. It waits as long
// as ctx allows; the request stands all the same.
func (c *Client) Ask(ctx context.Context, id, name string, in, answer any, opts ...Option) error {
	text, err := encode("ask", id, in)
	if err != nil {
		return err
	}
	ask := &hub.Ask{RequestID: options(opts).requestID, InstanceID: id, Name: name, Input: text}
	var got history.Text
	err = c.Do(ctx, func(h hub.Hub) (err error) { got, err = h.Ask(ctx, ask); return err })
	if err != nil || answer == nil {
		return err
	}
	return decode("ask", id, got, answer)
}

// Ask sends a request to an orchestration and returns its answer.
func Ask[In, Out any](ctx context.Context, c *Client, id string, request perdure.RequestEvent[In, Out], in In, opts ...Option) (Out, error) {
	var answer Out
	err := c.Ask(ctx, id, request.Name(), in, &answer, opts...)
	return answer, err
}

// Complete ends an activity from outside with a result, by the token that the
// activity handed out.
func (c *Client) Complete(ctx context.Context, token string, result any) error {
	h, err := c.connect(ctx)
	if err != nil {
		return err
	}
	text, err := encode("complete activity", "", result)
	if err != nil {
		return err
	}
	return h.Complete(ctx, token, text, nil)
}

// Fail ends an activity from outside with an error; perdure.NonRetryable and
// perdure.RetryAfter advise its retry policy.
func (c *Client) Fail(ctx context.Context, token string, reason error) error {
	h, err := c.connect(ctx)
	if err != nil {
		return err
	}
	return h.Complete(ctx, token, history.Text{}, perdure.FailureOf(reason))
}

// Heartbeat says that an activity that is completed from outside is alive, and
// stores its progress, if it is not nil. NotFound means: stop, the step is over
// or somebody else's.
func (c *Client) Heartbeat(ctx context.Context, token string, progress any) error {
	h, err := c.connect(ctx)
	if err != nil {
		return err
	}
	text, err := encode("heartbeat", "", progress)
	if err != nil {
		return err
	}
	return h.Heartbeat(ctx, token, text)
}

// encode gives a value as JSON, absent for nil. A json.RawMessage is taken as
// it is.
func encode(op, id string, v any) (history.Text, error) {
	if v == nil {
		return history.Text{}, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return history.Text{}, &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: id,
			Message: fmt.Sprintf("a %T does not become JSON", v), Cause: err}
	}
	return history.Some(string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))), nil
}

// decode reads JSON into the value that v points to; absent text leaves it.
func decode(op, id string, t history.Text, v any) error {
	if !t.Set || t.S == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(t.S), v); err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: id,
			Message: fmt.Sprintf("the answer does not fit into %T", v), Cause: err}
	}
	return nil
}
