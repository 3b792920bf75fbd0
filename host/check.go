package host

import (
	"context"
	"sync"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/postgres"
)

// checkLife is how long what was found of the store is told again: finding it out costs
// some syncs.
const checkLife = 10 * time.Second

// checkup tells what is found of the store in which a server keeps its state.
type checkup struct {
	look func(context.Context) ([]store.Finding, error) // nil = another server has the store

	mu    sync.Mutex // guards what follows, and lets one look at a time
	found []store.Finding
	at    time.Time // of found
}

// newCheckup returns what looks at the store of a hub.
func newCheckup(hub, kind string) *checkup {
	switch kind {
	case "pebble":
		return &checkup{look: func(context.Context) ([]store.Finding, error) { return pebble.CheckOpen(hub), nil }}
	case "postgres":
		return &checkup{look: func(ctx context.Context) ([]store.Finding, error) { return postgres.Check(ctx, hub) }}
	}
	return &checkup{}
}

// check returns what is found of the store now, or was moments ago.
func (c *checkup) check(ctx context.Context) ([]store.Finding, error) {
	if c.look == nil {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < checkLife {
		return c.found, nil
	}
	found, err := c.look(ctx)
	if err == nil {
		c.found, c.at = found, time.Now()
	}
	return found, err
}
