package host

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// late are the hubs of an app for those who are there before the hubs are: gRPC's
// services. Until then calls are to be tried again.
type late struct{ hubs atomic.Pointer[hubs] }

func (l *late) get() (*hubs, error) {
	if h := l.hubs.Load(); h != nil {
		return h, nil
	}
	return nil, &perdure.Error{Code: perdure.Unavailable, Message: "the server is starting"}
}

// Open implements wire.Hubs.
func (l *late) Open(ctx context.Context, name string) (hub.Hub, error) {
	h, err := l.get()
	if err != nil {
		return nil, err
	}
	return h.Open(ctx, name)
}

// Create implements wire.Hubs.
func (l *late) Create(ctx context.Context, name string, recreate bool) error {
	h, err := l.get()
	if err != nil {
		return err
	}
	return h.Create(ctx, name, recreate)
}

// Delete implements wire.Hubs.
func (l *late) Delete(ctx context.Context, name string) error {
	h, err := l.get()
	if err != nil {
		return err
	}
	return h.Delete(ctx, name)
}

// document is for wire.Config.EntityDocument.
func (l *late) document(ctx context.Context, name, id string) (json.RawMessage, bool, error) {
	h, err := l.get()
	if err != nil {
		return nil, false, err
	}
	return h.entityDocument(ctx, name, id)
}

// worker counts a stream of a worker to a hub until the returned function is called.
func (l *late) worker(ctx context.Context, name string) (gone func()) {
	if h := l.hubs.Load(); h != nil {
		if s, err := h.get(ctx, name); err == nil {
			s.workers.Add(1)
			return func() { s.workers.Add(-1) }
		}
	}
	return func() {}
}

// announce has the routes of agents served that a worker elsewhere serves.
func (l *late) announce(ctx context.Context, name string, agents []*wirepb.AgentDescription) {
	h := l.hubs.Load()
	if h == nil {
		return
	}
	s, err := h.get(ctx, name)
	if err != nil {
		return // it is gone, and the worker's stream with it
	}
	for _, a := range agents {
		var info agent.Info
		if err := json.Unmarshal(a.Info, &info); err != nil || !strings.EqualFold(info.Name, a.Name) || info.Name == "" {
			s.app.cfg.Logger.Warn("a worker announces an agent that cannot be read", "agent", a.Name, "hub", name)
			continue
		}
		s.elsewhere.add(info)
	}
}

// elsewhere are the agents that workers in other processes have announced. They stay,
// as their sessions do, when the workers go.
type elsewhere struct {
	mu     sync.Mutex // guards agents
	agents map[string]agent.Info
}

// maxElsewhere bounds the agents that workers may announce to a hub.
const maxElsewhere = 1000

func (e *elsewhere) add(info agent.Info) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.agents == nil {
		e.agents = map[string]agent.Info{}
	}
	if key := strings.ToLower(info.Name); len(e.agents) < maxElsewhere || e.agents[key].Name != "" {
		e.agents[key] = info
	}
}

// list returns the agents by name.
func (e *elsewhere) list() []agent.Info {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]agent.Info, 0, len(e.agents))
	for _, name := range slices.Sorted(maps.Keys(e.agents)) {
		list = append(list, e.agents[name])
	}
	return list
}
