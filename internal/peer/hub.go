// Package peer is the hub of a node among others that share a store: what concerns
// an instance is done by the node that holds the instance's shard, wherever the
// caller is, and workers that are connected to one node get the work of all.
//
// Nodes call each other over connections; nodes that do not reach each other send
// letters through the store. A call goes where the newest view says that the shard is
// held; who does not hold it says so and does nothing, and the caller looks again. What
// may have been done is tried again only with a request id or a token, by which a
// repeat is harmless.
package peer

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// Config is what a Hub is made of. Owner, Node and Letters are required.
type Config struct {
	// Owner holds the shards of this node.
	Owner Owner
	// Node is this node, as the others know it.
	Node    store.Node
	Letters store.Letters
	// Dial returns a connection to another node, which is made when it is used. nil =
	// there are none: nodes work through the store alone.
	Dial func(store.Node) (Link, error)
	// Patience is how long a call is tried again while nobody can be found who does
	// it; waits are for as long as their contexts allow. 0 = 30 s.
	Patience time.Duration
	Logger   *slog.Logger // nil = none
}

// Owner is the hub that holds the shards of this node; shard.Owner implements it.
type Owner interface {
	hub.Hub
	hub.Upkeep
	hub.Workers
	hub.Demand
	hub.Overlay
	View
	// Arrived says that messages lie in the inboxes of instances.
	Arrived(targets []string)
	// HoldsItems returns the work items of shards that run here.
	HoldsItems(ctx context.Context, shards []store.Shard) ([]hub.Held, error)
	// Refused says whether the machine of a node refuses connections to it.
	Refused(node string, refuses bool)
}

// View is what an Owner knows of the nodes.
type View interface {
	// Holder returns who holds a shard by the newest view; ok is false if nobody does.
	Holder(s store.Shard) (node store.Node, epoch uint64, here, ok bool)
	// Refresh has the view made anew.
	Refresh(ctx context.Context) error
	// Members returns the nodes that live, this one too.
	Members() []store.Node
	// Moved returns a channel that is closed when what Holder and Members return has
	// changed since the call.
	Moved() <-chan struct{}
}

// Link is a connection to another node; remote.Node implements it. Its methods may be
// called concurrently.
type Link interface {
	// Reach returns nil once there is a connection, and an error when an attempt to make
	// one has failed, or ctx ends; it is syscall.ECONNREFUSED if nothing listens there.
	Reach(ctx context.Context) error
	// Call has the node answer a call. long says that the answer may take a while. An
	// error says that no answer has come.
	Call(ctx context.Context, call *wirepb.NodeCall, long bool) (*wirepb.NodeAnswer, error)
	Close() error
}

// Hub is the hub of a node among others. It implements hub.Hub, hub.Upkeep,
// hub.Workers, hub.Demand and hub.Overlay, and answers the calls of the other nodes. Its methods may be called
// concurrently, from before Run on.
type Hub struct {
	cfg      Config
	owner    Owner
	logger   *slog.Logger
	post     *post
	here     here
	sessions *sessions
	items    *items

	began  chan struct{}   // closed by Run
	doubts chan struct{}   // has room for one: calls rely on what may have changed
	ctx    context.Context // ends when nothing more is done; of the goroutines of Run
	stop   context.CancelCauseFunc
	work   sync.WaitGroup // goroutines that end with ctx; see start

	mu         sync.Mutex // guards what follows
	running    bool
	neighbours map[string]*neighbour // by the name of the node
	shards     [store.Shards]tenure
	streams    map[*stream]bool
}

var (
	_ hub.Hub     = (*Hub)(nil)
	_ hub.Upkeep  = (*Hub)(nil)
	_ hub.Workers = (*Hub)(nil)
	_ hub.Demand  = (*Hub)(nil)
	_ hub.Overlay = (*Hub)(nil)
)

// tenure is the time in which one node holds a shard.
type tenure struct {
	node  string
	epoch uint64
	ctx   context.Context // ends with the tenure
	end   context.CancelFunc
}

// New returns a Hub that works once Run is called.
func New(cfg Config) (*Hub, error) {
	if cfg.Owner == nil || cfg.Letters == nil || cfg.Node.Name == "" {
		return nil, errors.New("peer: Config needs Owner, Node and Letters")
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 30 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{
		cfg: cfg, owner: cfg.Owner, logger: cfg.Logger, here: here{cfg.Owner},
		neighbours: make(map[string]*neighbour), streams: make(map[*stream]bool), items: newItems(), sessions: newSessions(), began: make(chan struct{}), doubts: make(chan struct{}, 1),
	}
	h.ctx, h.stop = context.WithCancelCause(context.Background())
	h.post = newPost(cfg.Letters, cfg.Node.Name)
	return h, nil
}

// errStopped is why nothing more is done.
var errStopped = &perdure.Error{Code: perdure.Unavailable, Message: "the node was stopped"}

// Pauses of Run.
const (
	// lookPause is the least time between two looks at the view, which are made when it
	// has changed; lookEvery is the most, for what nobody fetches any more.
	lookPause = 100 * time.Millisecond
	lookEvery = 2 * time.Second
)

// Run connects the node with the others until ctx ends; it is to run as long as the
// Owner, or longer. It owns all goroutines and returns when they are gone. It may be
// called once.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	h.running = true
	h.mu.Unlock()
	close(h.began)
	h.start(func() { h.post.receive(h.ctx, h.logger, h.answerLetter) })
	for ctx.Err() == nil {
		moved := h.owner.Moved()
		h.look()
		h.sleep(ctx, lookPause)
		h.awaits(ctx, moved, h.doubts)
	}
	h.close()
	return nil
}

