package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// modelInput is what a model step is scheduled with: where the messages lie, not
// what they say.
type modelInput struct {
	Log     string `json:"log"`
	From    int64  `json:"from"`   // first position that the model is given
	First   int64  `json:"first"`  // of the turn
	To      int64  `json:"to"`     // position after the last
	Step    int    `json:"step"`   // from 1
	Offset  int64  `json:"offset"` // in the stream
	Hash    string `json:"hash"`   // of the agent when the step was scheduled
	Session string `json:"session,omitempty"`
	Stream  string `json:"stream,omitempty"`  // instance id of the run whose stream it is; "" = the turn
	Options bool   `json:"options,omitempty"` // the turn has some, as a row
	Model   int    `json:"model,omitempty"`   // which of the agent's models is asked, from 0
}

// modelOutput is the outcome of a model step.
type modelOutput struct {
	Messages     []*model.Message `json:"messages"` // what the step adds to the conversation
	FinishReason string           `json:"finishReason,omitempty"`
	Value        json.RawMessage  `json:"value,omitempty"`   // the structured answer
	Invalid      string           `json:"invalid,omitempty"` // why there is none, though one was asked for
	Routes       []route          `json:"routes,omitempty"`  // of the calls of tools; nil = all are tool steps
	Model        string           `json:"model,omitempty"`
	Provider     string           `json:"provider,omitempty"`
	Usage        model.Usage      `json:"usage"`
	Hash         string           `json:"hash"` // of the agent that was used
	Next         int64            `json:"next"` // offset in the stream after the step
}

// modelStep is the activity that calls the model.
func (c *code) modelStep(ctx context.Context, in modelInput) (*modelOutput, error) {
	if in.Step > c.agent.maxSteps() {
		return nil, perdure.NonRetryable(&perdure.Error{Code: perdure.ResourceExhausted, Op: "model step",
			Message: fmt.Sprintf("agent %s has not answered after %d model steps, which is the limit", c.agent.Name, c.agent.maxSteps())})
	}
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	log, err := readLog(ctx, h, in.Log, in.From, in.To, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if err := whole(log, in); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	turn := perdure.Activity(ctx).InstanceID
	var options *TurnOptions
	if in.Options {
		if options, err = readOptions(ctx, h, turn); err != nil {
			return nil, perdure.NonRetryable(err)
		}
	}
	m := c.agent.Model // of an agent that has fewer models by now, the first
	if models := c.models(); in.Model < len(models) {
		m = models[in.Model]
	}
	stream := in.Stream
	if stream == "" {
		stream = turn
	}
	w, err := newAttempt(ctx, h, &service.live, stream, in.Step, in.Offset)
	if err != nil {
		return nil, err
	}
	answer, err := generate(ctx, m, c.request(view(log, in.From), options, in.Step), w, in.Step)
	next, failed := w.close()
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, modelError(ctx, err)
	}
	out := &modelOutput{
		Messages: answer.Messages, FinishReason: answer.FinishReason, Model: answer.Model(),
		Provider: model.Describe(m).Provider, Usage: answer.Usage(), Hash: c.hash, Next: next,
		Routes: c.routes(answer.Calls()),
	}
	if options != nil && options.Format != nil && len(answer.Calls()) == 0 {
		out.Value, out.Invalid = structured(options.Format, answer)
	}
	return out, nil
}

// whole reports messages of the turn itself that are missing.
func whole(log []LogMessage, in modelInput) error {
	have := int64(0)
	for _, m := range log {
		if m.Position >= in.First {
			have++
		}
	}
	if want := in.To - in.First; have != want {
		return &perdure.Error{Code: perdure.Internal, Op: "read conversation",
			Message: fmt.Sprintf("the turn has %d messages, of which %d are there", want, have)}
	}
	return nil
}

// generate makes one attempt to have the request answered.
func generate(ctx context.Context, m model.Model, req *model.Request, w *attempt, step int) (*model.Response, error) {
	var all model.Collector
	for u, err := range m.Generate(ctx, req) {
		if err != nil {
			return nil, err
		}
		all.Add(u)
		w.add(framesOf(step, u)...)
		if err := w.failed(); err != nil {
			return nil, err
		}
	}
	return all.Response(), nil
}

// modelError advises the turn about an error of a model step.
func modelError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var e *model.Error
	if !errors.As(err, &e) {
		return err
	}
	after, again := model.Retry(err)
	switch {
	case !again && elsewhere(e):
		return perdure.NonRetryable(perdure.WithProperty(err, propertyElsewhere, 1))
	case !again:
		return perdure.NonRetryable(err)
	case after > 0:
		return perdure.RetryAfter(err, after)
	}
	return err
}

// elsewhere reports whether an error that no further attempt would mend is about
// the provider or the model and not about the request: another model may serve
// it. These are: not authorised, payment required, forbidden, no such model.
func elsewhere(e *model.Error) bool {
	switch e.Status {
	case 401, 402, 403, 404:
		return true
	}
	return false
}
