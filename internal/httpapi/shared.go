package httpapi

import (
	"context"
	"sync"
)

// shared keeps what was read for one stream until others need it too, by what it was read
// for: ten viewers cost little more than one. The zero value is empty. Its methods may be
// called concurrently.
type shared[K comparable, V any] struct {
	mu sync.Mutex // guards what follows
	// young is what was read last. When it is full it becomes old, and what only old has
	// is forgotten.
	young, old map[K]*entry[V]
}

// sharedKept is how many entries are kept, at least; streams tell of changes at the same
// time, within some tenths of a second.
const sharedKept = 2048

// entry is what was read.
type entry[V any] struct {
	ready chan struct{} // closed when what follows is set
	value V
	err   error // why it could not be read
}

// get returns what read returns for a key, unless another has read it.
func (s *shared[K, V]) get(ctx context.Context, key K, read func(context.Context, K) (V, error)) (V, error) {
	for {
		e, mine := s.find(key)
		if mine {
			e.value, e.err = read(ctx, key)
			if e.err != nil {
				s.forget(key, e)
			}
			close(e.ready)
			return e.value, e.err
		}
		select {
		case <-e.ready:
			if e.err == nil {
				return e.value, nil
			}
			if err := ctx.Err(); err != nil {
				return e.value, err
			} // the other's failure, which may be that it has left
		case <-ctx.Done():
			return *new(V), ctx.Err()
		}
	}
}

// find returns the entry of a key, and whether the caller has to read it.
func (s *shared[K, V]) find(key K) (e *entry[V], mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e = s.young[key]; e != nil {
		return e, false
	}
	if e = s.old[key]; e == nil {
		e, mine = &entry[V]{ready: make(chan struct{})}, true
	}
	if s.young == nil || len(s.young) >= sharedKept {
		s.young, s.old = make(map[K]*entry[V]), s.young
	}
	s.young[key] = e
	return e, mine
}

func (s *shared[K, V]) forget(key K, e *entry[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, entries := range []map[K]*entry[V]{s.young, s.old} {
		if entries[key] == e {
			delete(entries, key)
		}
	}
}

// empty forgets everything: there is nobody to read it for.
func (s *shared[K, V]) empty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.young, s.old = nil, nil
}

// len is how many entries are kept.
func (s *shared[K, V]) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.young) + len(s.old)
}
