// Package pgproxy stands between a PostgreSQL and its clients in tests. It follows the
// protocol as far as it takes to know where a client commits, and cuts, freezes, delays
// or fails connections right before or right after that.
//
// It is for connections without TLS. Its methods may be called concurrently.
package pgproxy

import (
	"net"
	"net/url"
	"sync"
	"time"
)

// Proxy passes connections on to a server until it is closed.
type Proxy struct {
	listener net.Listener
	done     sync.WaitGroup
	closing  chan struct{}

	mu      sync.Mutex // guards what follows
	target  string
	conns   map[*conn]bool
	strikes []*armed
	frozen  chan struct{} // closed = bytes flow
	delay   time.Duration
	refuses bool
	closed  bool
	commits int
}

// Start listens on the loopback and passes connections on to the server at target,
// host:port. The caller closes the proxy.
func Start(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: make(map[*conn]bool), closing: make(chan struct{}), frozen: make(chan struct{})}
	close(p.frozen)
	p.done.Go(p.accept)
	return p, nil
}

// Target is the server's address, host:port.
func (p *Proxy) Target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// Addr is where the proxy listens, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL is the URL of a database, postgres://..., with the proxy in front of it.
func (p *Proxy) URL(database string) (string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for _, elsewhere := range []string{"host", "port"} {
		q.Del(elsewhere)
	}
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.Addr(), q.Encode()
	return u.String(), nil
}

// Close cuts all connections and returns when they are gone.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.mu.Unlock()
	p.Cut()
	p.done.Wait()
}

// Cut cuts all connections with RST, as if a machine between had lost its state. New
// ones are passed on.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.cut()
	}
}

// Retarget has new connections go to another server, and cuts those that there are.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.Cut()
}

// Refuse says whether new connections are closed at once.
func (p *Proxy) Refuse(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = yes
}

// Freeze stops all bytes, those of new connections too, and leaves the connections
// open on both sides, as a network does that drops every packet.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.frozen:
		p.frozen = make(chan struct{})
	default:
	}
}

// FreezeOpen stops the bytes of all connections that there are, and leaves them open on
// both sides, as a machine between does that has forgotten them. New ones are passed on.
func (p *Proxy) FreezeOpen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.freeze()
	}
}

// Thaw ends Freeze and FreezeOpen, and lets go on what a strike has frozen.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.frozen:
	default:
		close(p.frozen)
	}
	for c := range p.conns {
		c.thaw()
	}
}

// Delay has each message in either direction wait that long, one after the other.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Commits is how many commits clients have asked for so far.
func (p *Proxy) Commits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.commits
}

// Connections is how many connections there are.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *Proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.done.Go(func() { p.serve(near.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(near *net.TCPConn) {
	p.mu.Lock()
	refuses := p.refuses || p.closed
	p.mu.Unlock()
	if refuses || !p.wait(nil) {
		_ = near.Close()
		return
	}
	far, err := net.Dial("tcp", p.Target())
	if err != nil {
		_ = near.Close()
		return
	}
	c := newConn(p, near, far.(*net.TCPConn))
	p.mu.Lock()
	if p.closed {
		c.cut()
	}
	p.conns[c] = true
	p.mu.Unlock()
	c.pass()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// wait returns when bytes may flow, or false when the connection or the proxy ends.
func (p *Proxy) wait(ended <-chan struct{}) bool {
	p.mu.Lock()
	frozen, delay := p.frozen, p.delay
	p.mu.Unlock()
	select {
	case <-frozen:
	case <-ended:
		return false
	case <-p.closing:
		return false
	}
	if delay == 0 {
		return true
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ended:
		return false
	case <-p.closing:
		return false
	}
}
