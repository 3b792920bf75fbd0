package hubtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	told "github.com/perdure/perdure/internal/steps"
)

// failing are orchestrations that fail in ways of their own, and whether the history tells
// what a rewind of them runs again. Activities whose input begins with "bad" fail until they
// are allowed not to.
var failing = map[string]struct {
	exact bool
	run   func(*perdure.Context, func(in string, opts ...perdure.Option) *perdure.Task[string], *atomic.Bool) error
}{
	"in a row": {true, func(_ *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		_, err := act("a").Await()
		if err == nil {
			_, err = act("bad").Await()
		}
		if err == nil {
			_, err = act("z").Await()
		}
		return err
	}},
	"side by side": {true, func(ctx *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		if _, err := act("a").Await(); err != nil {
			return err
		}
		return perdure.All(ctx, act("bad1"), act("bad2"), act("bad3"))
	}},
	"in each attempt": {true, func(ctx *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		bad := act("bad", perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3}))
		if _, err := act("a").Await(); err != nil {
			return err
		}
		_, err := bad.Await()
		return err
	}},
	"after a step was tried again": {true, func(_ *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		_, err := act("slow", perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})).Await()
		if err == nil {
			_, err = act("bad").Await()
		}
		return err
	}},
	"by itself": {true, func(ctx *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], calm *atomic.Bool) error {
		if _, err := act("a").Await(); err != nil {
			return err
		}
		b := act("b")
		if !calm.Load() {
			return errors.New("not yet")
		}
		_, err := b.Await()
		return err
	}},
	"below": {true, func(ctx *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		if _, err := act("a").Await(); err != nil {
			return err
		}
		_, err := perdure.CallOrchestrationNamed[string](ctx, "child", nil).Await()
		return err
	}},
	"after a cancellation": {true, func(ctx *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		ctx.Timer(time.Hour).Cancel()
		never := act("never")
		if err := ctx.Timer(time.Second).Await(); err != nil {
			return err
		}
		never.Cancel()
		_, err := act("bad").Await()
		return err
	}},
	"after a failure that was dealt with": {false, func(_ *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		if _, err := act("bad1").Await(); err == nil {
			return nil
		}
		_, err := act("bad2").Await()
		return err
	}},
	"with a last word": {false, func(ctx *perdure.Context, act func(string, ...perdure.Option) *perdure.Task[string], _ *atomic.Bool) error {
		_, err := act("bad").Await()
		if err != nil {
			act("a")
		}
		return err
	}},
}

// rewindForetold rewinds runs that have failed in many ways to before the failure, and
// compares what runs again with what the history has foretold.
func rewindForetold(t *testing.T, s suite) {
	for name, c := range failing {
		var runs probe
		var calm, tried atomic.Bool
		e := s.open(t, func(r *perdure.Registry) {
			perdure.AddActivityNamed(r, "act", func(ctx context.Context, in string) (string, error) {
				runs.note("%s", in)
				switch {
				case in == "never":
					<-ctx.Done()
					return "", ctx.Err()
				case in == "slow" && !tried.Swap(true), strings.HasPrefix(in, "bad") && !calm.Load():
					return "", errors.New("not yet")
				}
				return in, nil
			})
			act := func(ctx *perdure.Context) func(string, ...perdure.Option) *perdure.Task[string] {
				return func(in string, opts ...perdure.Option) *perdure.Task[string] {
					return perdure.CallNamed[string](ctx, "act", in, opts...)
				}
			}
			perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, _ string) (string, error) { return act(ctx)("bad").Await() })
			perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
				return "", c.run(ctx, act(ctx), &calm)
			})
		})
		e.start("run", "r", "")
		if name == "after a cancellation" {
			e.until("it runs", func() bool { return runs.count() == 1 })
			e.clock.Advance(time.Second)
		} else {
			e.advance(time.Hour)
		}
		e.fails("r")
		e.settle()
		events := e.history("r")
		fates, _, doubt := told.Of(events).BeforeFailure(events)
		if doubt.Exact() != c.exact {
			t.Errorf("failed %s: Exact() = %v (%+v), want %v", name, doubt.Exact(), doubt, c.exact)
		}
		if !c.exact {
			continue
		}
		before := runs.count()
		calm.Store(true)
		e.control(hub.Rewind, "r")
		e.advance(time.Hour)
		e.completes("r", `""`)
		e.settle()
		got := map[string]bool{}
		for _, note := range runs.since(before) {
			if got[note] {
				t.Errorf("failed %s: %s ran twice after the rewind", name, note)
			}
			got[note] = note != "z" // which the code has not come to before
		}
		delete(got, "z")
		if diff := cmp.Diff(foretoldInputs(events, fates), got); diff != "" {
			t.Errorf("failed %s: activities after the rewind (-foretold +got):\n%s", name, diff)
		}
	}
}

// foretoldInputs returns the inputs of the activities that run again, with that of the child's.
func foretoldInputs(events []*history.Event, fates []told.Fate) map[string]bool {
	want := map[string]bool{}
	for i, step := range told.Of(events).Steps {
		switch {
		case fates[i] == told.Reused:
		case step.Kind == told.Child:
			want["bad"] = true
		case step.Kind == told.Activity:
			want[strings.Trim(events[step.N-1].Body.(*history.TaskScheduled).Input.S, `"`)] = true
		}
	}
	return want
}
