package peer_test

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/peer"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// wires connect nodes by name, in the process. They can be cut.
type wires struct {
	mu    sync.Mutex
	nodes map[string]*peer.Hub
	cut   bool
	calls atomic.Int64
}

func (w *wires) dial(n store.Node) (peer.Link, error) { return &wire{w, n.Name}, nil }

func (w *wires) set(name string, h *peer.Hub) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nodes == nil {
		w.nodes = make(map[string]*peer.Hub)
	}
	w.nodes[name] = h
}

type wire struct {
	*wires
	to string
}

var errCut = &perdure.Error{Code: perdure.Unavailable, Message: "the wire is cut"}

func (w *wire) node() (*peer.Hub, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.nodes[w.to]; h != nil && !w.cut {
		return h, nil
	}
	return nil, errCut
}

func (w *wire) Reach(context.Context) error {
	_, err := w.node()
	return err
}

func (w *wire) Call(ctx context.Context, c *wirepb.NodeCall, _ bool) (*wirepb.NodeAnswer, error) {
	w.calls.Add(1)
	h, err := w.node()
	if err != nil {
		return nil, err
	}
	answer := h.Answer(ctx, c)
	if again, err := w.node(); again != h {
		return nil, err // it was killed meanwhile, and cannot have answered
	}
	return answer, nil
}

func (w *wire) Close() error { return nil }
