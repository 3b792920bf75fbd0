package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure/internal/access"
)

// probe is a service that behaves as tests want.
type probe struct {
	calls   atomic.Int64 // under way
	most    atomic.Int64
	sent    atomic.Int64
	started chan struct{}
	release chan struct{}
}

func newProbe() *probe {
	return &probe{started: make(chan struct{}, 10_000), release: make(chan struct{})}
}

func (p *probe) enter() (leave func()) {
	n := p.calls.Add(1)
	for {
		most := p.most.Load()
		if n <= most || p.most.CompareAndSwap(most, n) {
			break
		}
	}
	select {
	case p.started <- struct{}{}:
	default:
	}
	return func() { p.calls.Add(-1) }
}

type empty = grpc_health_v1.HealthCheckRequest

// Register implements service.
func (p *probe) Register(r grpc.ServiceRegistrar) {
	unary := func(name string, do func(context.Context) error) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			in := new(empty)
			if err := decode(in); err != nil {
				return nil, err
			}
			handler := func(ctx context.Context, _ any) (any, error) {
				defer p.enter()()
				return new(empty), do(ctx)
			}
			return intercept(ctx, in, &grpc.UnaryServerInfo{FullMethod: "/probe/" + name}, handler)
		}}
	}
	stream := func(name string, do func(grpc.ServerStream) error) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: name, ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			defer p.enter()()
			return do(s)
		}}
	}
	hold := func(s grpc.ServerStream) error {
		<-s.Context().Done()
		return status.FromContextError(s.Context().Err()).Err()
	}
	r.RegisterService(&grpc.ServiceDesc{ServiceName: "probe", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			unary("Panic", func(context.Context) error { panic("a handler's mistake") }),
			unary("Finish", func(context.Context) error { <-p.release; return nil }),
			unary("Wait", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
		},
		Streams: []grpc.StreamDesc{
			stream("Panic", func(grpc.ServerStream) error { panic("a handler's mistake") }),
			stream("Last", hold), stream("Follow", hold),
			stream("Flood", func(s grpc.ServerStream) error {
				for {
					if err := s.SendMsg(&empty{Service: strings.Repeat("x", 30_000)}); err != nil {
						return err
					}
					p.sent.Add(1)
				}
			}),
		}}, p)
}

