package store

import (
	"context"
	"time"
)

// Nodes is what a store that several nodes share offers beside Store. Then leases
// are those of a node: Acquire takes only what is free, what its holder has
// released, what is held by a node that has not renewed in time, or what the node
// itself holds (anew, in case it does not know), all by the store's own clock;
// Renew prolongs what the node holds at once.
type Nodes interface {
	// Beat says that a node lives, for d from now, and returns all nodes that do,
	// itself too, by name.
	Beat(ctx context.Context, n Node, d time.Duration) ([]Node, error)
	// Expire ends the time of a node and of its leases, as if it had run out, if it would
	// run out within left from now and the node does not prolong it at this moment. It
	// reports whether the node's time is over. A node that lives all the same goes on with
	// what nobody has taken when it renews.
	Expire(ctx context.Context, name string, left time.Duration) (over bool, err error)
	// Leave says that a node is gone. Its leases must have been released before.
	Leave(ctx context.Context, name string) error
	// Holders returns who holds which shard; shards that nobody holds are left out.
	Holders(ctx context.Context) ([]Holder, error)
	// Arrivals reads messages that have come into the inboxes of the shards since
	// the cursor, and returns the cursor to go on with. A message can be read more
	// than once, and one that is read may have been consumed. The cursor nil stands
	// for now: nothing is read. A cursor goes with any shards.
	Arrivals(ctx context.Context, shards []Shard, after []byte, limit int) ([]Message, []byte, error)
}

// Letters are messages from node to node through the store, for nodes that do not
// reach each other. One that is not fetched in time is dropped; none is given twice.
type Letters interface {
	// Send leaves a letter for a node.
	Send(ctx context.Context, l *Letter) error
	// Receive takes out the letters for a node, waiting until there are some or ctx
	// ends.
	Receive(ctx context.Context, node string, limit int) ([]Letter, error)
}

// Node is a process that shares a store with others.
type Node struct {
	Name      string // of this start of the process; no other one has or had it
	Advertise string // URL at which other nodes reach it; "" = not at all
	Since     time.Time
	Detail    []byte // for people and other nodes, such as its version; opaque to the store
}

// Holder is who holds a shard.
type Holder struct {
	Shard Shard
	Epoch uint64
	Node  string
}

// Letter is a message from node to node.
type Letter struct {
	From, To string // names of nodes
	Data     []byte
	Until    time.Time // when it may be dropped
}
