package host

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/egress"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// PushConfig says what a PushWorker runs, and for whom. Registry and Secret are required.
type PushConfig struct {
	// Registry holds the orchestrations, activities and entities that run here.
	Registry *perdure.Registry
	// Secret is that of the worker's registration, with which the hub signs its requests.
	// While it is being changed both are good, with a blank between them.
	Secret string
	// Hub is the address of the server of the hub, as of Config.Hub, for activities that
	// use the hub themselves. Agents need it. "" = none does.
	Hub string
	// HubToken is shown to that server. "" = that of the environment variable
	// PERDURE_TOKEN, if there is one.
	HubToken string
	// Grace is how long activities may go on after Close was called; then their contexts
	// end. 0 = at once.
	Grace time.Duration
	// Logger gets what operators should know. nil = slog.Default().
	Logger *slog.Logger
}

// PushWorker is a worker that its hub calls over HTTP, an item at a time: an http.Handler
// for a function app or a service that sleeps while there is no work. The route at which
// it is served is the URL of the worker's registration (perdure worker add). It may be
// used concurrently.
type PushWorker struct {
	*remote.PushHandler
	far *remote.Hub // nil = none
}

// NewPushWorker returns a worker that works until Close is called.
func NewPushWorker(cfg PushConfig) (*PushWorker, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Registry == nil {
		cfg.Registry = perdure.NewRegistry()
	}
	inner := remote.PushConfig{Registry: cfg.Registry, Secret: cfg.Secret, Grace: cfg.Grace, Logger: cfg.Logger}
	agents, err := announced(cfg.Registry)
	if err != nil {
		return nil, err
	}
	w := &PushWorker{}
	switch {
	case cfg.Hub != "":
		if w.far, err = dialHub(cfg.Hub, cfg.HubToken, cfg.Logger); err != nil {
			return nil, err
		}
		inner.Agents = agents
		inner.Values = agent.NewService(client.New(w.far)).Context(context.Background())
	case len(agents) > 0:
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "make push worker",
			Message: "its agents use the hub themselves: set PushConfig.Hub to the address of its server"}
	}
	if w.PushHandler, err = remote.NewPushHandler(inner); err != nil {
		w.hangUp()
		return nil, err
	}
	return w, nil
}

// Close lets what runs end, within the grace, and gives the rest back to the hub. It is
// called once, when no more requests come.
func (w *PushWorker) Close() {
	w.PushHandler.Close()
	w.hangUp()
}

func (w *PushWorker) hangUp() {
	if w.far != nil {
		_ = w.far.Close() // nothing is under way
	}
}

// fleetOf returns the workers that a hub calls; nil = its server calls them.
func (a *App) fleetOf(name string, kept worked, h *hubs) *push.Fleet {
	near, ok := kept.(push.Hub)
	if n, is := kept.(*nodeHub); is && ok {
		near = &nearby{near, n.owner}
	}
	if !ok {
		return nil
	}
	announce := func(ctx context.Context, agents []*wirepb.AgentDescription) {
		h.front.late.announce(ctx, name, agents)() // it is asleep again
	}
	return push.NewFleet(push.FleetConfig{Hub: kept, Near: near, Transport: a.egress, Announce: announce, Now: h.now, Logger: a.cfg.Logger})
}

// nearby is a hub of several nodes, of which this one has the work of its own shards
// done. What becomes of an item goes to whichever node holds its shard by then.
type nearby struct {
	push.Hub
	owner *local.Hub
}

// Connect implements hub.Workers.
func (n *nearby) Connect(ctx context.Context, w *hub.Worker) (hub.Stream, error) {
	return n.owner.Connect(ctx, w)
}

// CompleteOrchestration implements hub.Workers.
func (n *nearby) CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error {
	defer n.answered(ctx, done.Token)
	return n.Hub.CompleteOrchestration(ctx, done)
}

// CompleteActivity implements hub.Workers.
func (n *nearby) CompleteActivity(ctx context.Context, done *hub.ActivityDone) error {
	defer n.answered(ctx, done.Token)
	return n.Hub.CompleteActivity(ctx, done)
}

// CompleteEntity implements hub.Workers.
func (n *nearby) CompleteEntity(ctx context.Context, done *hub.EntityDone) error {
	defer n.answered(ctx, done.Token)
	return n.Hub.CompleteEntity(ctx, done)
}

// Abandon implements hub.Workers.
func (n *nearby) Abandon(ctx context.Context, d hub.Delivery) error {
	defer n.answered(ctx, d.Token)
	return n.Hub.Abandon(ctx, d)
}

// answered frees the place at this node's stream of an item that another node was told
// of. Of one of its own it knows already, and says that there is none.
func (n *nearby) answered(ctx context.Context, token string) {
	_ = n.owner.Abandon(ctx, hub.Delivery{Token: token})
}

// allowed are the ranges of addresses in which workers may be called beside public ones.
func allowed(texts []string) (list []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("push allow: %q is no range of addresses such as 10.0.0.0/8", text)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// way carries requests to workers: encrypted to public addresses and to those allowed,
// in plaintext to these only.
type way struct{ public, private *http.Transport }

func newWay(ranges []netip.Prefix) *way {
	within := func(a netip.Addr) bool {
		a = a.Unmap().WithZone("")
		for _, p := range ranges {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	w := &way{
		public:  egress.Guarded(func(a netip.Addr) bool { return egress.IsPublic(a) || within(a) }),
		private: egress.Guarded(within),
	}
	for _, t := range []*http.Transport{w.public, w.private} {
		// A worker that sleeps has closed its end, and what is sent then is lost.
		t.IdleConnTimeout, t.MaxIdleConnsPerHost = 15*time.Second, 100
	}
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *way) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" {
		return w.public.RoundTrip(r)
	}
	return w.private.RoundTrip(r)
}

func (w *way) close() {
	w.public.CloseIdleConnections()
	w.private.CloseIdleConnections()
}
