package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/store"
)

// Shared is a Hub that several nodes share. Its leases are those of nodes and
// expire by the disk's clock; they and the letters are durable at once. It
// implements store.Store, store.Nodes and store.Letters.
type Shared struct{ *Hub }

var (
	_ store.Store   = (*Shared)(nil)
	_ store.Nodes   = (*Shared)(nil)
	_ store.Letters = (*Shared)(nil)
)

// Share lets several nodes share an open hub. Nobody else may use that.
func Share(h *Hub) *Shared { return &Shared{h} }

// cluster is what a disk knows of the nodes that share its hub.
type cluster struct {
	nodes   map[string]member
	holders [store.Shards]holder
	letters map[string][]store.Letter
	posted  chan struct{} // closed and replaced when a letter comes; nil = nobody waits
}

type member struct {
	node  store.Node
	until time.Time
}

// holder is who holds a shard; without a node nobody does.
type holder struct {
	node  string
	until time.Time
}

// Acquire implements store.Leases.
func (h *Shared) Acquire(_ context.Context, node string, shards []store.Shard, d time.Duration) ([]store.Lease, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, err
	}
	now := h.disk.now()
	var leases []store.Lease
	for _, s := range shards {
		held := &h.disk.cluster.holders[s]
		if held.node != "" && now.Before(held.until) {
			continue
		}
		l := store.Lease{Shard: s, Until: now.Add(d), Orphaned: held.node != ""}
		*held = holder{node, l.Until}
		h.epochs[s]++
		l.Epoch = h.epochs[s]
		leases = append(leases, l)
	}
	return leases, nil
}

// Renew implements store.Leases.
func (h *Shared) Renew(_ context.Context, node string, leases []store.Lease, d time.Duration) ([]store.Lease, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, err
	}
	var kept []store.Lease
	for _, l := range leases {
		if fault.Mutant(fault.RenewalAfterTakeover) {
			h.epochs[l.Shard], h.disk.cluster.holders[l.Shard].node = l.Epoch, node
		}
		if h.holds(node, l) {
			l.Until = h.disk.now().Add(d)
			h.disk.cluster.holders[l.Shard].until = l.Until
			kept = append(kept, l)
		}
	}
	return kept, nil
}

// Release implements store.Leases.
func (h *Shared) Release(_ context.Context, node string, leases []store.Lease) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return err
	}
	for _, l := range leases {
		if h.holds(node, l) {
			h.disk.cluster.holders[l.Shard] = holder{}
			h.epochs[l.Shard]++
		}
	}
	return nil
}

func (h *Shared) holds(node string, l store.Lease) bool {
	return h.disk.cluster.holders[l.Shard].node == node && h.epochs[l.Shard] == l.Epoch
}

// Beat implements store.Nodes.
func (h *Shared) Beat(_ context.Context, n store.Node, d time.Duration) ([]store.Node, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, err
	}
	c, now := &h.disk.cluster, h.disk.now()
	if c.nodes == nil {
		c.nodes = make(map[string]member)
	}
	n.Detail = slices.Clone(n.Detail)
	c.nodes[n.Name] = member{n, now.Add(d)}
	maps.DeleteFunc(c.nodes, func(_ string, m member) bool { return !now.Before(m.until) })
	var nodes []store.Node
	for _, m := range c.nodes {
		m.node.Detail = slices.Clone(m.node.Detail)
		nodes = append(nodes, m.node)
	}
	slices.SortFunc(nodes, func(a, b store.Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}

// Expire implements store.Nodes.
func (h *Shared) Expire(_ context.Context, name string, left time.Duration) (bool, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return false, err
	}
	c, now := &h.disk.cluster, h.disk.now()
	last := c.nodes[name].until
	for _, held := range c.holders {
		if held.node == name && held.until.After(last) {
			last = held.until
		}
	}
	if !last.Before(now.Add(left)) {
		return false, nil
	}
	delete(c.nodes, name)
	for s := range c.holders {
		if held := &c.holders[s]; held.node == name && held.until.After(now) {
			held.until = now
		}
	}
	return true, nil
}

// Leave implements store.Nodes.
func (h *Shared) Leave(_ context.Context, name string) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return err
	}
	delete(h.disk.cluster.nodes, name)
	return nil
}

// Holders implements store.Nodes.
func (h *Shared) Holders(context.Context) ([]store.Holder, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, err
	}
	var list []store.Holder
	for s, held := range h.disk.cluster.holders {
		if held.node != "" && h.disk.now().Before(held.until) {
			list = append(list, store.Holder{Shard: store.Shard(s), Epoch: h.epochs[s], Node: held.node})
		}
	}
	return list, nil
}

// Send implements store.Letters.
func (h *Shared) Send(_ context.Context, l *store.Letter) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return err
	}
	c := &h.disk.cluster
	if c.letters == nil {
		c.letters = make(map[string][]store.Letter)
	}
	letter := *l
	letter.Data = slices.Clone(l.Data)
	c.letters[l.To] = append(c.letters[l.To], letter)
	if c.posted != nil {
		close(c.posted)
		c.posted = nil
	}
	return nil
}

// Receive implements store.Letters.
func (h *Shared) Receive(ctx context.Context, node string, limit int) ([]store.Letter, error) {
	for {
		letters, more, err := h.letters(node, limit)
		if len(letters) > 0 || err != nil {
			return letters, err
		}
		select {
		case <-more:
		case <-h.down:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// letters takes letters out, and returns what is closed when another one comes.
func (h *Shared) letters(node string, limit int) ([]store.Letter, <-chan struct{}, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, nil, err
	}
	c, now := &h.disk.cluster, h.disk.now()
	list := slices.DeleteFunc(c.letters[node], func(l store.Letter) bool { return !now.Before(l.Until) })
	n := min(limit, len(list))
	if len(list) > n {
		c.letters[node] = list[n:]
	} else {
		delete(c.letters, node)
	}
	if c.posted == nil {
		c.posted = make(chan struct{})
	}
	return slices.Clone(list[:n]), c.posted, nil
}
