package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// Hub is one hub of a database, opened by one process. It implements store.Store,
// store.Nodes and store.Letters.
type Hub struct {
	db       *DB
	name     string
	number   int32
	identity store.Identity
	owner    int64 // names this opening
	changed  *bell // rings when the change feed may have grown
	mail     *bell // rings when letters may have come
	// leases counts what this process did to its leases; a committer that knows an
	// older count asks the database again.
	leases          atomic.Int64
	commits, groups atomic.Int64 // written by this process; for Stats

	life context.Context // ends with Close
	end  context.CancelFunc

	mu         sync.Mutex // guards the rest
	committers map[int]*committer
	slots      map[int32]*committer // places that committers have
	closed     bool
}

func newHub(db *DB, name string, number int32, identity store.Identity) *Hub {
	h := &Hub{
		db: db, name: name, number: number, identity: identity, owner: randomOwner(),
		changed: newBell(), mail: newBell(), committers: make(map[int]*committer), slots: make(map[int32]*committer),
	}
	h.life, h.end = context.WithCancel(db.life)
	db.work.Add(1)
	go h.runUpkeep()
	return h
}

// Identity implements store.Admin.
func (h *Hub) Identity() store.Identity { return h.identity }

// Close ends the hub: later calls return store.ErrClosed, waiting readers of the
// change feed too. It waits for groups in flight. Leases that were not released
// run out. The database stays open until DB.Close.
func (h *Hub) Close() error {
	h.close()
	return nil
}

func (h *Hub) close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	committers := h.committers
	h.committers = nil
	h.mu.Unlock()
	for _, c := range committers {
		c.close()
	}
	for _, c := range committers {
		<-c.ended
	}
	h.end()
}

// open returns nil until the hub is closed.
func (h *Hub) open() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return store.ErrClosed
	}
	return nil
}

// query runs a read and collects its rows. Being a read, it is tried again while
// the database cannot be reached.
func query[T any](ctx context.Context, h *Hub, what string, scan pgx.RowToFunc[T], sql string, args ...any) (list []T, err error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := h.open(); err != nil {
		return nil, err
	}
	err = h.db.patient(ctx, func(ctx context.Context) error {
		rows, err := h.db.pool.Query(ctx, sql, args...)
		if err == nil {
			list, err = pgx.CollectRows(rows, scan)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return list, nil
}

// bell wakes those who wait for something.
type bell struct {
	mu sync.Mutex    // guards c
	c  chan struct{} // closed and replaced when the bell rings
}

func newBell() *bell { return &bell{c: make(chan struct{})} }

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.c)
	b.c = make(chan struct{})
}

// next returns a channel that is closed when the bell rings the next time.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.c
}