// serveProbe serves a probe, and returns its address.
func serveProbe(t *testing.T) (*probe, *front, string) {
	t.Helper()
	p := newProbe()
	app, err := New(Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := app.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.rpc.Stop()
	f.rpc = newRPCServer(app.cfg.Logger, nil, p)
	f.rpc.rules["/probe/Wait"] = rule{need: access.Read, atStop: giveUp}
	f.rpc.rules["/probe/Last"] = rule{need: access.Read, atStop: endOK}
	f.rpc.rules["/probe/Follow"] = rule{need: access.Read, atStop: giveUp}
	done := make(chan error, 1)
	go func() { done <- f.serve() }()
	t.Cleanup(func() {
		if err := errors.Join(f.close(), <-done); err != nil {
			t.Errorf("serve() = %v, want nil", err)
		}
	})
	return p, f, f.listeners[0].Addr().String()
}

func connectTo(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func call(ctx context.Context, conn *grpc.ClientConn, method string) error {
	return conn.Invoke(ctx, method, new(empty), new(empty))
}

// open opens a stream of the server.
func open(ctx context.Context, t *testing.T, conn *grpc.ClientConn, method string) grpc.ClientStream {
	t.Helper()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SendMsg(new(empty)), s.CloseSend()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPanicsOfHandlers(t *testing.T) {
	_, _, addr := serveProbe(t)
	conn := connectTo(t, addr)
	for range 2 {
		if err := call(t.Context(), conn, "/probe/Panic"); status.Code(err) != codes.Internal {
			t.Errorf("a call that panics = %v, want Internal", err)
		}
		if err := open(t.Context(), t, conn, "/probe/Panic").RecvMsg(new(empty)); status.Code(err) != codes.Internal {
			t.Errorf("a stream that panics = %v, want Internal", err)
		}
	}
}

// TestDrain stops a server with a call of each kind under way.
func TestDrain(t *testing.T) {
	p, f, addr := serveProbe(t)
	conn := connectTo(t, addr)
	unary := func(method string) chan error {
		ended := make(chan error, 1)
		go func() { ended <- call(t.Context(), conn, method) }()
		<-p.started
		return ended
	}
	finish, wait := unary("/probe/Finish"), unary("/probe/Wait")
	last := open(t.Context(), t, conn, "/probe/Last")
	<-p.started
	follow := open(t.Context(), t, conn, "/probe/Follow")
	<-p.started
	drained := make(chan bool, 1)
	go func() { drained <- f.drain(context.WithoutCancel(t.Context())) }()
	if err := <-wait; status.Code(err) != codes.Unavailable {
		t.Errorf("a wait ended with %v, want Unavailable", err)
	}
	if err := last.RecvMsg(new(empty)); !errors.Is(err, io.EOF) {
		t.Errorf("a stream of work ended with %v, want OK", err)
	}
	if err := follow.RecvMsg(new(empty)); status.Code(err) != codes.Unavailable {
		t.Errorf("another stream ended with %v, want Unavailable", err)
	}
	select {
	case err := <-finish:
		t.Errorf("a call that takes its time was cut: %v", err)
	case <-drained:
		t.Error("the server stopped while a call was under way")
	default:
	}
	close(p.release)
	if err := <-finish; err != nil {
		t.Errorf("a call that takes its time = %v, want OK", err)
	}
	if <-drained {
		t.Error("drain says that calls were cut")
	}
}

// TestDrainCuts stops a server with a call that does not end.
func TestDrainCuts(t *testing.T) {
	p, f, addr := serveProbe(t)
	conn := connectTo(t, addr)
	ended := make(chan error, 1)
	go func() { ended <- call(t.Context(), conn, "/probe/Finish") }()
	<-p.started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	drained := make(chan bool, 1)
	go func() { drained <- f.drain(ctx) }()
	if err := <-ended; status.Code(err) != codes.Unavailable {
		t.Errorf("a call that was cut = %v, want Unavailable", err)
	}
	close(p.release) // handlers are waited for
	if !<-drained {
		t.Error("drain does not say that a call was cut")
	}
}

// heap returns the bytes in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools keep what they have for one
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// rawClient speaks HTTP/2 by hand.
type rawClient struct {
	net.Conn
	*http2.Framer
}

func dialRaw(t *testing.T, addr string, settings ...http2.Setting) rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := rawClient{conn, http2.NewFramer(conn, conn)}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return c
}

// call opens a call, with further headers as "name value".
func (c rawClient) call(id uint32, method string, more ...string) error {
	var block strings.Builder
	enc := hpack.NewEncoder(&block)
	headers := []string{":method POST", ":scheme http", ":path " + method, ":authority x", "te trailers", "content-type application/grpc"}
	for _, h := range append(headers, more...) {
		name, value, _ := strings.Cut(h, " ")
		_ = enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(block.String()), EndHeaders: true})
	return errors.Join(err, c.WriteData(id, true, make([]byte, 5)))
}

// TestUnreadStreams has clients allow the server to send any amount, and read
// nothing: the server stops sending, and serves others.
func TestUnreadStreams(t *testing.T) {
	p, _, addr := serveProbe(t)
	before := heap()
	const streams = 100
	for range streams {
		c := dialRaw(t, addr, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		if err := errors.Join(c.WriteWindowUpdate(0, 1<<30), c.call(1, "/probe/Flood")); err != nil {
			t.Fatal(err)
		}
	}
	for last, quiet := int64(0), 0; quiet < 10; { // until nothing is sent any more
		time.Sleep(20 * time.Millisecond)
		n := p.sent.Load()
		if quiet++; n != last || n == 0 {
			last, quiet = n, 0
		}
	}

	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d streams that nobody reads take %d MB", streams, grown>>20)
	}
	if _, err := grpc_health_v1.NewHealthClient(connectTo(t, addr)).Check(t.Context(), new(empty)); err != nil {
		t.Errorf("a call of another client = %v, want OK", err)
	}
}

// TestRapidReset opens calls and gives them up at once, as fast as it goes.
func TestRapidReset(t *testing.T) {
	p, _, addr := serveProbe(t)
	before := heap()
	c := dialRaw(t, addr)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, c.Conn)
	}()
	const resets = 20_000
	for i := range uint32(resets) {
		err := errors.Join(c.call(2*i+1, "/probe/Finish"), c.WriteRSTStream(2*i+1, http2.ErrCodeCancel))
		if err != nil { // the server has had enough, which is an answer too
			break
		}
		if i == resets/2 {
			if _, err := grpc_health_v1.NewHealthClient(connectTo(t, addr)).Check(t.Context(), new(empty)); err != nil {
				t.Errorf("a call of another client = %v, want OK", err)
			}
		}
	}
	if most := p.most.Load(); most > streamsAtATime {
		t.Errorf("%d calls of one connection ran at a time, want at most %d", most, streamsAtATime)
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d calls that were given up take %d MB", resets, grown>>20)
	}
	close(p.release)
	_ = c.Close()
	<-drained
}

