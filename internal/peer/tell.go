package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// tells are the notices of arrivals that a neighbour has not been told yet.
type tells struct {
	mu      sync.Mutex // guards what follows
	targets map[string]bool
	freed   bool // shards have become free
	telling bool
}

// mostTells is how many instances wait at most for the neighbour to be told of them;
// what goes beyond it finds by itself.
const mostTells = 10_000

// Tell tells another node that messages lie in the inboxes of its instances, or,
// without targets, that shards have become free; see shard.Shared. It does not wait.
func (h *Hub) Tell(to store.Node, targets []string) {
	n := h.neighbour(to)
	t := n.tell
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freed = t.freed || len(targets) == 0
	for _, id := range targets {
		if len(t.targets) < mostTells {
			t.targets[id] = true
		}
	}
	if !t.telling {
		t.telling = h.start(n.tellArrivals)
	}
}

// tellArrivals tells the neighbour of arrivals until there are none.
func (n *neighbour) tellArrivals() {
	for {
		all, more := n.tell.take()
		if !more {
			return
		}
		for _, targets := range all {
			ctx, cancel := context.WithTimeout(n.ctx, letterTime)
			c := &wirepb.NodeCall{What: &wirepb.NodeCall_Arrived{Arrived: &wirepb.NodeArrived{Targets: targets}}}
			if _, err := n.call(ctx, c, false); err != nil && n.ctx.Err() == nil {
				n.hub.logger.Debug("node was not told of arrivals, and will find them", "node", n.node.Name, "err", err)
			}
			cancel()
		}
	}
}

// take returns what there is to tell, each of the lists in a call of its own.
func (t *tells) take() (all [][]string, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.freed {
		all = append(all, nil)
	}
	if len(t.targets) > 0 {
		var targets []string
		for id := range t.targets {
			targets = append(targets, id)
		}
		all = append(all, targets)
	}
	clear(t.targets)
	t.freed = false
	t.telling = len(all) > 0
	return all, t.telling
}

// Held asks the other nodes which activities of shards they, or workers connected to
// them, still have; see shard.Shared. Workers of this node count too. The error says
// that nodes have not answered.
func (h *Hub) Held(ctx context.Context, shards []store.Shard) ([]hub.Held, error) {
	list := h.items.held(h.cfg.Node.Name, shards)
	var mu sync.Mutex // guards list and errs
	var errs []error
	var group sync.WaitGroup
	for _, m := range h.owner.Members() {
		if m.Name == h.cfg.Node.Name {
			continue
		}
		group.Go(func() {
			held, err := h.neighbour(m).holds(ctx, shards)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, held...)
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	return list, errors.Join(errs...)
}

// holds asks the neighbour which activities it has.
func (n *neighbour) holds(ctx context.Context, shards []store.Shard) ([]hub.Held, error) {
	m := &wirepb.NodeShards{Shards: make([]byte, len(shards))}
	for i, s := range shards {
		m.Shards[i] = byte(s)
	}
	c := &wirepb.NodeCall{What: &wirepb.NodeCall_Holds{Holds: m}}
	if _, bounded := ctx.Deadline(); !bounded {
		c.Patience = durationpb.New(letterTime)
	}
	for {
		a, err := n.call(ctx, c, false)
		if err == nil {
			var list []hub.Held
			for _, i := range a.GetHolds().GetItems() {
				list = append(list, hub.Held{Token: i.GetToken(), Worker: i.GetWorker(), Node: i.GetNode()})
			}
			return list, nil
		}
		if perdure.CodeOf(err) != perdure.Unavailable || ctx.Err() != nil || n.ctx.Err() != nil {
			return nil, err
		}
		wait(ctx, jitter(100*time.Millisecond)) // the next attempt is a letter
	}
}

// holds returns the activities of shards that this node, or workers connected to it,
// have.
func (h *Hub) holds(ctx context.Context, shards []store.Shard) ([]hub.Held, error) {
	list, err := h.owner.HoldsItems(ctx, shards)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	for _, held := range list {
		known[held.Token] = true
	}
	for _, held := range h.items.held(h.cfg.Node.Name, shards) {
		if !known[held.Token] {
			list = append(list, held)
		}
	}
	return list, nil
}

func shardsOf(m *wirepb.NodeShards) []store.Shard {
	list := make([]store.Shard, len(m.GetShards()))
	for i, s := range m.GetShards() {
		list[i] = store.Shard(s)
	}
	return list
}

func encodeHeld(list []hub.Held) *wirepb.NodeHolds {
	m := &wirepb.NodeHolds{}
	for _, held := range list {
		m.Items = append(m.Items, &wirepb.NodeItem{Token: held.Token, Worker: held.Worker, Node: held.Node})
	}
	return m
}
