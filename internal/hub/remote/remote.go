// Package remote is a hub over the wire, and the worker that runs code for it.
//
// Against a Perdure server it speaks the service of package wire that has all that
// package hub promises. Where that is not served, as by Azure's Durable Task
// Scheduler and its emulator, it speaks the Durable Task protocol; what that cannot do
// fails with Unimplemented, and says so.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/hub"
)

// Config says which hub and how. Target is required.
type Config struct {
	Target Target
	// Patience is how long a call is tried again while the far side cannot be
	// reached; waits are for as long as their contexts allow. 0 = 30 s.
	Patience time.Duration
	// Logger gets what operators should know. nil = none.
	Logger *slog.Logger
	// Dialer makes connections; nil = TCP.
	Dialer func(ctx context.Context, addr string) (net.Conn, error)
	// TLS is used with https; nil = the system's roots.
	TLS *tls.Config
}

// Hub is a hub elsewhere; it implements hub.Hub. Its methods may be called
// concurrently. A call fails with Unavailable if the far side cannot be reached; the
// next one tries again.
type Hub struct {
	cfg    Config
	conn   *grpc.ClientConn
	waits  lines
	closed chan struct{} // by Close

	mu   sync.Mutex // guards side
	side side       // nil = not known yet
}

var (
	_ hub.Hub    = (*Hub)(nil)
	_ hub.Upkeep = (*Hub)(nil)
)

// side is how a hub is spoken with.
type side interface {
	hub.Hub
	hub.Upkeep
}

// maxMessage is the most bytes of a message received: a page, or the work items that
// are sent at once.
const maxMessage = 64 << 20

// Dial returns the hub of a target. It connects with the first call.
func Dial(cfg Config) (*Hub, error) {
	if err := cfg.Target.check(); err != nil {
		return nil, err
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(cfg.transport()),
		grpc.WithUserAgent("perdure-go"),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           reconnects(),
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithInitialWindowSize(1 << 20), grpc.WithInitialConnWindowSize(4 << 20),
		grpc.WithDisableServiceConfig(),
	}
	if cfg.Dialer != nil {
		options = append(options, grpc.WithContextDialer(cfg.Dialer))
	}
	perCall, err := cfg.Target.credentials()
	if err != nil {
		return nil, err
	}
	options = append(options, grpc.WithPerRPCCredentials(perCall))
	dial := func() (*grpc.ClientConn, error) { return grpc.NewClient("passthrough:///"+cfg.Target.Addr, options...) }
	conn, err := dial()
	if err != nil {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "connect to " + cfg.Target.String(), Message: err.Error()}
	}
	return &Hub{cfg: cfg, conn: conn, waits: lines{dial: dial}, closed: make(chan struct{})}, nil
}

// reconnects are the pauses between attempts to connect.
func reconnects() backoff.Config {
	c := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second}
	if fault.Mutant(fault.RetryAtOnce) {
		c.BaseDelay, c.MaxDelay = time.Millisecond, time.Millisecond
	}
	return c
}

func (c *Config) transport() credentials.TransportCredentials {
	if !c.Target.TLS {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(c.TLS)
}

// Close ends the connections; calls that run fail. It is called once.
func (h *Hub) Close() error {
	close(h.closed)
	if err := errors.Join(h.conn.Close(), h.waits.close()); err != nil {
		return fmt.Errorf("close connection to %s: %w", h.cfg.Target, err)
	}
	return nil
}

// String is the hub's address without its secrets.
func (h *Hub) String() string { return h.cfg.Target.String() }

// Own reports whether the far side is Perdure, with our own service.
func (h *Hub) Own(ctx context.Context) (bool, error) {
	s, err := h.speak(ctx)
	if err != nil {
		return false, err
	}
	_, own := s.(*ownSide)
	return own, nil
}
