package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/perdure/perdure"
)

// Effect says what a second call of a tool, made because the first one's outcome
// was lost, would do to the world.
type Effect uint8

// The classes of effects.
const (
	// Irreversible effects cannot be taken back. It is the default: such a tool is
	// never called twice with one effect id unless it is known, by its Reconcile
	// function or by a person, that the first call did nothing, or a person wants
	// it.
	Irreversible Effect = iota
	// Reversible effects can be undone; else such a tool is treated like an
	// irreversible one.
	Reversible
	// Idempotent tools may be called again with the same effect id: they do what
	// they do once.
	Idempotent
	// Pure tools change nothing.
	Pure
)

// String returns the name of the class.
func (e Effect) String() string {
	switch e {
	case Irreversible:
		return "irreversible"
	case Reversible:
		return "reversible"
	case Idempotent:
		return "idempotent"
	case Pure:
		return "pure"
	}
	return fmt.Sprintf("Effect(%d)", uint8(e))
}

// once reports whether a call must not be repeated by itself.
func (e Effect) once() bool { return e == Irreversible || e == Reversible }

// EffectID identifies the tool call that runs with ctx: the same for each attempt
// of it, also after a crash or a rewind, and different from all others. Give it to
// the remote side, such as in the header Idempotency-Key. "" outside of tools.
func EffectID(ctx context.Context) string { return perdure.Activity(ctx).EffectID }

// ToolOption changes a tool that NewTool makes.
type ToolOption func(*toolOptions)

// toolOptions is what the runtime must know of a tool beyond its offer.
type toolOptions struct {
	effect      Effect
	reconcile   func(ctx context.Context, effectID, arguments string) (Outcome, error) // nil = nobody but a person can tell
	approval    func(ctx context.Context, arguments string) (bool, error)              // nil = none is needed
	patience    time.Duration                                                          // of an approval
	deciders    deciders                                                               // of an approval
	escalations []escalation                                                           // of an approval, in their order
	timeout     time.Duration                                                          // of a call; 0 = none
	retry       *perdure.RetryPolicy                                                   // nil = failures are told to the model
	grace       *time.Duration                                                         // nil = DefaultGrace
	in          reflect.Type                                                           // of the function; nil = there is none
	inputs      []reflect.Type                                                         // those that options were made for
	err         error
}

// check reports options that do not fit a tool with this input.
func (o *toolOptions) check(in reflect.Type) error {
	if o.err != nil {
		return o.err
	}
	if o.effect > Pure {
		return fmt.Errorf("there is no effect class %d", o.effect)
	}
	if o.patience < 0 {
		return errors.New("the approval timeout is negative")
	}
	if o.timeout < 0 {
		return errors.New("the timeout is negative")
	}
	if o.grace != nil && *o.grace < 0 {
		return errors.New("the grace is negative")
	}
	for _, t := range o.inputs {
		if t != in {
			return fmt.Errorf("an option is for the input %s, the tool has %s", t, in)
		}
	}
	return nil
}

// WithEffect declares the class of the tool's effects.
func WithEffect(e Effect) ToolOption { return func(o *toolOptions) { o.effect = e } }

// WithTimeout bounds a call of the tool: its context ends after d. A call that is
// cut so is an error for the model, or for WithRetry; of an Irreversible or
// Reversible tool it is an unknown outcome, see ErrOutcomeUnknown. 0 = no bound.
func WithTimeout(d time.Duration) ToolOption { return func(o *toolOptions) { o.timeout = d } }

// WithRetry repeats calls that fail, as the policy says, before the model is told.
// Each attempt has the same effect id. Calls of Irreversible and Reversible tools
// are repeated only after a NotDone; of these the policy's Deadline and
// NonRetryable are not heeded.
func WithRetry(p perdure.RetryPolicy) ToolOption { return func(o *toolOptions) { o.retry = &p } }

// DefaultGrace is how long a turn that is stopped waits for a call of an
// Irreversible or Reversible tool to end.
const DefaultGrace = 10 * time.Second

// WithGrace sets how long a turn that is stopped waits for a running call of the
// tool to end, before it is given up and a person is asked what became of it. It is
// used for Irreversible and Reversible tools; others are given up at once.
func WithGrace(d time.Duration) ToolOption { return func(o *toolOptions) { o.grace = &d } }

// graceTime is how long a call is waited for when its turn is stopped.
func (o *toolOptions) graceTime() time.Duration {
	switch {
	case !o.effect.once():
		return 0
	case o.grace == nil:
		return DefaultGrace
	}
	return *o.grace
}

// Outcome is what a Reconcile function has found out about a call. The zero
// Outcome is Unknown.
type Outcome struct {
	known, happened bool
	result          any
}

// Happened says that the call was carried out, with this result.
func Happened(result any) Outcome { return Outcome{known: true, happened: true, result: result} }

// NotHappened says that the call was not carried out, and that no trace of it is
// left that could still carry it out: the tool is then called again.
func NotHappened() Outcome { return Outcome{known: true} }

// Unknown says that it cannot be told: a person decides.
func Unknown() Outcome { return Outcome{} }

// WithReconcile has fn find out, after a crash, whether a call with this effect id
// was carried out. It must not carry it out itself. An error is as good as
// Unknown. It is used for irreversible and reversible tools.
func WithReconcile[In any](fn func(ctx context.Context, effectID string, in In) (Outcome, error)) ToolOption {
	return func(o *toolOptions) {
		if fn == nil {
			o.err = errors.New("the Reconcile function is nil")
			return
		}
		o.inputs = append(o.inputs, reflect.TypeFor[In]())
		o.reconcile = func(ctx context.Context, effectID, arguments string) (Outcome, error) {
			in, err := decodeArguments[In](arguments)
			if err != nil {
				return Outcome{}, err
			}
			return fn(ctx, effectID, in)
		}
	}
}

// decodeArguments returns arguments, JSON that fits the schema of In, as In.
func decodeArguments[In any](arguments string) (In, error) {
	var in In
	data := []byte(arguments)
	if !isObject(reflect.TypeFor[In]()) {
		var outer map[string]json.RawMessage
		if err := json.Unmarshal(data, &outer); err != nil {
			return in, fmt.Errorf("arguments: %w", err)
		}
		data = outer[argument]
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return in, fmt.Errorf("arguments: %w", err)
	}
	return in, nil
}

// canonicalArguments is the form in which arguments are hashed, shown to people
// and given to tools that need an approval.
func canonicalArguments(arguments string) (string, error) {
	if strings.TrimSpace(arguments) == "" {
		return "{}", nil
	}
	return canonical(arguments)
}

// digest hashes parts; no two lists of parts are hashed alike.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// argsHash binds an approval: to the tool and its version, its canonical arguments
// and the call.
func argsHash(tool, version, arguments, effectID string) string {
	return digest("arguments", tool, version, arguments, effectID)
}
