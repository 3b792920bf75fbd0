package remote_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store/memory"
)

// workerHarness runs local hubs without code, which a worker over the wire runs.
type workerHarness struct {
	disk  *memory.Disk
	cache int
	left  string // service that is not served
}

// NamesRequests and RunsOutside implement hubtest.Far.
func (workerHarness) NamesRequests() bool { return true }
func (workerHarness) RunsOutside() bool   { return true }

// tapped tells when a worker has connected and is given items: a hub of whose work
// nobody takes any is idle.
type tapped struct {
	*local.Hub
	connected chan struct{}
	once      sync.Once // closes it: a worker may connect again
}

// Connect implements hub.Workers.
func (h *tapped) Connect(ctx context.Context, w *hub.Worker) (hub.Stream, error) {
	s, err := h.Hub.Connect(ctx, w)
	if err != nil {
		return nil, err
	}
	asked, cancel := context.WithCancel(ctx)
	cancel()
	if work, err := s.Next(asked); err == nil { // what a hub that begins anew had to do came at once
		s = &begun{s, work}
	}
	h.once.Do(func() { close(h.connected) })
	return s, nil
}

// begun is a stream whose first item was taken from it ahead of time.
type begun struct {
	hub.Stream
	first *hub.Work // nil = it was passed on
}

// Next implements hub.Stream.
func (s *begun) Next(ctx context.Context) (*hub.Work, error) {
	if work := s.first; work != nil {
		s.first = nil
		return work, nil
	}
	return s.Stream.Next(ctx)
}

// Start implements hubtest.Harness.
func (h workerHarness) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	if h.left != "" {
		skipBeyond(t)
	}
	s, err := memory.Open(h.disk)
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- near.Run(ctx) }()
	tap := &tapped{Hub: near, connected: make(chan struct{})}
	addr, stopServer := serve(t, tap, h.left)
	far := dial(t, addr)
	link := dial(t, addr)
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: link, Registry: reg, CacheBytes: h.cache, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	working, stopWorker := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(working) }()
	<-tap.connected
	hub := hubtest.Hub(watched{far, near})
	if h.left != "" {
		hub = plain{hub, near, t}
	}
	return hub, func() {
		stopWorker()
		if err := <-worked; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if err := errors.Join(far.Close(), link.Close()); err != nil {
			t.Errorf("Close() = %v", err)
		}
		stopServer()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

// TestWorker checks a worker of ours, with a client of ours.
func TestWorker(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(*testing.T) hubtest.Harness { return workerHarness{disk: &memory.Disk{}} })
}
