package perduretest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// Call is one attempt of an activity.
type Call struct {
	Activity string
	Instance string // that called it
	Attempt  int
	Input    json.RawMessage // nil = none
	Time     time.Time       // by the hub's clock

	execution string
	task      int32
}

// Outcome is what a scripted activity does.
type Outcome func(ctx context.Context) (any, error)

// Return is the outcome of an activity that succeeds with v.
func Return(v any) Outcome { return func(context.Context) (any, error) { return v, nil } }

// Fail is the outcome of an activity that fails with err.
func Fail(err error) Outcome { return func(context.Context) (any, error) { return nil, err } }

// Pending is the outcome of an activity that is completed from outside: token
// gets its token.
func Pending(token func(string)) Outcome {
	return func(ctx context.Context) (any, error) {
		token(perdure.Activity(ctx).Token)
		return nil, perdure.ErrPending
	}
}

// script is what an activity does instead of its own code.
type script struct {
	replace perdure.ActivityFunc

	mu       sync.Mutex // guards outcomes
	outcomes []Outcome
}

// Outcomes has the activity with this name follow a script: each call takes the
// next outcome. Beyond the last one it fails for good.
func Outcomes(activity string, outcomes ...Outcome) Option {
	return func(c *config) { c.scripts[activity] = &script{outcomes: outcomes} }
}

// Replace runs fn in the place of the activity with this name.
func Replace[In, Out any](activity string, fn func(context.Context, In) (Out, error)) Option {
	r := perdure.NewRegistry()
	perdure.AddActivityNamed(r, activity, fn)
	code, _ := r.Activity(activity)
	return func(c *config) { c.scripts[activity] = &script{replace: code} }
}

// ReplaceOrchestration runs fn in the place of the orchestration with this name,
// such as a child or an agent that the test is not about.
func ReplaceOrchestration[In, Out any](name string, fn func(*perdure.Context, In) (Out, error)) Option {
	r := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(r, name, fn)
	code, _ := r.Orchestration(name, "")
	return func(c *config) { c.children[name] = code }
}

func (s *script) run(ctx context.Context, input history.Text) (history.Text, error) {
	if s.replace != nil {
		return s.replace(ctx, input)
	}
	s.mu.Lock()
	if len(s.outcomes) == 0 {
		s.mu.Unlock()
		return history.Text{}, perdure.NonRetryable(fmt.Errorf("the script of %s has no outcome left", perdure.Activity(ctx).Name))
	}
	next := s.outcomes[0]
	s.outcomes = s.outcomes[1:]
	s.mu.Unlock()
	v, err := next(ctx)
	if err != nil {
		return history.Text{}, err
	}
	return perdure.Encode(v)
}

// Calls returns the attempts of the activity with this name so far, in the order
// in which they began.
func (e *Env) Calls(activity string) []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Call
	for _, c := range e.calls {
		if c.Activity == activity {
			out = append(out, c)
		}
	}
	return out
}

// instrument returns a registry with the code of the test's own, in which
// activities and orchestrations that are replaced are, and each call is noted.
func (e *Env) instrument(p *process) *perdure.Registry {
	r := perdure.NewRegistry()
	for _, name := range e.reg.Entities() {
		code, _ := e.reg.Entity(name)
		perdure.AddEntityFunc(r, name, code)
	}
	for _, name := range names(e.reg.Activities(), e.cfg.scripts) {
		code, _ := e.reg.Activity(name)
		if s := e.cfg.scripts[name]; s != nil {
			code = s.run
		}
		perdure.AddActivityNamed(r, name, func(ctx context.Context, in json.RawMessage) (*json.RawMessage, error) {
			if p.isDead() {
				return nil, context.Canceled
			}
			e.called(ctx, p, in)
			return raw(code(ctx, text(in)))
		})
	}
	for _, name := range names(e.reg.Orchestrations(), e.cfg.children) {
		perdure.AddOrchestrationNamed(r, name, func(ctx *perdure.Context, in json.RawMessage) (*json.RawMessage, error) {
			code := e.cfg.children[name]
			if code == nil {
				var ok bool
				if code, ok = e.reg.Orchestration(name, ctx.Version()); !ok {
					return nil, fmt.Errorf("no orchestration %s of version %q is registered", name, ctx.Version())
				}
			}
			own := perdure.NewContext(perdure.RuntimeOf(ctx), e.reg) // which knows functions by their names there
			return raw(code(own, text(in)))
		})
	}
	return r
}

// names joins registered names and those of replacements.
func names[V any](registered []string, replaced map[string]V) []string {
	all := append(registered, slices.Sorted(maps.Keys(replaced))...)
	slices.Sort(all)
	return slices.Compact(all)
}

func text(in json.RawMessage) history.Text { return history.NoneIfEmpty(string(in)) }

func raw(t history.Text, err error) (*json.RawMessage, error) {
	if err != nil || !t.Set {
		return nil, err
	}
	m := json.RawMessage(t.S)
	return &m, nil
}

// called notes the beginning of an attempt, and that it should not have begun if
// the history has the step's outcome.
func (e *Env) called(ctx context.Context, p *process, in json.RawMessage) {
	info := perdure.Activity(ctx)
	var events []*history.Event
	var err error
	if !p.first {
		events, err = p.hub.History(ctx, info.InstanceID, info.ExecutionID)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, Call{
		Activity: info.Name, Instance: info.InstanceID, Attempt: info.Attempt, Input: in,
		Time: e.clock.Now(), execution: info.ExecutionID, task: info.TaskID,
	})
	if err != nil {
		return // the process dies
	}
	for _, ev := range events {
		if id, ok := outcomeOf(ev); ok && id == info.TaskID {
			e.faults = append(e.faults, fmt.Sprintf("activity %s of %s ran again, though its outcome was recorded: %s",
				info.Name, info.InstanceID, ev))
		}
	}
}

// outcomeOf returns the activity whose end an event tells.
func outcomeOf(ev *history.Event) (task int32, ok bool) {
	switch b := ev.Body.(type) {
	case *history.TaskCompleted:
		return b.TaskScheduledID, true
	case *history.TaskFailed:
		return b.TaskScheduledID, true
	}
	return 0, false
}
