package chaos_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// cut says where a connection is cut: at the frame with a number, counted from 1 over
// all connections, in one direction.
type cut struct {
	toHub bool
	frame int
	half  bool // the first half of the frame still arrives
	reset bool // with RST, as if the process had died
}

// cutter passes connections on to a hub and cuts one of them once.
type cutter struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu     sync.Mutex // guards what follows
	where  cut
	frames [2]int
	struck bool
	conns  map[net.Conn]bool
	closed bool
}

const preface = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

// startCutter listens in front of a hub until the test ends.
func startCutter(t testing.TB, target string, where cut) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, target: target, where: where, conns: make(map[net.Conn]bool)}
	c.done.Go(c.accept)
	t.Cleanup(c.close)
	return c
}

func (c *cutter) addr() string { return c.listener.Addr().String() }

func (c *cutter) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	c.closed = true
	for conn := range c.conns {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.done.Wait()
}

// hasStruck reports whether the cut was made.
func (c *cutter) hasStruck() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.struck
}

func (c *cutter) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.target)
		if err != nil || !c.keep(near, far) {
			_ = near.Close()
			continue
		}
		ends := sync.OnceFunc(func() { c.drop(near, far) })
		c.done.Go(func() { c.pass(far, near, true, ends) })
		c.done.Go(func() { c.pass(near, far, false, ends) })
	}
}

func (c *cutter) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		for _, conn := range conns {
			_ = conn.Close()
		}
		return false
	}
	for _, conn := range conns {
		c.conns[conn] = true
	}
	return true
}

func (c *cutter) drop(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if c.where.reset && c.struck {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
		delete(c.conns, conn)
	}
}

// pass copies frames until the connection ends, here or there.
func (c *cutter) pass(to io.Writer, from io.Reader, toHub bool, ends func()) {
	defer ends()
	if toHub {
		if _, err := io.CopyN(to, from, int64(preface)); err != nil {
			return
		}
	}
	buf := make([]byte, 9)
	for {
		if _, err := io.ReadFull(from, buf[:9]); err != nil {
			return
		}
		size := 9 + int(binary.BigEndian.Uint32(buf[:4])>>8)
		if len(buf) < size {
			buf = append(buf, make([]byte, size-len(buf))...)
		}
		if _, err := io.ReadFull(from, buf[9:size]); err != nil {
			return
		}
		strike := c.count(toHub)
		if strike {
			size /= 2
		}
		if !strike || c.where.half {
			if _, err := to.Write(buf[:size]); err != nil {
				return
			}
		}
		if strike {
			return
		}
	}
}

// count counts a frame and reports whether the connection is cut there.
func (c *cutter) count(toHub bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir := 0
	if toHub {
		dir = 1
	}
	c.frames[dir]++
	if c.struck || c.where.toHub != toHub || c.frames[dir] != c.where.frame {
		return false
	}
	c.struck = true
	return true
}
