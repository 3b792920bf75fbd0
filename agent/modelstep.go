package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
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
	Failed  int    `json:"failed,omitempty"`  // calls of tools in a row, until now
	// Reserved is what the call may cost at most; nil = anything.
	Reserved *Spending `json:"reserved,omitempty"`
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
	Spent        Spending         `json:"spent"`
	Hash         string           `json:"hash"` // of the agent that was used
	Next         int64            `json:"next"` // offset in the stream after the step

	// Worst is the most that the call could cost. If Short is true, that is more
	// than was reserved; if Lost is true, a call was made before, and its outcome
	// is lost. In both cases no call was made now.
	Worst *Spending `json:"worst,omitempty"`
	Short bool      `json:"short,omitempty"`
	Lost  bool      `json:"lost,omitempty"`
}

// modelStep is the activity that calls the model.
func (c *code) modelStep(ctx context.Context, in modelInput) (*modelOutput, error) {
	if in.Step > c.agent.maxSteps() {
		return nil, perdure.NonRetryable(&perdure.Error{Code: perdure.ResourceExhausted, Op: "model step",
			Message: fmt.Sprintf("agent %s has not answered after %d model steps, which is the limit", c.agent.Name, c.agent.maxSteps())})
	}
	if most := c.agent.maxToolErrors(); in.Failed >= most {
		return nil, perdure.NonRetryable(&perdure.Error{Code: perdure.ResourceExhausted, Op: "model step",
			Message: fmt.Sprintf("%d calls of tools in a row have failed, which is the limit of agent %s", in.Failed, c.agent.Name)})
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
	about := model.Describe(m)
	price, _ := c.price(m)
	request := c.request(view(log, in.From), options, in.Step)
	var most *Spending
	if in.Reserved != nil {
		w := worst(request, about, price)
		if most = &w; !in.Reserved.covers(w) {
			return &modelOutput{Worst: most, Short: true}, nil
		}
		if lost, err := markCall(ctx, h, turn); lost || err != nil {
			return &modelOutput{Worst: most, Lost: lost}, err
		}
	}
	w, err := newAttempt(ctx, h, &service.live, stream, in.Step, in.Offset)
	if err != nil {
		return nil, err
	}
	answer, err := generate(ctx, m, request, w, in.Step)
	next, failed := w.close()
	if err == nil {
		err = failed
	}
	if err != nil {
		return nil, modelError(ctx, err, answer)
	}
	out := &modelOutput{
		Messages: answer.Messages, FinishReason: answer.FinishReason, Model: answer.Model(),
		Provider: about.Provider, Usage: answer.Usage(), Hash: c.hash, Next: next,
		Routes: c.routes(answer.Calls()), Worst: most,
	}
	if most == nil {
		most = &Spending{Calls: 1}
	}
	out.Spent = spendingOf(out.Usage, price, *most)
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

// markCall notes, durably, that the call of this step is about to be made. Lost
// reports that it was noted before: by an attempt of which nothing is known.
func markCall(ctx context.Context, h hub.Rows, turn string) (lost bool, err error) {
	info := perdure.Activity(ctx)
	key := fmt.Appendf(nil, "call %s %d", info.ExecutionID, info.TaskID)
	err = writeRows(ctx, h, &hub.WriteRows{
		Owner: turn, Rows: []store.Row{{Kind: rowTurn, Owner: turn, Key: key, Value: []byte("{}")}},
		If: []hub.RowCondition{{Kind: rowTurn, Key: key}},
	})
	if perdure.CodeOf(err) == perdure.Conflict {
		return true, nil
	}
	return false, err
}

// generate makes one attempt to have the request answered. With an error it
// returns what came before it.
func generate(ctx context.Context, m model.Model, req *model.Request, w *attempt, step int) (*model.Response, error) {
	var all model.Collector
	for u, err := range m.Generate(ctx, req) {
		if err != nil {
			return all.Response(), err
		}
		all.Add(u)
		w.add(framesOf(step, u)...)
		if err := w.failed(); err != nil {
			return all.Response(), err
		}
	}
	return all.Response(), nil
}

// Properties of failures of a model step.
const (
	// propertyElsewhere: they say nothing about other models, which may serve the
	// request.
	propertyElsewhere = "perdure.elsewhere"
	// propertyFree: the provider has refused the request, which costs nothing.
	propertyFree = "perdure.free"
)

// modelError advises the turn about an error of a model step that came after a
// part of an answer.
func modelError(ctx context.Context, err error, part *model.Response) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var e *model.Error
	if !errors.As(err, &e) {
		return err
	}
	after, again := model.Retry(err)
	advised := err
	if after > 0 {
		advised = perdure.RetryAfter(advised, after)
	}
	if len(part.Messages) == 0 && (e.Status >= 400 || e.Code == model.CodeBadRequest) {
		advised = perdure.WithProperty(advised, propertyFree, 1)
	}
	if model.Unavailable(err) {
		advised = perdure.WithProperty(advised, propertyElsewhere, 1)
	}
	if !again {
		advised = perdure.NonRetryable(advised)
	}
	return advised
}