// awaits waits until the view has moved or doubts has a value, but not much longer than
// lookEvery.
func (h *Hub) awaits(ctx context.Context, moved, doubts <-chan struct{}) {
	t := time.NewTimer(lookEvery)
	defer t.Stop()
	select {
	case <-moved:
	case <-doubts:
	case <-t.C:
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
}

// close ends all that goes on, and waits for it.
func (h *Hub) close() {
	h.mu.Lock()
	h.running = false
	h.stop(errStopped)
	all := h.neighbours
	h.neighbours = make(map[string]*neighbour)
	var streams []*stream
	for s := range h.streams {
		streams = append(streams, s)
	}
	h.mu.Unlock()
	for _, s := range streams {
		s.end(errStopped)
	}
	for _, n := range all {
		n.close()
	}
	h.sessions.close()
	h.work.Wait()
}

// start has something done until h.ctx ends, if Run has begun and not ended.
func (h *Hub) start(do func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.running {
		return false
	}
	h.work.Go(do)
	return true
}

// hasBegun waits for Run.
func (h *Hub) hasBegun(ctx context.Context, op string) error {
	select {
	case <-h.began:
		return nil
	case <-ctx.Done():
		return ended(ctx, op, "")
	}
}

// look compares the newest view with what calls rely on: those to a node that does not
// hold the shard any more end, streams follow the nodes, and what was open for nodes
// that are gone is closed.
func (h *Hub) look() {
	members := h.members()
	var ended []context.CancelFunc
	var gone []*neighbour
	h.mu.Lock()
	for i := range h.shards {
		t := &h.shards[i]
		if t.ctx == nil {
			continue
		}
		node, epoch, _, ok := h.owner.Holder(store.Shard(i))
		if ok && node.Name == t.node && epoch == t.epoch {
			continue
		}
		ended = append(ended, t.end)
		*t = tenure{}
	}
	for name, n := range h.neighbours {
		if _, lives := members[name]; !lives {
			gone = append(gone, n)
			delete(h.neighbours, name)
		}
	}
	all := slices.Collect(maps.Values(h.neighbours))
	var streams []*stream
	for s := range h.streams {
		streams = append(streams, s)
	}
	h.mu.Unlock()
	for _, n := range all {
		n.check()
	}
	for _, end := range ended {
		end()
	}
	for _, n := range gone {
		n.close()
	}
	for _, s := range streams {
		s.follow(members)
	}
	h.sessions.sweep(members)
}

// members returns the nodes that live, this one too, by name.
func (h *Hub) members() map[string]store.Node {
	members := map[string]store.Node{h.cfg.Node.Name: h.cfg.Node}
	for _, n := range h.owner.Members() {
		members[n.Name] = n
	}
	return members
}

// tenureOf returns a context that ends when the shard is no longer held as it is now.
func (h *Hub) tenureOf(s store.Shard, node string, epoch uint64) context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.shards[s]
	if t.ctx != nil && (t.node != node || t.epoch != epoch) {
		t.end()
		t.ctx = nil
	}
	if t.ctx == nil {
		ring(h.doubts) // the view may have moved since the caller has looked
		ctx, end := context.WithCancel(h.ctx)
		*t = tenure{node: node, epoch: epoch, ctx: ctx, end: end}
	}
	return t.ctx
}

// Unreached returns the nodes that were called and could not be reached, by name: they
// get letters. It is for people.
func (h *Hub) Unreached() (list []store.Node) {
	h.mu.Lock()
	all := slices.Collect(maps.Values(h.neighbours)) // whose locks come before this one
	h.mu.Unlock()
	for _, n := range all {
		if n.unreached() {
			list = append(list, n.node)
		}
	}
	slices.SortFunc(list, func(a, b store.Node) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// neighbour returns another node.
func (h *Hub) neighbour(node store.Node) *neighbour {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.neighbours[node.Name]
	if n == nil {
		n = newNeighbour(h, node)
		if h.ctx.Err() == nil {
			h.neighbours[node.Name] = n
		}
	}
	return n
}
