package replay_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// FuzzTurn replays histories of any shape: what does not fit diverges or is
// ignored, and nothing panics.
func FuzzTurn(f *testing.F) {
	chunk := func(events ...*history.Event) []byte {
		return history.AppendChunk(nil, events...)
	}
	started := start("test", "")
	f.Add(chunk(started...), uint8(0))
	f.Add(chunk(append(started,
		&history.Event{ID: 1, Body: &history.TaskScheduled{Name: "A"}},
		&history.Event{ID: -1, Body: &history.OrchestratorStarted{}},
		&history.Event{ID: -1, Body: done(1, `"a"`)},
		&history.Event{ID: 2, Body: &history.TimerCreated{}},
		&history.Event{ID: -1, Body: fired(2)})...), uint8(2))
	f.Add(chunk(append(started, &history.Event{ID: -1, Body: &history.ExecutionRewound{}})...), uint8(1))
	f.Add(chunk(&history.Event{}, &history.Event{Body: &history.ExecutionTerminated{}}), uint8(1))
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", recordedCode)
	runner := replay.NewRunner(reg, replay.Options{})
	f.Fuzz(func(t *testing.T, b []byte, fresh uint8) {
		events, err := history.DecodeChunk(b)
		if err != nil {
			return
		}
		cut := max(0, len(events)-int(fresh))
		e := runner.Open("i", "x")
		defer e.Evict()
		if got := e.Turn(events[:cut], events[cut:]); got.Panicked {
			t.Errorf("Turn() = %+v, want no panic", got.Actions)
		}
	})
}
