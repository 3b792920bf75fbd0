package local_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestG04_Losses: an activity that takes its process down each time it runs is
// parked after a bounded number of crashes, with its history; what was merely
// open beside it is not blamed for long, and ends.
func TestG04_Losses(t *testing.T) {
	const limit = 4
	disk := &memory.Disk{}
	var crash atomic.Pointer[func()]
	var poisoned atomic.Int32
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "poison", func(ctx context.Context, _ string) (string, error) {
		poisoned.Add(1)
		(*crash.Load())()
		<-ctx.Done() // its process is gone
		return "", ctx.Err()
	})
	var crashed atomic.Int32
	perdure.AddActivityNamed(reg, "innocent", func(ctx context.Context, _ string) (string, error) {
		if crashed.Load() < 2 { // it is open in crashes until it runs alone
			<-ctx.Done()
			return "", ctx.Err()
		}
		return "done", nil
	})
	for _, name := range []string{"poison", "innocent"} {
		perdure.AddOrchestrationNamed(reg, "runs-"+name, func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, name, nil).Await()
		})
	}
	ctx := wait(t, time.Minute)
	var h *local.Hub
	boot := func() (down chan struct{}, stop func()) {
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		if h, err = local.New(local.Config{Store: s, Registry: reg, Limits: shard.Limits{Losses: limit, Drain: time.Millisecond}}); err != nil {
			t.Fatal(err)
		}
		run, cancel := context.WithCancel(ctx)
		down = make(chan struct{}, 10)
		fail := func() { disk.Crash(); down <- struct{}{} }
		crash.Store(&fail)
		done := make(chan error, 1)
		go func() { done <- h.Run(run) }()
		return down, func() { cancel(); <-done; s.Close() }
	}
	down, stop := boot()
	for _, id := range []string{"runs-innocent", "runs-poison"} {
		// The start is durable before its activity runs; the answer may be lost in
		// the crash all the same.
		h.Start(ctx, &hub.Start{InstanceID: id, Name: id, Input: history.Some(`"x"`)})
	}
	for parked := false; !parked; {
		select {
		case <-down:
			if n := crashed.Add(1); n > 3*limit {
				t.Fatalf("the poison took the process down %d times and is still tried", n)
			}
			stop()
			down, stop = boot()
		case <-time.After(time.Millisecond):
			in, err := h.Instance(ctx, "runs-poison", false)
			parked = err == nil && in.Phase == store.Stuck
			if parked && !strings.Contains(in.PhaseCause, `"poison"`) {
				t.Errorf("the cause %q does not name the activity", in.PhaseCause)
			}
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	defer func() { stop() }()
	if n := int(poisoned.Load()); n > limit+1 {
		t.Errorf("the poison ran %d times, want at most %d", n, limit+1)
	}
	in, err := h.WaitCompletion(ctx, "runs-innocent")
	if err != nil || in.Output.S != `"done"` {
		t.Errorf("the run beside it = %+v, %v, want it done", in, err)
	}
	if _, err := h.Control(ctx, &hub.Control{InstanceID: "runs-poison", Kind: hub.Terminate}); err != nil {
		t.Error(err)
	}
	if in, err := h.WaitCompletion(ctx, "runs-poison"); err != nil || in.Status != store.Terminated {
		t.Errorf("the parked run after terminate = %+v, %v, want it terminated", in, err)
	}
}
