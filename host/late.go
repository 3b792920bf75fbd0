package host

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
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

// exists reports whether there is a hub.
func (l *late) exists(name string) bool {
	h := l.hubs.Load()
	return h != nil && slices.Contains(h.Names(), name)
}

// node is for wire.NodesConfig.Find.
func (l *late) node(ctx context.Context, name string) (wire.Node, []byte, error) {
	h, err := l.get()
	if err != nil {
		return nil, nil, err
	}
	s, err := h.get(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	d, ok := h.place.(*database)
	n, isNode := s.hub.(wire.Node)
	if !ok || !isNode {
		return nil, nil, access.NoHub(name)
	}
	return n, d.secret, nil
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

// announce has the routes of agents served that a worker elsewhere serves, until the
// hub is deleted. What it returns notes that the worker is gone.
func (l *late) announce(ctx context.Context, name string, agents []*wirepb.AgentDescription) (gone func()) {
	gone = func() {}
	h := l.hubs.Load()
	if h == nil {
		return gone
	}
	s, err := h.get(ctx, name)
	if err != nil {
		return gone // the worker's stream ends, too
	}
	var infos []agent.Info
	for _, a := range agents {
		var info agent.Info
		err := json.Unmarshal(a.Info, &info)
		if err == nil {
			_, err = agent.NewSessionID(info.Name, "any") // the name is one
		}
		if err != nil || !strings.EqualFold(info.Name, a.Name) {
			s.app.cfg.Logger.Warn("a worker announces an agent that cannot be read", "agent", a.Name, "hub", name)
			continue
		}
		infos = append(infos, info)
	}
	return s.enlist(ctx, infos, h.now)
}
