package wire_test

import (
	"context"
	"encoding/json"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/store/memory"
)

// patience is the real time that a test may take.
const patience = 30 * time.Second

// hubs is a set of hubs over simulated disks.
type hubs struct {
	t      testing.TB
	code   func(*perdure.Registry)
	limits shard.Limits
	clock  clock.Clock // nil = the system's

	mu   sync.Mutex
	open map[string]*running
}

type running struct {
	hub  hub.Hub
	disk *memory.Disk
	stop func()

	crashed atomic.Bool
}

// Open implements wire.Hubs.
func (h *hubs) Open(_ context.Context, name string) (hub.Hub, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.open[name]; r != nil {
		return r.hub, nil
	}
	return nil, &perdure.Error{Code: perdure.NotFound, Message: "there is no hub " + name}
}

// Create implements wire.Hubs.
func (h *hubs) Create(_ context.Context, name string, recreate bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.open[name]; r != nil {
		if !recreate {
			return &perdure.Error{Code: perdure.AlreadyExists, Message: "there is a hub " + name}
		}
		r.stop()
	}
	h.open[name] = h.run(&memory.Disk{})
	return nil
}

// Delete implements wire.Hubs.
func (h *hubs) Delete(_ context.Context, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.open[name]
	if r == nil {
		return &perdure.Error{Code: perdure.NotFound, Message: "there is no hub " + name}
	}
	delete(h.open, name)
	r.stop()
	return nil
}

// run runs a hub over a disk.
func (h *hubs) run(disk *memory.Disk) *running {
	s, err := memory.Open(disk)
	if err != nil {
		h.t.Fatal(err)
	}
	reg := perdure.NewRegistry()
	if h.code != nil {
		h.code(reg)
	}
	if err := reg.Err(); err != nil {
		h.t.Fatal(err)
	}
	o, err := shard.New(shard.Config{Store: s, Code: replay.NewRunner(reg, replay.Options{}), Limits: h.limits, Clock: h.clock})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	r := &running{hub: o, disk: disk}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !r.crashed.Load() {
			h.t.Errorf("Run() = %v", err)
		}
		if err := s.Close(); err != nil && !r.crashed.Load() {
			h.t.Errorf("Close() = %v", err)
		}
	})
	return r
}

// crash cuts the power of a hub and runs another on what its disk holds.
func (h *hubs) crash(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.open[name]
	r.crashed.Store(true)
	r.disk.Crash()
	r.stop()
	h.open[name] = h.run(r.disk)
}

// server serves hubs over a real connection.
type server struct {
	t     testing.TB
	ctx   context.Context // of the calls
	hubs  *hubs
	addr  string
	conn  *grpc.ClientConn
	stop  func()
	calls sync.WaitGroup
}

// option changes how a test's server is made.
type option func(*hubs, *wire.Config)

// code registers the orchestrations that run in the process of the hub.
func code(f func(*perdure.Registry)) option { return func(h *hubs, _ *wire.Config) { h.code = f } }

func ping(d time.Duration) option { return func(_ *hubs, c *wire.Config) { c.Ping = d } }

func hubClock(c clock.Clock) option { return func(h *hubs, _ *wire.Config) { h.clock = c } }

func documents(f func(context.Context, string, string) (json.RawMessage, bool, error)) option {
	return func(_ *hubs, c *wire.Config) { c.EntityDocument = f }
}

// serve serves the hub "default", and "other" beside it.
func serve(t testing.TB, options ...option) *server {
	t.Helper()
	h := &hubs{t: t, open: make(map[string]*running)}
	cfg := wire.Config{Hubs: h}
	for _, o := range options {
		o(h, &cfg)
	}
	h.open["default"], h.open["other"] = h.run(&memory.Disk{}), h.run(&memory.Disk{})
	s := serveHubs(t, cfg)
	s.hubs = h
	t.Cleanup(func() {
		for _, r := range h.open {
			r.stop()
		}
	})
	return s
}

// serveTB serves hubs to tests that throw anything at them.
func serveTB(t testing.TB) *server { return serve(t, code(local)) }

// serveHubs serves any hubs.
func serveHubs(t testing.TB, cfg wire.Config) *server {
	t.Helper()
	service, err := wire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.UnaryInterceptor(seen))
	service.Register(g)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(wire.WatchListener(l)) }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s := &server{t: t, ctx: ctx, addr: l.Addr().String()}
	s.conn = s.dial()
	s.stop = sync.OnceFunc(func() {
		cancel()
		s.conn.Close()
		g.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v", err)
		}
		s.calls.Wait()
	})
	t.Cleanup(func() { s.stop() })
	return s
}

// seen is an interceptor, as a server has them for credentials. It refuses calls
// that say so.
func seen(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("refuse")) > 0 {
		return nil, status.Error(codes.PermissionDenied, info.FullMethod)
	}
	return handle(ctx, in)
}

func (s *server) dial() *grpc.ClientConn {
	s.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// with returns the context of calls with metadata.
func (s *server) with(pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(s.ctx, pairs...)
}

// call makes a call and returns the answer.
func call[Out any, O interface {
	*Out
	proto.Message
}](ctx context.Context, s *server, rpc string, in proto.Message) (O, error) {
	out := O(new(Out))
	err := s.conn.Invoke(ctx, "/TaskHubSidecarService/"+rpc, in, out)
	return out, err
}

// do makes a call that must succeed.
func do[Out any, O interface {
	*Out
	proto.Message
}](s *server, rpc string, in proto.Message) O {
	s.t.Helper()
	out, err := call[Out, O](s.ctx, s, rpc, in)
	if err != nil {
		s.t.Fatalf("%s(%v) = %v", rpc, in, err)
	}
	return out
}

// wantStatus checks the status of an error.
func wantStatus(t *testing.T, what string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s = %v, want status %v", what, err, want)
	}
}

func text(s string) *wrapperspb.StringValue { return wrapperspb.String(s) }
