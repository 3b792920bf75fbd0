package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// loopRunner knows an orchestration that calls one activity after the other, and
// one that calls 1,000 at once.
func loopRunner() *replay.Runner {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "loop", func(ctx *perdure.Context, in string) (string, error) {
		for {
			if _, err := perdure.Call(ctx, Hello, in).Await(); err != nil {
				return "", err
			}
		}
	})
	perdure.AddOrchestrationNamed(reg, "fan", func(ctx *perdure.Context, in string) (string, error) {
		tasks := make([]perdure.Awaitable, 1000)
		for i := range tasks {
			tasks[i] = perdure.Call(ctx, Hello, in)
		}
		return "", perdure.All(ctx, tasks...)
	})
	return replay.NewRunner(reg, replay.Options{})
}

func start(name, input string) []*history.Event {
	return []*history.Event{
		{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}},
		{Time: epoch, Body: &history.ExecutionStarted{Name: name, Input: history.Some(input)}},
	}
}

// BenchmarkWarmTurn is a turn that completes one activity and schedules the next.
func BenchmarkWarmTurn(b *testing.B) {
	e := loopRunner().Open("i", "x")
	defer e.Evict()
	e.Turn(nil, start("loop", `"some text"`))
	body := &history.TaskCompleted{Result: history.Some(`"some text"`)}
	fresh := []*history.Event{
		{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}},
		{ID: -1, Time: epoch, Body: body},
	}
	b.ReportAllocs()
	for b.Loop() {
		body.TaskScheduledID++
		if r := e.Turn(nil, fresh); len(r.Actions) != 1 {
			b.Fatalf("Turn() = %+v, want one action", r)
		}
	}
}

// BenchmarkFirstTurn opens an execution, runs its first turn and evicts it.
func BenchmarkFirstTurn(b *testing.B) {
	r := loopRunner()
	fresh := start("loop", `"some text"`)
	b.ReportAllocs()
	for b.Loop() {
		e := r.Open("i", "x")
		e.Turn(nil, fresh)
		e.Evict()
	}
}

// BenchmarkReplay replays a history of 2,000 activities with results of 8 KB.
func BenchmarkReplay(b *testing.B) {
	r := loopRunner()
	past := start("loop", `"x"`)
	result := history.Some(fmt.Sprintf("%q", strings.Repeat("x", 8<<10)))
	task := &history.TaskScheduled{Name: "Hello", Input: history.Some(`"x"`)}
	for i := int32(1); i <= 2000; i++ {
		past = append(past,
			&history.Event{ID: i, Time: epoch, Body: task},
			&history.Event{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}},
			&history.Event{ID: -1, Time: epoch, Body: &history.TaskCompleted{TaskScheduledID: i, Result: result}})
	}
	past = append(past, &history.Event{ID: 2001, Time: epoch, Body: task})
	fresh := []*history.Event{
		{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}},
		{ID: -1, Time: epoch, Body: &history.TaskCompleted{TaskScheduledID: 2001, Result: result}},
	}
	b.ReportAllocs()
	for b.Loop() {
		e := r.Open("i", "x")
		if got := e.Turn(past, fresh); len(got.Actions) != 1 {
			b.Fatalf("Turn() = %+v, want one action", got)
		}
		e.Evict()
	}
}

// BenchmarkFanOut schedules 1,000 activities and completes them in one turn.
func BenchmarkFanOut(b *testing.B) {
	r := loopRunner()
	first := start("fan", `"x"`)
	second := []*history.Event{{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}}}
	for i := int32(1); i <= 1000; i++ {
		second = append(second, &history.Event{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: i, Result: history.Some("null")}})
	}
	b.ReportAllocs()
	for b.Loop() {
		e := r.Open("i", "x")
		e.Turn(nil, first)
		if got := e.Turn(nil, second); len(got.Actions) != 1 {
			b.Fatalf("Turn() = %+v, want one action", got)
		}
		e.Evict()
	}
}
