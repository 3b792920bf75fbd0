package store

import (
	"context"
	"errors"
	"time"
)

// Errors that drivers return, wrapped with what they know (errors.Is holds).
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("version conflict")
	ErrFenced   = errors.New("epoch is not the newest")
	ErrNoSpace  = errors.New("no space left below the watermark")
	ErrFailed   = errors.New("store has failed and must be opened anew")
	ErrClosed   = errors.New("store is closed")
	ErrCorrupt  = errors.New("record is damaged")
	ErrExists   = errors.New("there is such a hub already")
	ErrLocked   = errors.New("another process has the store open")
	ErrFormat   = errors.New("unknown format version")
	// ErrUnavailable: the store, which other processes use too, does not answer now.
	// A write may have happened all the same, or may still happen, but for one that a
	// receipt names as refused.
	ErrUnavailable = errors.New("the store does not answer")
	ErrCursor      = errors.New("cursor is not one of this list")
)

// Store is one hub's state. Drivers return concrete types that implement it.
type Store interface {
	Leases
	Commits
	Inbox
	Reads
	Feed
	Admin
}

// Identity names a hub's data.
type Identity struct {
	Lineage  [16]byte // made with the hub, kept by a restore
	Timeline [16]byte // made with the hub and by each restore
}

// Lease is the right to commit to a shard.
type Lease struct {
	Shard Shard
	Epoch uint64 // higher than that of any earlier lease of the shard
	Until time.Time
	// Orphaned says, in an answer of Acquire, that the last holder had not released
	// the shard: it may have been lost in the middle of things. A driver with one
	// owner leaves it false.
	Orphaned bool
}

// Leases hands out shards. An embedded driver, which has one owner by its
// directory lock, grants everything with an epoch one higher than before.
type Leases interface {
	// Acquire takes those of the shards that are free or expired, for node.
	Acquire(ctx context.Context, node string, shards []Shard, d time.Duration) ([]Lease, error)
	// Renew prolongs leases and returns those that still hold.
	Renew(ctx context.Context, node string, leases []Lease, d time.Duration) ([]Lease, error)
	// Release gives leases back at once. What was submitted under them and is not
	// written by then never will be.
	Release(ctx context.Context, node string, leases []Lease) error
}

// Commits writes.
type Commits interface {
	// Submit hands over a group. It returns as soon as the group has its place
	// in the committer's order, normally before it is durable. An error means
	// that nothing of the group was or will be written, except with ErrFailed,
	// after which the group's fate is unknown until the store is opened anew.
	Submit(ctx context.Context, g *Group) (Receipt, error)
	// Barrier returns when every group that a read could have seen before the
	// call is durable.
	Barrier(ctx context.Context) error
}

// Receipt tells the fate of a group.
type Receipt interface {
	// Wait blocks until the group is durable and returns the commits that did
	// not apply. With an error the group's fate is unknown (R5): after
	// ErrUnavailable, until the leases of its shards were released or have passed
	// to another epoch; then it is what a read shows.
	Wait(ctx context.Context) ([]Refused, error)
}

// Refused names a commit of a group that did not apply, and why: ErrConflict,
// ErrFenced, what kept the driver from reading what it would have changed, such
// as ErrCorrupt (R9), or what kept the whole group from being written (R5).
type Refused struct {
	Index int // in Group.Commits
	Err   error
}

// Inbox reads what an owner has to do.
type Inbox interface {
	// Messages reads the shard's messages after the cursor (nil = from the
	// start), at most limit, and the cursor to go on with (nil = end).
	Messages(ctx context.Context, s Shard, after []byte, limit int) ([]Message, []byte, error)
	// MessagesOf reads all messages of one target.
	MessagesOf(ctx context.Context, target string) ([]Message, error)
	// Timers reads the shard's timers with from <= Due < to by due time.
	Timers(ctx context.Context, s Shard, from, to time.Time, after []byte, limit int) ([]Timer, []byte, error)
	// TimersOf reads all timers of one instance.
	TimersOf(ctx context.Context, owner string) ([]Timer, error)
}

// Reads reads instances, histories and rows. What it returns may not be
// durable yet (R4).
type Reads interface {
	// Instance returns the record, or ErrNotFound.
	Instance(ctx context.Context, id string) (*Record, error)
	// History returns chunks of a branch with Seq >= from in order, until their
	// bytes exceed limit (0 = all).
	History(ctx context.Context, id, branch string, from uint64, limit int) ([]Chunk, error)
	// Rows returns rows that match the query, and the cursor to go on with.
	Rows(ctx context.Context, q RowQuery) ([]Row, []byte, error)
	// List returns records that match the query.
	List(ctx context.Context, q Query) (Page, error)
	// Counts returns the number of records by kind, name, status and phase.
	Counts(ctx context.Context) ([]Count, error)
}

// Feed tells what changed.
type Feed interface {
	// Position is the place after the newest durable change.
	Position(ctx context.Context) (Position, error)
	// Changes returns what became durable after p, waiting until there is
	// something or ctx ends. reset means that p is too old or from before a
	// restart: the reader must read everything anew from the position returned.
	// Fewer changes than limit are all that there were by then.
	Changes(ctx context.Context, p Position, limit int) (changes []Change, next Position, reset bool, err error)
}

// Position is a place in the change feed, opaque to readers.
type Position string

// Change says that an instance has a new state.
type Change struct {
	ID          string
	Incarnation [16]byte
	Version     uint64 // of the record after the change
	Gone        bool   // purged
}

// Admin is what operators need.
type Admin interface {
	// Identity names the data; it is known from the opening on.
	Identity() Identity
	// Stats describes the store's use of the machine.
	Stats(ctx context.Context) (Stats, error)
	// Compact brings the store to its smallest size.
	Compact(ctx context.Context) error
	// Close flushes and releases the store.
	Close() error
}

// Stats are counts since the store was opened, and sizes now.
type Stats struct {
	Commits, Groups, Syncs int64
	DiskBytes, FreeBytes   int64
	MemoryBytes            int64
}
