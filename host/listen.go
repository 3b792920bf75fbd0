package host

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/mux"
	"github.com/perdure/perdure/internal/wire"
)

// front is what an app serves on: its addresses, and a server each for HTTP and gRPC
// behind them.
type front struct {
	mux       *mux.Mux
	web       *swapServer
	rpc       *rpcServer
	late      *late
	door      *door
	tokens    *access.Tokens // nil = all may do everything
	secure    bool
	listeners []net.Listener // the first is that of Config.Addr
}

// probes has the network find clients whose machine is gone, in 10 s, without work
// for either program.
func probes() net.ListenConfig {
	return net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 5}}
}

// listen takes the app's addresses. Nothing is served before serve.
func (a *App) listen(ctx context.Context) (*front, error) {
	d := new(door)
	cfg := mux.Config{Greeting: headerTime, Idle: idleTime, Streams: streamsAtATime}
	if IsDatabase(a.cfg.Hub) {
		cfg.Inner = &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: d.config}
	}
	if a.cfg.TLS != (TLS{}) {
		files, err := openCertificate(a.cfg.TLS)
		if err != nil {
			return nil, err
		}
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: d.or(files.get)}
	}
	f := &front{mux: mux.New(cfg), web: newServer(a.cfg.Logger), late: new(late), door: d, secure: cfg.TLS != nil}
	var check func(string) (*access.Grant, error)
	if a.cfg.Tokens != "" {
		tokens, err := access.Open(a.cfg.Tokens, a.cfg.Logger)
		if err != nil {
			return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "read tokens", Message: "the file of tokens cannot be read", Cause: err}
		}
		f.tokens, check = tokens, tokens.Check
	}
	protocol, err := wire.New(wire.Config{Hubs: f.late, EntityDocument: f.late.document, Announce: f.late.announce, Logger: a.cfg.Logger,
		Admit: func(ctx context.Context, hub, token string) (<-chan struct{}, error) {
			return f.rpc.admit(ctx, hub, token)
		}})
	if err != nil {
		return nil, err
	}
	services := []service{protocol}
	if IsDatabase(a.cfg.Hub) {
		services = append(services, wire.NewNodes(wire.NodesConfig{Find: f.late.node, Logger: a.cfg.Logger}))
	}
	f.rpc = newRPCServer(a.cfg.Logger, check, services...)
	if f.tokens != nil {
		f.rpc.certificate = f.tokens.CheckCertificate
	}
	f.rpc.worker, f.rpc.isNode = f.late.worker, d.isNode
	f.rpc.calls.exists = f.late.exists
	lc := probes()
	for _, addr := range append([]string{a.cfg.Addr}, a.cfg.Listen...) {
		l, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			for _, l := range f.listeners {
				_ = l.Close() // nobody has connected
			}
			return nil, listenError(addr, err)
		}
		f.listeners = append(f.listeners, l)
	}
	return f, nil
}

// listenError explains why an address cannot be served on.
func listenError(addr string, err error) error {
	e := &perdure.Error{Code: perdure.Unavailable, Op: "listen on " + addr, Cause: err,
		Message: "the address cannot be used; choose another (--addr)"}
	if inUse(err) {
		e.Message, e.Cause = "another program listens there; stop it or choose another address (--addr)", nil
	}
	return e
}

// follow follows the file of tokens, if there is one, until the returned function is
// called.
func (f *front) follow(ctx context.Context) (stop func()) {
	if f.tokens == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.tokens.Run(ctx)
	}()
	return func() { cancel(); <-ended }
}

// serve serves until drain or close, or until an address or a server fails: then it
// ends everything and returns why.
func (f *front) serve() error {
	ended := make(chan error, len(f.listeners)+2)
	go func() { ended <- f.web.Serve(f.mux.HTTP()) }()
	go func() { ended <- f.rpc.Serve(callers{f.mux.GRPC()}) }()
	for _, l := range f.listeners {
		go func() {
			if f.secure {
				ended <- f.mux.ServeTLS(l)
				return
			}
			ended <- f.mux.Serve(l)
		}()
	}
	var first error
	for range cap(ended) {
		err := <-ended
		if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
			continue
		}
		if first == nil {
			first = errors.Join(err, f.close())
		}
	}
	return first
}

// open has the hubs served from now on.
func (f *front) open(ctx context.Context, h *hubs) error {
	first, err := h.get(ctx, defaultHub)
	if err != nil {
		return err
	}
	door := httpapi.Door{Node: f.door.isNode, Hub: func(ctx context.Context, name string) (*httpapi.API, error) {
		s, err := h.get(ctx, name)
		if err != nil {
			return nil, err
		}
		return s.api, nil
	}}
	if f.tokens != nil {
		door.Check, door.Certificate = f.tokens.Check, f.tokens.CheckCertificate
	}
	f.late.hubs.Store(h)
	f.web.swap(first.api.Behind(door))
	f.rpc.serving(true)
	return nil
}

// drain has no more connections come, and what is under way end until ctx does. It
// reports whether something was cut.
func (f *front) drain(ctx context.Context) (cut bool) {
	_ = f.mux.Close() // closes again what may have failed
	calls := make(chan bool)
	go func() { calls <- f.rpc.drain(ctx) }()
	if err := f.web.Shutdown(ctx); err != nil {
		_ = f.web.Close() // the listener is the mux's
		cut = true
	}
	return <-calls || cut
}

// close ends everything at once.
func (f *front) close() error {
	f.rpc.Stop()
	return errors.Join(f.web.Close(), f.mux.Close())
}

// url is the address that people are told.
func (f *front) url() string {
	scheme := "http://"
	if f.secure {
		scheme = "https://"
	}
	return scheme + reachable(f.listeners[0].Addr())
}

// reachable is an address as a program on this machine can dial it.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return addr.String()
}
