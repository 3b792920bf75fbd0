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

// ask has the model called, after the messages that came for the turn were taken,
// and the view was made shorter if it had become too long.
func (t *turn) ask() (*modelOutput, error) {
	if t.isStopped() {
		return nil, stopped(t.ctx.InstanceID())
	}
	if err := t.join(); err != nil {
		return nil, err
	}
	t.step++
	if err := t.compact(); err != nil {
		return nil, err
	}
	out, err := t.askModels()
	if err != nil {
		return nil, err
	}
	t.usage.Add(out.Usage)
	t.offset, t.view.Tokens = max(out.Next, t.from), out.Usage.InputTokenCount+out.Usage.OutputTokenCount
	return out, nil
}

// askModels has the agent's models called, until one of them can serve.
func (t *turn) askModels() (out *modelOutput, err error) {
	for i := range t.policy.Models {
		if out, err = t.askModel(i); err == nil {
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
	policy := t.policy.retry(index)
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

// attempt has a model called once, within the budgets.
func (t *turn) attempt(index int) (*modelOutput, error) {
	var reserved Spending
	if guess := t.worst.plus(Spending{t.worst.Tokens / 4, t.worst.USD / 4, 0}); t.purse.fits(guess) {
		reserved = guess // the prompt has grown since
	}
	for {
		if err := t.purse.reserve(reserved); err != nil {
			return nil, err
		}
		t.purse.hold()
		out, err := t.schedule(index, reserved)
		t.purse.unhold()
		switch {
		case err != nil && isFree(err):
			t.purse.release(reserved)
			return nil, err
		case err != nil:
			t.book(reserved, reserved)
			return nil, err
		case out.Worst != nil:
			t.worst = *out.Worst
		}
		switch {
		case out.Short:
			t.purse.release(reserved)
			reserved = t.worst
		case out.Lost: // and cost nobody knows what
			t.book(reserved, reserved)
		default:
			t.book(reserved, out.Spent)
			return out, nil
		}
	}
}

// schedule schedules the model step.
func (t *turn) schedule(index int, reserved Spending) (*modelOutput, error) {
	in := modelInput{
		Log: t.log(), View: t.view, First: t.first, To: t.position, Step: t.step, Offset: t.offset, Hash: t.hash,
		Session: t.in.Session, Options: t.in.Options != nil, Context: t.context(), Model: index, Stream: t.in.Stream, Cut: t.cut, Plain: t.plain, Failed: t.failed,
		Trace: t.in.Trace,
	}
	in.View.Tokens = 0
	if len(t.purse) > 0 {
		in.Reserved, in.Priced = &reserved, t.purse.bounds().USD > 0
	}
	out, err := await(t, perdure.CallNamed[*modelOutput](t.ctx, t.modelStepName(), in, perdure.WithTimeout(modelTimeout)))
	if err == nil && out == nil {
		err = errors.New("the model step has no result")
	}
	return out, err
}

// book settles a reservation and counts what was spent.
func (t *turn) book(reserved, spent Spending) {
	t.purse.settle(reserved, spent)
	t.spent = t.spent.plus(spent)
}

// isFree reports whether a model step that has failed has cost nothing.
func isFree(err error) bool {
	var failed *perdure.StepError
	return errors.As(err, &failed) && failed.Property(propertyFree) != 0
}

// openPurse opens the budgets of the turn: that of its agent, for which people are
// asked, and that of who has started it.
func (t *turn) openPurse() {
	if b := t.policy.Budget; !b.isZero() {
		l := newLedger(t.ctx, b)
		l.more = askPeople(t.ctx, l, &Decision{
			Agent: t.agent.Name, Session: t.in.Session,
		}, t.frame)
		t.purse = append(t.purse, l)
	}
	if t.in.Grant != nil {
		l := grantedLedger(t.ctx, t.in.Grant)
		l.more = upstream(t.ctx)
		t.purse = append(t.purse, l)
	}
	for _, l := range t.purse {
		l.stop = t.stop
	}
}

// tellSpent tells the run that has started this one what it has spent, as a run
// that fails has no other way.
func (t *turn) tellSpent() {
	if parent := t.ctx.Parent(); t.in.Grant != nil && parent != nil {
		event := perdure.NewEvent[Spending](spentName + t.ctx.InstanceID())
		if err := event.Send(t.ctx, parent.InstanceID, t.spent); err != nil {
			panic(err) // numbers are always encodable
		}
	}
}

// models returns the models in the order in which they are asked.
func (c *code) models() []model.Model {
	return append([]model.Model{c.agent.Model}, c.agent.Fallback...)
}

// modelAt returns the model with this index; of an agent that has fewer models by
// now, the first.
func (c *code) modelAt(index int) model.Model {
	if models := c.models(); index < len(models) {
		return models[index]
	}
	return c.agent.Model
}
