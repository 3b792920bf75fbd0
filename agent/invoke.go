package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/perdure/perdure"
)

// ErrOutcomeUnknown, returned by a tool or wrapped in what it returns, says that
// the call may have been carried out or not, as when a connection is lost while the
// answer is awaited. If the tool is Irreversible or Reversible, the model is then
// told nothing yet: the tool's Reconcile function is asked, else a person. Of
// others it is an error like any.
var ErrOutcomeUnknown = errors.New("it is not known whether the call was carried out")

// NotDone returns err marked as a failure that certainly left no trace: the call
// was refused, or never reached the other side. Only such failures of Irreversible
// and Reversible tools are repeated by WithRetry. NotDone(nil) is nil.
func NotDone(err error) error {
	if err == nil {
		return nil
	}
	return &notDone{err}
}

type notDone struct{ err error }

func (e *notDone) Error() string { return e.err.Error() }
func (e *notDone) Unwrap() error { return e.err }

// plain is an error as it was before NotDone.
func plain(err error) error {
	if e, ok := err.(*notDone); ok {
		return e.err
	}
	return err
}

// maxSends bounds how often a step calls its tool because that says that the call
// before did nothing; beyond it a person is asked.
const maxSends = 3

// errSlow is the cause with which the time of a call ends.
var errSlow = errors.New("the time of the call is over")

// invoke calls the tool once, in a span of its own.
func (b *boundTool) invoke(ctx context.Context, arguments string) (json.RawMessage, error) {
	ctx, span := b.beginTool(ctx, arguments)
	if span == nil {
		return b.call(ctx, arguments)
	}
	returned := false
	defer func() {
		if !returned {
			span.end(nil, errPanic)
		}
	}()
	result, err := b.call(ctx, arguments)
	returned = true
	span.end(result, err)
	return result, err
}

// call calls the tool. A panic of a tool that must not be called twice is an
// unknown outcome.
func (b *boundTool) call(ctx context.Context, arguments string) (result json.RawMessage, err error) {
	if b.effect.once() {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%w: the tool panicked: %v\n%s", ErrOutcomeUnknown, p, debug.Stack())
			}
		}()
	}
	limited := ctx
	if b.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, b.timeout, errSlow)
		defer cancel()
	}
	call := ToolFunc(b.tool.Call)
	if b.wrap != nil {
		call = b.wrap(CallOf(ctx), call)
	}
	value, err := call(limited, arguments)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, errors.Join(context.Cause(ctx), err)
	case err != nil && context.Cause(limited) == errSlow && !errors.As(err, new(*notDone)):
		return nil, fmt.Errorf("%w: %s did not answer within %v: %w", errSlow, b.offer.Name, b.timeout, err)
	case err != nil && !b.effect.once():
		return nil, plain(err)
	case err != nil:
		return nil, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, perdure.NonRetryable(fmt.Errorf("the result of %s has no JSON: %w", b.offer.Name, err))
	}
	return text, nil
}

// run carries the call out, if it may be.
func (g *gate) run(ctx context.Context) (*toolOutput, error) {
	if g.effect.once() {
		return g.carryOut(ctx)
	}
	if out, err := g.pass(ctx); out != nil || err != nil {
		return out, err
	}
	result, err := g.invoke(ctx, g.arguments)
	if err != nil {
		return nil, err
	}
	return &toolOutput{Result: result}, nil
}

// told adds to the end of a call whose arguments a person has changed that it was
// so: the model must know what was done.
func (g *gate) told(out *toolOutput, err error) (*toolOutput, error) {
	switch {
	case g.mark == nil || !g.mark.Edited:
	case err != nil:
		err = fmt.Errorf("%w (a person had changed the arguments to %s)", err, g.mark.Args)
	case out.Ask == nil && out.Wait == "":
		out.Edited = g.mark.Args
	}
	return out, err
}

// carryOut makes a call that must not be made twice, and finds out how it ended.
// A failure that may be repeated leaves the outcome open, or is a NotDone.
func (g *gate) carryOut(ctx context.Context) (*toolOutput, error) {
	for range maxSends {
		if out, err := g.pass(ctx); out != nil || err != nil {
			return out, err
		}
		result, err := g.invoke(ctx, g.arguments)
		undone := errors.As(err, new(*notDone))
		switch {
		case undone:
			return nil, g.undo(ctx, err)
		case err == nil:
			if ctx.Err() != nil { // perhaps nobody waits any more; else the journal has it
				_ = g.report(ctx, settlement{Result: result})
			}
			return &toolOutput{Result: result}, nil
		case ctx.Err() != nil: // the mark stays open
			return nil, context.Cause(ctx)
		case !errors.Is(err, ErrOutcomeUnknown) && !errors.Is(err, errSlow):
			return nil, perdure.NonRetryable(err)
		}
		g.lost = err
		if err := g.read(ctx); err != nil {
			return nil, err
		}
		if g.boundTool.reconcile == nil {
			break
		}
	}
	return g.askPerson(), nil
}

// undo notes that the call left no trace. It may then be repeated, within the
// tool's policy.
func (g *gate) undo(ctx context.Context, failed error) error {
	if err := g.report(ctx, settlement{Undone: true}); err != nil {
		return err
	}
	if p := g.retry; p == nil || !p.Repeats(perdure.Activity(ctx).Attempt, "") {
		return perdure.NonRetryable(plain(failed))
	}
	return plain(failed)
}

// backstop is how much longer than its own limit a call may last that does not
// heed its context.
const backstop = 30 * time.Second

// stepOptions are how the tool's step is scheduled. A step of a tool that must not
// be called twice is repeated until it has an outcome: what its failure means is
// for the gate to say.
func (b *boundTool) stepOptions() *perdure.StepOptions {
	o := &perdure.StepOptions{Retry: b.retry}
	if b.timeout > 0 {
		o.Timeout = b.timeout*maxSends + backstop
	}
	if b.effect.once() {
		policy := perdure.RetryPolicy{}
		if b.retry != nil {
			policy = *b.retry
		}
		policy.MaxAttempts, policy.Deadline, policy.NonRetryable = 0, 0, nil
		o.Retry = &policy
	}
	return o
}
