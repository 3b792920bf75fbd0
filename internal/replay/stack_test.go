package replay_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

func blocksHere(entered, release chan struct{}) {
	close(entered)
	<-release
}

func TestStackOfBlockedTurn(t *testing.T) {
	reg := perdure.NewRegistry()
	entered, release := make(chan struct{}), make(chan struct{})
	perdure.AddOrchestrationNamed(reg, "blocks", func(ctx *perdure.Context, _ struct{}) (struct{}, error) {
		blocksHere(entered, release)
		return struct{}{}, nil
	})
	e := replay.NewRunner(reg, replay.Options{}).Open("i", "x")
	if got := e.Stack(); got != "" {
		t.Errorf("Stack() before the turn = %q, want none", got)
	}
	done := make(chan engine.TurnResult)
	go func() { done <- e.Turn(nil, firstTurn("blocks")) }()
	<-entered
	got := e.Stack()
	if !strings.Contains(got, "blocksHere") || !strings.Contains(got, "stack_test.go:") {
		t.Errorf("Stack() = %q, want blocksHere in stack_test.go", got)
	}
	if strings.Contains(got, "replay.(*") || strings.Contains(got, "iter.") {
		t.Errorf("Stack() = %q has frames that are ours", got)
	}
	close(release)
	if r := <-done; len(r.Actions) != 1 {
		t.Errorf("Turn() = %+v, want its end", r)
	}
	if got := e.Stack(); got != "" {
		t.Errorf("Stack() after the turn = %q, want none", got)
	}
}

func firstTurn(name string) []*history.Event {
	return []*history.Event{
		{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}},
		{Time: epoch, Body: &history.ExecutionStarted{Name: name}},
	}
}

func TestPanicFailsTheOrchestration(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "panics", func(ctx *perdure.Context, _ struct{}) (struct{}, error) {
		var m map[string]int
		m["x"] = 1 //lint:ignore SA5000 it is to panic
		return struct{}{}, nil
	})
	perdure.AddOrchestrationNamed(reg, "branch", func(ctx *perdure.Context, _ struct{}) (struct{}, error) {
		ctx.Go(func(ctx *perdure.Context) { panic("in a branch") }).Await()
		return struct{}{}, nil
	})
	for name, message := range map[string]string{
		"panics": "assignment to entry in nil map",
		"branch": "in a branch",
	} {
		r := newRun(t, reg, name, "").start()
		if !r.last.Panicked || r.ended == nil || r.ended.Status != history.StatusFailed {
			t.Fatalf("%s: Turn() = %+v, want a failed end by panic", name, r.last)
		}
		f := r.ended.Failure
		if f.Type != "Panic" || f.Message != message {
			t.Errorf("%s: failure = %s: %s, want Panic: %s", name, f.Type, f.Message, message)
		}
		if !strings.Contains(f.Stack.S, "stack_test.go:") || strings.Contains(f.Stack.S, "replay.(*branch)") {
			t.Errorf("%s: stack = %q, want the user's frames alone", name, f.Stack.S)
		}
	}
}

func TestLockedThreadAndGoexit(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "locks", func(ctx *perdure.Context, _ struct{}) (struct{}, error) {
		runtime.LockOSThread()
		err := ctx.Timer(1).Await()
		runtime.LockOSThread()
		return struct{}{}, err
	})
	perdure.AddOrchestrationNamed(reg, "exits", func(ctx *perdure.Context, _ struct{}) (struct{}, error) {
		runtime.LockOSThread()
		runtime.Goexit()
		return struct{}{}, nil
	})
	r := newRun(t, reg, "locks", "").start()
	r.turn(&history.TimerFired{TimerID: 1})
	if r.ended == nil || r.ended.Status != history.StatusCompleted {
		t.Errorf("an orchestration that locks its thread ended with %+v, want its completion", r.ended)
	}
	r = newRun(t, reg, "exits", "").start()
	if r.ended == nil || r.ended.Status != history.StatusFailed || !r.last.Panicked {
		t.Errorf("an orchestration that calls Goexit ended with %+v, want a panic", r.ended)
	}
}
