package mux

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"
)

// preface is what a client of HTTP/2 says first.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Parts of HTTP/2's frames (RFC 9113, section 4 and 6).
const (
	frameHeader = 9
	maxFrame    = 16 << 10 // before the client knows of more

	typeHeaders      = 0x1
	typeSettings     = 0x4
	typePing         = 0x6
	typeGoAway       = 0x7
	typeContinuation = 0x9

	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	settingStreams = 0x3
)

// maxGreeting is the most that is read before a connection is sorted.
const maxGreeting = 64 << 10

// greeting reads the beginning of a connection.
type greeting struct {
	conn net.Conn
	cfg  *Config
	said []byte // what the server that gets the connection is to read again
	// spoke says that we have sent settings, settled that the client's
	// acknowledgement of them was read.
	spoke, settled bool
}

// read decides whether the connection is one of gRPC. An error says that it is
// none at all: it ended, or took too long.
func (g *greeting) read() (isGRPC bool, err error) {
	isHTTP2, err := g.readPreface()
	if err != nil || !isHTTP2 {
		return false, err
	}
	if err := g.speak(); err != nil {
		return false, err
	}
	if err := g.conn.SetDeadline(time.Now().Add(g.cfg.Idle)); err != nil {
		return false, err
	}
	for pings := 0; len(g.said)+pings*(frameHeader+8) < maxGreeting; {
		f, err := g.readFrame()
		if err != nil {
			return false, g.leave(err)
		}
		switch {
		case f == nil: // not HTTP/2 as we know it
			return false, nil
		case f.kind == typeHeaders:
			return g.readHeaders(f)
		case f.kind == typeSettings && f.flags&flagAck != 0 && !g.settled:
			g.settled = true
			g.said = g.said[:f.at] // it is for us
		case f.kind == typePing && f.flags&flagAck == 0:
			// The client watches the connection, before it has a request.
			if err := g.answer(g.said[f.at:]); err != nil {
				return false, err
			}
			g.said = g.said[:f.at]
			pings++
		}
	}
	return false, g.leave(errors.New("mux: much was said and nothing asked for"))
}

// readPreface reads until it is clear whether the client speaks HTTP/2.
func (g *greeting) readPreface() (bool, error) {
	for strings.HasPrefix(preface, string(g.said)) {
		if len(g.said) == len(preface) {
			return true, nil
		}
		if err := g.more(len(preface) - len(g.said)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// more reads at least one byte and at most n.
func (g *greeting) more(n int) error {
	at := len(g.said)
	g.said = append(g.said, make([]byte, n)...)
	n, err := g.conn.Read(g.said[at:])
	g.said = g.said[:at+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// fill reads n bytes.
func (g *greeting) fill(n int) error {
	for end := len(g.said) + n; len(g.said) < end; {
		if err := g.more(end - len(g.said)); err != nil {
			return err
		}
	}
	return nil
}

// speak sends settings: clients of gRPC send no request before they have some. The
// server that gets the connection sends its own after them.
func (g *greeting) speak() error {
	g.spoke = true
	var f [frameHeader + 6]byte
	f[3] = typeSettings
	if g.cfg.Streams == 0 {
		_, err := g.conn.Write(f[:frameHeader])
		return err
	}
	f[2] = 6
	f[frameHeader+1] = settingStreams
	binary.BigEndian.PutUint32(f[frameHeader+2:], g.cfg.Streams)
	_, err := g.conn.Write(f[:])
	return err
}

// answer acknowledges a ping.
func (g *greeting) answer(ping []byte) error {
	pong := append([]byte(nil), ping...)
	pong[4] |= flagAck
	_, err := g.conn.Write(pong)
	return err
}

// leave says to a client that had no request yet that none was taken, so that it
// sends what it was about to send anew. It returns the reason.
func (g *greeting) leave(reason error) error {
	if !errors.Is(reason, io.EOF) {
		goAway := [frameHeader + 8]byte{2: 8, 3: typeGoAway}
		_ = g.conn.SetWriteDeadline(time.Now().Add(time.Second)) // the connection ends anyway
		_, _ = g.conn.Write(goAway[:])
	}
	return reason
}

// frame is a frame that was read.
type frame struct {
	at          int // where it begins in said
	kind, flags byte
	payload     []byte
}

// readFrame reads a frame; nil = there is none that may stand here.
func (g *greeting) readFrame() (*frame, error) {
	f := &frame{at: len(g.said)}
	if err := g.fill(1); err != nil {
		return nil, err
	}
	// A frame that has begun is not long in coming.
	if err := g.conn.SetReadDeadline(time.Now().Add(g.cfg.Greeting)); err != nil {
		return nil, err
	}
	if err := g.fill(frameHeader - 1); err != nil {
		return nil, err
	}
	header := g.said[f.at:]
	size := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
	f.kind, f.flags = header[3], header[4]
	if size > maxFrame || f.kind == typePing && size != 8 {
		return nil, nil
	}
	if err := g.fill(size); err != nil {
		return nil, err
	}
	f.payload = g.said[f.at+frameHeader:]
	return f, g.conn.SetReadDeadline(time.Now().Add(g.cfg.Idle))
}

// readHeaders reads the first request's headers, which begin in f, and reports
// whether it is one of gRPC.
func (g *greeting) readHeaders(f *frame) (isGRPC bool, err error) {
	block := fragment(f)
	for last := f; last.flags&flagEndHeaders == 0; {
		if len(g.said) > maxGreeting {
			return false, nil // net/http says that these are too many
		}
		if last, err = g.readFrame(); err != nil || last == nil || last.kind != typeContinuation {
			return false, err
		}
		block = append(block, last.payload...)
	}
	decoder := hpack.NewDecoder(4096, func(h hpack.HeaderField) {
		isGRPC = isGRPC || h.Name == "content-type" && grpcType(h.Value)
	})
	decoder.SetMaxStringLength(maxGreeting)
	if _, err := decoder.Write(block); err != nil {
		return false, nil // net/http says what is wrong
	}
	return isGRPC, nil
}

// fragment is the part of a HEADERS frame that holds headers, as a copy.
func fragment(f *frame) []byte {
	p := f.payload
	if f.flags&flagPadded != 0 {
		if len(p) == 0 || int(p[0]) >= len(p) {
			return nil
		}
		p = p[1 : len(p)-int(p[0])]
	}
	if f.flags&flagPriority != 0 {
		p = p[min(5, len(p)):]
	}
	return append([]byte(nil), p...)
}

// grpcType reports whether a content type is one of gRPC.
func grpcType(t string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(t), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}
