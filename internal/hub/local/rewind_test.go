package local_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// TestRewindAsksForLocksAgain: a run that failed while it waited for a lock gets
// the lock after its rewind.
func TestRewindAsksForLocksAgain(t *testing.T) {
	s := newStage(t)
	e := perdure.NewEntityID("e", "a")
	var failed atomic.Bool
	perdure.AddEntityFunc(s.reg, "e", func(ctx *perdure.EntityContext) (any, error) { return 1, ctx.SetState(1) })
	perdure.AddActivityNamed(s.reg, "flaky", func(context.Context, string) (string, error) {
		if failed.CompareAndSwap(false, true) {
			return "", errors.New("not yet")
		}
		return "done", nil
	})
	perdure.AddOrchestrationNamed(s.reg, "holds", func(ctx *perdure.Context, in string) (string, error) {
		unlock, err := perdure.Lock(ctx, e)
		if err != nil {
			return "", err
		}
		defer unlock()
		return perdure.NewEvent[string]("go").Wait(ctx).Await()
	})
	perdure.AddOrchestrationNamed(s.reg, "fails", func(ctx *perdure.Context, in string) (string, error) {
		locked := ctx.Go(func(ctx *perdure.Context) {
			if unlock, err := perdure.Lock(ctx, e); err == nil {
				unlock()
			}
		})
		out, err := perdure.CallNamed[string](ctx, "flaky", in).Await()
		if err != nil {
			return "", err
		}
		return out, perdure.All(ctx, locked)
	})
	s.open()
	s.start("h", "holds")
	s.idle()
	s.start("x", "fails")
	if in, err := s.WaitCompletion(s.ctx, "x"); err != nil || in.Status != store.Failed {
		t.Fatalf("WaitCompletion(x) = %+v, %v, want a failure", in, err)
	}
	if err := s.Raise(s.ctx, &hub.Raise{InstanceID: "h", Name: "go", Data: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	s.idle()
	if _, err := s.Control(s.ctx, &hub.Control{InstanceID: "x", Kind: hub.Rewind}); err != nil {
		t.Fatal(err)
	}
	if in, err := s.WaitCompletion(s.ctx, "x"); err != nil || in.Output.S != `"done"` {
		t.Errorf("WaitCompletion(x) = %+v, %v, want done", in, err)
	}
}
