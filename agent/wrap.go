package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"time"

	"github.com/perdure/perdure/model"
)

// WrapOption changes how an agent of another framework is wrapped.
type WrapOption func(*foreign)

// OneCall says that a run of the wrapped agent is exactly one call of its model,
// as that of an agent of agent-framework-go with DisableFuncAutoCall. Each call of
// a tool is then a step of the turn: register the tools with the returned Agent
// too, under the names by which the wrapped agent offers them to its model. A run
// that calls a tool by itself fails the turn.
func OneCall() WrapOption { return func(f *foreign) { f.oneCall = true } }

// Wrap returns an agent that is answered for by run, the method Run of an agent of
// agent-framework-go or of another framework with the same JSON: a function that
// takes messages and returns a sequence of updates. Nothing of that framework is
// imported, all type parameters are inferred:
//
//	joker := agent.Wrap("Joker", theirs.Run)
//
// Messages and updates cross by their own JSON, which keeps what neither side
// knows. The wrapped agent is given the conversation with each run and must keep
// none of its own. Instructions of the returned Agent and of turns are a system
// message before it, as is a format of the answer; what else a turn may ask of a
// model, such as a temperature, tools of the caller or the bound of a budget, the
// wrapped agent cannot be told: it fails the turn.
//
// Without OneCall a run is one step, whatever the wrapped agent does in it. Such
// an agent is durable between its turns only: after a crash a run that was
// interrupted is made again, with all that it has done to the world. It may have
// no tools here that are irreversible or need approval, unless
// Agent.AllowTurnLevelDurability is set. A run that fails is made again by
// Agent.Retry as long as it has called no tool. One that asks for an approval, in
// its framework's own way, fails the turn.
func Wrap[M, O, U any, S ~func(yield func(*U, error) bool)](name string, run func(ctx context.Context, messages []*M, options ...O) S, opts ...WrapOption) *Agent {
	f := &foreign{name: name}
	for _, opt := range opts {
		opt(f)
	}
	if run == nil {
		return &Agent{Name: name}
	}
	f.run = func(ctx context.Context, messages []*model.Message) iter.Seq2[*model.Update, error] {
		return func(yield func(*model.Update, error) bool) {
			theirs := make([]*M, len(messages))
			for i, m := range messages {
				theirs[i] = new(M)
				if err := cross(m, theirs[i]); err != nil {
					yield(nil, f.failure(model.CodeBadRequest, fmt.Errorf("message %d: %w", i, err)))
					return
				}
			}
			for u, err := range run(ctx, theirs) {
				if err != nil {
					yield(nil, err)
					return
				}
				if u == nil {
					continue
				}
				ours := &model.Update{}
				if err := cross(u, ours); err != nil {
					yield(nil, f.failure(model.CodeBadAnswer, err))
					return
				}
				if !yield(ours, nil) {
					return
				}
			}
		}
	}
	return &Agent{Name: name, Model: f}
}

// cross makes a value of another type of a value, by their JSON.
func cross(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

// foreign is the model of a wrapped agent.
type foreign struct {
	name    string
	oneCall bool
	run     func(ctx context.Context, messages []*model.Message) iter.Seq2[*model.Update, error]
}

// Describe implements model.Describer.
func (f *foreign) Describe() model.Info { return model.Info{Provider: "wrapped", Model: f.name} }

// Generate implements model.Model.
func (f *foreign) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		messages, err := f.messages(req)
		if err != nil {
			yield(nil, err)
			return
		}
		called := false
		for u, err := range f.run(ctx, messages) {
			if err != nil {
				yield(nil, f.runError(ctx, err, called))
				return
			}
			if err := f.checkContents(u.Contents); err != nil {
				yield(nil, err)
				return
			}
			called = called || slices.ContainsFunc(u.Contents, isCall)
			if !yield(u, nil) {
				return
			}
		}
	}
}

func isCall(c model.Content) bool {
	_, ok := c.(*model.FunctionCall)
	return ok
}

// checkContents refuses what shows that the wrapped agent is not what it was
// wrapped as, and questions that nobody could answer.
func (f *foreign) checkContents(contents model.Contents) error {
	for _, c := range contents {
		switch c := c.(type) {
		case *model.FunctionResult:
			if f.oneCall {
				return f.failure(model.CodeBadAnswer, fmt.Errorf("it has called a tool by itself (call %s), though it was wrapped with OneCall: "+
					"make it with DisableFuncAutoCall, or wrap it without OneCall", c.CallID))
			}
		case *model.ApprovalRequest:
			return f.failure(model.CodeBadAnswer, errors.New("it asks for the approval of a tool that it runs itself, which nobody can give it here: "+
				"make it with DisableFuncAutoCall, wrap it with OneCall, and have the tool need approval here"))
		}
	}
	return nil
}

