// Package modeltest holds doubles of chat models for tests: a scripted model,
// HTTP servers that speak the protocols of OpenAI and Anthropic, and cassettes
// that record and replay real calls.
//
// A script is a list of steps, one for each call of the model:
//
//	m := modeltest.Script(t,
//		modeltest.Call("get_weather", map[string]string{"city": "Oslo"}),
//		modeltest.Say("It rains."),
//	)
//
// A [Server] serves any [model.Model] over HTTP, so that a script also drives it,
// and with it the real provider clients. It keeps a ledger of what was asked and
// billed, also for programs that crash in between. [ReadScript] reads a script
// from a file; "perdure model serve" serves one.
package modeltest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/perdure/perdure/model"
)

// Step is what a scripted model does in one call. The zero Step answers with
// nothing. Steps are values: a method returns a changed copy.
type Step struct {
	parts  []part
	checks []func(*model.Request) error
	usage  *model.Usage
	finish string
	pace   time.Duration
}

// part is one thing that happens within a step. One of its fields is set.
type part struct {
	text    string
	content model.Content
	tool    *toolCall
	pause   time.Duration
	err     error
}

type toolCall struct {
	name, arguments string
}

// Say answers with text, which is streamed word by word.
func Say(text string) Step { return Step{parts: []part{{text: text}}} }

// Call asks for a tool. Arguments that are a string or a json.RawMessage are
// taken as JSON text as they are, valid or not; anything else is marshalled.
// Call panics if that fails.
func Call(tool string, arguments any) Step {
	return Step{parts: []part{{tool: &toolCall{name: tool, arguments: jsonText(arguments)}}}}
}

func jsonText(v any) string {
	switch v := v.(type) {
	case nil:
		return "{}"
	case string:
		return v
	case json.RawMessage:
		return string(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("modeltest: arguments: %v", err))
	}
	return string(b)
}

// Think shows reasoning. protected is its signature; with an empty text it is
// the encrypted thought itself.
func Think(text, protected string) Step {
	return Send(&model.Reasoning{Text: text, ProtectedData: protected})
}

// Send answers with content as it is.
func Send(contents ...model.Content) Step {
	var s Step
	for _, c := range contents {
		s.parts = append(s.parts, part{content: c})
	}
	return s
}

// Fail ends the call with err. A server turns an [*model.Error] that comes first
// into an HTTP answer with its status and its headers for retries.
func Fail(err error) Step { return Step{parts: []part{{err: err}}} }

// RateLimit fails with status 429 and asks the caller to wait; 0 asks for nothing.
func RateLimit(after time.Duration) Step {
	return Fail(&model.Error{Provider: Provider, Status: 429, Code: "rate_limit_exceeded",
		Message: "too many requests", Retryable: true, RetryAfter: after})
}

// ServerError fails with status 500.
func ServerError() Step {
	return Fail(&model.Error{Provider: Provider, Status: 500, Code: "server_error",
		Message: "the server had an error", Retryable: true})
}

// Overloaded fails with status 529, as Anthropic does.
func Overloaded() Step {
	return Fail(&model.Error{Provider: Provider, Status: 529, Code: "overloaded_error",
		Message: "overloaded", Retryable: true})
}

// Cut breaks off the answer: a server closes the connection.
func Cut() Step {
	return Fail(&model.Error{Provider: Provider, Code: model.CodeStreamCut,
		Message: "the answer was cut", Retryable: true})
}

// Pause waits for d, or until the context ends.
func Pause(d time.Duration) Step { return Step{parts: []part{{pause: d}}} }

// Then appends what next does to the same call: Say("Look:").Then(Call(...)).
func (s Step) Then(next ...Step) Step {
	out := Step{usage: s.usage, finish: s.finish, pace: s.pace}
	out.parts = append(out.parts, s.parts...)
	out.checks = append(out.checks, s.checks...)
	for _, n := range next {
		out.parts = append(out.parts, n.parts...)
		out.checks = append(out.checks, n.checks...)
		if n.usage != nil {
			out.usage = n.usage
		}
		if n.finish != "" {
			out.finish = n.finish
		}
		out.pace = max(out.pace, n.pace)
	}
	return out
}

// Check looks at the request before the step answers. An error of f fails the
// test and the call.
func (s Step) Check(f func(*model.Request) error) Step {
	return s.Then(Step{checks: []func(*model.Request) error{f}})
}

// Usage sets the usage that the step reports, in place of a count of words.
func (s Step) Usage(u model.Usage) Step { return s.Then(Step{usage: &u}) }

// Finish sets the finish reason, in place of the one that follows from the content.
func (s Step) Finish(reason string) Step { return s.Then(Step{finish: reason}) }

// Pace has each word of the step take the time d.
func (s Step) Pace(d time.Duration) Step { return s.Then(Step{pace: d}) }
