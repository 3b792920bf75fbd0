package modeltest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure/model"
)

// Provider is the provider name of scripted models.
const Provider = "script"

// CodeScriptEnd is the code of the error of a call that the script has no step for.
const CodeScriptEnd = "script_end"

// T is the part of *testing.T that a script needs: Helper, Errorf and Cleanup.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Scripted is a model that follows a script: the n-th call gets the n-th step.
// It may be used concurrently; then the order of the calls is the caller's matter.
type Scripted struct {
	t T

	mu       sync.Mutex // guards the fields below
	steps    []Step
	repeat   bool
	calls    int
	requests []*model.Request // of a repeated script, the newest
	extra    int
}

// keptRequests is how many requests a repeated script keeps.
const keptRequests = 100

// Script returns a model that follows the steps. The test fails when a call finds
// no step, when a check fails, and when steps are left at its end.
func Script(t T, steps ...Step) *Scripted {
	t.Helper()
	m := NewScript(steps...)
	m.t = t
	t.Cleanup(func() {
		if n := m.Unused(); n > 0 {
			t.Errorf("model script: %d of %d steps unused", n, len(steps))
		}
	})
	return m
}

// NewScript returns a model that follows the steps, for use outside of tests. A
// call that finds no step fails; [Scripted.Err] tells what went wrong.
func NewScript(steps ...Step) *Scripted { return &Scripted{steps: steps} }

// Repeat returns a model that follows the steps and then begins again, for as
// long as it is called. Of its requests it keeps the newest 100.
func Repeat(steps ...Step) *Scripted { return &Scripted{steps: steps, repeat: true} }

// Describe names the model.
func (m *Scripted) Describe() model.Info { return model.Info{Provider: Provider, Model: "script"} }

// Requests returns copies of the requests so far, oldest first. Their messages
// are shared with the caller of Generate.
func (m *Scripted) Requests() []*model.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*model.Request(nil), m.requests...)
}

// Unused returns the number of steps that no call has taken.
func (m *Scripted) Unused() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(len(m.steps)-m.calls, 0)
}

// Err returns nil if every call found its step and no step is left.
func (m *Scripted) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.extra > 0 {
		return fmt.Errorf("model script: %d calls after the last of %d steps", m.extra, len(m.steps))
	}
	if n := len(m.steps) - m.calls; n > 0 {
		return fmt.Errorf("model script: %d of %d steps unused", n, len(m.steps))
	}
	return nil
}

// Generate plays the next step. The step is taken when the sequence is ranged over.
func (m *Scripted) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		n, step, ok := m.take(req)
		if !ok {
			m.errorf("model script: call %d after the last of %d steps", n, len(m.steps))
			yield(nil, &model.Error{Provider: Provider, Status: 400, Code: CodeScriptEnd,
				Message: fmt.Sprintf("call %d has no step", n)})
			return
		}
		for _, check := range step.checks {
			if err := check(req); err != nil {
				m.errorf("model script: call %d: %v", n, err)
				yield(nil, &model.Error{Provider: Provider, Status: 400, Code: "script_check", Err: err})
				return
			}
		}
		p := player{yield: yield, id: fmt.Sprintf("script-%d", n), req: req, pace: step.pace}
		p.play(ctx, step)
	}
}

// take returns the step for the next call and the call's number, from 1.
func (m *Scripted) take(req *model.Request) (n int, step Step, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	copied := *req
	copied.Messages = append([]*model.Message(nil), req.Messages...)
	m.requests = append(m.requests, &copied)
	m.calls++
	n = m.calls
	if m.repeat && len(m.steps) > 0 {
		m.requests = slices.Delete(m.requests, 0, max(len(m.requests)-keptRequests, 0))
		return n, m.steps[(n-1)%len(m.steps)], true
	}
	if n > len(m.steps) {
		m.extra++
		return n, Step{}, false
	}
	return n, m.steps[n-1], true
}

func (m *Scripted) errorf(format string, args ...any) {
	if m.t != nil {
		m.t.Helper()
		m.t.Errorf(format, args...)
	}
}

// player streams one step.
type player struct {
	yield func(*model.Update, error) bool
	id    string
	req   *model.Request
	pace  time.Duration

	calls, words int
}

func (p *player) play(ctx context.Context, s Step) {
	for _, part := range s.parts {
		if !p.part(ctx, part) {
			return
		}
	}
	if ctx.Err() != nil {
		p.yield(nil, context.Cause(ctx))
		return
	}
	u := p.wrap(&model.UsageContent{Details: p.usage(s)})
	u.FinishReason = p.finish(s)
	u.AdditionalProperties = model.Properties{model.PropertyModel: json.RawMessage(`"script"`)}
	p.yield(u, nil)
}

// part plays one part and reports whether the step goes on.
func (p *player) part(ctx context.Context, part part) bool {
	switch {
	case part.err != nil:
		p.yield(nil, part.err)
		return false
	case part.pause > 0:
		return p.wait(ctx, part.pause)
	case part.tool != nil:
		p.calls++
		p.words += len(strings.Fields(part.tool.arguments)) + 1
		call := &model.FunctionCall{CallID: fmt.Sprintf("%s-call-%d", p.id, p.calls),
			Name: part.tool.name, Arguments: part.tool.arguments}
		if !json.Valid([]byte(call.Arguments)) {
			call.Error = "the arguments are no valid JSON"
		}
		return p.send(ctx, call)
	case part.content != nil:
		return p.send(ctx, part.content)
	}
	for _, word := range strings.SplitAfter(part.text, " ") {
		p.words++
		if p.pace > 0 && !p.wait(ctx, p.pace) {
			return false
		}
		if word != "" && !p.send(ctx, &model.Text{Text: word}) {
			return false
		}
	}
	return true
}

func (p *player) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		p.yield(nil, context.Cause(ctx))
		return false
	}
}

func (p *player) send(ctx context.Context, c model.Content) bool {
	if ctx.Err() != nil {
		p.yield(nil, context.Cause(ctx))
		return false
	}
	return p.yield(p.wrap(c), nil)
}

func (p *player) wrap(c model.Content) *model.Update {
	return &model.Update{ResponseID: p.id, MessageID: p.id, Role: model.RoleAssistant, Contents: model.Contents{c}}
}

func (p *player) usage(s Step) model.Usage {
	if s.usage != nil {
		return *s.usage
	}
	in, out := countInput(p.req), int64(p.words)
	return model.Usage{InputTokenCount: in, OutputTokenCount: out, TotalTokenCount: in + out}
}

func (p *player) finish(s Step) string {
	switch {
	case s.finish != "":
		return s.finish
	case p.calls > 0:
		return model.FinishToolCalls
	}
	return model.FinishStop
}