// TestDeadlineOfWaits lets the deadline of a wait pass: it ends with that status, not
// with the RST_STREAM with which grpc-go ends a call at its deadline and which
// clients take for CANCELLED if it comes a moment before their own timer.
func TestDeadlineOfWaits(t *testing.T) {
	_, _, addr := serveProbe(t)
	c := dialRaw(t, addr)
	const calls = 20
	for i := range uint32(calls) {
		if err := c.call(2*i+1, "/probe/Wait", "grpc-timeout 300m"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	resets := 0
	for ends := 0; ends < calls; {
		frame, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := frame.(type) {
		case *http2.RSTStreamFrame:
			resets++ // on a busy machine the moment may be over
			ends++
		case *http2.MetaHeadersFrame:
			if !f.StreamEnded() {
				continue
			}
			ends++
			for _, h := range f.RegularFields() {
				if h.Name == "grpc-status" && h.Value != "4" {
					t.Errorf("call %d ended with status %s, want 4, DEADLINE_EXCEEDED", f.StreamID, h.Value)
				}
			}
		}
	}
	if resets > calls/4 {
		t.Errorf("%d of %d calls ended with RST_STREAM, want nearly none", resets, calls)
	}
}

// TestLargeMessages sends what SDKs that split nothing do.
func TestLargeMessages(t *testing.T) {
	p, _, addr := serveProbe(t)
	close(p.release)
	conn := connectTo(t, addr)
	for size, want := range map[int]codes.Code{32 << 20: codes.OK, 65 << 20: codes.ResourceExhausted} {
		err := conn.Invoke(t.Context(), "/probe/Finish", &empty{Service: strings.Repeat("x", size)}, new(empty))
		if status.Code(err) != want {
			t.Errorf("a message of %d MB = %v, want %v", size>>20, err, want)
		}
	}
}

// TestPingsOfClients pings as Python does, which grpc-go's own rule forbids.
func TestPingsOfClients(t *testing.T) {
	p, _, addr := serveProbe(t)
	c := dialRaw(t, addr)
	if err := c.call(1, "/probe/Last"); err != nil {
		t.Fatal(err)
	}
	<-p.started
	for i := range byte(20) {
		time.Sleep(2 * pingPause)
		_ = c.WritePing(false, [8]byte{i})
		for {
			f, err := c.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if bye, ok := f.(*http2.GoAwayFrame); ok {
				t.Fatal(fmt.Errorf("after %d pings: %v %s", i+1, bye.ErrCode, bye.DebugData()))
			}
			if pong, ok := f.(*http2.PingFrame); ok && pong.IsAck() {
				break
			}
		}
	}
}
