package agent

import (
	"context"
	"errors"
	"reflect"
	"time"
)

// DefaultApprovalTimeout is how long an approval is waited for.
const DefaultApprovalTimeout = 24 * time.Hour

// RequireApproval has those calls of a tool wait for a person's approval for
// which when reports true. It is asked before each attempt and must answer from
// the arguments alone. The approval is for one call with exactly its arguments;
// a call that is denied, or not approved in time, is an error for the model. The
// tool gets the arguments in the form in which they were approved: that of RFC
// 8785.
func RequireApproval[In any](when func(ctx context.Context, in In) bool) ToolOption {
	return func(o *toolOptions) {
		if when == nil {
			o.err = errors.New("the approval function is nil")
			return
		}
		o.inputs = append(o.inputs, reflect.TypeFor[In]())
		o.approval = func(ctx context.Context, arguments string) (bool, error) {
			in, err := decodeArguments[In](arguments)
			if err != nil {
				return false, err
			}
			return when(ctx, in), nil
		}
	}
}

// AlwaysRequireApproval has each call of a tool wait for a person's approval, as
// RequireApproval does.
func AlwaysRequireApproval() ToolOption {
	return func(o *toolOptions) {
		o.approval = func(context.Context, string) (bool, error) { return true, nil }
	}
}

// ApprovalTimeout bounds the wait for an approval, after which the call is
// denied; 0 = DefaultApprovalTimeout.
func ApprovalTimeout(d time.Duration) ToolOption {
	return func(o *toolOptions) { o.patience = d }
}

// escalation is who is asked when nobody has decided in time.
type escalation struct {
	to     string
	within time.Duration // 0 = without end
}

// EscalateTo has an approval that nobody has given in time asked anew, of a group
// or person whose name means something to those who decide: it is the Assignee of a
// new decision, with a deadline of its own, 0 = none. Given more than once, each
// follows the one before; when the last one's time is over, the call is denied.
func EscalateTo(assignee string, within time.Duration) ToolOption {
	return func(o *toolOptions) {
		if assignee == "" || within < 0 {
			o.err = errors.New("an escalation needs an assignee, and a time that is not negative")
		}
		o.escalations = append(o.escalations[:len(o.escalations):len(o.escalations)], escalation{assignee, within})
	}
}

// guarded reports whether something stands before a call of the tool.
func (o *toolOptions) guarded() bool { return o.effect.once() || o.approval != nil }

func (o *toolOptions) approvalTimeout() time.Duration {
	if o.patience == 0 {
		return DefaultApprovalTimeout
	}
	return o.patience
}
