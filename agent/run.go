package agent

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// Ref names an agent that a worker of the hub has registered.
type Ref struct{ name string }

// Named returns the agent with this name, whose case does not count. Nothing is
// checked before it is run: if no worker has such an agent, the run waits.
func Named(name string) Ref { return Ref{name} }

// Name returns the name of the agent.
func (r Ref) Name() string { return r.name }

// Runner is what an orchestration can run: an *Agent or a Ref.
type Runner interface {
	Run(ctx *perdure.Context, prompt string, opts ...RunOption) *Task
}

// RunOption changes how an orchestration runs an agent.
type RunOption func(*runOptions)

type runOptions struct {
	session  string
	inside   bool
	contents model.Contents
	turn     TurnOptions
	pool     *Pool // nil = none
	err      error
}

// InSession has the prompt be a turn of the session with this key, after those
// that wait there already. Without a session a run has a conversation of its own.
func InSession(key string) RunOption {
	return func(o *runOptions) { o.session, o.inside = key, true }
}

// WithContents adds content to the prompt: images, files, results of tools.
func WithContents(contents ...model.Content) RunOption {
	return func(o *runOptions) { o.contents = append(o.contents, contents...) }
}

// WithTurnOptions changes the turn.
func WithTurnOptions(options TurnOptions) RunOption {
	return func(o *runOptions) { o.turn = options }
}

// Task is an agent's answer on its way. It works with perdure.All and perdure.Any.
// Its Await returns the whole response.
type Task struct {
	*perdure.Task[*Response]
	turn string
}

// Turn returns the instance id of the turn that answers, under which
// [Service.Stream] reads what is said while it is said. It is known as soon as the
// prompt is sent, so that the orchestration can tell it; "" for a run that is
// neither in a session nor under a pool, whose id is not known beforehand.
func (t *Task) Turn() string { return t.turn }

// Text waits for the answer and returns its text. It fails as Await does: with a
// *perdure.StepError if the agent could not answer.
func (t *Task) Text() (string, error) {
	r, err := t.Await()
	if err != nil || r == nil {
		return "", err
	}
	return r.Text, nil
}

// Run has the agent answer a prompt, for an orchestration. See Ref.Run.
func (a *Agent) Run(ctx *perdure.Context, prompt string, opts ...RunOption) *Task {
	return Named(a.Name).Run(ctx, prompt, opts...)
}

// Run has the agent answer a prompt, for an orchestration: as a child run with a
// conversation of its own, or as a turn of a session.
func (r Ref) Run(ctx *perdure.Context, prompt string, opts ...RunOption) *Task {
	var o runOptions
	for _, opt := range opts {
		opt(&o)
	}
	o.turn.OrchestrationID = ctx.InstanceID()
	request, err := newRequest(&Message{Text: prompt, Contents: o.contents, Options: o.turn})
	var messages []*model.Message
	if err == nil {
		messages, err = request.messages()
	}
	if o.pool != nil && o.inside {
		err = refused("a session has a budget of its own: an agent runs either in a session or under a pool")
	}
	if o.err != nil {
		err = o.err
	}
	if err != nil {
		return &Task{Task: perdure.FailedTask[*Response](ctx, err)}
	}
	if !o.inside {
		in := turnInput{Agent: r.name, Messages: messages, Options: request.Options, Trace: runTrace(ctx)}
		if o.pool != nil {
			return o.pool.run(ctx, in)
		}
		return &Task{Task: perdure.CallOrchestrationNamed[*Response](ctx, turnPrefix+fold(r.name), in,
			perdure.WithTags(map[string]string{tagAgent: r.name}))}
	}
	request.CorrelationID, request.Trace = ctx.NewID(), runTrace(ctx)
	session := SessionID{Agent: fold(r.name), Key: o.session}
	return &Task{
		Task: perdure.CallEntity[*Response](ctx, session.Entity(), opRun, request),
		turn: session.Turn(request.CorrelationID),
	}
}

// TypedTask is a structured answer on its way. It works with perdure.All and
// perdure.Any.
type TypedTask[T any] struct{ *Task }

// Value waits for the answer and returns it. It fails as Await does.
func (t *TypedTask[T]) Value() (T, error) {
	r, err := t.Await()
	if err != nil {
		var none T
		return none, err
	}
	return ValueAs[T](r)
}

// RunAs has an agent answer a prompt with a T. Its JSON schema is sent to the
// model, see FormatFor; an answer that does not fit is asked for again, see
// Agent.MaxRepairs, and is an error in the end.
func RunAs[T any](ctx *perdure.Context, r Runner, prompt string, opts ...RunOption) *TypedTask[T] {
	format, err := FormatFor[T]()
	opts = append(opts[:len(opts):len(opts)], func(o *runOptions) { o.turn.Format, o.err = format, err })
	return &TypedTask[T]{r.Run(ctx, prompt, opts...)}
}
