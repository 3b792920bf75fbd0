package perdure

import (
	"context"
	"errors"
	"time"
)

// Option changes how a step is run. Which steps it is for is said by each.
type Option func(*callOptions)

type callOptions struct {
	StepOptions
	id  string
	err error
}

// WithRetry has an activity or child that fails repeated as the policy says.
func WithRetry(p RetryPolicy) Option {
	return func(o *callOptions) {
		o.Retry = &p
		if err := p.Validate(); err != nil {
			o.err = err
		}
	}
}

// WithID gives a child or started orchestration its instance id. The default is
// an id derived from the caller's.
func WithID(id string) Option { return func(o *callOptions) { o.id = id } }

// WithVersion asks for a version of an activity or orchestration.
func WithVersion(v string) Option { return func(o *callOptions) { o.Version = v } }

// WithTags attaches tags to an activity or orchestration. The map must not be
// changed afterwards.
func WithTags(tags map[string]string) Option { return func(o *callOptions) { o.Tags = tags } }

// WithTimeout bounds each attempt of an activity, from its start; beyond it the
// attempt fails with the code DeadlineExceeded. 0 = no bound.
func WithTimeout(d time.Duration) Option { return func(o *callOptions) { o.Timeout = d } }

// WithHeartbeatTimeout lets an attempt of an activity fail with the code
// DeadlineExceeded if it reports no heartbeat for d. 0 = no bound.
func WithHeartbeatTimeout(d time.Duration) Option {
	return func(o *callOptions) { o.HeartbeatTimeout = d }
}

// WithLimit lets at most n activities with the same key run at a time, in the
// whole hub.
func WithLimit(key string, n int) Option {
	return func(o *callOptions) { o.LimitKey, o.Limit = key, n }
}

// WithFold has an orchestration give up its history, input, output and rows of
// some kinds when it has ended for so long; see Fold. By default it keeps all.
func WithFold(after time.Duration, rows ...uint16) Option {
	return func(o *callOptions) { o.Fold = &Fold{After: after, Rows: rows} }
}

// Call schedules an activity. It is known by the name under which fn is
// registered, or by fn's own name if it is not registered in this process.
func Call[In, Out any](ctx *Context, fn func(context.Context, In) (Out, error), in In, opts ...Option) *Task[Out] {
	name, err := ctx.reg.nameOf(fn)
	t := &Task[Out]{ctx: ctx}
	if err != nil {
		t.s.Reject(invalidf("call activity", err))
		return t
	}
	t.s.Kind, t.s.Name = StepActivity, name
	begin(t, in, opts)
	return t
}

// CallNamed schedules the activity that is registered under a name, maybe by a
// worker in another language.
func CallNamed[Out any](ctx *Context, name string, in any, opts ...Option) *Task[Out] {
	t := &Task[Out]{ctx: ctx}
	t.s.Kind, t.s.Name = StepActivity, name
	begin(t, in, opts)
	return t
}

// CallOrchestration runs an orchestration as a child of this one.
func CallOrchestration[In, Out any](ctx *Context, fn func(*Context, In) (Out, error), in In, opts ...Option) *Task[Out] {
	name, err := ctx.reg.nameOf(fn)
	t := &Task[Out]{ctx: ctx}
	if err != nil {
		t.s.Reject(invalidf("call orchestration", err))
		return t
	}
	t.s.Kind, t.s.Name = StepChild, name
	begin(t, in, opts)
	return t
}

// CallOrchestrationNamed runs the orchestration that is registered under a name
// as a child of this one.
func CallOrchestrationNamed[Out any](ctx *Context, name string, in any, opts ...Option) *Task[Out] {
	t := &Task[Out]{ctx: ctx}
	t.s.Kind, t.s.Name = StepChild, name
	begin(t, in, opts)
	return t
}

// StartOrchestration starts the orchestration that is registered under a name,
// without a parent: nothing of it is reported back. It returns its instance id.
func StartOrchestration(ctx *Context, name string, in any, opts ...Option) (instanceID string, err error) {
	s := &Step{Kind: StepStart, Name: name}
	o, err := prepare(s, in, opts)
	if err != nil {
		return "", err
	}
	if s.Target = o.id; s.Target == "" {
		s.Target = ctx.NewID()
	}
	ctx.rt.Begin(s)
	return s.Target, nil
}

// begin fills the task's step and schedules it.
func begin[In, Out any](t *Task[Out], in In, opts []Option) {
	s := &t.s
	if len(opts) == 0 {
		text, err := encode(in)
		if err != nil {
			s.Reject(invalidf("call "+s.Name, err))
			return
		}
		s.Input = text
		t.ctx.rt.Begin(s)
		return
	}
	o, err := prepare(s, in, opts)
	if err != nil {
		s.Reject(err)
		return
	}
	s.Target = o.id
	t.ctx.rt.Begin(s)
}

func prepare[In any](s *Step, in In, opts []Option) (*callOptions, error) {
	o := &callOptions{}
	for _, opt := range opts {
		opt(o)
	}
	if err := o.fits(s.Kind); err != nil {
		return nil, invalidf("call "+s.Name, err)
	}
	text, err := encode(in)
	if err != nil {
		return nil, invalidf("call "+s.Name, err)
	}
	s.Input = text
	if len(opts) > 0 {
		s.Options = &o.StepOptions
	}
	return o, nil
}

// fits reports options that the kind of step does not have.
func (o *callOptions) fits(k StepKind) error {
	if o.err != nil {
		return o.err
	}
	switch {
	case k == StepActivity && o.id != "":
		return errors.New("WithID is for orchestrations")
	case k != StepActivity && (o.Timeout != 0 || o.HeartbeatTimeout != 0):
		return errors.New("timeouts are for activities")
	case k != StepActivity && o.LimitKey != "":
		return errors.New("WithLimit is for activities")
	case k == StepActivity && o.Fold != nil:
		return errors.New("WithFold is for orchestrations")
	case o.Fold != nil && o.Fold.After < 0:
		return errors.New("the delay of a fold is negative")
	case k == StepStart && o.Retry != nil:
		return errors.New("WithRetry is for what is waited for")
	case o.Timeout < 0 || o.HeartbeatTimeout < 0:
		return errors.New("a timeout is negative")
	case o.LimitKey != "" && o.Limit <= 0:
		return errors.New("a limit is not positive")
	}
	return nil
}

func invalidf(op string, err error) error {
	return &Error{Code: InvalidArgument, Op: op, Message: err.Error(), Cause: nil}
}
