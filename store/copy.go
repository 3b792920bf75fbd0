package store

import "context"

// Copier is what a store offers beside Store that can be copied whole: to keep the
// copy, or to make a hub of it in another store, of any kind.
type Copier interface {
	// Copy gives fn all that the hub holds at one moment: the state after some prefix
	// of its commits, no shorter than what was durable at the call. Others go on writing.
	// First comes the origin; the rest has no order. Nothing that fn gets may be kept.
	// Copy ends with the first error of fn, and returns nil only when all that it has
	// given is durable.
	Copy(ctx context.Context, fn func(*Item) error) error
}

// Item is a part of a copy: one of the pointers is set.
type Item struct {
	Origin  *Origin
	Record  *Record
	Chunk   *HistoryChunk
	Message *Message
	Timer   *Timer
	Row     *Row
}

// Origin says what a copy is of.
type Origin struct {
	Identity Identity
	Epoch    uint64 // no lease of the hub was newer
}

// HistoryChunk is a chunk with the place where it belongs.
type HistoryChunk struct {
	ID, Branch string
	Chunk
}
