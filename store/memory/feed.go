package memory

import (
	"context"
	"fmt"

	"github.com/perdure/perdure/store"
)

// keptChanges is how many changes are kept at most.
const keptChanges = 100_000

// feed holds the newest durable changes. The disk's mutex guards it.
type feed struct {
	open    uint64 // number of the open that it belongs to
	changes []store.Change
	first   int           // number of changes[0]
	more    chan struct{} // closed and replaced when something is published
}

func (f *feed) publish(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	f.changes = append(f.changes, changes...)
	if over := len(f.changes) - keptChanges; over > 0 {
		f.changes, f.first = f.changes[over:], f.first+over
	}
	close(f.more)
	f.more = make(chan struct{})
}

func (f *feed) end() int { return f.first + len(f.changes) }

func (f *feed) position(n int) store.Position {
	return store.Position(fmt.Sprintf("%d-%d", f.open, n))
}

// number reads a position of this open; anything else is none.
func (f *feed) number(p store.Position) (n int, ok bool) {
	var open uint64
	if _, err := fmt.Sscanf(string(p), "%d-%d", &open, &n); err != nil || open != f.open {
		return 0, false
	}
	return n, n >= f.first && n <= f.end()
}

// Position implements store.Feed.
func (h *Hub) Position(ctx context.Context) (store.Position, error) {
	if _, err := h.view(ctx); err != nil {
		return "", err
	}
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	return h.feed.position(h.feed.end()), nil
}

// Changes implements store.Feed.
func (h *Hub) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	for {
		h.disk.mu.Lock()
		err, more := h.broken(), h.feed.more
		n, known := h.feed.number(p)
		end := h.feed.position(h.feed.end())
		var list []store.Change
		if known {
			list = append(list, h.feed.changes[n-h.feed.first:]...)
		}
		h.disk.mu.Unlock()
		switch {
		case err != nil:
			return nil, p, false, err
		case !known:
			return nil, end, true, nil
		case len(list) > 0:
			list = list[:min(limit, len(list))]
			return list, h.feed.position(n + len(list)), false, nil
		}
		select {
		case <-more:
		case <-h.down:
		case <-ctx.Done():
			return nil, p, false, context.Cause(ctx)
		}
	}
}
