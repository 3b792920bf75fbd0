package wire

import (
	"context"
	"encoding/binary"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/peer"
)

// Watch returns the connection with eyes: of the streams on it, the service can
// then tell those that their worker has ended from those that were lost with it.
// grpc-go does not say. It is for connections of HTTP/2, from their first byte on;
// the server must take the result as its connection.
//
// A worker that stops ends its streams, which is a frame of HTTP/2 (RST_STREAM, or
// GOAWAY for all), and may then close the connection at once. One that crashes or
// is cut off sends none: the connection ends, or is silent until keepalive ends it.
func Watch(conn net.Conn) net.Conn { return &watched{Conn: conn, skip: len(preface)} }

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// watched reads the headers of the frames that pass by.
type watched struct {
	net.Conn
	// skip is how many bytes there are before the next header, of which have bytes of
	// header were read. Only the reader uses them.
	skip   int
	header [9]byte
	have   int

	away  atomic.Bool  // the client has said that it goes
	reset atomic.Int64 // when the client ended a stream last, Unix nanoseconds
	ended atomic.Bool
}

// The frames of HTTP/2 by which a client ends streams.
const (
	frameReset = 3
	frameAway  = 7
)

// recently is how long before the end of its connection a stream must have been
// ended to count as ended in order.
const recently = 2 * time.Second

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.scan(b[:n])
	if err != nil {
		w.ended.Store(true)
	}
	return n, err
}

// Close marks the end before it happens: grpc-go closes the connection first and
// ends its streams then.
func (w *watched) Close() error {
	w.ended.Store(true)
	return w.Conn.Close()
}

// scan looks for frames by which the client ends streams.
func (w *watched) scan(b []byte) {
	for len(b) > 0 {
		if w.skip > 0 {
			n := min(w.skip, len(b))
			w.skip -= n
			b = b[n:]
			continue
		}
		n := copy(w.header[w.have:], b)
		w.have += n
		b = b[n:]
		if w.have < len(w.header) {
			return
		}
		w.have = 0
		w.skip = int(binary.BigEndian.Uint32(w.header[:4]) >> 8)
		switch w.header[3] {
		case frameReset:
			w.reset.Store(time.Now().UnixNano())
		case frameAway:
			w.away.Store(true)
		}
	}
}

// RemoteAddr leads from a call to its connection.
func (w *watched) RemoteAddr() net.Addr { return watchedAddr{w.Conn.RemoteAddr(), w} }

type watchedAddr struct {
	net.Addr
	conn *watched
}

// connectionLost reports whether a call that has ended was lost with its
// connection; broken says that this is known to have ended. Of connections that
// nobody watches the loss is assumed.
func connectionLost(ctx context.Context, broken bool) bool {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return true
	}
	a, ok := p.Addr.(watchedAddr)
	if !ok {
		return true
	}
	w := a.conn
	return (broken || w.ended.Load()) && !w.away.Load() && time.Since(time.Unix(0, w.reset.Load())) > recently
}

// WatchListener returns l with its connections watched, see Watch.
func WatchListener(l net.Listener) net.Listener { return watchListener{l} }

type watchListener struct{ net.Listener }

func (l watchListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Watch(conn), nil
}
