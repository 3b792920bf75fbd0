package host

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// elsewhere are the agents that workers in other processes have announced: what the
// hub's directory has of them, and which of those workers are here now. They stay, as
// their sessions do, when the workers go.
type elsewhere struct {
	mu     sync.Mutex // guards what follows
	agents map[string]agent.Info
	here   map[string]int // workers that are connected
}

// maxElsewhere bounds the agents that workers may announce to a hub.
const maxElsewhere = 1000

// set takes over what the directory has.
func (e *elsewhere) set(list []agent.Info) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.agents = make(map[string]agent.Info, len(list))
	for _, info := range list {
		e.agents[strings.ToLower(info.Name)] = info
	}
}

// come adds the agents of a worker that has connected, and returns those for which
// there is room.
func (e *elsewhere) come(list []agent.Info) []agent.Info {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.agents == nil {
		e.agents = map[string]agent.Info{}
	}
	if e.here == nil {
		e.here = map[string]int{}
	}
	var taken []agent.Info
	for _, info := range list {
		key := strings.ToLower(info.Name)
		if _, known := e.agents[key]; known || len(e.agents) < maxElsewhere {
			e.agents[key] = info
			e.here[key]++
			taken = append(taken, info)
		}
	}
	return taken
}

// leave notes that the worker of some agents has gone.
func (e *elsewhere) leave(list []agent.Info) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, info := range list {
		key := strings.ToLower(info.Name)
		if e.here[key]--; e.here[key] <= 0 {
			delete(e.here, key)
		}
	}
}

// list returns the agents by name. Those whose workers are here are seen now.
func (e *elsewhere) list(now time.Time) []agent.Info {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]agent.Info, 0, len(e.agents))
	for _, name := range slices.Sorted(maps.Keys(e.agents)) {
		info := e.agents[name]
		if e.here[name] > 0 {
			info.LastSeen = now.UTC()
		}
		list = append(list, info)
	}
	return list
}

// others returns the agents of other processes by name, without those of the same
// names as this process has.
func (s *served) others(now time.Time) []agent.Info {
	return slices.DeleteFunc(s.elsewhere.list(now), func(info agent.Info) bool {
		return slices.ContainsFunc(s.agents.List, func(own agent.Info) bool { return strings.EqualFold(own.Name, info.Name) })
	})
}

const (
	// goneTime bounds the noting that a worker is gone.
	goneTime = 5 * time.Second
	// learnAgain is the pause before the directory is read again that could not be.
	learnAgain = time.Second
	// learnTime bounds how long a hub is not served because its directory of agents
	// cannot be read.
	learnTime = 5 * time.Second
)

// enlist writes the agents of a worker that has connected to the hub's directory.
// What it returns is to be called when the worker is gone: it writes when.
func (s *served) enlist(ctx context.Context, list []agent.Info, now func() time.Time) (gone func()) {
	taken := s.elsewhere.come(list)
	if len(taken) < len(list) {
		s.app.cfg.Logger.Warn("workers have announced as many agents as may be; others are not served", "most", maxElsewhere, "hub", s.name)
	}
	if len(taken) == 0 {
		return func() {}
	}
	write := func(ctx context.Context) error {
		seen := slices.Clone(taken)
		for i := range seen {
			seen[i].LastSeen = now().UTC()
		}
		return s.agents.Service.Enlist(ctx, seen...)
	}
	if err := write(ctx); err != nil && ctx.Err() == nil {
		s.app.cfg.Logger.Warn("agents of a worker cannot be noted; only this server serves their routes", "hub", s.name, "err", err)
	}
	return func() {
		s.elsewhere.leave(taken)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goneTime)
		defer cancel()
		if err := write(ctx); err != nil { // as it may be when the hub ends, too
			s.app.cfg.Logger.Debug("when a worker has gone cannot be noted", "hub", s.name, "err", err)
		}
	}
}

// learn keeps up with the hub's directory until ctx ends, or the hub turns out to have
// none. It closes s.learned once it has read it for the first time, or could not.
func (s *served) learn(ctx context.Context) {
	first := sync.OnceFunc(func() { close(s.learned) })
	defer first()
	for ctx.Err() == nil {
		err := s.follow(ctx, first)
		first()
		if perdure.CodeOf(err) == perdure.Unimplemented {
			return
		}
		again := time.NewTimer(learnAgain)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
		}
	}
}

// follow reads the directory whenever it was written, and calls read after each time.
func (s *served) follow(ctx context.Context, read func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	written, err := s.agents.Service.WatchEnlisted(ctx)
	if err != nil {
		return err
	}
	for {
		list, err := s.agents.Service.Enlisted(ctx)
		if err != nil {
			return err
		}
		s.elsewhere.set(list)
		read()
		select {
		case _, goesOn := <-written:
			if !goesOn {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
