package peer_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/peer"
	"github.com/perdure/perdure/internal/shard"
	hubwire "github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// cluster is nodes in one process that share a store.
type cluster struct {
	t            testing.TB
	clock        clock.Clock // nil = the system's
	code         func(node string) *perdure.Registry
	store        shared
	open         func() (s shared, closed func()) // of each node; nil = all have store
	wires        *wires
	dial         func(store.Node) (peer.Link, error) // nil = wires
	serve        func(*clusterNode) (advertise string, stop func())
	lease, renew time.Duration // 0 = the defaults

	mu    sync.Mutex // guards what follows
	nodes map[string]*clusterNode
	told  map[string]time.Time // instances of whose messages nodes were told and have not heard
}

// hears is an Owner that notes of what it was told.
type hears struct {
	*local.Hub
	all *cluster
}

func (h hears) Arrived(targets []string) {
	h.Hub.Arrived(targets)
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	for _, id := range targets {
		delete(h.all.told, id)
	}
}

func (c *cluster) tell(n *clusterNode, to store.Node, targets []string) {
	c.mu.Lock()
	for _, id := range targets {
		c.told[id] = time.Now()
	}
	c.mu.Unlock()
	n.Tell(to, targets)
}

// telling reports whether nodes are being told of messages.
func (c *cluster) telling() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, since := range c.told {
		if time.Since(since) > 5*time.Second { // it got lost
			delete(c.told, id)
		}
	}
	return len(c.told) > 0
}

// shared is a store that nodes share.
type shared interface {
	store.Store
	store.Nodes
	store.Letters
}

// clusterNode is one of them.
type clusterNode struct {
	*peer.Hub
	near   *local.Hub
	node   store.Node
	line   *line
	stop   func()
	closed func()     // closes its store
	owner  chan error // of the Owner's Run
	hub    chan error // of the Hub's
	end    context.CancelFunc
	endHub context.CancelFunc
}

// line is a node's connection to the store, which breaks when the node is killed, and
// can be cut for a while.
type line struct {
	shared
	beats  atomic.Int64
	refuse atomic.Bool // the next group is not written
	mu     sync.Mutex  // guards broken
	broken error
}

func (l *line) pass() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// fail has all calls fail from now on; nil = they pass.
func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func (l *line) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	if l.refuse.CompareAndSwap(true, false) {
		return nil, store.ErrUnavailable
	}
	return l.shared.Submit(ctx, g)
}

func (l *line) Acquire(ctx context.Context, node string, shards []store.Shard, d time.Duration) ([]store.Lease, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	return l.shared.Acquire(ctx, node, shards, d)
}

func (l *line) Renew(ctx context.Context, node string, leases []store.Lease, d time.Duration) ([]store.Lease, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	return l.shared.Renew(ctx, node, leases, d)
}

func (l *line) Release(ctx context.Context, node string, leases []store.Lease) error {
	if err := l.pass(); err != nil {
		return err
	}
	return l.shared.Release(ctx, node, leases)
}

func (l *line) Beat(ctx context.Context, n store.Node, d time.Duration) ([]store.Node, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	defer l.beats.Add(1)
	return l.shared.Beat(ctx, n, d)
}

func (l *line) Leave(ctx context.Context, name string) error {
	if err := l.pass(); err != nil {
		return err
	}
	return l.shared.Leave(ctx, name)
}

func (l *line) Send(ctx context.Context, letter *store.Letter) error {
	if err := l.pass(); err != nil || ctx.Err() != nil {
		return cmp.Or(err, ctx.Err())
	}
	return l.shared.Send(ctx, letter)
}

// newCluster makes a cluster without nodes over a disk.
func newCluster(t testing.TB, disk *memory.Disk, code func(node string) *perdure.Registry) *cluster {
	t.Helper()
	h, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{t: t, code: code, store: memory.Share(h), wires: &wires{}, nodes: make(map[string]*clusterNode), told: make(map[string]time.Time)}
}

// join starts nodes.
func (c *cluster) join(names ...string) {
	c.t.Helper()
	for _, name := range names {
		s, closed := c.store, func() {}
		if c.open != nil {
			s, closed = c.open()
		}
		n := &clusterNode{
			closed: closed,
			node:   store.Node{Name: name, Advertise: "http://" + name}, line: &line{shared: s},
			owner: make(chan error, 1), hub: make(chan error, 1), stop: func() {},
		}
		if c.serve != nil {
			n.node.Advertise, n.stop = c.serve(n)
		}
		shared := &shard.Shared{
			Nodes: n.line, Node: n.node, Lease: c.lease, Renew: c.renew,
			Tell: func(to store.Node, targets []string) { c.tell(n, to, targets) },
			Held: func(ctx context.Context, shards []store.Shard) ([]hub.Held, error) { return n.Held(ctx, shards) },
			Done: func(ctx context.Context, done *hub.ActivityDone) error { return n.CompleteActivity(ctx, done) },
			Beat: func(ctx context.Context, token string, progress history.Text) error {
				return n.Heartbeat(ctx, token, progress)
			},
		}
		near, err := local.New(local.Config{Store: n.line, Registry: c.code(name), Node: name, Clock: c.clock, Shared: shared})
		if err != nil {
			c.t.Fatal(err)
		}
		dial := c.dial
		if dial == nil {
			dial = c.wires.dial
		}
		n.near = near
		if n.Hub, err = peer.New(peer.Config{Owner: hears{near, c}, Node: n.node, Letters: n.line, Dial: dial}); err != nil {
			c.t.Fatal(err)
		}
		c.wires.set(name, n.Hub)
		var owning, running context.Context
		owning, n.end = context.WithCancel(context.Background())
		running, n.endHub = context.WithCancel(context.Background())
		go func() { n.hub <- n.Run(running) }()
		go func() { n.owner <- near.Run(owning) }()
		c.mu.Lock()
		c.nodes[name] = n
		c.mu.Unlock()
	}
}

