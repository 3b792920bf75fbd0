package host

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/dashboard"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/internal/responses"
	"github.com/perdure/perdure/internal/runlog"
	"github.com/perdure/perdure/internal/webhook"
)

// served is a task hub with all that is served of it over HTTP.
type served struct {
	app    *App
	name   string
	hub    worked
	agents httpapi.Agents
	openai *responses.Handler
	api    *httpapi.API
	fleet  *push.Fleet // workers that are called by URL; nil = others call them
	// workers counts the streams of workers in other processes.
	workers atomic.Int32
	// elsewhere are agents whose code those workers have.
	elsewhere elsewhere
	learned   chan struct{} // closed when the hub's directory of agents was read first

	now     func() time.Time // the hub's
	copying sync.Mutex       // held while a backup is made

	once  sync.Once     // closes quit
	quit  chan struct{} // closed by stop
	ended chan struct{} // closed when run has returned
	err   error         // why it ended by itself; written before ended is closed
}

// faces returns what is served of a hub over HTTP beside the API's own routes.
// Others are agents of other processes. Who calls is told what is refused.
func (a *App) faces(c *client.Client, others func() []agent.Info) (agents httpapi.Agents, openai *responses.Handler, mounts []httpapi.Mount, err error) {
	list, err := agent.List(a.cfg.Registry)
	if err != nil {
		return agents, nil, nil, err
	}
	c = c.Impatient()
	agents = httpapi.Agents{Service: agent.NewService(c), List: list, Elsewhere: others, MCP: true, DotNet: a.cfg.DotNet, Document: a.cfg.Document}
	tools, err := mcp.Behind(mcp.Offer{Agents: list, Elsewhere: others, Service: agents.Service, Workflows: a.cfg.Workflows, Client: c})
	if err != nil {
		return agents, nil, nil, err
	}
	openai = responses.New(responses.Config{Client: c, Service: agents.Service, Agents: list, Elsewhere: others, Logger: a.cfg.Logger, MaxBody: a.cfg.BodyLimit})
	return agents, openai, []httpapi.Mount{
		{Pattern: mcp.Path, Handler: tools},
		{Pattern: responses.Pattern, Handler: openai, Read: access.Read},
	}, nil
}

// serve makes what serves a hub. It works once run is called.
func (a *App) serve(name string, kept worked, h *hubs) (*served, error) {
	s := &served{app: a, name: name, hub: kept, now: h.now, learned: make(chan struct{}), quit: make(chan struct{}), ended: make(chan struct{})}
	var mounts []httpapi.Mount
	var err error
	if s.agents, s.openai, mounts, err = a.faces(client.New(s.hub), func() []agent.Info { return s.others(h.now()) }); err != nil {
		return nil, err
	}
	s.fleet = a.fleetOf(name, kept, h)
	if name == defaultHub {
		mounts = append(mounts, a.mounts...) // they know of no other
	}
	hosts, anyIP := a.hosts(h.front)
	version, commit, release := build()
	s.api = httpapi.New(httpapi.Config{
		Hub: s.hub, Now: h.now, Logger: a.cfg.Logger, Hubs: h, Metrics: h.metrics, Backup: s.backupTo, Ready: h.ready, Node: h.node, Check: a.store.check, Fleet: s.fleet,
		Orchestrations: a.startable(), Foreign: a.foreign, Workers: func() int { return int(s.workers.Load()) },
		Hosts: hosts, AnyIP: anyIP, Prefix: a.cfg.Prefix, MaxBody: a.cfg.BodyLimit, ReadOnly: a.cfg.ReadOnly, Agents: &s.agents, Mounts: mounts,
		Pages: dashboard.Handler(nil, dashboard.Options{ReadOnly: a.cfg.ReadOnly}),
		Info: httpapi.Info{Version: version, Commit: commit, Go: release, Hub: name, Store: a.kind(),
			Data: a.data(), Model: a.cfg.Model, TimeScale: a.cfg.TimeScale, Retention: a.cfg.Retention.told(), Links: a.cfg.Links},
	})
	return s, nil
}

// startable returns the function that lists what can be started here; nil = anything,
// as no orchestration of users is registered and workers elsewhere have them.
func (a *App) startable() func() []string {
	own := slices.ContainsFunc(a.cfg.Registry.Orchestrations(), func(name string) bool { return !strings.HasPrefix(name, ownPrefix) })
	if !own {
		return nil
	}
	return a.cfg.Registry.Orchestrations
}

// ownPrefix begins the names of orchestrations that are Perdure's own.
const ownPrefix = "perdure."

// foreign reports whether an orchestration is none of this process.
func (a *App) foreign(orchestration string) bool {
	return !a.cfg.Registry.HasOrchestration(orchestration)
}

// run carries the hub on until ctx ends or stop is called. s.err is nil then, and what
// went wrong otherwise.
func (s *served) run(ctx context.Context) {
	defer close(s.ended)
	ctx, cancel := context.WithCancel(ctx)
	var aside sync.WaitGroup
	aside.Go(func() {
		select {
		case <-s.quit:
			cancel()
		case <-ctx.Done():
		}
	})
	aside.Go(func() { s.tell(ctx) })
	aside.Go(func() { s.learn(ctx) })
	if s.fleet != nil {
		aside.Go(func() { s.fleet.Run(ctx) })
	}
	lines := runlog.NewRecorder(s.hub, s.app.cfg.Logger)
	working, halt := context.WithCancel(context.WithoutCancel(ctx)) // the hub outlives its lines
	aside.Go(func() {
		defer halt()
		lines.Run(ctx)
	})
	err := s.hub.Run(lines.Context(s.agents.Service.Context(working)))
	asked := ctx.Err() != nil
	cancel()
	lines.Rest()
	aside.Wait()
	switch {
	case asked && errors.Is(err, context.Canceled):
	case err == nil && !asked:
		s.err = &perdure.Error{Code: perdure.Internal, Op: "run hub " + s.name, Message: "the hub ended by itself"}
	default:
		s.err = err
	}
}

// tell has the webhook, if there is one, told of decisions until ctx ends.
func (s *served) tell(ctx context.Context) {
	cfg := s.app.cfg
	if cfg.Webhook.URL == "" {
		return
	}
	err := webhook.Run(ctx, webhook.Config{Service: s.agents.Service, URL: cfg.Webhook.URL, Secret: cfg.Webhook.Secret, Logger: cfg.Logger})
	if err != nil {
		cfg.Logger.Error("the webhook is told of nothing", "err", err)
	}
}

// drain ends streams and waits of the hub, so that a server can shut down.
func (s *served) drain() {
	s.api.Stop()
	s.openai.Stop()
}

// stop ends the hub and waits until it has come to rest.
func (s *served) stop() {
	s.drain()
	s.once.Do(func() { close(s.quit) })
	<-s.ended
}
