package peer

import (
	"context"
	"testing"

	"github.com/perdure/perdure/store"
)

// moving is an Owner whose shards move from node a to node b after they were looked for
// once.
type moving struct {
	Owner
	asked int
}

func (m *moving) Holder(store.Shard) (store.Node, uint64, bool, bool) {
	if m.asked++; m.asked == 1 {
		return store.Node{Name: "a"}, 1, false, true
	}
	return store.Node{Name: "b"}, 2, false, true
}

func (*moving) Refresh(context.Context) error { return nil }

// TestWatchWhileItMoves begins a watch of an owner whose shard moves meanwhile: what is
// open at a node lasts as long as that holds the shard, not as long as the next does.
func TestWatchWhileItMoves(t *testing.T) {
	h, err := New(Config{Owner: &moving{}, Letters: struct{ store.Letters }{}, Node: store.Node{Name: "here"}})
	if err != nil {
		t.Fatal(err)
	}
	var at string
	w := h.newWatch(func(_ context.Context, n node) (opened, error) {
		at = n.(*neighbour).node.Name
		return &left{}, nil
	})
	p, err := w.atHolder(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	if held := h.shards[store.ShardOf("owner")]; held.node != at || p.tenure != held.ctx {
		t.Errorf("atHolder() has opened the watch at %s for as long as %s holds the shard", at, held.node)
	}
}
