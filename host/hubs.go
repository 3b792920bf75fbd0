package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
)

// maxHubs is the most task hubs of a place.
const maxHubs = 1000

// place is where hubs are kept.
type place interface {
	// names lists the hubs that are kept there.
	names() ([]string, error)
	// hub opens a hub, making it if there is none and create says so, else NotFound. It
	// works once its Run is called.
	hub(name string, create bool) (worked, error)
	// recreate empties a hub that has come to rest, drop deletes it.
	recreate(name string) error
	drop(name string) error
	close() error
}

// worked is a hub with those who carry its work on in this process.
type worked interface {
	hub.Hub
	Run(ctx context.Context) error
}

// hubs are the task hubs of a place, each carried on by itself. Its methods may be
// called concurrently.
type hubs struct {
	app   *App
	place place
	clock clock.Clock
	front *front
	watch func(*agent.Service) error // has an agents' service observed

	starts chan *served  // to run
	failed chan error    // receives why a hub ended by itself
	ending chan struct{} // closed when run starts nothing more

	draining atomic.Bool

	mu      sync.Mutex // guards what follows
	all     map[string]*served
	busy    map[string]bool // hubs that are being made, emptied or deleted
	settled chan struct{}   // closed, and made anew, when one is not any more
	closed  bool
}

func newHubs(a *App, p place, c clock.Clock, f *front, watch func(*agent.Service) error) *hubs {
	return &hubs{app: a, place: p, clock: c, front: f, watch: watch, starts: make(chan *served), failed: make(chan error, 1), ending: make(chan struct{}),
		all: make(map[string]*served), busy: make(map[string]bool), settled: make(chan struct{})}
}

// now is the hubs' time.
func (h *hubs) now() time.Time { return h.clock.Now() }

// run carries hubs on, as they are started, until ctx ends; then it waits until all
// have come to rest.
func (h *hubs) run(ctx context.Context) error {
	var running sync.WaitGroup
	var mu sync.Mutex // guards errs
	var errs []error
	shared, isShared := h.place.(shared)
	if isShared {
		running.Go(func() { h.keepUp(ctx, shared) })
	}
	for {
		select {
		case s := <-h.starts:
			running.Go(func() {
				if s.run(ctx); s.err == nil {
					return
				}
				if isShared { // keepUp begins it anew
					h.app.cfg.Logger.Warn("a hub has ended in this process", "hub", s.name, "err", s.err)
					return
				}
				mu.Lock()
				errs = append(errs, s.err)
				mu.Unlock()
				select {
				case h.failed <- s.err:
				default:
				}
			})
		case <-ctx.Done():
			h.mu.Lock()
			h.closed = true
			h.mu.Unlock()
			close(h.ending)
			running.Wait()
			return errors.Join(errs...)
		}
	}
}

