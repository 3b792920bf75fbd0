package peer_test

import (
	"context"
	"testing"

	"github.com/perdure/perdure/internal/peer"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestEnded has a hub that has ended make no connections any more, which nobody would
// close.
func TestEnded(t *testing.T) {
	kept, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	dialled := 0
	h, err := peer.New(peer.Config{
		Owner: &asked{}, Node: store.Node{Name: "a"}, Letters: memory.Share(kept),
		Dial: func(store.Node) (peer.Link, error) {
			dialled++
			return &wire{&wires{}, "b"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Run(ctx); err != nil {
		t.Fatal(err)
	}
	h.Tell(store.Node{Name: "b", Advertise: "http://b"}, nil)
	if dialled > 0 {
		t.Errorf("a hub that has ended has made %d connections, want none", dialled)
	}
	if err := kept.Close(); err != nil {
		t.Error(err)
	}
}
