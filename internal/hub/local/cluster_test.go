package local_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// cluster is hubs in one process that share a store, as nodes do. It lives in a bubble.
type cluster struct {
	t    *testing.T
	ctx  context.Context
	disk *memory.Disk
	lim  shard.Limits
	code func(node string) *perdure.Registry

	store *memory.Shared
	mu    sync.Mutex // guards nodes
	nodes map[string]*clusterNode
	deaf  bool      // nodes neither tell nor ask each other
	mute  time.Time // until then nobody says what is held

	reading func(store.Shard) // of the lines of nodes that join; nil = nothing
	asking  func(by string)   // called when a node is about to ask what others hold; nil = nothing
}

// clusterNode is one hub of a cluster.
type clusterNode struct {
	*local.Hub
	name string
	line *line
	stop context.CancelFunc
	done chan error
}

// line is a node's connection to the store, which a test can cut and hold.
type line struct {
	*memory.Shared
	mu   sync.Mutex // guards what follows
	dead bool
	held chan struct{} // closed when it is let go; nil = it is not held

	reading func(store.Shard) // called before the messages of a shard are read; nil = nothing

	// How often the node has said that it lives, looked who holds what, and tried to end
	// the time of others.
	beats, looks, ends atomic.Int64
}

// pass waits while the line is held, whatever ctx says, as a frozen process does.
func (l *line) pass() error {
	l.mu.Lock()
	held := l.held
	l.mu.Unlock()
	if held != nil {
		<-held
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return memory.ErrCrashed
	}
	return nil
}

func (l *line) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = make(chan struct{})
}

func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.held)
	l.held = nil
}

// Messages is what a takeover reads first.
func (l *line) Messages(ctx context.Context, s store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
	if l.reading != nil {
		l.reading(s)
	}
	return l.Shared.Messages(ctx, s, after, limit)
}

func (l *line) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	return l.Shared.Submit(context.WithoutCancel(ctx), g) // what was sent arrives
}

func (l *line) Acquire(ctx context.Context, node string, shards []store.Shard, d time.Duration) ([]store.Lease, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	return l.Shared.Acquire(ctx, node, shards, d)
}

func (l *line) Renew(ctx context.Context, node string, leases []store.Lease, d time.Duration) ([]store.Lease, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	return l.Shared.Renew(ctx, node, leases, d)
}

func (l *line) Release(ctx context.Context, node string, leases []store.Lease) error {
	if err := l.pass(); err != nil {
		return err
	}
	return l.Shared.Release(ctx, node, leases)
}

func (l *line) Beat(ctx context.Context, n store.Node, d time.Duration) ([]store.Node, error) {
	if err := l.pass(); err != nil {
		return nil, err
	}
	l.beats.Add(1)
	return l.Shared.Beat(ctx, n, d)
}

func (l *line) Holders(ctx context.Context) ([]store.Holder, error) {
	l.looks.Add(1)
	return l.Shared.Holders(ctx)
}

func (l *line) Expire(ctx context.Context, name string, left time.Duration) (bool, error) {
	if err := l.pass(); err != nil {
		return false, err
	}
	l.ends.Add(1)
	return l.Shared.Expire(ctx, name, left)
}