// open starts the hubs that are kept and those that the configuration names.
// run is at work.
func (h *hubs) open(ctx context.Context) error {
	kept, err := h.place.names()
	if err != nil {
		return err
	}
	for _, name := range slices.Concat([]string{defaultHub}, h.app.cfg.TaskHubs, kept) {
		err := h.change(ctx, name, func(old *served) (*served, error) {
			if old != nil {
				return old, nil
			}
			return h.start(ctx, name, true)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// start opens a hub, making it if there is none and create says so, and has it run.
func (h *hubs) start(ctx context.Context, name string, create bool) (*served, error) {
	kept, err := h.place.hub(name, create)
	if err != nil {
		return nil, err
	}
	s, err := h.app.serve(name, kept, h)
	if err != nil {
		return nil, err
	}
	if err := h.watch(s.agents.Service); err != nil {
		return nil, err
	}
	select {
	case h.starts <- s:
		if !remote.Is(h.app.cfg.Hub) { // that may not be there for long
			limit := time.NewTimer(learnTime)
			defer limit.Stop()
			select {
			case <-s.learned:
			case <-s.ended:
			case <-limit.C:
			}
		}
		return s, nil
	case <-h.ending:
		return nil, &perdure.Error{Code: perdure.Unavailable, Message: errStopping.Error()}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// get returns a hub as it is served, once it is not being changed.
func (h *hubs) get(ctx context.Context, name string) (*served, error) {
	for {
		h.mu.Lock()
		s, busy, settled := h.all[name], h.busy[name], h.settled
		h.mu.Unlock()
		switch {
		case !busy && s == nil:
			return h.find(ctx, name)
		case !busy:
			return s, nil
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "open hub " + name, Message: "it is being changed", Cause: context.Cause(ctx)}
		}
	}
}

// change replaces a hub as it is served: by gets it, nil if there is none, and
// returns what takes its place, nil = nothing. Meanwhile get waits. It is not cut
// short when ctx ends once it has begun.
func (h *hubs) change(ctx context.Context, name string, by func(old *served) (*served, error)) error {
	for {
		h.mu.Lock()
		settled := h.settled
		if h.closed {
			h.mu.Unlock()
			return &perdure.Error{Code: perdure.Unavailable, Message: errStopping.Error()}
		}
		if !h.busy[name] {
			break // with the lock
		}
		h.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	h.busy[name] = true
	old := h.all[name]
	h.mu.Unlock()
	s, err := by(old)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.busy, name)
	if s != nil {
		h.all[name] = s
	} else if err == nil {
		delete(h.all, name)
	}
	close(h.settled)
	h.settled = make(chan struct{})
	return err
}

// drain ends streams and waits of all hubs, and says that there is nothing more to
// come for.
func (h *hubs) drain() {
	h.draining.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.all {
		s.drain()
	}
}

// ready returns why nobody should come here now; nil = all are welcome.
func (h *hubs) ready() error {
	if h.draining.Load() {
		return errStopping
	}
	if n := h.node(); n != nil && !n.LastBeat.IsZero() {
		if silent := time.Since(n.LastBeat); silent > patience {
			return fmt.Errorf("the database has not answered for %v: %s", silent.Round(time.Second), n.Error)
		}
	}
	return nil
}

// patience is how long a database may not answer before a node counts as not ready:
// the time after which others take over what it has.
const patience = 5 * time.Second

// node is how this node of several is; nil = it is none.
func (h *hubs) node() *httpapi.Node {
	if p, ok := h.place.(interface{ node() *httpapi.Node }); ok {
		return p.node()
	}
	return nil
}

// Open implements wire.Hubs.
func (h *hubs) Open(ctx context.Context, name string) (hub.Hub, error) {
	s, err := h.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.hub, nil
}

// Names lists the hubs, in order.
func (h *hubs) Names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.all))
}

// Create implements wire.Hubs.
func (h *hubs) Create(ctx context.Context, name string, recreate bool) error {
	if err := access.CheckHub(name); err != nil {
		return err
	}
	return h.change(ctx, name, func(old *served) (*served, error) {
		ctx := context.WithoutCancel(ctx)
		switch {
		case old == nil && len(h.Names()) >= maxHubs:
			return nil, &perdure.Error{Code: perdure.ResourceExhausted, Message: fmt.Sprintf("there are %d task hubs, as many as may be", maxHubs)}
		case old != nil && !recreate:
			return old, &perdure.Error{Code: perdure.AlreadyExists, Message: fmt.Sprintf("there is a task hub %q", name)}
		case old != nil:
			old.stop()
			if err := h.place.recreate(name); err != nil {
				return nil, err
			}
			h.tellGone(ctx, name)
		}
		s, err := h.start(ctx, name, true)
		if err == nil && hub.ActorOf(ctx) != nil { // the first entry of its audit
			if err := s.hub.WriteRows(ctx, &hub.WriteRows{Owner: "~hub"}); err != nil {
				h.app.cfg.Logger.Warn("who has made a hub could not be written down", "hub", name, "err", err)
			}
		}
		return s, err
	})
}

// Delete implements wire.Hubs. The hub "default" always exists: it is emptied.
func (h *hubs) Delete(ctx context.Context, name string) error {
	if name == defaultHub {
		return h.Create(ctx, name, true)
	}
	return h.change(ctx, name, func(old *served) (*served, error) {
		if old == nil {
			return nil, access.NoHub(name)
		}
		old.stop()
		err := h.place.drop(name)
		if err == nil {
			h.tellGone(ctx, name)
		}
		return nil, err
	})
}

// tellGone says who has emptied or deleted a hub: its audit is gone with it.
func (h *hubs) tellGone(ctx context.Context, name string) {
	if a := hub.ActorOf(ctx); a != nil {
		h.app.cfg.Logger.Warn("a task hub was emptied or deleted", "hub", name, "by", a.By, "from", a.From)
	}
}

// entityDocument shows sessions of agents as Microsoft's do to clients of gRPC.
func (h *hubs) entityDocument(ctx context.Context, name, id string) (json.RawMessage, bool, error) {
	s, err := h.get(ctx, name)
	if err != nil {
		return nil, false, err
	}
	return s.agents.Service.EntityDocument(ctx, id, agent.DocumentOptions{Version: h.app.cfg.Document})
}
