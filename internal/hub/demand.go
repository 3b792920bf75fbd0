package hub

import (
	"cmp"
	"context"
)

// Demand tells how much work there is for workers outside of the hub's process, so
// that as many of them run as are needed. A hub that runs its instances implements it
// beside Workers.
type Demand interface {
	// Demand returns what waits for workers and what they have, ordered as CompareLoads
	// says. What is not there is 0. Work whose code runs in the hub's process is no part
	// of it, nor is what waits for a time, an event or a person.
	Demand(ctx context.Context) ([]Load, error)
	// WatchDemand begins to watch the demand. When it may have changed after it has
	// returned, the channel holds a value; changes that come before it is received share
	// it. The channel is closed when the watch ends: with ctx, or with the hub.
	WatchDemand(ctx context.Context) (<-chan struct{}, error)
}

// WorkKind is what a work item is.
type WorkKind uint8

// The kinds of work items.
const (
	Orchestrations WorkKind = iota + 1 // turns of them
	ActivityItems
	EntityItems // batches of operations
)

// Load is how much work of a kind, name and version there is.
type Load struct {
	Kind          WorkKind
	Name, Version string // that of an entity is lower case, and has no version
	Waiting       int    // for a worker, also in the pause after one has given it back
	Running       int    // at workers
	// Held waits for another worker than those that were there so far: one more of
	// these is of no use.
	Held int
}

// CompareLoads orders loads by kind, name and version.
func CompareLoads(a, b Load) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
}
