package remote_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/store/memory"
)

// hubs is the hub "default" of a server.
type hubs struct{ hub hub.Hub }

func (h hubs) Open(_ context.Context, name string) (hub.Hub, error) {
	if name != "default" {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "open hub", Message: "there is no hub " + name}
	}
	return h.hub, nil
}

func (hubs) Create(context.Context, string, bool) error { return errors.ErrUnsupported }

func (hubs) Delete(context.Context, string) error { return errors.ErrUnsupported }

// without is a server that registers all services but one.
type without struct {
	grpc.ServiceRegistrar
	name string
}

func (w without) RegisterService(d *grpc.ServiceDesc, impl any) {
	if d.ServiceName != w.name {
		w.ServiceRegistrar.RegisterService(d, impl)
	}
}

// serve serves a hub over gRPC, but for one service ("" = none), until the function
// returned is called.
func serve(t testing.TB, h hub.Hub, left string) (addr string, stop func()) {
	t.Helper()
	service, err := wire.New(wire.Config{Hubs: hubs{h}})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	service.Register(without{server, left})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return listener.Addr().String(), func() {
		server.Stop()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // it had not begun
			t.Errorf("Serve() = %v", err)
		}
	}
}

func dial(t testing.TB, addr string) *remote.Hub {
	t.Helper()
	h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: addr, TaskHub: "default"}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// harness runs local hubs with their code, to be spoken with over the wire.
type harness struct{ disk *memory.Disk }

// NamesRequests and RunsOutside implement hubtest.Far.
func (harness) NamesRequests() bool { return true }
func (harness) RunsOutside() bool   { return false }

// watched is a hub over the wire, with the knowledge when it is idle.
type watched struct {
	*remote.Hub
	near *local.Hub
}

func (w watched) Idle(ctx context.Context) (time.Time, error) { return w.near.Idle(ctx) }

// Start implements hubtest.Harness.
func (h harness) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	s, err := memory.Open(h.disk)
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: reg, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- near.Run(ctx) }()
	addr, stopServer := serve(t, near, "")
	far := dial(t, addr)
	return watched{far, near}, func() {
		if err := far.Close(); err != nil {
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

// TestClient checks a client of ours; the code runs in the server's process.
func TestClient(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(*testing.T) hubtest.Harness { return harness{&memory.Disk{}} })
}
