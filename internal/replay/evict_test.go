package replay_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// deferring has user code with defers that use the context in all ways.
func deferring(ran *sync.WaitGroup) code {
	return func(ctx *perdure.Context, _ struct{}) (string, error) {
		for range 3 {
			ctx.Go(func(ctx *perdure.Context) {
				defer ran.Done()
				defer func() { panic("in a deferred call") }()
				defer perdure.CallNamed[string](ctx, "Cleanup", "x").Await()
				_, _ = perdure.CallNamed[string](ctx, "Work", "x").Await()
			})
		}
		defer ran.Done()
		defer func() {
			timer := ctx.Timer(time.Second)
			ctx.Go(func(*perdure.Context) {})
			ctx.SetCustomStatus("no")
			timer.Cancel()
			_, _ = perdure.Lock(ctx, perdure.NewEntityID("e", "1"))
			panic("not reached: Lock waits")
		}()
		return "", ctx.Timer(time.Hour).Await()
	}
}

func TestEvictUnwindsAllBranches(t *testing.T) {
	defer goleak.VerifyNone(t)
	var ran sync.WaitGroup
	ran.Add(4)
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", deferring(&ran))
	e := replay.NewRunner(reg, replay.Options{}).Open("i", "x")
	before := e.Turn(nil, firstTurn("test"))
	if e.Bytes() < 4*7000 {
		t.Errorf("Bytes() = %d, want more than those of four coroutines", e.Bytes())
	}
	e.Evict()
	e.Evict()
	ran.Wait()
	if len(before.Actions) != 7 {
		t.Errorf("the turn has %d actions, want 7", len(before.Actions))
	}
	if got := e.Turn(nil, firstTurn("test")); len(got.Actions) != 0 {
		t.Errorf("Turn() after Evict = %+v, want nothing", got)
	}
}

func TestEvictDuringATurn(t *testing.T) {
	defer goleak.VerifyNone(t)
	entered, release, unwound := make(chan struct{}), make(chan struct{}), make(chan struct{})
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", func(ctx *perdure.Context, _ struct{}) (string, error) {
		defer close(unwound)
		blocksHere(entered, release)
		return "", ctx.Timer(time.Hour).Await()
	})
	e := replay.NewRunner(reg, replay.Options{}).Open("i", "x")
	result := make(chan engine.TurnResult)
	go func() { result <- e.Turn(nil, firstTurn("test")) }()
	<-entered
	e.Evict()
	close(release)
	if got := <-result; len(got.Actions) != 0 {
		t.Errorf("Turn() of an evicted execution = %+v, want nothing", got)
	}
	<-unwound
}

func TestEndUnwindsBranches(t *testing.T) {
	defer goleak.VerifyNone(t)
	unwound := make(chan struct{})
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", func(ctx *perdure.Context, _ struct{}) (string, error) {
		ctx.Go(func(ctx *perdure.Context) {
			defer close(unwound)
			_ = ctx.Timer(time.Hour).Await()
		})
		return "", ctx.Timer(time.Minute).Await()
	})
	e := replay.NewRunner(reg, replay.Options{}).Open("i", "x")
	e.Turn(nil, firstTurn("test"))
	e.Turn(nil, []*history.Event{{ID: -1, Time: epoch, Body: fired(1)}})
	<-unwound
}

func TestEvictBeforeTheFirstTurn(t *testing.T) {
	e := replay.NewRunner(perdure.NewRegistry(), replay.Options{}).Open("i", "x")
	e.Evict()
	if got := e.Turn(nil, firstTurn("test")); got.Unknown {
		t.Errorf("Turn() after Evict = %+v, want nothing", got)
	}
	runtime.KeepAlive(e)
}

func TestContextOutsideOfItsOrchestration(t *testing.T) {
	var leaked *perdure.Context
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", func(ctx *perdure.Context, _ struct{}) (string, error) {
		leaked = ctx
		return "", ctx.Timer(time.Hour).Await()
	})
	e := replay.NewRunner(reg, replay.Options{}).Open("i", "x")
	defer e.Evict()
	e.Turn(nil, firstTurn("test"))
	defer func() {
		if recover() == nil {
			t.Error("Timer on a foreign goroutine did not panic")
		}
	}()
	leaked.Timer(time.Second)
}

func TestLimits(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "actions", func(ctx *perdure.Context, _ struct{}) (string, error) {
		for {
			ctx.Timer(time.Hour)
		}
	})
	perdure.AddOrchestrationNamed(reg, "branches", func(ctx *perdure.Context, _ struct{}) (string, error) {
		for {
			ctx.Go(func(*perdure.Context) {})
		}
	})
	runner := replay.NewRunner(reg, replay.Options{MaxActions: 10, MaxBranches: 10})
	for _, name := range []string{"actions", "branches"} {
		e := runner.Open("i", "x")
		got := e.Turn(nil, firstTurn(name))
		if len(got.Actions) != 1 || !got.Panicked {
			t.Fatalf("%s: Turn() = %+v, want the end alone", name, got)
		}
		c, ok := got.Actions[0].Do.(*engine.Complete)
		if !ok || c.Failure == nil || c.Failure.Type != "resource_exhausted" {
			t.Errorf("%s: Turn() = %+v, want a failure by resource_exhausted", name, got.Actions[0].Do)
		}
		e.Evict()
	}
}
