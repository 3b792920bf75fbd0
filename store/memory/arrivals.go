package memory

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/perdure/perdure/store"
)

// keptArrivals is how many arrivals are kept at most.
const keptArrivals = 100_000

// arrivals names the newest messages that have become durable, in order. The
// disk's mutex guards it.
type arrivals struct {
	list  []arrival
	first uint64 // number of list[0]
}

// arrival is a message, by its key in the state.
type arrival struct {
	shard store.Shard
	key   string
}

func (a *arrivals) add(g *store.Group) {
	for _, c := range g.Commits {
		for _, m := range c.Emit {
			a.list = append(a.list, arrival{store.ShardOf(m.Target), messageKey(m.Target, m.ID)})
		}
	}
	if over := len(a.list) - keptArrivals; over > 0 {
		a.list, a.first = a.list[over:], a.first+uint64(over)
	}
}

// Arrivals implements store.Nodes. A cursor is the number of the next arrival.
func (h *Shared) Arrivals(_ context.Context, shards []store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.broken(); err != nil {
		return nil, nil, err
	}
	a := &h.arrivals
	next := a.first + uint64(len(a.list))
	if after == nil {
		return nil, binary.BigEndian.AppendUint64(nil, next), nil
	}
	if len(after) != 8 {
		return nil, nil, store.ErrCursor
	}
	var wanted [store.Shards]bool
	for _, s := range shards {
		wanted[s] = true
	}
	var list []store.Message
	from := max(binary.BigEndian.Uint64(after), a.first)
	for ; from < next && len(list) < limit; from++ {
		got := a.list[from-a.first]
		if m, open := h.current.messages.get(got.key); open && wanted[got.shard] {
			m.Data = slices.Clone(m.Data)
			list = append(list, m)
		}
	}
	return list, binary.BigEndian.AppendUint64(nil, from), nil
}
