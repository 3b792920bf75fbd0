package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// levelTurn is a turn at turn level, in progress.
type levelTurn struct {
	*code
	id      SessionID
	request *runRequest
	trace   traceRef  // the span below which it runs
	began   time.Time // by the hub's clock
	started time.Time // by this machine's
	evicted int64     // messages before said that are gone
	said    []*model.Message
	first   int // of said: the turn's first message
	step    int // model steps so far
	repairs int // answers that did not fit the format
	failed  int // calls of tools in a row that have failed
	usage   model.Usage
	spent   Spending
}

// now is the hub's time.
func (t *levelTurn) now() time.Time { return t.began.Add(time.Since(t.started)).UTC() }

// turnID names the turn, as everywhere; there is no run with this id.
func (t *levelTurn) turnID() string { return t.id.Turn(t.request.CorrelationID) }

// add adds messages to the conversation and returns them as they stand there.
func (t *levelTurn) add(messages ...*model.Message) []*model.Message {
	from := len(t.said)
	for _, m := range messages {
		entry := *m
		if entry.CreatedAt.IsZero() {
			entry.CreatedAt = t.now()
		}
		if entry.ID == "" {
			entry.ID = fmt.Sprintf("%s-%d", short(t.turnID()), len(t.said)-t.first)
		}
		t.said = append(t.said, &entry)
	}
	return t.said[from:]
}

// answer asks the model and runs the tools that it calls until it has answered.
func (t *levelTurn) answer(ctx context.Context) (*Response, error) {
	policy := t.policy(t.request.Options)
	for {
		t.step++
		if err := t.within(t.step, t.failed); err != nil {
			return nil, err
		}
		out, err := t.ask(ctx, policy)
		if err != nil {
			return nil, err
		}
		t.usage.Add(out.Usage)
		t.spent = t.spent.plus(out.Spent)
		t.add(out.Messages...)
		answer := &model.Response{Messages: out.Messages}
		calls := answer.Calls()
		if len(calls) > 0 {
			if left := t.call(ctx, calls); len(left) > 0 {
				r := t.response(answer, out)
				r.Calls, r.FinishReason = left, model.FinishToolCalls
				return r, nil
			}
			continue
		}
		if out.Invalid == "" {
			return t.response(answer, out), nil
		}
		if t.repairs++; t.repairs > policy.Repairs {
			return nil, t.unfit(t.turnID(), t.repairs, out.Invalid)
		}
		t.add(repair(out.Invalid))
	}
}

func (t *levelTurn) response(answer *model.Response, out *modelOutput) *Response {
	return &Response{
		Text: finalText(answer), Value: out.Value, FinishReason: out.FinishReason, Model: out.Model,
		Agent: t.agent.Name, Session: t.id.String(), Turn: t.turnID(), CorrelationID: t.request.CorrelationID,
		Usage: t.usage, Spent: t.spent, Steps: t.step, First: t.evicted + int64(t.first), Messages: t.evicted + int64(len(t.said)), Created: t.now(),
	}
}

// ask has the agent's models called, until one of them can serve.
func (t *levelTurn) ask(ctx context.Context, p *policy) (out *modelOutput, err error) {
	for i := range t.models() {
		err = repeated(ctx, p.retry(i), func(attempt int) (err error) {
			out, err = t.attempt(ctx, i, attempt)
			return err
		})
		var failed *perdure.StepError
		if err == nil || !errors.As(err, &failed) || failed.NonRetryable && failed.Property(propertyElsewhere) == 0 {
			return out, err
		}
	}
	return nil, err
}

// attempt has a model called once.
func (t *levelTurn) attempt(ctx context.Context, index, attempt int) (*modelOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, modelTimeout)
	defer cancel()
	ctx = perdure.WithActivity(ctx, perdure.ActivityInfo{Name: modelPrefix + fold(t.agent.Name), InstanceID: t.turnID(), Attempt: attempt})
	p := &prompt{options: t.request.Options, in: modelInput{
		First: int64(t.first), Step: t.step, Session: t.id.String(), Model: index, Trace: t.trace,
		View: viewOf{From: windowStart(int64(t.first), t.agent.Window)},
	}}
	for i, m := range t.said {
		if position := int64(i); position >= p.in.View.From {
			p.log = append(p.log, LogMessage{Position: position, Turn: t.turnID(), Message: m})
		}
	}
	step := &modelCall{code: t.code, prompt: p}
	out, err := step.answer(ctx)
	if err != nil {
		return nil, err
	}
	out.Spent = step.spent
	return out, nil
}

