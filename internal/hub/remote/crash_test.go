package remote_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestCrashUnderWorker cuts the power of the hub at every group of a run, right before
// and right after it is durable, under a worker and a client that live on: the worker's
// suspended code has seen turns that the power cut has taken.
func TestCrashUnderWorker(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, durable := range []bool{false, true} {
		crashed := true
		n := 1
		for ; crashed && n < 100; n++ {
			var err error
			if crashed, err = crashUnderWorker(t, n, durable); err != nil {
				t.Fatalf("crash at group %d, durable %t: %v", n, durable, err)
			}
		}
		if crashed || n < 8 {
			t.Errorf("the run took %d groups, want its end, after a group for each step", n)
		}
	}
}

// stepsOf registers a run with steps of all kinds that messages come from: its result
// tells what it has been given, in order.
func stepsOf(acts *atomic.Int64) *perdure.Registry {
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "act", func(_ context.Context, in int) (int, error) {
		acts.Add(1)
		return in + 1, nil
	})
	perdure.AddOrchestrationNamed(reg, "child", func(ctx *perdure.Context, in int) (int, error) {
		return perdure.CallNamed[int](ctx, "act", in).Await()
	})
	perdure.AddOrchestrationNamed(reg, "steps", func(ctx *perdure.Context, in int) (string, error) {
		a, err := perdure.CallNamed[int](ctx, "act", in).Await()
		if err != nil {
			return "", err
		}
		b, err := perdure.NewEvent[int]("go").Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		c, err := perdure.CallOrchestrationNamed[int](ctx, "child", b).Await()
		if err != nil {
			return "", err
		}
		if err := ctx.Timer(time.Millisecond).Await(); err != nil {
			return "", err
		}
		d, err := perdure.CallNamed[int](ctx, "act", c).Await()
		return fmt.Sprint(a, b, c, d), err
	})
	return reg
}

// crashUnderWorker reports whether the hub came to the group at which it is to crash.
func crashUnderWorker(t *testing.T, n int, durable bool) (crashed bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	disk := &memory.Disk{}
	var hit atomic.Bool
	disk.OnGroup(func(e memory.GroupEvent) memory.Verdict {
		if e.N == n && e.Durable == durable && hit.CompareAndSwap(false, true) {
			return memory.CrashNow
		}
		return memory.Proceed
	})
	var addr atomic.Value
	dialed := remote.Config{
		Target: remote.Target{Addr: "hub:1", TaskHub: "default"},
		Dialer: func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr.Load().(string))
		},
	}
	served, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	addr.Store("127.0.0.1:1") // nobody listens there
	go func() { ended <- serveAgain(t, served, disk, &addr) }()

	far, err := remote.Dial(dialed)
	if err != nil {
		t.Fatal(err)
	}
	link, err := remote.Dial(dialed)
	if err != nil {
		t.Fatal(err)
	}
	var acts atomic.Int64
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: link, Registry: stepsOf(&acts)})
	if err != nil {
		t.Fatal(err)
	}
	working, stopWorker := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(working) }()

	err = errors.Join(driveSteps(ctx, far), far.Close())
	stopWorker()
	err = errors.Join(err, <-worked, link.Close())
	if got := acts.Load(); got < 3 || got > 4 {
		err = errors.Join(err, fmt.Errorf("activities ran %d times, want each once, and again what ran when the power was cut", got))
	}
	stop()
	return hit.Load(), errors.Join(err, <-ended)
}

// driveSteps carries a run of steps through, and judges it.
func driveSteps(ctx context.Context, h *remote.Hub) error {
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "steps", Input: history.Some("1")}); err != nil {
		return err
	}
	if err := h.Raise(ctx, &hub.Raise{InstanceID: "a", Name: "go", Data: history.Some("5")}); err != nil {
		return err
	}
	in, err := h.WaitCompletion(ctx, "a")
	if err != nil {
		return err
	}
	if want := `"2 5 6 7"`; in.Status != store.Completed || in.Output.S != want {
		return fmt.Errorf("the run ended %v with %s and %v, want %s", in.Status, in.Output.S, in.Failure, want)
	}
	events, err := h.History(ctx, "a", "")
	if err != nil {
		return err
	}
	for kind, want := range map[history.Kind]int{
		history.KindTaskCompleted: 2, history.KindEventRaised: 1, history.KindTimerFired: 1, history.KindSubOrchestrationInstanceComplete: 1,
	} {
		if got := countOf(events, kind); got != want {
			return fmt.Errorf("%d events of kind %v, want %d:\n%s", got, kind, want, history.Script(events))
		}
	}
	return nil
}

// serveAgain serves a hub over a disk until ctx ends, and another one after each crash;
// addr has the address.
func serveAgain(t *testing.T, ctx context.Context, disk *memory.Disk, addr *atomic.Value) error {
	for {
		s, err := memory.Open(disk)
		if err != nil {
			return err
		}
		near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
		if err != nil {
			return err
		}
		at, stop := serve(t, near, "")
		addr.Store(at)
		err = near.Run(ctx)
		stop()
		s.Close() // it may have crashed
		switch crashed := errors.Is(err, memory.ErrCrashed); {
		case ctx.Err() != nil && (err == nil || crashed): // the last group may be the one to crash at
			return nil
		case !crashed:
			return fmt.Errorf("the hub has ended: %w", err)
		}
	}
}
