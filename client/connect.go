//go:build !wasip1

package client

import (
	"context"
	"log/slog"
	"os"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
)

// TokenVariable is the environment variable with the token that Connect shows.
const TokenVariable = "PERDURE_TOKEN"

// ConnectOption changes how a client connects.
type ConnectOption func(*remote.Config)

// WithToken has a client show a token, instead of that of TokenVariable.
func WithToken(token string) ConnectOption {
	return func(c *remote.Config) { c.Target.Token = token }
}

// WithLogger tells operators what happens to a connection; without it nobody is told.
func WithLogger(l *slog.Logger) ConnectOption {
	return func(c *remote.Config) { c.Logger = l }
}

// Connect returns a client of a hub that a server has: http(s)://host:port of a Perdure
// server, with the hub's name as query taskhub, or a connection string of the Durable
// Task Scheduler, Endpoint=...;TaskHub=...;Authentication=.... It returns once the
// server has answered, and tries for 30 s, or as long as ctx allows if that is less; ctx
// bounds nothing later. Calls of the client are tried again when the connection breaks,
// without having their effect twice. Close ends it.
//
// What the Durable Task protocol cannot do fails with Unimplemented on hubs that are
// not Perdure's.
func Connect(ctx context.Context, address string, opts ...ConnectOption) (*Client, error) {
	target, err := remote.Parse(address)
	if err != nil {
		return nil, err
	}
	if target.Azure == nil {
		target.Token = os.Getenv(TokenVariable)
	}
	cfg := remote.Config{Target: target}
	for _, o := range opts {
		o(&cfg)
	}
	h, err := remote.Dial(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := h.Own(ctx); err != nil {
		_ = h.Close() // nothing was said over it
		return nil, err
	}
	return &Client{connect: func(context.Context) (hub.Hub, error) { return h, nil }, hangUp: h.Close}, nil
}
