package hub

import (
	"context"
	"time"

	"github.com/perdure/perdure/store"
)

// Roster tells who works here, and what waits for that. A hub that runs its instances
// implements it beside Workers. What it tells is true of this node alone, at this
// moment, and costs no look into the store.
type Roster interface {
	// Connected lists the workers whose streams this node holds, by id.
	Connected(ctx context.Context) ([]Connected, error)
	// Backlog returns what is ready in the shards that are held here, by kind, name and
	// version.
	Backlog(ctx context.Context) ([]Backlog, error)
	// Incidents returns what was lost since this process began.
	Incidents(ctx context.Context) (Incidents, error)
	// Members returns the nodes that live as far as this one knows, itself too, by name.
	Members() []store.Node
	// Holder returns who holds a shard as far as this node knows, and under which epoch;
	// here = this node does. It is not ok if nobody is known.
	Holder(s store.Shard) (n store.Node, epoch uint64, here, ok bool)
}

// Connected is a worker with an open stream.
type Connected struct {
	ID       string // of its process; "" = unknown
	Client   string // name and version of its SDK, as it says; "" = unknown
	Address  string // from which it is connected; "" = unknown
	Since    time.Time
	Filters  *Filters // nil = it takes everything
	Own      bool     // it is one of ours
	Capacity Places   // items that it works on at a time
	InFlight Places   // that it has
}

// Backlog is the work of one kind, name and version that is ready.
type Backlog struct {
	Kind    string // "activity", "orchestration" or "entity"
	Name    string
	Version string // that workers' filters go by; "" = none
	Waiting int    // for a place in this process, or for a worker
	Running int    // in this process, or at a worker
	Served  bool   // somebody who is here takes it
	// Oldest is since when the first of what waits for a worker does; zero = not known.
	Oldest time.Time
}

// Incidents are what this node has seen to be lost, the newest first.
type Incidents struct {
	Workers   []LostWorker // the last 100
	Takeovers []Takeover   // the last 1,000
}

// LostWorker is a worker whose stream has ended without a word.
type LostWorker struct {
	ID    string // of its process; "" = unknown
	At    time.Time
	Items int // that it had, and that went to others
}

// Takeover is that this node has taken shards whose last holder had not given them back.
type Takeover struct {
	At     time.Time
	From   string // the node that was lost; "" = unknown
	Shards int
}
