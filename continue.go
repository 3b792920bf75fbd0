package perdure

import "github.com/perdure/perdure/internal/history"

// ContinueOption changes how an execution is followed by the next.
type ContinueOption func(*Continuation)

// DropEvents drops events that arrived and were not taken. By default the next
// execution begins with them.
func DropEvents() ContinueOption { return func(c *Continuation) { c.DropEvents = true } }

// ContinueWithVersion changes the version of the run. By default it stays.
func ContinueWithVersion(v string) ContinueOption {
	return func(c *Continuation) { c.Version = v }
}

// ContinueAsNew returns an error that, returned by the orchestration, ends the
// execution and starts it anew with the input in and an empty history. Timers,
// activities and children of the old execution are given up.
func ContinueAsNew[In any](ctx *Context, in In, opts ...ContinueOption) error {
	text, err := encode(in)
	if err != nil {
		return invalidf("continue as new", err)
	}
	c := &Continuation{Input: text}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// Continuation is the error that ContinueAsNew returns. It is part of the seam to
// the runtime.
type Continuation struct {
	Input      history.Text
	Version    string // "" = as before
	DropEvents bool
}

// Error implements error.
func (*Continuation) Error() string { return "continue as new" }
