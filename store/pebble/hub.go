package pebble

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// Hub is one hub of a directory. It implements store.Store.
type Hub struct {
	db       *DB
	number   uint32
	identity store.Identity
	feed     *feed
	newest   atomic.Pointer[group] // the newest group that reads may have seen

	mu           sync.Mutex // guards what Submit and Leases change
	epochs       [store.Shards]uint64
	scratchKey   []byte
	scratchValue []byte
	indexed      map[store.RowKind]bool // kinds that have had index keys

	countMu sync.Mutex // guards counts and states
	counts  map[cell]int64
	states  map[state]bool // that a record has had since the hub was opened

	endOnce sync.Once     // closes ending
	ending  chan struct{} // closed when the hub is to end, for long reads
	endMu   sync.RWMutex  // held by reads; guards closed
	closed  bool
}

// hubState is what the store keeps of a hub under its name.
type hubState struct {
	number   uint32
	opened   uint32 // how often; epochs begin with it
	identity store.Identity
}

func (s hubState) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.number)
	b = binary.BigEndian.AppendUint32(b, s.opened)
	b = append(b, s.identity.Lineage[:]...)
	return append(b, s.identity.Timeline[:]...)
}

func (s *hubState) decode(b []byte) bool {
	if len(b) != 40 {
		return false
	}
	s.number, s.opened = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	copy(s.identity.Lineage[:], b[8:])
	copy(s.identity.Timeline[:], b[24:])
	return true
}

// Hub opens the hub with this name, or makes it if create is set; without,
// store.ErrNotFound says that there is none. A hub that is open is returned as
// it is. On return a new hub is durable.
func (db *DB) Hub(name string, create bool) (*Hub, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil, store.ErrClosed
	}
	if h := db.hubs[name]; h != nil && h.open() == nil {
		return h, nil
	}
	kept, err := db.readHub(name)
	switch {
	case errors.Is(err, store.ErrNotFound) && create:
		if kept, err = db.newHub(); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, fmt.Errorf("hub %q: %w", name, err)
	}
	return db.openHub(name, kept)
}

// openHub opens a hub of which the store keeps this. db.mu is held.
func (db *DB) openHub(name string, kept hubState) (*Hub, error) {
	kept.opened++
	err := db.write(func(b *engine.Batch) error {
		return b.Set(hubKey(name), store.Seal(nil, kept.append(nil), nil), nil)
	})
	if err != nil {
		return nil, err
	}
	h := &Hub{
		db: db, number: kept.number, identity: kept.identity,
		feed:    newFeed(db.openID, db.opts.FeedBytes, db.opts.Now),
		indexed: make(map[store.RowKind]bool), counts: make(map[cell]int64), states: make(map[state]bool),
		ending: make(chan struct{}),
	}
	for s := range h.epochs {
		h.epochs[s] = uint64(kept.opened) << 32
	}
	if err := errors.Join(h.loadCounts(), h.loadIndexed()); err != nil {
		return nil, err
	}
	db.hubs[name] = h
	return h, nil
}

func hubKey(name string) []byte {
	return appendPart(appendSpace(nil, storeHub, spaceHub), name)
}

func (db *DB) readHub(name string) (s hubState, err error) {
	key := hubKey(name)
	v, closer, err := db.eng.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return s, store.ErrNotFound
	}
	if err != nil {
		return s, readError(key, err)
	}
	defer closer.Close()
	return decodeHub(key, v)
}

func decodeHub(key, v []byte) (s hubState, err error) {
	body, err := store.Unseal(v, nil, shownKey(key))
	if err == nil && !s.decode(body) {
		err = fmt.Errorf("%w: %v", store.ErrCorrupt, shownKey(key))
	}
	return s, err
}

// newHub draws the identity and takes the next number.
func (db *DB) newHub() (s hubState, err error) {
	s.number = storeHub
	prefix := appendSpace(nil, storeHub, spaceHub)
	err = scan(db.eng, prefix, nil, nil, func(k, v []byte) (bool, error) {
		other, err := decodeHub(k, v)
		s.number = max(s.number, other.number)
		return true, err
	})
	s.number++
	_, _ = rand.Read(s.identity.Lineage[:]) // never fails
	_, _ = rand.Read(s.identity.Timeline[:])
	return s, err
}

// Identity implements store.Admin.
func (h *Hub) Identity() store.Identity { return h.identity }

// Close ends the hub: later calls return store.ErrClosed, waiting readers of the
// change feed too. Groups in flight go on. The directory stays open until
// DB.Close.
func (h *Hub) Close() error {
	h.end()
	return nil
}

func (h *Hub) end() {
	h.mu.Lock() // after a Submit that is under way
	defer h.mu.Unlock()
	h.endOnce.Do(func() { close(h.ending) })
	h.endMu.Lock() // after reads that are under way
	defer h.endMu.Unlock()
	if !h.closed {
		h.closed = true
		h.feed.close()
	}
}

// open returns nil until the hub is closed.
func (h *Hub) open() error {
	h.endMu.RLock()
	defer h.endMu.RUnlock()
	if h.closed {
		return store.ErrClosed
	}
	return nil
}

// writable returns nil while the hub takes writes.
func (h *Hub) writable() error {
	if err := h.open(); err != nil {
		return err
	}
	return h.db.state.check()
}

// read runs a read of the engine, which Close waits for.
func (h *Hub) read(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	h.endMu.RLock()
	defer h.endMu.RUnlock()
	if h.closed {
		return store.ErrClosed
	}
	return fn()
}
