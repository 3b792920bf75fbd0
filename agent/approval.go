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

// guarded reports whether something stands before a call of the tool.
func (o *toolOptions) guarded() bool { return o.effect.once() || o.approval != nil }

func (o *toolOptions) approvalTimeout() time.Duration {
	if o.patience == 0 {
		return DefaultApprovalTimeout
	}
	return o.patience
}
