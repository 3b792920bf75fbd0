package perdure

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// ErrPending, returned by an activity, says that its outcome will be reported
// from outside, by the Token of its ActivityInfo. Its time limits go on.
var ErrPending = errors.New("the activity's outcome is pending")

// ActivityInfo describes a running attempt of an activity.
type ActivityInfo struct {
	Name        string
	InstanceID  string // of the orchestration that called it
	ExecutionID string
	TaskID      int32
	Attempt     int       // from 1
	EffectID    string    // the same for each attempt of the step
	Token       string    // names this attempt to who completes it from outside
	Deadline    time.Time // zero = none
	Worker      string
	Tags        map[string]string
	// Heartbeat reports that the attempt is alive, with progress as JSON; nil
	// progress reports no more than that. An error means that the attempt is no
	// longer wanted: the activity should return. Nil where nobody listens.
	Heartbeat func(progress any) error
	// Logger is that of the worker, over which Logger writes; nil = slog.Default().
	Logger *slog.Logger
}

type activityKey struct{}

// activity is what the context of an activity holds.
type activity struct {
	ActivityInfo
	lines atomic.Uint64 // that it has logged
}

func activityOf(ctx context.Context) *activity {
	a, _ := ctx.Value(activityKey{}).(*activity)
	return a
}

// Activity describes the activity that runs with ctx or a context derived from
// it. Outside of activities it is the zero ActivityInfo.
func Activity(ctx context.Context) ActivityInfo {
	if a := activityOf(ctx); a != nil {
		return a.ActivityInfo
	}
	return ActivityInfo{}
}

// WithActivity returns a context in which Activity returns info; tests of
// activities use it too.
func WithActivity(ctx context.Context, info ActivityInfo) context.Context {
	return context.WithValue(ctx, activityKey{}, &activity{ActivityInfo: info})
}

// Heartbeat reports progress of the activity that runs with ctx; see
// ActivityInfo. It returns nil where nobody listens.
func Heartbeat(ctx context.Context, progress any) error {
	a := activityOf(ctx)
	if a == nil || a.Heartbeat == nil {
		return nil
	}
	return a.Heartbeat(progress)
}
