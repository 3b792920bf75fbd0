// Package local is a task hub in this process, over a store.
package local

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
)

// Config is what a Hub is made of. Store and Registry are required.
type Config struct {
	Store     store.Store
	Registry  *perdure.Registry // the code that runs in this process
	Node      string            // name of this process; "" = "local"
	Clock     clock.Clock       // nil = the system's, or that of a store which is shared
	Logger    *slog.Logger      // nil = none
	Random    io.Reader         // source of ids; nil = crypto/rand
	Limits    shard.Limits
	Retention shard.Retention // how long runs are kept after their end; nil = for ever
	Shared    *shard.Shared   // nil = this process alone has the store
}

// Hub is a task hub in this process; it implements hub.Hub, hub.Upkeep, hub.Workers,
// hub.Demand, hub.Overlay and hub.Roster. Its methods may be called concurrently; calls made before Run has begun wait for it.
type Hub struct{ *shard.Owner }

var (
	_ hub.Hub     = (*Hub)(nil)
	_ hub.Upkeep  = (*Hub)(nil)
	_ hub.Workers = (*Hub)(nil)
	_ hub.Demand  = (*Hub)(nil)
	_ hub.Overlay = (*Hub)(nil)
	_ hub.Roster  = (*Hub)(nil)
)

// New returns a hub that works once Run is called.
func New(cfg Config) (*Hub, error) {
	if cfg.Registry == nil {
		return nil, errors.New("local hub: Config needs a Registry")
	}
	owner, err := shard.New(shard.Config{
		Store: cfg.Store, Code: replay.NewRunner(cfg.Registry, replay.Options{Logger: cfg.Logger}),
		Clock: cfg.Clock, Node: cfg.Node, Logger: cfg.Logger, Random: cfg.Random, Limits: cfg.Limits, Retention: cfg.Retention,
		Shared: cfg.Shared,
	})
	if err != nil {
		return nil, err
	}
	return &Hub{owner}, nil
}

// Run carries the hub's instances on until ctx ends; see shard.Owner.
func (h *Hub) Run(ctx context.Context) error { return h.Owner.Run(ctx) }
