package peer

import (
	"context"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// node is what a node does for the instances of its shards: the Owner of this one, or
// a neighbour.
type node interface {
	hub.Commands
	hub.Activities
	waits
	outcomes
	upkeep
	demands
}

// demands tells how much work there is for workers.
type demands interface {
	Demand(ctx context.Context) ([]hub.Load, error)
	// watchDemand begins to watch that, as watch does.
	watchDemand(ctx context.Context) (opened, error)
}

// waits are the calls whose answers may take a while.
type waits interface {
	WaitStart(ctx context.Context, id string) (*hub.Instance, error)
	WaitCompletion(ctx context.Context, id string) (*hub.Instance, error)
	Ask(ctx context.Context, r *hub.Ask) (history.Text, error)
}

// outcomes is what workers say of their items.
type outcomes interface {
	CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error
	CompleteActivity(ctx context.Context, done *hub.ActivityDone) error
	CompleteEntity(ctx context.Context, done *hub.EntityDone) error
	Abandon(ctx context.Context, d hub.Delivery) error
}

// upkeep is what else changes instances, and what is open.
type upkeep interface {
	WriteRows(ctx context.Context, r *hub.WriteRows) error
	CleanEntities(ctx context.Context, r *hub.CleanEntities) (hub.Cleaned, error)
	TerminateNow(ctx context.Context, ids []string, reason history.Text) (left []string, err error)
	// watch begins to watch rows; what is open is told of each write as an empty batch.
	watch(ctx context.Context, kind store.RowKind, owner string) (opened, error)
	// connect opens a stream of work items for a worker with so many places here.
	connect(ctx context.Context, w *hub.Worker, p places) (opened, error)
}

// opened is a watch or a stream of work items at a node.
type opened interface {
	// fetch waits for what comes of it. An error says that it is over, or that the node
	// cannot be asked.
	fetch(ctx context.Context, most int) (batch, error)
	// ration sets the places that the worker has for items of the node, and returns
	// those that are taken there.
	ration(ctx context.Context, p places) (places, error)
	// touch says that it is still wanted, though nobody fetches for a while.
	touch(ctx context.Context)
	// leave closes it. It does not wait for the node.
	leave(lost bool)
}

// batch is what comes of something opened.
type batch struct {
	written bool        // rows were
	items   []*hub.Work // for the worker
	wanted  [kinds]bool // there are more items of these kinds, beyond the worker's places
}

// kind is what a work item is.
type kind uint8

const (
	ofTurn kind = iota
	ofActivity
	ofBatch
	kinds
)

// places counts work items by kind.
type places [kinds]int

// kindOf returns the kind of an item, and the instance that it is of; no kind for a
// notice.
func kindOf(w *hub.Work) (k kind, instance string) {
	switch {
	case w.Orchestration != nil:
		return ofTurn, w.Orchestration.InstanceID
	case w.Activity != nil:
		return ofActivity, w.Activity.InstanceID
	case w.Entity != nil:
		return ofBatch, w.Entity.InstanceID
	}
	return kinds, ""
}
