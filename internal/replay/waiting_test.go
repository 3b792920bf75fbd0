package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

func TestBranchesWakeInTheOrderOfTheirWaits(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		var order []string
		task := perdure.Call(ctx, Hello, "x")
		other := ctx.Timer(time.Hour)
		for i := range 3 {
			ctx.Go(func(ctx *perdure.Context) {
				first := perdure.Any(ctx, other, task, task)
				order = append(order, fmt.Sprint(i, first == task))
			})
		}
		v, err := task.Await()
		order = append(order, v)
		if err := ctx.Timer(time.Second).Await(); err != nil {
			return "", err
		}
		if other.Fired() || !task.Done() {
			t.Errorf("Fired(), Done() = %v, %v, want false, true", other.Fired(), task.Done())
		}
		return strings.Join(order, " "), err
	})
	r.start()
	r.turn(done(1, `"main"`))
	r.turn(fired(3))
	if want := `"main 0 true 1 true 2 true"`; r.ended == nil || r.ended.Result.S != want {
		t.Errorf("the orchestration ended with %+v, want %s", r.ended, want)
	}
}

func TestAnyOfNothing(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (bool, error) {
		timer := ctx.Timer(time.Hour)
		timer.Cancel()
		timer.Cancel()
		if err := timer.Await(); perdure.CodeOf(err) != perdure.Canceled {
			t.Errorf("Await() of a cancelled timer = %v, want canceled", err)
		}
		return perdure.Any(ctx) == nil, perdure.All(ctx)
	}).start()
	if r.ended == nil || r.ended.Result.S != "true" {
		t.Errorf("the orchestration ended with %+v, want true", r.ended)
	}
}

func TestMapStopsAtTheFirstError(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) ([]string, error) {
		return perdure.Map(ctx, []int{0, 1, 2, 3}, 2, func(ctx *perdure.Context, i int) (string, error) {
			return perdure.CallNamed[string](ctx, "step", i).Await()
		})
	}).start()
	r.turn(failed(2, "e", "second"))
	r.turn(failed(1, "e", "first"))
	if r.ended == nil || r.ended.Failure == nil || r.ended.Failure.Message != "step: first" {
		t.Errorf("Map ended with %+v, want the error of the first item", r.ended)
	}
}

func TestContinueAsNewOptions(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		if err := ctx.Timer(time.Second).Await(); err != nil {
			return 0, err
		}
		err := perdure.ContinueAsNew(ctx, 5, perdure.DropEvents(), perdure.ContinueWithVersion("2"))
		return 0, fmt.Errorf("wrapped: %w", err)
	}).start(raise("a", "1"))
	r.turn(raise("b", "2"), fired(1), raise("c", "3"))
	want := &engine.Complete{
		Status: history.StatusContinuedAsNew, Result: history.Some("5"), NewVersion: history.Some("2"),
	}
	if diff := cmp.Diff(want, r.ended); diff != "" {
		t.Errorf("end (-want +got):\n%s", diff)
	}
}

func TestContinueAsNewReleasesLocks(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		ctx.Go(func(ctx *perdure.Context) { _, _ = perdure.Lock(ctx, perdure.NewEntityID("e", "1")) })
		if err := ctx.Timer(time.Second).Await(); err != nil {
			return 0, err
		}
		return 0, perdure.ContinueAsNew(ctx, make(chan int))
	}).start()
	r.turn(fired(1))
	if len(r.last.Actions) != 2 || r.ended.Failure == nil || r.ended.Failure.Type != "invalid_argument" {
		t.Fatalf("Turn() = %+v, want an unlock and the failure of an input without JSON", r.last)
	}
	send, ok := r.last.Actions[0].Do.(*engine.SendEntityMessage)
	if !ok {
		t.Fatalf("first action = %+v, want an unlock", r.last.Actions[0].Do)
	}
	unlock, ok := send.Body.(*history.EntityUnlockSent)
	if !ok || unlock.TargetInstanceID.S != "@e@1" || unlock.CriticalSectionID != requestID(r.past) {
		t.Errorf("first action = %+v, want the unlock of @e@1", send.Body)
	}
}

func TestRewindDropsTheReleasesOfTheEnd(t *testing.T) {
	entity := perdure.NewEntityID("e", "1")
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		unlock, err := perdure.Lock(ctx, entity)
		if err != nil {
			return "", err
		}
		defer unlock()
		for range 2 {
			if _, err := perdure.Call(ctx, Hello, "x").Await(); err != nil {
				return "", err
			}
		}
		return "", nil
	}).start()
	r.turn(&history.EntityLockGranted{CriticalSectionID: requestID(r.past)})
	r.turn(done(2, `""`))
	r.turn(failed(3, "e", "m"))
	if got := len(r.last.Actions); got != 2 {
		t.Fatalf("the failing turn has %d actions, want an unlock and the end", got)
	}
	r.rewind()
	r.turn()
	r.turn(done(3, `""`))
	if r.ended == nil || r.ended.Status != history.StatusCompleted {
		t.Errorf("the rewound run ended with %+v, want completed", r.ended)
	}
}

func TestLargeMessagesCount(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		return "", ctx.Timer(time.Hour).Await()
	}).start()
	before := r.warm.Bytes()
	r.turn(raise("x", `"`+strings.Repeat("x", 100_000)+`"`), &history.ExecutionSuspended{})
	r.turn(&history.TaskCompleted{Result: history.Some(strings.Repeat("x", 50_000))},
		&history.SubOrchestrationInstanceCompleted{Result: history.Some(strings.Repeat("x", 50_000))},
		&history.EntityOperationCompleted{Output: history.Some(strings.Repeat("x", 50_000))})
	if got := r.warm.Bytes() - before; got < 250_000 {
		t.Errorf("Bytes() rose by %d, want the 250,000 of the kept messages", got)
	}
	r.turn(&history.ExecutionResumed{}, &history.ExecutionResumed{})
	if got := r.warm.Bytes() - before; got < 100_000 || got > 110_000 {
		t.Errorf("Bytes() is %d above the start, want the 100,000 of the event", got)
	}
}

// TestPromise has branches wait for what another branch brings about.
func TestPromise(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		var order []string
		promise, never := perdure.NewPromise(ctx), perdure.NewPromise(ctx)
		for i := range 2 {
			ctx.Go(func(ctx *perdure.Context) {
				promise.Await()
				order = append(order, fmt.Sprint(i))
			})
		}
		ctx.Go(func(ctx *perdure.Context) {
			if err := ctx.Timer(time.Second).Await(); err != nil {
				t.Error(err)
			}
			promise.Keep()
			promise.Keep()
		})
		if perdure.Any(ctx, never, promise) != perdure.Awaitable(promise) || never.Done() || !promise.Done() {
			t.Error("Any() has not returned the promise that was kept")
		}
		if err := ctx.Timer(0).Await(); err != nil {
			return "", err
		}
		return strings.Join(order, " "), nil
	})
	r.start()
	r.turn(fired(1))
	r.turn(fired(2))
	if want := `"0 1"`; r.ended == nil || r.ended.Result.S != want {
		t.Errorf("the orchestration ended with %+v, want %s", r.ended, want)
	}
}
