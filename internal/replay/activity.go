package replay

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// pendingType is the type of the failure that stands for no outcome yet.
const pendingType = "perdure.pending"

// Pending reports whether what RunActivity returned is no failure: the activity
// asked to be completed later, by its token.
func Pending(f *history.Failure) bool { return f != nil && f.Type == pendingType }

// RunActivity runs the activity that info names, on the caller's goroutine. A
// panic is a failure.
func (r *Runner) RunActivity(ctx context.Context, info perdure.ActivityInfo, input history.Text) (result history.Text, failure *history.Failure) {
	code, ok := r.reg.Activity(info.Name)
	if !ok {
		return history.Text{}, perdure.FailureOf(&perdure.Error{
			Code: perdure.NotFound, Op: "run activity " + info.Name, Instance: info.InstanceID,
			Message: "no activity is registered under this name",
		})
	}
	defer func() {
		if p := recover(); p != nil {
			result, failure = history.Text{}, perdure.PanicFailure(p, userStack(debug.Stack()))
		}
	}()
	if info.Logger == nil {
		info.Logger = r.opts.Logger
	}
	result, err := code(perdure.WithActivity(ctx, info), input)
	if errors.Is(err, perdure.ErrPending) {
		return history.Text{}, &history.Failure{Type: pendingType, Message: err.Error()}
	}
	return result, perdure.FailureOf(err)
}
