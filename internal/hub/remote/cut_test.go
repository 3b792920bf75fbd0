package remote_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// wires makes connections that can be cut.
type wires struct {
	mu   sync.Mutex // guards open
	open []net.Conn
}

func (w *wires) dial(ctx context.Context, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err == nil {
		w.mu.Lock()
		w.open = append(w.open, c)
		w.mu.Unlock()
	}
	return c, err
}

// cut breaks all connections.
func (w *wires) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close() // it may have ended by itself
	}
	w.open = nil
}

// TestCutConnections breaks the connections of client and worker again and again: each
// start has one effect, each run ends with the right result, and each of its steps is
// recorded once.
func TestCutConnections(t *testing.T) {
	for _, left := range []string{"", wire.OwnService} {
		t.Run("without "+left, func(t *testing.T) { cutConnections(t, left) })
	}
}

func cutConnections(t *testing.T, left string) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const runs, steps, cuts = 40, 5, 25
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	hubCtx, stopHub := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- near.Run(hubCtx) }()
	addr, stopServer := serve(t, near, left)
	var w wires
	connect := func() *remote.Hub {
		h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: addr, TaskHub: "default"}, Dialer: w.dial})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	far, link := connect(), connect()
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "add", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	perdure.AddEntityFunc(reg, "counter", func(ctx *perdure.EntityContext) (any, error) {
		var n int
		if err := ctx.State(&n); err != nil {
			return nil, err
		}
		return n + 1, ctx.SetState(n + 1)
	})
	perdure.AddOrchestrationNamed(reg, "chain", func(ctx *perdure.Context, n int) (int, error) {
		for range steps {
			var err error
			if n, err = perdure.CallNamed[int](ctx, "add", n).Await(); err != nil {
				return 0, err
			}
		}
		_, err := perdure.CallEntity[int](ctx, perdure.NewEntityID("counter", "k"), "add", nil).Await()
		return n, err
	})
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: link, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	working, stopWorker := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(working) }()

	var group sync.WaitGroup
	for i := range runs {
		group.Go(func() {
			id := fmt.Sprint("r", i)
			if _, err := far.Start(ctx, &hub.Start{Name: "chain", InstanceID: id, Input: history.Some(fmt.Sprint(i))}); err != nil {
				t.Errorf("Start(%s) = %v", id, err)
				return
			}
			in, err := far.WaitCompletion(ctx, id)
			if err != nil || in.Status != store.Completed || in.Output.S != fmt.Sprint(i+steps) {
				t.Errorf("WaitCompletion(%s) = %+v, %v, want %d", id, in, err, i+steps)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	pause := time.NewTicker(30 * time.Millisecond)
	defer pause.Stop()
	done := 0
	for {
		select {
		case <-ended:
		case <-pause.C:
			if done++; done <= cuts {
				w.cut()
			}
			continue
		}
		break
	}
	if done < cuts/5 {
		t.Errorf("connections were broken %d times, want more", done)
	}
	for i := range runs {
		id := fmt.Sprint("r", i)
		events, err := near.History(ctx, id, "")
		if err != nil {
			t.Fatal(err)
		}
		if n := countOf(events, history.KindTaskCompleted); n != steps {
			t.Errorf("%s has %d completed activities, want %d:\n%s", id, n, steps, history.Script(events))
		}
	}
	if e, err := near.Entity(ctx, "@counter@k"); err != nil || e.State.S != fmt.Sprint(runs) {
		t.Errorf("the counter = %+v, %v, want %d", e, err, runs)
	}
	stopWorker()
	if err := errors.Join(<-worked, far.Close(), link.Close()); err != nil {
		t.Error(err)
	}
	stopServer()
	stopHub()
	if err := errors.Join(<-ran, s.Close()); err != nil {
		t.Error(err)
	}
}

func countOf(events []*history.Event, kind history.Kind) (n int) {
	for _, e := range events {
		if e.Body.Kind() == kind {
			n++
		}
	}
	return n
}

// TestAgentsNeedOurService: a worker with agents does not work for a hub that has
// nowhere to keep their conversations, and says why.
func TestAgentsNeedOurService(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- near.Run(ctx) }()
	addr, stop := serve(t, near, wire.OwnService)
	link := dial(t, addr)
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: link, Registry: perdure.NewRegistry(), Agents: []remote.Agent{{Name: "Clerk"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Run(ctx); perdure.CodeOf(err) != perdure.Unimplemented {
		t.Errorf("Run() = %v, want Unimplemented", err)
	}
	if err := link.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	stop()
	cancel()
	if err := errors.Join(<-ran, s.Close()); err != nil {
		t.Error(err)
	}
}