// inCluster runs a test with hubs that share a store, in a bubble.
func inCluster(t *testing.T, code func(node string) *perdure.Registry, f func(c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		c := &cluster{t: t, ctx: ctx, disk: &memory.Disk{}, code: code, nodes: make(map[string]*clusterNode)}
		h, err := memory.Open(c.disk)
		if err != nil {
			t.Fatal(err)
		}
		c.store = memory.Share(h)
		defer func() {
			for _, n := range c.alive() {
				c.leave(n.name)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(c)
	})
}

// join starts nodes.
func (c *cluster) join(names ...string) {
	c.t.Helper()
	for _, name := range names {
		n := &clusterNode{name: name, line: &line{Shared: c.store, reading: c.reading}, done: make(chan error, 1)}
		h, err := local.New(local.Config{
			Store: n.line, Registry: c.code(name), Node: name, Limits: c.lim, Logger: slog.New(slog.NewTextHandler(c.t.Output(), nil)),
			Shared: &shard.Shared{
				Nodes: n.line, Node: store.Node{Name: name}, Tell: c.tell(name), Held: c.held(name),
				Done: func(ctx context.Context, done *hub.ActivityDone) error {
					return c.route(ctx, func(h *local.Hub) error { return h.CompleteActivity(ctx, done) })
				},
				Beat: func(ctx context.Context, token string, progress history.Text) error {
					return c.route(ctx, func(h *local.Hub) error { return h.Heartbeat(ctx, token, progress) })
				},
			},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		n.Hub = h
		var ctx context.Context
		ctx, n.stop = context.WithCancel(context.Background())
		go func() { n.done <- h.Run(ctx) }()
		c.mu.Lock()
		c.nodes[name] = n
		c.mu.Unlock()
	}
}

func (c *cluster) tell(from string) func(store.Node, []string) {
	return func(to store.Node, targets []string) {
		c.mu.Lock()
		n := c.nodes[to.Name]
		deaf := c.deaf
		c.mu.Unlock()
		if n != nil && !deaf {
			n.Arrived(targets)
		}
	}
}

func (c *cluster) held(by string) func(context.Context, []store.Shard) ([]hub.Held, error) {
	return func(ctx context.Context, shards []store.Shard) (list []hub.Held, err error) {
		c.mu.Lock()
		late, asking := time.Until(c.mute), c.asking
		c.mu.Unlock()
		if asking != nil {
			asking(by)
		}
		if late > 0 {
			select {
			case <-time.After(late):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		for _, n := range c.alive() {
			if n.name == by {
				continue
			}
			held, err := n.HoldsItems(ctx, shards)
			if err != nil {
				return nil, err
			}
			list = append(list, held...)
		}
		return list, nil
	}
}

func (c *cluster) alive() (list []*clusterNode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b *clusterNode) int { return slices.Compare([]byte(a.name), []byte(b.name)) })
	return list
}

func (c *cluster) remove(name string) *clusterNode {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[name]
	delete(c.nodes, name)
	return n
}

// leave stops a node in order.
func (c *cluster) leave(name string) {
	c.t.Helper()
	c.mu.Lock()
	n := c.nodes[name]
	c.mu.Unlock()
	n.stop()
	if err := <-n.done; err != nil {
		c.t.Errorf("Run() of %s = %v", name, err)
	}
	c.remove(name)
}

// kill stops a node as kill -9 does: nothing that it does reaches the store any more.
func (c *cluster) kill(name string) {
	c.t.Helper()
	n := c.remove(name)
	n.line.mu.Lock()
	n.line.dead = true
	n.line.mu.Unlock()
	n.stop()
	<-n.done
}

// route has the node do something that holds the shard.
func (c *cluster) route(ctx context.Context, f func(*local.Hub) error) error {
	for {
		var last error
		for _, n := range c.alive() {
			last = f(n.Hub)
			var elsewhere *shard.ElsewhereError
			if !errors.As(last, &elsewhere) {
				break
			}
		}
		var elsewhere *shard.ElsewhereError
		if !errors.As(last, &elsewhere) && perdure.CodeOf(last) != perdure.Unavailable {
			return last
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return last
		}
	}
}

func (c *cluster) start(id, name, input string) {
	c.t.Helper()
	err := c.route(c.ctx, func(h *local.Hub) error {
		_, err := h.Start(c.ctx, &hub.Start{RequestID: "start " + id, InstanceID: id, Name: name, Input: history.Some(input)})
		return err
	})
	if err != nil {
		c.t.Fatalf("Start(%s) = %v", id, err)
	}
}

func (c *cluster) raise(id, event, data string) {
	c.t.Helper()
	err := c.route(c.ctx, func(h *local.Hub) error {
		return h.Raise(c.ctx, &hub.Raise{RequestID: event + data, InstanceID: id, Name: event, Data: history.Some(data)})
	})
	if err != nil {
		c.t.Fatalf("Raise(%s) = %v", id, err)
	}
}

// end waits for the end of a run and returns its output.
func (c *cluster) end(id string) string {
	c.t.Helper()
	out, err := c.output(id)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// output waits for the end of a run, for a minute, and returns its output.
func (c *cluster) output(id string) (string, error) {
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	var in *hub.Instance
	err := c.route(ctx, func(h *local.Hub) (err error) { in, err = h.WaitCompletion(ctx, id); return err })
	switch {
	case err != nil:
		return "", fmt.Errorf("WaitCompletion(%s) = %w", id, err)
	case in.Status != store.Completed:
		return "", fmt.Errorf("%s has ended as %v: %+v", id, in.Status, in.Failure)
	}
	return in.Output.S, nil
}

// shares counts the shards of each node; settled waits until all are held, evenly.
func (c *cluster) shares() map[string]int {
	n := make(map[string]int)
	for _, m := range c.alive() {
		for s := range store.Shards {
			if _, _, here, _ := m.Holder(store.Shard(s)); here {
				n[m.name]++
			}
		}
	}
	return n
}

func (c *cluster) settled() {
	c.t.Helper()
	c.until(20*time.Second, "each node has its share", func() bool {
		nodes, total := len(c.alive()), 0
		for _, n := range c.shares() {
			if n > (store.Shards+nodes-1)/nodes {
				return false
			}
			total += n
		}
		return total == store.Shards
	})
}

func (c *cluster) until(d time.Duration, what string, ok func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > d {
			c.t.Fatalf("after %v it is not so that %s; shares: %v", d, what, c.shares())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// ran counts what activities did, by what they were given.
type ran struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

func (r *ran) add(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = make(map[string]int)
	}
	r.n[what]++
}

func (r *ran) count(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n[what]
}

// family is code of which the parts lie in different shards: a run with activities and
// a child that calls an entity.
func family(r *ran) func(string) *perdure.Registry {
	return func(string) *perdure.Registry {
		reg := perdure.NewRegistry()
		perdure.AddActivityNamed(reg, "act", func(_ context.Context, in string) (string, error) {
			r.add(in)
			time.Sleep(5 * time.Millisecond)
			return in + "!", nil
		})
		perdure.AddEntityFunc(reg, "log", func(ctx *perdure.EntityContext) (any, error) {
			var list []string
			if err := ctx.State(&list); err != nil {
				return nil, err
			}
			var in string
			if err := ctx.Input(&in); err != nil {
				return nil, err
			}
			list = append(list, in)
			return len(list), ctx.SetState(list)
		})
		perdure.AddOrchestrationNamed(reg, "child", func(ctx *perdure.Context, in string) (string, error) {
			n, err := perdure.CallEntity[int](ctx, perdure.NewEntityID("log", in), "add", in).Await()
			return fmt.Sprint(in, n), err
		})
		perdure.AddOrchestrationNamed(reg, "parent", func(ctx *perdure.Context, in string) (string, error) {
			out, err := perdure.CallNamed[string](ctx, "act", in).Await()
			if err != nil {
				return "", err
			}
			if err := ctx.Timer(time.Second).Await(); err != nil {
				return "", err
			}
			return perdure.CallOrchestrationNamed[string](ctx, "child", out).Await()
		})
		perdure.AddOrchestrationNamed(reg, "waits", func(ctx *perdure.Context, in string) (string, error) {
			var got []string
			for range 3 {
				s, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
				if err != nil {
					return "", err
				}
				got = append(got, s)
				if _, err := perdure.CallNamed[string](ctx, "act", in+s).Await(); err != nil {
					return "", err
				}
			}
			return fmt.Sprint(got), nil
		})
		return reg
	}
}

// TestNodesShareTheWork: nodes that come take their shares, and runs whose parts lie at
// several nodes end as on one, each activity having run once.
func TestNodesShareTheWork(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		var r ran
		inCluster(t, family(&r), func(c *cluster) {
			c.deaf = deaf
			c.join("a", "b", "c")
			c.settled()
			for i := range 50 {
				c.start(fmt.Sprint("r", deaf, i), "parent", fmt.Sprintf(`"%v%d"`, deaf, i))
			}
			for i := range 50 {
				if got, want := c.end(fmt.Sprint("r", deaf, i)), fmt.Sprintf(`"%v%d!1"`, deaf, i); got != want {
					t.Errorf("output = %s, want %s", got, want)
				}
				if n := r.count(fmt.Sprintf("%v%d", deaf, i)); n != 1 {
					t.Errorf("activity of run %d ran %d times, want once", i, n)
				}
			}
		})
	}
}
