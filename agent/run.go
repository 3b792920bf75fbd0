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

// RunOption changes how an orchestration runs an agent.
type RunOption func(*runOptions)

type runOptions struct {
	session string
	inside  bool
}

// InSession has the prompt be a turn of the session with this key, after those
// that wait there already. Without a session a run has a conversation of its own.
func InSession(key string) RunOption {
	return func(o *runOptions) { o.session, o.inside = key, true }
}

// Task is an agent's answer on its way. It works with perdure.All and perdure.Any.
// Its Await returns the whole response.
type Task struct{ *perdure.Task[*Response] }

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
	if !o.inside {
		return &Task{perdure.CallOrchestrationNamed[*Response](ctx, turnPrefix+fold(r.name), turnInput{
			Agent: r.name, Messages: []*model.Message{model.UserText(prompt)},
		}, perdure.WithTags(map[string]string{tagAgent: r.name}))}
	}
	request := runRequest{CorrelationID: ctx.NewID(), Message: prompt}
	id := perdure.NewEntityID(entityPrefix+r.name, o.session)
	return &Task{perdure.CallEntity[*Response](ctx, id, opRun, request)}
}
