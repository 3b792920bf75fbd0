package perdure

import (
	"encoding/json"

	"github.com/perdure/perdure/internal/history"
)

// RequestEvent is a kind of external event whose sender waits for an answer: In
// is what it sends, Out what it gets.
type RequestEvent[In, Out any] struct{ name string }

// NewRequest returns the kind of request with this name.
func NewRequest[In, Out any](name string) RequestEvent[In, Out] {
	return RequestEvent[In, Out]{name}
}

// Name returns the name of the event.
func (e RequestEvent[In, Out]) Name() string { return e.name }

// Wait returns a task that ends with the next request of this kind that no
// earlier wait takes.
func (e RequestEvent[In, Out]) Wait(ctx *Context) *Task[*Request[In, Out]] {
	t := &Task[*Request[In, Out]]{ctx: ctx}
	t.s.Kind, t.s.Name = StepEvent, e.name
	t.convert = func(s *Step) (*Request[In, Out], error) {
		text, _ := s.Result()
		var data envelope
		r := &Request[In, Out]{name: e.name}
		err := decode(text, &data)
		if err == nil && len(data.Input) > 0 {
			err = json.Unmarshal(data.Input, &r.Input)
		}
		if err != nil {
			return nil, invalidf("request "+e.name, err)
		}
		r.id = data.RequestID
		return r, nil
	}
	ctx.rt.Begin(&t.s)
	return t
}

// Data returns the data of the event that carries a request. It is part of the
// seam to the runtime: clients send it.
func (e RequestEvent[In, Out]) Data(requestID string, in In) (history.Text, error) {
	text, err := encode(in)
	if err != nil {
		return history.Text{}, invalidf("request "+e.name, err)
	}
	if !text.Set {
		text.S = "null"
	}
	return encodeAny(envelope{RequestID: requestID, Input: json.RawMessage(text.S)})
}

// Answer decodes what Reply sent. It is part of the seam to the runtime: clients
// read it.
func (e RequestEvent[In, Out]) Answer(result history.Text) (out Out, err error) {
	if err := decode(result, &out); err != nil {
		return out, invalidf("answer to "+e.name, err)
	}
	return out, nil
}

type envelope struct {
	RequestID string          `json:"requestId"`
	Input     json.RawMessage `json:"input"`
}

// Request is a request that an orchestration has taken. It should be answered
// once; later answers are dropped.
type Request[In, Out any] struct {
	Input In
	name  string
	id    string
}

// ID returns the id of the request.
func (r *Request[In, Out]) ID() string { return r.id }

// Reply answers the request.
func (r *Request[In, Out]) Reply(ctx *Context, out Out) error {
	text, err := encode(out)
	if err != nil {
		return invalidf("reply to "+r.name, err)
	}
	ctx.rt.Begin(&Step{Kind: StepReply, Request: r.id, Input: text})
	return nil
}

// Fail answers the request with an error.
func (r *Request[In, Out]) Fail(ctx *Context, err error) {
	ctx.rt.Begin(&Step{Kind: StepReply, Request: r.id, Err: err})
}
