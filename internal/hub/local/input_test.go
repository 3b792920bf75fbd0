package local_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// afterHistory is a store that calls a function once, after the next read of a history.
type afterHistory struct {
	store.Store
	then atomic.Pointer[func()]
}

func (s *afterHistory) History(ctx context.Context, id, execution string, from uint64, bytes int) ([]store.Chunk, error) {
	chunks, err := s.Store.History(ctx, id, execution, from, bytes)
	if then := s.then.Swap(nil); then != nil {
		(*then)()
	}
	return chunks, err
}

// TestInputWhileTheFirstTurnIsWritten has the first turn of a run become durable after
// its input was looked for in the history, and before it is in the inbox: it is in
// neither then.
func TestInputWhileTheFirstTurnIsWritten(t *testing.T) {
	ctx := wait(t, 30*time.Second)
	disk, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	s := &afterHistory{Store: disk}
	h, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(run) }()
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "run", Input: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	worker, err := h.Connect(ctx, &hub.Worker{})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := worker.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	completed := false
	then := func() {
		completed = true
		if err := completes(ctx, h, turn, engine.Action{ID: 1, Do: &engine.ScheduleTask{Name: "act"}}); err != nil {
			t.Errorf("completing the turn: %v", err)
		}
	}
	s.then.Store(&then)
	in, err := h.Instance(ctx, "a", true)
	if err != nil || in.Input != history.Some(`"x"`) || !completed {
		t.Errorf("Instance() = %+v, %v, with the turn completed meanwhile %v; want the input", in, err, completed)
	}
	worker.Close(false)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}