// Run of the embedded peer.Hub and not of anything else.
func (n *clusterNode) Run(ctx context.Context) error { return n.Hub.Run(ctx) }

// leave stops a node in order.
func (c *cluster) leave(name string) {
	c.t.Helper()
	n := c.node(name)
	n.end()
	if err := <-n.owner; err != nil {
		c.t.Errorf("Run() of the Owner of %s = %v", name, err)
	}
	n.endHub()
	if err := <-n.hub; err != nil {
		c.t.Errorf("Run() of %s = %v", name, err)
	}
	n.stop()
	n.closed()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.nodes, name)
}

// kill stops a node as kill -9 does: nothing of it reaches the store or other nodes any
// more.
func (c *cluster) kill(name string) {
	c.t.Helper()
	n := c.node(name)
	c.mu.Lock()
	delete(c.nodes, name)
	c.mu.Unlock()
	n.line.fail(memory.ErrCrashed)
	c.wires.set(name, nil)
	n.stop()
	n.endHub()
	<-n.hub
	n.end()
	<-n.owner
	n.closed()
}

func (c *cluster) node(name string) *clusterNode {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[name]
	if n == nil {
		c.t.Fatalf("there is no node %s", name)
	}
	return n
}

func (c *cluster) alive() (list []*clusterNode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		list = append(list, n)
	}
	return list
}

// settled waits until each node holds its share, and all know it.
func (c *cluster) settled() {
	c.t.Helper()
	c.until("each node holds its share", func() bool {
		nodes := c.alive()
		held := c.held()
		for _, n := range held {
			if n > (store.Shards+len(nodes)-1)/len(nodes) {
				return false
			}
		}
		return held != nil
	})
}

// held returns how many shards each node holds; nil while some are held by nobody, or
// nodes do not know by whom.
func (c *cluster) held() map[string]int {
	held, total := make(map[string]int), 0
	for _, n := range c.alive() {
		for s := range store.Shards {
			switch _, _, here, ok := n.near.Holder(store.Shard(s)); {
			case !ok:
				return nil
			case here:
				held[n.node.Name]++
				total++
			}
		}
	}
	if total != store.Shards {
		return nil
	}
	return held
}

func (c *cluster) until(what string, ok func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > time.Minute {
			c.t.Fatalf("after %v it is not so that %s", time.Since(began), what)
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
	return time.Since(began)
}

// idle returns when all nodes are idle and stay so for some milliseconds: messages may
// be on their way between them.
func (c *cluster) idle(ctx context.Context) (next time.Time, err error) {
	commits := int64(-1)
	for still := 0; still < 4; still++ {
		next = time.Time{}
		for _, n := range c.alive() {
			due, err := n.near.Idle(ctx)
			if err != nil {
				return due, err
			}
			if next.IsZero() || !due.IsZero() && due.Before(next) {
				next = due
			}
		}
		st, err := c.store.Stats(ctx)
		if err != nil {
			return next, err
		}
		if st.Commits != commits || c.telling() || c.held() == nil {
			still, commits = 0, st.Commits
		}
		time.Sleep(500 * time.Microsecond) // between two looks
	}
	return next, nil
}

// close stops all nodes in order.
func (c *cluster) close() {
	c.t.Helper()
	var group sync.WaitGroup
	for _, n := range c.alive() {
		group.Go(func() { c.leave(n.node.Name) })
	}
	group.Wait()
	if err := c.store.Close(); err != nil {
		c.t.Errorf("Close() = %v", err)
	}
}

// overTCP has the nodes call each other over gRPC.
func (c *cluster) overTCP(dial func(address string) (peer.Link, error)) {
	c.dial = func(n store.Node) (peer.Link, error) { return dial(n.Advertise) }
	c.serve = func(n *clusterNode) (string, func()) {
		server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
		hubwire.NewNodes(hubwire.NodesConfig{Find: func(context.Context, string) (hubwire.Node, []byte, error) {
			return n, []byte(secret), nil
		}}).Register(server)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		return fmt.Sprint("http://", listener.Addr()), func() {
			server.Stop()
			if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				c.t.Errorf("Serve() = %v", err)
			}
		}
	}
}

// secret is what the nodes of a cluster have in common.
const secret = "the store's"
