package host

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/perdure/perdure/internal/mux"
	"github.com/perdure/perdure/internal/wire"
)

// callers are the connections of gRPC. They are watched, so that a worker that has
// gone is told from one that was lost, and know their TLS session.
type callers struct{ net.Listener }

// Accept implements net.Listener.
func (l callers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &caller{wire.Watch(conn), mux.TLS(conn)}, nil
}

type caller struct {
	net.Conn
	session *tls.ConnectionState // nil = plaintext
}

// callerCredentials tell handlers of the TLS session of their caller, which was made
// before grpc-go got the connection.
type callerCredentials struct{}

// ServerHandshake implements credentials.TransportCredentials.
func (callerCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := conn.(*caller)
	if !ok || c.session == nil {
		return conn, nil, nil
	}
	return conn, credentials.TLSInfo{State: *c.session,
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}, nil
}

// ClientHandshake implements credentials.TransportCredentials.
func (callerCredentials) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("these credentials are a server's")
}

// Info implements credentials.TransportCredentials.
func (callerCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "mux"}
}

// Clone implements credentials.TransportCredentials.
func (c callerCredentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName implements credentials.TransportCredentials.
func (callerCredentials) OverrideServerName(string) error { return nil }

// sessionOf returns the TLS session of a call; nil = it has none.
func sessionOf(ctx context.Context) *tls.ConnectionState {
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			return &info.State
		}
	}
	return nil
}
