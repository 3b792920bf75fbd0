package mux

import (
	"crypto/tls"
	"net"
)

// replayed is a connection of which the beginning was read before. Reads give that
// again first. The client's acknowledgement of the settings that we have sent is
// left out, whenever it comes: the server knows nothing of them.
type replayed struct {
	net.Conn
	said []byte // still to be given

	watching bool // for the acknowledgement; what follows counts only then
	pass     int  // bytes that are given as they come
	header   [frameHeader]byte
	have     int // of header, while it is read
	left     int // of header, still to be given
}

// newReplayed returns conn with what g has read of it; state is that of its TLS.
func newReplayed(conn net.Conn, g *greeting, state *tls.ConnectionState) net.Conn {
	r := &replayed{Conn: conn, said: g.said, watching: g.spoke && !g.settled, pass: len(preface)}
	if state != nil {
		return &secured{r, state}
	}
	return r
}

// secured is a connection under TLS. It has no method ConnectionState, for which
// net/http would take it for one of HTTP/1.
type secured struct {
	*replayed
	state *tls.ConnectionState
}

// TLS returns the TLS session of a connection that a Mux has handed over; nil = it
// has none, or the server asks the connection for it by itself.
func TLS(conn net.Conn) *tls.ConnectionState {
	if s, ok := conn.(*secured); ok {
		return s.state
	}
	return nil
}

// Read implements net.Conn. It is called by one goroutine at a time.
func (r *replayed) Read(p []byte) (int, error) {
	for r.watching && len(p) > 0 {
		switch {
		case r.left > 0:
			n := copy(p, r.header[frameHeader-r.left:])
			r.left -= n
			return n, nil
		case r.pass > 0:
			n, err := r.next(p[:min(len(p), r.pass)])
			r.pass -= n
			return n, err
		}
		n, err := r.next(r.header[r.have:])
		if r.have += n; r.have == frameHeader {
			r.endHeader()
			continue
		}
		if err != nil {
			return 0, err
		}
	}
	return r.next(p)
}

// endHeader decides what becomes of the frame whose header was read.
func (r *replayed) endHeader() {
	r.have = 0
	if r.header[3] == typeSettings && r.header[4]&flagAck != 0 {
		r.watching = false
		return
	}
	r.left = frameHeader
	r.pass = int(r.header[0])<<16 | int(r.header[1])<<8 | int(r.header[2])
}

// next reads what comes next on the connection.
func (r *replayed) next(p []byte) (int, error) {
	if len(r.said) == 0 {
		r.said = nil
		return r.Conn.Read(p)
	}
	n := copy(p, r.said)
	r.said = r.said[n:]
	return n, nil
}
