// Package mux serves HTTP and gRPC on the same address, each with its own
// transport. It looks at the beginning of a connection, decides whose it is, and
// hands it over with every byte that it has read:
//
//   - HTTP/1 goes to net/http.
//   - HTTP/2 whose first request has the content type application/grpc goes to
//     grpc-go, other HTTP/2 to net/http.
//   - With TLS the handshake comes first and ALPN tells the version of HTTP.
//   - Listeners without TLS may let some speak it all the same, see Config.Inner.
//
// A connection belongs to one side for its whole life.
package mux

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// Config says how connections are sorted. The zero value works.
type Config struct {
	// TLS, if not nil, is spoken on connections of listeners that are served with
	// ServeTLS. Its NextProtos are set by New.
	TLS *tls.Config
	// Inner, if not nil, is spoken on connections of the other listeners whose first
	// byte is that of a TLS handshake. Its NextProtos are set by New.
	Inner *tls.Config
	// Greeting is how long a client may take for the handshake and for the first
	// bytes, and from the first byte of its first request to the end of its headers.
	// 0 = 10 s.
	Greeting time.Duration
	// Idle is how long a client of HTTP/2 may be silent before its first request.
	// 0 = 2 min.
	Idle time.Duration
	// Waiting is the most connections that have not said yet what they are; beyond
	// it the oldest of them is closed. 0 = 1,024.
	Waiting int
	// Streams is the most requests at a time that HTTP/2 clients are told of at
	// first; both servers must allow as many. 0 = nothing is told.
	Streams uint32
}

// Mux sorts connections. Its methods may be called concurrently.
type Mux struct {
	cfg  Config
	http *side
	grpc *side

	mu       sync.Mutex // guards what follows
	waiting  list.List  // of net.Conn that are not sorted, the oldest first
	closed   bool
	serving  map[net.Listener]bool
	handling sync.WaitGroup
}

// New returns a Mux.
func New(cfg Config) *Mux {
	cfg.TLS, cfg.Inner = withHTTP(cfg.TLS), withHTTP(cfg.Inner)
	setDefault(&cfg.Greeting, 10*time.Second)
	setDefault(&cfg.Idle, 2*time.Minute)
	setDefault(&cfg.Waiting, 1024)
	return &Mux{cfg: cfg, http: newSide(), grpc: newSide(), serving: make(map[net.Listener]bool)}
}

// withHTTP returns cfg for the versions of HTTP that are served.
func withHTTP(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return nil
	}
	cfg = cfg.Clone()
	cfg.NextProtos = []string{"h2", "http/1.1"}
	return cfg
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// HTTP returns the listener of connections for net/http.
func (m *Mux) HTTP() net.Listener { return m.http }

// GRPC returns the listener of connections for grpc-go.
func (m *Mux) GRPC() net.Listener { return m.grpc }

// Serve sorts the connections of l until l fails or the Mux is closed. It closes l
// and returns nil if it was the Mux that was closed.
func (m *Mux) Serve(l net.Listener) error { return m.serve(l, nil) }

// ServeTLS is Serve with TLS as configured.
func (m *Mux) ServeTLS(l net.Listener) error {
	if m.cfg.TLS == nil {
		return errors.Join(errors.New("mux: no TLS is configured"), l.Close())
	}
	return m.serve(l, m.cfg.TLS)
}

func (m *Mux) serve(l net.Listener, secure *tls.Config) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return l.Close()
	}
	m.serving[l] = true
	m.handling.Add(1)
	m.mu.Unlock()
	defer m.handling.Done()
	defer m.forget(l)
	var pause time.Duration
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			m.accept(conn, secure)
			continue
		}
		if m.isClosed() {
			return nil
		}
		if !temporary(err) {
			return err
		}
		// Out of file descriptors, mostly: others will be closed.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		time.Sleep(pause)
	}
}

// forget closes a listener that is not served any more, unless Close has.
func (m *Mux) forget(l net.Listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.serving[l] {
		delete(m.serving, l)
		_ = l.Close() // it has ended
	}
}

