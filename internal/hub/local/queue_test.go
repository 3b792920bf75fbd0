package local_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

// longQueue is how many messages wait in the tests of long queues.
const longQueue = 20_000

// grows fills a queue and checks that a message then costs about what it cost in
// the beginning.
func grows(t *testing.T, send func(n int) error) {
	t.Helper()
	sample := func(from int) time.Duration {
		t.Helper()
		var best time.Duration
		for round := range 50 { // short ones, so that some are not interrupted
			start := time.Now()
			for i := range 10 {
				if err := send(from + 10*round + i); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(start) / 10; round == 0 || took < best {
				best = took
			}
		}
		return best
	}
	short := sample(0)
	var wg sync.WaitGroup
	errs := make(chan error, 1)
	for part := range 100 {
		wg.Go(func() {
			for i := range longQueue / 100 {
				if err := send(1000 + part*longQueue/100 + i); err != nil {
					select {
					case errs <- err:
					default:
					}
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
	long := sample(1000 + longQueue)
	t.Logf("a message takes %v behind few others, %v behind %d", short, long, longQueue)
	if long > 4*short+100*time.Microsecond {
		t.Errorf("a message takes %v behind %d others, %v behind few", long, longQueue, short)
	}
}

// TestLockedEntityWithLongQueue has many operations wait for the holder of a lock,
// whose own operations do not.
func TestLockedEntityWithLongQueue(t *testing.T) {
	h, stop := runs(t, &memory.Disk{}, queued)
	defer stop()
	ctx := t.Context()
	if _, err := h.Start(ctx, &hub.Start{Name: "holder", InstanceID: "h"}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, h, func() bool {
		e, err := h.Entity(ctx, "@count@k")
		return err == nil && e.LockedBy == "h"
	})
	grows(t, func(n int) error {
		if n%10 == 0 { // the holder's
			return h.Raise(ctx, &hub.Raise{InstanceID: "h", Name: "call"})
		}
		return h.Signal(ctx, &hub.Signal{InstanceID: "@count@k", Operation: "add"})
	})
	if err := h.Raise(ctx, &hub.Raise{InstanceID: "h", Name: "end"}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, h, func() bool {
		e, err := h.Entity(ctx, "@count@k")
		return err == nil && e.LockedBy == "" && e.Queue == 0 && e.State.S == fmt.Sprint(longQueue+1000)
	})
}

// TestParkedRunWithLongQueue raises many events to a run whose code is missing.
func TestParkedRunWithLongQueue(t *testing.T) {
	disk := &memory.Disk{}
	h, stop := runs(t, disk, queued)
	ctx := t.Context()
	if _, err := h.Start(ctx, &hub.Start{Name: "counter", InstanceID: "c", Input: history.Some(fmt.Sprint(longQueue + 1000))}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WaitStart(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	stop()
	h, stop = runs(t, disk, func(*perdure.Registry) {})
	grows(t, func(int) error { return h.Raise(ctx, &hub.Raise{InstanceID: "c", Name: "call"}) })
	if in, err := h.Instance(ctx, "c", false); err != nil || in.Pending.Messages != longQueue+1000 {
		t.Errorf("Instance() = %+v, %v, want %d messages that wait", in, err, longQueue+1000)
	}
	stop()
	h, stop = runs(t, disk, queued)
	if in, err := h.WaitCompletion(ctx, "c"); err != nil || in.Output.S != `"all"` {
		t.Errorf("with its code it ended as %+v, %v, want all events", in, err)
	}
	stop()
}

// queued registers an entity that counts, an orchestration that locks it and calls
// it on each event, and one that counts events.
func queued(r *perdure.Registry) {
	perdure.AddEntityFunc(r, "count", func(ctx *perdure.EntityContext) (any, error) {
		n := 0
		if err := ctx.State(&n); err != nil {
			return nil, err
		}
		return nil, ctx.SetState(n + 1)
	})
	perdure.AddOrchestrationNamed(r, "holder", func(ctx *perdure.Context, _ string) (string, error) {
		unlock, err := perdure.Lock(ctx, perdure.NewEntityID("count", "k"))
		if err != nil {
			return "", err
		}
		defer unlock()
		end := perdure.NewEvent[string]("end").Wait(ctx)
		call := perdure.NewEvent[string]("call").Wait(ctx)
		for perdure.Any(ctx, call, end) == perdure.Awaitable(call) {
			if _, err := perdure.CallEntity[string](ctx, perdure.NewEntityID("count", "k"), "add", nil).Await(); err != nil {
				return "", err
			}
			call = perdure.NewEvent[string]("call").Wait(ctx)
		}
		return "", nil
	})
	perdure.AddOrchestrationNamed(r, "counter", func(ctx *perdure.Context, n int) (string, error) {
		for range n {
			if _, err := perdure.NewEvent[string]("call").Wait(ctx).Await(); err != nil {
				return "", err
			}
		}
		return "all", nil
	})
}

// runs runs a hub over a disk; the function returned stops it.
func runs(t *testing.T, disk *memory.Disk, code func(*perdure.Registry)) (*local.Hub, func()) {
	t.Helper()
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	reg := perdure.NewRegistry()
	code(reg)
	h, err := local.New(local.Config{Store: s, Registry: reg, Clock: clock.System()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, h *local.Hub, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		if _, err := h.Idle(ctx); err != nil {
			t.Fatalf("it did not come about: %v", err)
		}
	}
}
