package shard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Shared is what an Owner needs that shares its store with other nodes: it holds
// some of the shards, by lease, and carries on their instances only. Nodes and
// Node.Name are required; a nil function means that there is nobody to ask or tell.
type Shared struct {
	Nodes store.Nodes
	Node  store.Node    // this start of this process
	Lease time.Duration // for which shards are held; 0 = 5 s
	Renew time.Duration // between two renewals; 0 = 1.5 s

	// Tell is told after a commit that messages lie in the inboxes of instances whose
	// shards another node holds; without targets, that shards have become free. It
	// must not block. A notice that is lost delays the messages by some seconds.
	Tell func(node store.Node, targets []string)
	// Held asks the other nodes which activities of the shards they, or workers
	// connected to them, still have; an item whose outcome is on its way counts. An
	// error says that the answer lacks some nodes'. It is asked for at most 2 s.
	Held func(ctx context.Context, shards []store.Shard) ([]hub.Held, error)
	// Done hands the outcome of an activity that has outlived the move of its shard to
	// whoever holds that now, Beat its heartbeats: as hub.Workers and hub.Activities
	// of all nodes do.
	Done func(ctx context.Context, done *hub.ActivityDone) error
	Beat func(ctx context.Context, token string, progress history.Text) error
}

func (s *Shared) filled() (*Shared, error) {
	if s == nil {
		return nil, nil
	}
	c := *s
	if c.Nodes == nil || c.Node.Name == "" {
		return nil, errors.New("shard: Shared needs Nodes and the node's name")
	}
	if c.Lease == 0 {
		c.Lease = 5 * time.Second
	}
	if c.Renew == 0 {
		c.Renew = 1500 * time.Millisecond
	}
	if c.Renew <= 0 || 2*c.Renew > c.Lease {
		return nil, fmt.Errorf("shard: leases of %v are to be renewed every %v, which leaves no time to try twice", c.Lease, c.Renew)
	}
	return &c, nil
}

// ElsewhereError says that another node holds the shard of the instance that a call
// is about, or nobody does. Nothing was done.
type ElsewhereError struct{ Shard store.Shard }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("shard %d is not held here", e.Shard)
}
