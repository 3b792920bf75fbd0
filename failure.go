package perdure

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
)

// StepError is the failure of an activity, a child or an entity operation as
// the orchestration that called it sees it, and each of the causes below it. It
// is what was recorded: the error value itself stayed in the process where it
// arose.
type StepError struct {
	Step         string // name of the activity, orchestration or operation; "" in causes
	Attempt      int    // which attempt failed, from 1; 0 = not known
	Type         string // type of the error, or the name of its Code
	Message      string
	Stack        string // of a panic, as its process printed it; may be empty
	NonRetryable bool
	// Properties are numbers that the step gave with its error, see WithProperty;
	// nil = none.
	Properties map[string]float64
	Cause      *StepError // may be nil
}

// Error implements error.
func (e *StepError) Error() string {
	if e.Step == "" {
		return e.Message
	}
	return e.Step + ": " + e.Message
}

// Unwrap returns the cause.
func (e *StepError) Unwrap() error {
	if e.Cause == nil {
		return nil
	}
	return e.Cause
}

// As lets errors.As and CodeOf find the Error that the step failed with.
func (e *StepError) As(target any) bool {
	p, ok := target.(**Error)
	if !ok {
		return false
	}
	for code, name := range codeNames {
		if name == e.Type {
			*p = &Error{Code: code, Op: e.Step, Message: e.Message}
			return true
		}
	}
	return false
}

func stepError(step string, attempt int32, f *history.Failure) *StepError {
	if f == nil {
		return nil
	}
	return &StepError{
		Step:         step,
		Attempt:      int(attempt),
		Type:         f.Type,
		Message:      f.Message,
		Stack:        f.Stack.S,
		NonRetryable: f.NonRetriable,
		Properties:   numbersOf(f),
		Cause:        stepError("", 0, f.Inner),
	}
}

// NonRetryable returns err marked so that no retry policy repeats the step that
// fails with it. NonRetryable(nil) is nil.
func NonRetryable(err error) error {
	if err == nil {
		return nil
	}
	return &hint{err: err, final: true}
}

// RetryAfter returns err marked so that a retry policy waits for d, instead of
// the pause that it would choose, before it repeats the step that fails with it.
// RetryAfter(nil, d) is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &hint{err: err, name: retryAfterKey, value: max(d.Seconds(), 0)}
}

// RetryAfter returns the pause that RetryAfter asked for when the step failed,
// there or in a cause; 0 = none.
func (e *StepError) RetryAfter() time.Duration {
	v := e.Property(retryAfterKey)
	if v <= 0 || v >= math.MaxInt64/1e9 {
		return 0
	}
	return time.Duration(v * float64(time.Second))
}

// Property returns a number that was given with the error or one of its causes,
// 0 if there is none of this name.
func (e *StepError) Property(name string) float64 {
	for ; e != nil; e = e.Cause {
		if v, ok := e.Properties[name]; ok {
			return v
		}
	}
	return 0
}

// WithProperty returns err with a number that is recorded with the failure of the
// step that fails with it, see StepError.Properties. WithProperty(nil, ...) is nil.
func WithProperty(err error, name string, value float64) error {
	if err == nil {
		return nil
	}
	return &hint{err: err, name: name, value: value}
}

// hint is an error with advice to those who handle the failure of its step.
type hint struct {
	err   error
	final bool
	name  string // of a property; "" = none
	value float64
}

func (h *hint) Error() string { return h.err.Error() }
func (h *hint) Unwrap() error { return h.err }

const maxCauses = 16 // of a recorded failure

// FailureOf gives an error the form in which it is recorded and sent. It is part
// of the seam to the runtime.
func FailureOf(err error) *history.Failure { return failureOf(err, maxCauses) }

func failureOf(err error, depth int) *history.Failure {
	if err == nil || depth == 0 {
		return nil
	}
	switch e := err.(type) {
	case *hint:
		f := failureOf(e.err, depth)
		f.NonRetriable = f.NonRetriable || e.final
		if e.name != "" {
			f.Properties = append(f.Properties, numberProperty(e.name, e.value))
		}
		return f
	case *StepError:
		return stepFailure(e, depth)
	}
	f := &history.Failure{Type: typeName(err), Message: err.Error()}
	f.Inner = failureOf(cause(err), depth-1)
	if f.Inner != nil {
		f.NonRetriable = f.Inner.NonRetriable
	}
	return f
}

// stepFailure keeps the recorded failure of a step as the cause of the failure
// of the one that returns it.
func stepFailure(e *StepError, depth int) *history.Failure {
	f := &history.Failure{Type: e.Type, Message: e.Message, NonRetriable: e.NonRetryable}
	if e.Stack != "" {
		f.Stack = history.Some(e.Stack)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
		f.Properties = append(f.Properties, numberProperty(name, e.Properties[name]))
	}
	if e.Cause != nil && depth > 1 {
		f.Inner = stepFailure(e.Cause, depth-1)
	}
	if e.Step == "" {
		return f
	}
	return &history.Failure{Type: "StepError", Message: e.Error(), Inner: f, NonRetriable: e.NonRetryable}
}

func cause(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		if list := joined.Unwrap(); len(list) > 0 {
			return list[0]
		}
	}
	return errors.Unwrap(err)
}

func typeName(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Code.String()
	}
	return strings.TrimLeft(reflect.TypeOf(err).String(), "*")
}

// PanicFailure is the failure of code that panicked with the value p. It is part
// of the seam to the runtime.
func PanicFailure(p any, stack string) *history.Failure {
	f := &history.Failure{Type: "Panic", Message: fmt.Sprint(p)}
	if err, ok := p.(error); ok {
		f.Inner = FailureOf(err)
	}
	if stack != "" {
		f.Stack = history.Some(stack)
	}
	return f
}

const retryAfterKey = "perdure.retryAfter" // seconds

// RetryDelay returns the pause that RetryAfter asked for; 0 = none. It is part
// of the seam to the runtime.
func RetryDelay(f *history.Failure) time.Duration { return stepError("", 0, f).RetryAfter() }

// numbersOf returns the properties of a failure that are numbers, nil if none is.
func numbersOf(f *history.Failure) map[string]float64 {
	var numbers map[string]float64
	for _, p := range f.Properties {
		if name, v, ok := readNumber(p); ok {
			if numbers == nil {
				numbers = map[string]float64{}
			}
			numbers[name] = v
		}
	}
	return numbers
}

// A property is an entry of a map<string, google.protobuf.Value>: key = 1,
// value = 2; a number is the field 2 of Value.

func numberProperty(key string, v float64) []byte {
	b := protowire.AppendTag(nil, 1, protowire.BytesType)
	b = protowire.AppendString(b, key)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	b = append(b, 9)
	b = protowire.AppendTag(b, 2, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(v))
}

func readNumber(b []byte) (name string, v float64, ok bool) {
	var value []byte
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 || typ != protowire.BytesType {
			return "", 0, false
		}
		data, m := protowire.ConsumeBytes(b[n:])
		if m < 0 {
			return "", 0, false
		}
		switch num {
		case 1:
			name = string(data)
		case 2:
			value = data
		}
		b = b[n+m:]
	}
	if len(value) != 9 || value[0] != 2<<3|byte(protowire.Fixed64Type) {
		return "", 0, false
	}
	return name, math.Float64frombits(binary.LittleEndian.Uint64(value[1:])), true
}