// messages returns what the wrapped agent is told. What it cannot be told is an
// error.
func (f *foreign) messages(req *model.Request) ([]*model.Message, error) {
	wrong := ""
	switch {
	case req.ToolMode != model.ToolsAuto:
		wrong = "whether tools must be called"
	case req.Temperature != nil || req.TopP != nil:
		wrong = "how to sample"
	case req.MaxOutputTokens != nil || len(req.Stop) > 0:
		wrong = "when to stop, which budgets need too"
	case req.Model != "":
		wrong = "which model to use"
	}
	if wrong != "" {
		return nil, f.failure(model.CodeBadRequest, errors.New("it is an agent of another framework, which cannot be told "+wrong))
	}
	var before []*model.Message
	if req.Instructions != "" {
		before = append(before, model.SystemText(req.Instructions))
	}
	if req.Format != nil {
		before = append(before, model.SystemText(formatText(req.Format)))
	}
	return slices.Concat(before, req.Messages), nil
}

// formatText tells a model that takes no formats what the answer must look like.
func formatText(f *model.Format) string {
	text := "Answer with one JSON object and nothing else"
	if len(f.Schema) > 0 {
		text = "Answer with JSON that fits this schema and nothing else: " + string(f.Schema)
	}
	if f.Description != "" {
		text += "\nThe answer is: " + f.Description
	}
	return text
}

// failure is an error that no further attempt would mend.
func (f *foreign) failure(code string, err error) error {
	return &model.Error{Provider: "wrapped " + f.name, Code: code, Message: err.Error(), Err: err}
}

// runError is an error of a run. Nothing is known of it but what its type shows:
// an HTTP status decides whether another attempt may succeed. A run that has
// called tools by itself is not repeated.
func (f *foreign) runError(ctx context.Context, err error, called bool) error {
	var known *model.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &known):
		return err
	}
	e := &model.Error{Provider: "wrapped " + f.name, Retryable: true}
	if status := statusOf(err); status >= 400 {
		e = model.NewHTTPError(e.Provider, status, func(string) string { return "" }, time.Time{})
	}
	e.Message, e.Err = err.Error(), err
	if called && !f.oneCall {
		e.Retryable = false
	}
	return e
}

// statusOf returns the HTTP status that an error carries as the providers' SDKs
// let it, in a field StatusCode; 0 if it has none.
func statusOf(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if field := v.FieldByName("StatusCode"); field.IsValid() && field.CanInt() {
			return int(field.Int())
		}
	}
	return 0
}

// wraps reports whether the agent is one of another framework.
func (c *code) wraps() bool {
	return slices.ContainsFunc(c.models(), func(m model.Model) bool {
		_, ok := m.(*foreign)
		return ok
	})
}

// checkWrapped returns why an agent that wraps another one cannot have its tools.
func (c *code) checkWrapped() error {
	if c.wraps() && !c.agent.Budget.isZero() {
		return fmt.Errorf("agent %q: it wraps one of another framework, which cannot be held to a Budget", c.agent.Name)
	}
	if c.agent.AllowTurnLevelDurability {
		return nil
	}
	opaque := slices.ContainsFunc(c.models(), func(m model.Model) bool {
		f, ok := m.(*foreign)
		return ok && !f.oneCall
	})
	if !opaque {
		return nil
	}
	var errs []error
	for _, offer := range c.offer {
		if t := c.tools[offer.Name]; t != nil && (t.effect == Irreversible || t.approval != nil) {
			errs = append(errs, fmt.Errorf("agent %q: tool %q is irreversible or needs approval, and a wrapped agent that runs its tools itself gives no such guarantee: "+
				"make it with DisableFuncAutoCall and wrap it with OneCall, or set AllowTurnLevelDurability", c.agent.Name, offer.Name))
		}
	}
	return errors.Join(errs...)
}

// finalText is the text of an answer: what was said after the last result of a
// tool, if the model has run tools by itself.
func finalText(answer *model.Response) string {
	last := 0
	for i, m := range answer.Messages {
		for _, c := range m.Contents {
			if _, ok := c.(*model.FunctionResult); ok {
				last = i + 1
			}
		}
	}
	return (&model.Response{Messages: answer.Messages[last:]}).Text()
}
