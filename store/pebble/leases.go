package pebble

import (
	"context"
	"time"

	"github.com/perdure/perdure/store"
)

// Acquire implements store.Leases. The directory has one owner, by its lock, so
// every shard is granted, with an epoch above all of this and earlier opens.
func (h *Hub) Acquire(_ context.Context, _ string, shards []store.Shard, d time.Duration) ([]store.Lease, error) {
	if err := h.writable(); err != nil {
		return nil, err
	}
	until := h.db.opts.Now().Add(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	leases := make([]store.Lease, 0, len(shards))
	for _, s := range shards {
		h.epochs[s]++
		leases = append(leases, store.Lease{Shard: s, Epoch: h.epochs[s], Until: until})
	}
	return leases, nil
}

// Renew implements store.Leases.
func (h *Hub) Renew(_ context.Context, _ string, leases []store.Lease, d time.Duration) ([]store.Lease, error) {
	if err := h.writable(); err != nil {
		return nil, err
	}
	until := h.db.opts.Now().Add(d)
	h.mu.Lock()
	defer h.mu.Unlock()
	held := make([]store.Lease, 0, len(leases))
	for _, l := range leases {
		if l.Epoch == h.epochs[l.Shard] {
			l.Until = until
			held = append(held, l)
		}
	}
	return held, nil
}

// Release implements store.Leases. A lease given back no longer admits commits.
func (h *Hub) Release(_ context.Context, _ string, leases []store.Lease) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range leases {
		if l.Epoch == h.epochs[l.Shard] {
			h.epochs[l.Shard]++
		}
	}
	return nil
}