// temporary reports whether a listener may work again.
func temporary(err error) bool {
	var e interface{ Temporary() bool }
	return errors.As(err, &e) && e.Temporary()
}

// accept sorts a connection in a goroutine of its own, which Close waits for.
func (m *Mux) accept(conn net.Conn, secure *tls.Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		_ = conn.Close()
		return
	}
	place := m.waiting.PushBack(conn)
	if m.waiting.Len() > m.cfg.Waiting {
		oldest := m.waiting.Front()
		_ = oldest.Value.(net.Conn).Close() // whoever sorts it sees that
		m.waiting.Remove(oldest)
	}
	m.handling.Add(1)
	go func() {
		defer m.handling.Done()
		to, sorted, err := m.sort(conn, secure)
		m.mu.Lock()
		m.waiting.Remove(place)
		m.mu.Unlock()
		if err != nil || !to.offer(sorted) {
			_ = conn.Close()
		}
	}()
}

// tlsHandshake is the first byte of who speaks TLS (RFC 8446, section 5.1).
const tlsHandshake = 22

// sort decides whose the connection is and returns it as it is to be handed over.
func (m *Mux) sort(conn net.Conn, secure *tls.Config) (*side, net.Conn, error) {
	if err := conn.SetDeadline(time.Now().Add(m.cfg.Greeting)); err != nil {
		return nil, nil, err
	}
	g := &greeting{conn: conn, cfg: &m.cfg}
	if secure == nil && m.cfg.Inner != nil {
		if err := g.fill(1); err != nil {
			return nil, nil, err
		}
		if g.said[0] == tlsHandshake {
			secure, conn = m.cfg.Inner, newReplayed(conn, g, nil)
		}
	}
	var state *tls.ConnectionState
	if secure != nil {
		session := tls.Server(conn, secure)
		if err := session.HandshakeContext(context.Background()); err != nil { // the deadline ends it
			return nil, nil, err
		}
		if session.ConnectionState().NegotiatedProtocol != "h2" {
			return m.http, session, session.SetDeadline(time.Time{})
		}
		s := session.ConnectionState()
		conn, state = session, &s
		g = &greeting{conn: conn, cfg: &m.cfg}
	}
	isGRPC, err := g.read()
	if err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	to := m.http
	if isGRPC {
		to = m.grpc
	}
	return to, newReplayed(conn, g, state), nil
}

func (m *Mux) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// Close closes the listeners that are served and the connections that are not
// sorted yet, and waits until Serve has returned everywhere. What was handed over
// goes on.
func (m *Mux) Close() error {
	m.mu.Lock()
	m.closed = true
	var errs []error
	for l := range m.serving {
		errs = append(errs, l.Close())
	}
	clear(m.serving)
	for e := m.waiting.Front(); e != nil; e = e.Next() {
		_ = e.Value.(net.Conn).Close() // it is cut anyway
	}
	m.mu.Unlock()
	_ = m.http.Close() // never fails
	_ = m.grpc.Close() // never fails
	m.handling.Wait()
	return errors.Join(errs...)
}

// side is the listener of one of the servers.
type side struct {
	conns chan net.Conn
	once  sync.Once
	ended chan struct{} // closed by Close
}

func newSide() *side { return &side{conns: make(chan net.Conn), ended: make(chan struct{})} }

// offer hands a connection over; false says that the side is closed.
func (s *side) offer(c net.Conn) bool {
	select {
	case s.conns <- c:
		return true
	case <-s.ended:
		return false
	}
}

// Accept implements net.Listener.
func (s *side) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *side) Close() error {
	s.once.Do(func() { close(s.ended) })
	return nil
}

// Addr implements net.Listener.
func (s *side) Addr() net.Addr { return anywhere{} }

// anywhere is the address of a side, which has none of its own.
type anywhere struct{}

func (anywhere) Network() string { return "mux" }
func (anywhere) String() string  { return "mux" }
