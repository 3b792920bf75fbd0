package hub

import (
	"context"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// Upkeep is what clients of the Durable Task protocol can do beyond Hub. A hub that
// runs its instances implements it beside Hub. Cursors are opaque and valid UTF-8;
// "" begins a list, and ends it when returned.
type Upkeep interface {
	// Ended lists the ids of orchestrations that have ended, in the order of their
	// ends. What ends, is purged or is begun anew meanwhile moves no other one from
	// one page to another.
	Ended(ctx context.Context, q *EndedQuery) (ids []string, next string, err error)
	// Entities lists entities by id. A page may be short, and even empty, before
	// the end.
	Entities(ctx context.Context, q *EntityQuery) (list []*Entity, next string, err error)
	// CleanEntities does what may be left to do for entities, a page of them at a
	// time, and says how much that was: normally nothing, since entities without
	// state vanish and locks are given back by themselves.
	CleanEntities(ctx context.Context, r *CleanEntities) (Cleaned, error)
	// TerminateNow ends orchestrations without a turn of their code, and tells
	// their parents. It returns the ids of those that it has left alone: they hold
	// locks of entities or ask for them, have ended, are no orchestrations, or there
	// are none.
	TerminateNow(ctx context.Context, ids []string, reason history.Text) (left []string, err error)
}

// EndedQuery selects orchestrations that have ended.
type EndedQuery struct {
	Statuses []store.Status // none = all in which an orchestration has ended
	From     time.Time      // of the end, inclusive; zero = no bound
	To       time.Time      // exclusive
	Limit    int            // ids returned at most; 0 = 100
	After    string         // cursor
}

// EntityQuery selects entities.
type EntityQuery struct {
	Prefix string    // of the id, which begins with "@"; "" = all
	From   time.Time // of the last change, inclusive; zero = no bound
	To     time.Time // exclusive
	State  bool      // return states too
	// Transient selects also those without state, which are there because they are
	// locked, or operations wait for them.
	Transient bool
	Limit     int    // entities returned at most; 0 = 100
	After     string // cursor
}

// CleanEntities asks for what may be left to do for entities.
type CleanEntities struct {
	Empty bool   // remove those without state, lock and operations
	Locks bool   // release locks whose holder has ended or is no more
	After string // cursor
}

// Cleaned is what was done for entities.
type Cleaned struct {
	Removed, Released int
	Next              string // cursor
}
