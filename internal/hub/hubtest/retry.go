package hubtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

var retryCases = []testCase{
	{"Intervals", retryIntervals},
	{"Deadline", retryDeadline},
	{"NonRetryable", retryFinal},
	{"Jitter", retryJitter},
	{"DelayOfError", retryAfter},
	{"Succeeds", retrySucceeds},
	{"Timeout", retryTimeout},
	{"Child", retryChild},
}

type typedError struct{}

func (typedError) Error() string { return "typed" }

// retried runs an activity that fails with what fail returns, and returns when
// its attempts began.
func retried(t *testing.T, s suite, policy perdure.RetryPolicy, fail func(attempt int) error) (*env, *probe) {
	t.Helper()
	var attempts probe
	var e *env
	e = s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "flaky", func(ctx context.Context, _ string) (string, error) {
			attempt := perdure.Activity(ctx).Attempt
			attempts.note("%d@%v", attempt, e.since())
			return fmt.Sprintf("attempt %d", attempt), fail(attempt)
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "flaky", nil, perdure.WithRetry(policy)).Await()
		})
	})
	e.start("run", "a", "")
	return e, &attempts
}

func always(err error) func(int) error { return func(int) error { return err } }

func retryIntervals(t *testing.T, s suite) {
	e, attempts := retried(t, s, perdure.RetryPolicy{
		MaxAttempts: 5, FirstInterval: 10 * time.Second, Backoff: 3, MaxInterval: 40 * time.Second,
	}, always(errBase))
	e.fails("a")
	attempts.check(t, "attempts", "1@0s", "2@10s", "3@40s", "4@1m20s", "5@2m0s")
}

func retryDeadline(t *testing.T, s suite) {
	e, attempts := retried(t, s, perdure.RetryPolicy{
		FirstInterval: 10 * time.Second, Backoff: 1, Deadline: 25 * time.Second,
	}, always(errBase))
	e.fails("a")
	attempts.check(t, "attempts", "1@0s", "2@10s", "3@20s")
}

func retryFinal(t *testing.T, s suite) {
	for name, c := range map[string]struct {
		policy perdure.RetryPolicy
		err    error
	}{
		"marked": {perdure.RetryPolicy{}, perdure.NonRetryable(errBase)},
		"typed":  {perdure.RetryPolicy{NonRetryable: []string{"hubtest.typedError"}}, typedError{}},
	} {
		t.Run(name, func(t *testing.T) {
			e, attempts := retried(t, s, c.policy, always(c.err))
			e.fails("a")
			attempts.check(t, "attempts", "1@0s")
		})
	}
}

func retryJitter(t *testing.T, s suite) {
	e, _ := retried(t, s, perdure.RetryPolicy{MaxAttempts: 2, FirstInterval: 1000 * time.Second, Jitter: 0.5}, always(errBase))
	e.fails("a")
	if d := e.since(); d < 500*time.Second || d >= 1000*time.Second {
		t.Errorf("the pause was %v, want one from 500s to 1000s", d)
	}
}

func retryAfter(t *testing.T, s suite) {
	e, attempts := retried(t, s, perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: time.Second}, func(n int) error {
		if n == 1 {
			return fmt.Errorf("wrapped: %w", perdure.RetryAfter(errBase, 5*time.Minute))
		}
		return errBase
	})
	e.fails("a")
	attempts.check(t, "attempts", "1@0s", "2@5m0s", "3@5m2s")
}

func retrySucceeds(t *testing.T, s suite) {
	e, _ := retried(t, s, perdure.RetryPolicy{MaxAttempts: 3}, func(n int) error {
		if n < 2 {
			return errBase
		}
		return nil
	})
	e.settle()
	if in := e.get("a"); in.Attempt != 2 || in.Step != "flaky" {
		t.Errorf("in the pause it shows step %q, attempt %d, want flaky, 2", in.Step, in.Attempt)
	}
	e.restart(func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "flaky", func(ctx context.Context, _ string) (string, error) {
			return fmt.Sprintf("attempt %d", perdure.Activity(ctx).Attempt), nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "flaky", nil, perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})).Await()
		})
	})
	e.completes("a", `"attempt 2"`)
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=run instance={instanceId=a executionId="$1"}
		1 taskScheduled name=flaky
		-1 orchestratorStarted
		-1 taskFailed taskScheduledId=1 failure={type=errors.errorString message=base}
		2 timerCreated fireAt=2026-01-02T03:04:06Z options=2a05666c616b7930023803420462617365
		-1 orchestratorStarted
		-1 timerFired fireAt=2026-01-02T03:04:06Z timerId=2
		3 taskScheduled name=flaky attempt=2
		-1 orchestratorStarted
		-1 taskCompleted taskScheduledId=3 result=`+"`\"attempt 2\"`"+` attempt=2
		4 executionCompleted status=completed result=`+"`\"attempt 2\"`"+`
		`)
}

// retryTimeout checks that an attempt that takes too long is repeated, and that
// its token is worth nothing then.
func retryTimeout(t *testing.T, s suite) {
	tokens := make(chan string, 2)
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "outside", func(ctx context.Context, _ string) (string, error) {
			tokens <- perdure.Activity(ctx).Token
			return "", perdure.ErrPending
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "outside", nil, perdure.WithTimeout(time.Minute),
				perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 2})).Await()
		})
	})
	e.start("run", "a", "")
	first := receive(e, tokens)
	e.advance(61 * time.Second)
	second := receive(e, tokens)
	e.settle()
	e.code("Complete(old token)", e.hub.Complete(e.ctx, first, history.Some(`"old"`), nil), perdure.NotFound)
	e.ok(e.hub.Complete(e.ctx, second, history.Some(`"new"`), nil))
	e.completes("a", `"new"`)
}

func retryChild(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, _ string) (string, error) {
			if ctx.Now().Before(epoch.Add(3 * time.Second)) {
				return "", errors.New("too early")
			}
			return "done", nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "child", nil, perdure.WithID("c"),
				perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: time.Second})).Await()
		})
	})
	must1(e, &hub.Start{Name: "run", InstanceID: "a"})
	e.completes("a", `"done"`)
	if e.since() != 3*time.Second {
		t.Errorf("the third attempt ended after %v, want 3s", e.since())
	}
}
