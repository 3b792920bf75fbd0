package httpapi

import (
	"context"
	"sync"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// sharedRows are instances as they were after changes, read and encoded once for all streams
// that tell of them: ten viewers of a list cost little more than one. Its methods may be
// called concurrently.
type sharedRows struct {
	mu sync.Mutex // guards what follows
	// young and old are rows by what has changed. When young is full it becomes old, and
	// what only old has is forgotten.
	young, old map[store.Change]*sharedRow
}

// sharedRowsKept is how many rows are kept, at least; streams tell of changes at the same
// time, within some tenths of a second.
const sharedRowsKept = 2048

// sharedRow is an instance after a change, or later.
type sharedRow struct {
	ready    chan struct{} // closed when what follows is set
	instance *hub.Instance // nil = it is gone
	encoded  []byte        // as JSON, as in lists; nil if instance is
	err      error         // why it could not be read
}

// get returns the row of a change that read reads if no stream has before.
func (s *sharedRows) get(ctx context.Context, c store.Change, read func(context.Context, store.Change) (*hub.Instance, error)) (*sharedRow, error) {
	for {
		r, mine := s.find(c)
		if mine {
			r.load(ctx, c, read)
			if r.err != nil {
				s.forget(c, r)
			}
			close(r.ready)
			return r, r.err
		}
		select {
		case <-r.ready:
			if r.err == nil {
				return r, nil
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			} // the other's failure, which may be that it has left
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// find returns the row of a change, and whether the caller has to load it.
func (s *sharedRows) find(c store.Change) (r *sharedRow, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r = s.young[c]; r != nil {
		return r, false
	}
	if r = s.old[c]; r == nil {
		r, mine = &sharedRow{ready: make(chan struct{})}, true
	}
	if s.young == nil || len(s.young) >= sharedRowsKept {
		s.young, s.old = make(map[store.Change]*sharedRow), s.young
	}
	s.young[c] = r
	return r, mine
}

func (s *sharedRows) forget(c store.Change, r *sharedRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rows := range []map[store.Change]*sharedRow{s.young, s.old} {
		if rows[c] == r {
			delete(rows, c)
		}
	}
}

func (r *sharedRow) load(ctx context.Context, c store.Change, read func(context.Context, store.Change) (*hub.Instance, error)) {
	r.instance, r.err = read(ctx, c)
	if perdure.CodeOf(r.err) == perdure.NotFound {
		r.instance, r.err = nil, nil
	}
	if r.instance != nil {
		r.encoded, r.err = marshal(viewRow(r.instance))
	}
}
