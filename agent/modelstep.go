package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// modelInput is what a model step is scheduled with: where the messages lie, not
// what they say.
type modelInput struct {
	Log     string `json:"log"`
	View    viewOf `json:"view"`   // what of the log the model is given
	First   int64  `json:"first"`  // position of the turn's first message
	To      int64  `json:"to"`     // position after the last
	Step    int    `json:"step"`   // from 1
	Offset  int64  `json:"offset"` // in the stream
	Hash    string `json:"hash"`   // of the agent when the step was scheduled
	Session string `json:"session,omitempty"`
	Stream  string `json:"stream,omitempty"`  // instance id of the run whose stream it is; "" = the turn
	Options bool   `json:"options,omitempty"` // the turn has some, as a row
	Context string `json:"context,omitempty"` // instance id of the run that has some, as a row; "" = none
	Model   int    `json:"model,omitempty"`   // which of the agent's models is asked, from 0
	Failed  int    `json:"failed,omitempty"`  // calls of tools in a row, until now
	Cut     int64  `json:"cut,omitempty"`     // make a summary of what is before this position; 0 = answer
	Plain   bool   `json:"plain,omitempty"`   // the summary says only that something was left out
	// Trace is the turn's.
	Trace traceRef `json:"trace,omitempty"`
	// Reserved is what the call may cost at most; nil = anything. If Priced is true,
	// a bound of it is in money.
	Reserved *Spending `json:"reserved,omitempty"`
	Priced   bool      `json:"priced,omitempty"`
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
	Hash         string           `json:"hash"`           // of the agent that was used
	Next         int64            `json:"next"`           // offset in the stream after the step
	From         int64            `json:"from,omitempty"` // position before which Messages are a summary

	// Worst is the most that the call could cost. If Short is true, that is more
	// than was reserved; if Lost is true, a call was made before, and its outcome
	// is lost. In both cases no call was made now.
	Worst *Spending `json:"worst,omitempty"`
	Short bool      `json:"short,omitempty"`
	Lost  bool      `json:"lost,omitempty"`
}

// errNoCall ends a model step before the call, with the output that it has.
var errNoCall = errors.New("no call is made")

// modelStep is the activity that calls the model.
func (c *code) modelStep(ctx context.Context, in modelInput) (*modelOutput, error) {
	if err := c.within(in.Step, in.Failed); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	ctx, end, err := service.begin(ctx, h, c.agent.Name, "")
	if err != nil {
		return nil, err
	}
	defer end()
	p, err := readPrompt(ctx, h, perdure.Activity(ctx).InstanceID, in)
	if err != nil {
		return nil, err
	}
	step := &modelCall{code: c, hub: h, live: &service.live, prompt: p}
	var out *modelOutput
	if in.Cut > 0 {
		out, err = c.summary(ctx, p, func(m model.Model, req *model.Request) (*model.Response, error) {
			return step.call(ctx, m, req, false)
		})
	} else {
		out, err = step.answer(ctx)
	}
	switch {
	case errors.Is(err, errNoCall):
		return &modelOutput{Worst: step.worst, Short: step.short, Lost: step.lost}, nil
	case err != nil:
		return nil, err
	}
	out.Worst, out.Spent = step.worst, step.spent
	return out, nil
}

// within returns which limit of the agent a model step exceeds, before which so many
// calls of tools in a row have failed.
func (c *code) within(step, failed int) error {
	if most := c.agent.maxSteps(); step > most {
		return &perdure.Error{Code: perdure.ResourceExhausted, Op: "model step",
			Message: fmt.Sprintf("agent %s has not answered after %d model steps, which is the limit", c.agent.Name, most)}
	}
	if most := c.agent.maxToolErrors(); failed >= most {
		return &perdure.Error{Code: perdure.ResourceExhausted, Op: "model step",
			Message: fmt.Sprintf("%d calls of tools in a row have failed, which is the limit of agent %s", failed, c.agent.Name)}
	}
	return nil
}

// modelCall is a model step that is about to call a model.
type modelCall struct {
	*code
	hub    hub.Hub
	live   *live // nil = nobody watches
	prompt *prompt

	worst       *Spending // of the call; nil = without a budget
	spent       Spending
	short, lost bool
	next        int64 // offset in the stream
}

