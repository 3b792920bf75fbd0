package host

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/mux"
)

// Limits of the server against clients that are slow or send too much.
const (
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 16 << 10
	// streamsAtATime is how many requests one connection of HTTP/2 may have open. A
	// wait is one, so it is more than what guards against floods alone would be.
	streamsAtATime = 1024
	// streamWindow and connectionWindow are how many bytes a client of gRPC may send
	// before the server has read them.
	streamWindow     = 1 << 20
	connectionWindow = 4 << 20
	// pingAfter is the silence after which a client of HTTP/2 is asked whether it is
	// there, pingTime how long it may take to answer.
	pingAfter = 10 * time.Second
	pingTime  = 20 * time.Second
)

// swapServer is a server whose handler is put in once the hub is open; until
// then it answers that it starts.
type swapServer struct {
	*http.Server
	handler atomic.Pointer[http.Handler]
}

func newServer(logger *slog.Logger) *swapServer {
	s := &swapServer{}
	s.Server = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ConnContext:       withTLS,
		Protocols:         new(http.Protocols),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streamsAtATime, SendPingTimeout: pingAfter, PingTimeout: pingTime},
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true) // also what was encrypted, once the mux has read it
	return s
}

type tlsKey struct{}

// withTLS keeps the TLS session of connections whose beginning the mux has read.
func withTLS(ctx context.Context, conn net.Conn) context.Context {
	if state := mux.TLS(conn); state != nil {
		return context.WithValue(ctx, tlsKey{}, state)
	}
	return ctx
}

func (s *swapServer) swap(h http.Handler) { s.handler.Store(&h) }

func (s *swapServer) serve(w http.ResponseWriter, r *http.Request) {
	if state, ok := r.Context().Value(tlsKey{}).(*tls.ConnectionState); ok && r.TLS == nil {
		r.TLS = state
	}
	if h := s.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	httpapi.Starting(w, r)
}
