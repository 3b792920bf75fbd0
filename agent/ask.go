package agent

import (
	"errors"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// Limits of a model step.
const (
	modelTimeout  = 10 * time.Minute
	modelAttempts = 10
	modelPause    = time.Minute
)

// defaultRetry repeats model calls whose provider says that it may help.
var defaultRetry = perdure.RetryPolicy{MaxAttempts: modelAttempts, MaxInterval: modelPause, Jitter: 0.2}

// fallbackRetry is defaultRetry of a model after which another one is asked.
var fallbackRetry = perdure.RetryPolicy{MaxAttempts: 3, MaxInterval: 10 * time.Second, Jitter: 0.2}

// propertyElsewhere marks failures of a model step that say nothing about other
// models: these may serve the request.
const propertyElsewhere = "perdure.elsewhere"

// ask has the model called, after the messages that came for the turn were taken.
func (t *turn) ask() (*modelOutput, error) {
	if t.isStopped() {
		return nil, stopped(t.ctx.InstanceID())
	}
	if err := t.join(); err != nil {
		return nil, err
	}
	t.step++
	var err error
	for i := range t.models() {
		var out *modelOutput
		if out, err = t.askModel(i); err == nil {
			t.usage.Add(out.Usage)
			t.offset = out.Next
			return out, nil
		}
		var failed *perdure.StepError
		if !errors.As(err, &failed) || failed.NonRetryable && failed.Property(propertyElsewhere) == 0 {
			return nil, err
		}
	}
	return nil, err
}

// askModel has one of the agent's models called, again and again as the retry
// policy says. The pauses are timers: nothing waits in memory.
func (t *turn) askModel(index int) (*modelOutput, error) {
	policy := t.retryPolicy(index)
	began := t.ctx.Now()
	for attempt := 1; ; attempt++ {
		out, err := t.attempt(index)
		var failed *perdure.StepError
		if err == nil || !errors.As(err, &failed) || failed.NonRetryable || !policy.Repeats(attempt, failed.Type) {
			return out, err
		}
		pause := failed.RetryAfter()
		if pause == 0 {
			pause = policy.Pause(attempt, t.ctx.Rand().Float64())
		}
		until := t.ctx.Now().Add(pause)
		if policy.Deadline > 0 && until.After(began.Add(policy.Deadline)) {
			return nil, err
		}
		timer := perdure.TaskOf[struct{}](t.ctx, perdure.Step{Kind: perdure.StepTimer, At: until, Pause: &perdure.Pause{
			Name: t.modelStepName(), Attempt: attempt + 1, MaxAttempts: policy.MaxAttempts, Error: failed.Message,
		}})
		if _, err := await(t, timer); err != nil {
			return nil, err
		}
	}
}

func (t *turn) modelStepName() string { return modelPrefix + fold(t.agent.Name) }

// attempt has a model called once.
func (t *turn) attempt(index int) (*modelOutput, error) {
	out, err := await(t, perdure.CallNamed[*modelOutput](t.ctx, t.modelStepName(), modelInput{
		Log: t.log, From: t.in.From, First: t.first, To: t.position, Step: t.step, Offset: t.offset, Hash: t.hash,
		Session: t.in.Session, Options: t.in.Options != nil, Model: index, Stream: t.in.Stream,
	}, perdure.WithTimeout(modelTimeout)))
	if err == nil && out == nil {
		err = errors.New("the model step has no result")
	}
	return out, err
}

// retryPolicy says how the calls of a model are repeated.
func (c *code) retryPolicy(index int) perdure.RetryPolicy {
	switch {
	case c.agent.Retry != nil:
		return *c.agent.Retry
	case index+1 < len(c.models()):
		return fallbackRetry
	}
	return defaultRetry
}

// models returns the models in the order in which they are asked.
func (c *code) models() []model.Model {
	return append([]model.Model{c.agent.Model}, c.agent.Fallback...)
}