// answer has the conversation answered.
func (s *modelCall) answer(ctx context.Context) (*modelOutput, error) {
	in := s.prompt.in
	m := s.modelAt(in.Model)
	request := s.request(s.prompt.messages(), s.prompt.options, in.Step)
	if extra := s.prompt.context; extra != nil && extra.Instructions != "" {
		request.Instructions = strings.TrimPrefix(request.Instructions+"\n\n"+extra.Instructions, "\n\n")
	}
	answer, err := s.call(ctx, m, request, s.live != nil)
	if err != nil {
		return nil, err
	}
	out := &modelOutput{
		Messages: answer.Messages, FinishReason: answer.FinishReason, Model: answer.Model(),
		Provider: model.Describe(m).Provider, Usage: answer.Usage(), Hash: s.hash, Next: s.next, Routes: s.routes(answer.Calls()),
	}
	if o := s.prompt.options; o != nil && o.Format != nil && len(answer.Calls()) == 0 {
		out.Value, out.Invalid = structured(o.Format, answer)
	}
	return out, nil
}

// call makes one attempt to have a request answered, within what was reserved for
// it. With show, the answer is written into the stream.
func (s *modelCall) call(ctx context.Context, m model.Model, request *model.Request, show bool) (*model.Response, error) {
	in, turn := s.prompt.in, perdure.Activity(ctx).InstanceID
	about := model.Describe(m)
	price, known := s.price(m)
	if in.Priced && !known {
		return nil, perdure.WithProperty(perdure.NonRetryable(&perdure.Error{Code: perdure.FailedPrecondition, Op: "model step", Instance: turn,
			Message: fmt.Sprintf("the budget is in US dollars and the agent %s does not know the price of the model %q of %q: set Agent.Prices",
				s.agent.Name, about.Model, about.Provider)}), propertyFree, 1)
	}
	if in.Reserved != nil {
		w := worst(request, about, price)
		if s.worst, s.short = &w, !in.Reserved.covers(w); s.short {
			return nil, errNoCall
		}
		var err error
		if s.lost, err = markCall(ctx, s.hub, turn); err != nil {
			return nil, err
		}
		if s.lost {
			return nil, errNoCall
		}
	}
	var w *attempt
	if show {
		stream := in.Stream
		if stream == "" {
			stream = turn
		}
		var err error
		if w, err = newAttempt(ctx, s.hub, s.live, stream, in.Step, in.Offset); err != nil {
			return nil, err
		}
	}
	var ids *uniqueIDs
	if !s.wraps() { // a wrapped agent may answer its calls itself
		ids = newUniqueIDs(turn, in.Step, request)
	}
	calling, span := s.beginChat(ctx, about, request)
	answer, err := generate(calling, s.agent.wrapModel(m), request, w, in.Step, ids, span)
	reserved := Spending{Calls: 1}
	if s.worst != nil {
		reserved = *s.worst
	}
	if err == nil {
		s.spent = spendingOf(answer.Usage(), price, reserved)
	}
	span.end(answer, s.spent.USD, err)
	if show {
		var failed error
		if s.next, failed = w.close(); err == nil {
			err = failed
		}
	}
	if err != nil {
		return nil, modelError(ctx, err, answer)
	}
	return answer, nil
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
// returns what came before it. What is said is shown in the stream w, if there is
// one. Calls get the ids that they may have, unless ids is nil.
func generate(ctx context.Context, m model.Model, req *model.Request, w *attempt, step int, ids *uniqueIDs, span *chatSpan) (*model.Response, error) {
	var all model.Collector
	for u, err := range m.Generate(ctx, req) {
		if err != nil {
			return all.Response(), err
		}
		span.heard()
		u = ids.apply(u)
		all.Add(u)
		if w == nil {
			continue
		}
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
	// propertyRefused: it is the request that is at fault, and no other attempt or
	// model mends that.
	propertyRefused = "perdure.refused"
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
		if !model.Unavailable(err) && (e.Status == 400 || e.Status == 413 || e.Status == 422 || e.Code == model.CodeBadRequest) {
			advised = perdure.WithProperty(advised, propertyRefused, 1)
		}
	}
	return advised
}
