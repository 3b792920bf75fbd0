package pgproxy

import (
	"bufio"
	"net"
	"sync"
)

// conn is a client's connection and the one to the server that belongs to it.
type conn struct {
	proxy     *Proxy
	near, far *net.TCPConn
	once      sync.Once
	ended     chan struct{}
	session   session // of the goroutine that reads the client

	mu     sync.Mutex    // guards what follows
	asked  int           // answers that the client has asked for with Sync or Query
	after  *armed        // holds back what the server answers, until answer number due has come
	due    int           // see after
	raised int           // the answer in which the proxy's own messages are answered, too; 0 = none
	frozen chan struct{} // closed = a strike holds nothing
}

func newConn(p *Proxy, near, far *net.TCPConn) *conn {
	c := &conn{proxy: p, near: near, far: far, ended: make(chan struct{}), session: newSession(), frozen: make(chan struct{})}
	close(c.frozen)
	return c
}

// pass passes bytes on in both directions until the connection ends.
func (c *conn) pass() {
	var down sync.WaitGroup
	down.Go(func() {
		defer c.end()
		c.down()
	})
	c.up()
	c.end()
	down.Wait()
}

// end closes both sides in order.
func (c *conn) end() {
	c.once.Do(func() {
		_, _ = c.near.Close(), c.far.Close()
		close(c.ended)
	})
}

// cut closes both sides with RST.
func (c *conn) cut() {
	c.once.Do(func() {
		for _, side := range []*net.TCPConn{c.near, c.far} {
			_ = side.SetLinger(0)
			_ = side.Close()
		}
		close(c.ended)
	})
}

func (c *conn) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.frozen:
		c.frozen = make(chan struct{})
	default:
	}
}

func (c *conn) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.frozen:
	default:
		close(c.frozen)
	}
}

// flows waits until bytes may flow, and reports whether the connection is still there.
func (c *conn) flows() bool {
	c.mu.Lock()
	frozen := c.frozen
	c.mu.Unlock()
	select {
	case <-frozen:
	case <-c.ended:
		return false
	}
	return c.proxy.wait(c.ended)
}

// up passes on what the client says.
func (c *conn) up() {
	from, to := bufio.NewReaderSize(c.near, 64<<10), bufio.NewWriterSize(c.far, 64<<10)
	for begun := false; !begun; {
		m, err := readStartup(from)
		if err != nil || !c.flows() {
			return
		}
		if code := startupCode(m); code == wantsTLS || code == wantsGSSENC {
			if _, err := c.near.Write([]byte("N")); err != nil {
				return
			}
			continue
		}
		begun = true
		if _, err := to.Write(m); err != nil || to.Flush() != nil {
			return
		}
	}
	for {
		m, err := readMessage(from)
		if err != nil || !c.flows() {
			return
		}
		passed, goesOn := c.struck(m, to)
		if !goesOn {
			return
		}
		if k := m.kind(); k == 'S' || k == 'Q' {
			c.mu.Lock()
			c.asked++
			c.mu.Unlock()
		}
		if _, err := to.Write(passed); err != nil {
			return
		}
		if from.Buffered() == 0 && to.Flush() != nil {
			return
		}
	}
}

// struck lets a strike come at a message, if it commits, and returns what is to be
// passed on. It reports whether the connection goes on.
func (c *conn) struck(m message, to *bufio.Writer) (message, bool) {
	commit, commits := c.session.take(m)
	if !commits {
		return m, true
	}
	a := c.proxy.strike(commit)
	if a == nil {
		return m, true
	}
	if a.Where == After {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.after, c.due = a, c.asked+1
		return m, true
	}
	if to.Flush() != nil {
		return nil, false
	}
	switch a.Do {
	case Fail:
		close(a.struck)
		if m.kind() == 'Q' {
			return build('Q', []byte(raisingSQL(a.State)+"\x00")), true
		}
		c.mu.Lock()
		c.raised = c.asked + 1
		c.mu.Unlock()
		return append(raising(a.State), m...), true
	case Freeze:
		c.freeze()
		close(a.struck)
		return m, c.flows()
	default:
		c.cut()
		close(a.struck)
		return nil, false
	}
}

// down passes on what the server says.
func (c *conn) down() {
	from, to := bufio.NewReaderSize(c.far, 64<<10), bufio.NewWriterSize(c.near, 64<<10)
	var held []byte // what is to be passed on
	own := 0        // how many answers to the proxy's own messages it ends with
	answers := -1   // the first one ends the startup
	for {
		m, err := readMessage(from)
		if err != nil || !c.flows() {
			return
		}
		held = append(held, m...)
		switch {
		case c.isRaised(answers+1) && m.kind() == raisingAnswers[own]:
			if own++; own == len(raisingAnswers) {
				held, own = held[:len(held)-own*ownSize], 0
				c.raisedDone()
			}
			continue
		case m.kind() == 'Z':
			answers++
		}
		own = 0
		after, due := c.holds()
		if after != nil && answers < due {
			continue
		}
		if after != nil && !c.committed(after) {
			return
		}
		if _, err := to.Write(held); err != nil {
			return
		}
		held = held[:0]
		if from.Buffered() == 0 && to.Flush() != nil {
			return
		}
	}
}

// isRaised reports whether the proxy's own messages are answered in that answer.
func (c *conn) isRaised(answer int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raised == answer && c.raised > 0
}

func (c *conn) raisedDone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raised = 0
}

// holds returns the strike that comes once answer number due is there, nil for none.
func (c *conn) holds() (after *armed, due int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.after, c.due
}

// committed lets a strike come after its commit, and reports whether the connection
// goes on.
func (c *conn) committed(a *armed) bool {
	c.mu.Lock()
	c.after = nil
	c.mu.Unlock()
	if a.Do != Freeze {
		c.cut()
		close(a.struck)
		return false
	}
	c.freeze()
	close(a.struck)
	return c.flows()
}