// repeated makes attempts until one succeeds, as the policy says. Its error is a
// *perdure.StepError, unless ctx has ended.
func repeated(ctx context.Context, p perdure.RetryPolicy, do func(attempt int) error) error {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		err := do(attempt)
		if err == nil || ctx.Err() != nil {
			return err
		}
		err = perdure.FailureError(perdure.FailureOf(err))
		var failed *perdure.StepError
		if !errors.As(err, &failed) || failed.NonRetryable || !p.Repeats(attempt, failed.Type) {
			return err
		}
		pause := failed.RetryAfter()
		if pause == 0 {
			pause = p.Pause(attempt, rand.Float64())
		}
		if p.Deadline > 0 && time.Since(began)+pause > p.Deadline {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// call has the tools called, all at the same time, and adds their results in the order
// of the calls. It returns the calls that are left to the caller.
func (t *levelTurn) call(ctx context.Context, calls []*model.FunctionCall) (left []*model.FunctionCall) {
	results, errs := make([]json.RawMessage, len(calls)), make([]error, len(calls))
	var group sync.WaitGroup
	for i, call := range calls {
		switch {
		case i < maxCalls && call.Error == "" && t.request.Options.callers(call.Name):
			left = append(left, call)
			calls[i] = nil
		case call.Error != "":
			errs[i] = errors.New(call.Error)
		case i >= maxCalls:
			errs[i] = fmt.Errorf("the call was not made: an answer may hold %d calls, which is the limit", maxCalls)
		case !t.request.Options.offers(call.Name):
			errs[i] = fmt.Errorf("there is no tool %q in this turn", call.Name)
		default:
			errs[i] = errors.New("the tool ended its goroutine (runtime.Goexit)")
			group.Go(func() { results[i], errs[i] = t.callTool(ctx, i, call) })
		}
	}
	group.Wait()
	for i, call := range calls {
		if call == nil {
			continue
		}
		var value any
		if t.failed++; errs[i] != nil {
			value = toolError(errs[i])
		} else {
			t.failed = 0
			value = results[i]
		}
		t.add(model.ToolResult(call.CallID, value))
	}
	return left
}

// callTool carries out the call with this ordinal among those of its model step.
func (t *levelTurn) callTool(ctx context.Context, ordinal int, call *model.FunctionCall) (result json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the tool panicked: %v\n%s", p, debug.Stack())
		}
	}()
	b := t.tools[call.Name]
	if b == nil {
		return nil, fmt.Errorf("there is no tool %q", call.Name)
	}
	arguments, err := b.validate(call.Arguments)
	if err != nil {
		return nil, err
	}
	canonical, err := canonicalArguments(arguments)
	if err != nil {
		return nil, err
	}
	info := perdure.ActivityInfo{
		Name: toolPrefix + fold(t.agent.Name), InstanceID: t.turnID(), Tags: map[string]string{"tool": call.Name},
		// The same when the turn is done again, if the model calls alike.
		EffectID: digest("effect", t.id.String(), t.request.CorrelationID, fmt.Sprint(t.step), fmt.Sprint(ordinal), call.Name, canonical),
	}
	ctx = context.WithValue(ctx, toolCallKey{}, ToolCall{
		Agent: t.agent.Name, Tool: call.Name, CallID: call.CallID, Session: t.id.String(),
		Turn: t.turnID(), CorrelationID: t.request.CorrelationID, Originator: t.request.Principal,
	})
	if o := observerOf(ctx); o != nil {
		ctx = o.below(ctx, t.trace)
	}
	if b.approval != nil {
		needed, err := b.approval(perdure.WithActivity(ctx, info), arguments)
		if err != nil {
			return nil, err
		}
		if needed {
			return nil, fmt.Errorf("%s was not called: the call needs the approval of a person, and there is nowhere to ask for it", call.Name)
		}
	}
	policy := perdure.RetryPolicy{MaxAttempts: 1}
	if b.retry != nil {
		policy = *b.retry
	}
	err = repeated(ctx, policy, func(attempt int) (err error) {
		info.Attempt = attempt
		result, err = b.invoke(perdure.WithActivity(ctx, info), arguments)
		if err != nil && b.effect.once() && !errors.As(err, new(*notDone)) {
			return perdure.NonRetryable(err) // it may have had its effect
		}
		return plain(err)
	})
	return result, err
}
