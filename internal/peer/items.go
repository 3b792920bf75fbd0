package peer

import (
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// items are the work items that streams of this node's workers have, by their tokens.
type items struct {
	mu   sync.Mutex // guards what follows
	all  map[string]*item
	here map[string]map[*item]bool // by instance
}

// item is a work item at a worker, or on its way to one. It belongs to its stream
// until the hub has taken its outcome in.
type item struct {
	work     *hub.Work
	kind     kind
	instance string
	task     int32
	stream   *stream
	source   *source
	since    time.Time // when it came from there
	fetched  bool      // guarded by the stream's mu: the worker has it
	answered bool      // guarded by the stream's mu: the worker is done with it
	told     bool      // guarded by the stream's mu: its source knows
}

func newItems() *items {
	return &items{all: make(map[string]*item), here: make(map[string]map[*item]bool)}
}

func (i *items) add(it *item) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all[it.work.Token] = it
	of := i.here[it.instance]
	if of == nil {
		of = make(map[*item]bool)
		i.here[it.instance] = of
	}
	of[it] = true
}

func (i *items) remove(it *item) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.all[it.work.Token] != it {
		return
	}
	delete(i.all, it.work.Token)
	if of := i.here[it.instance]; len(of) > 1 {
		delete(of, it)
	} else {
		delete(i.here, it.instance)
	}
}

// of returns the item with a token, nil if there is none.
func (i *items) of(token string) *item {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.all[token]
}

// named puts the token into a delivery that names its item otherwise, if it is here and
// the only one.
func (i *items) named(d hub.Delivery, fits func(*item) bool) hub.Delivery {
	if d.Token != "" {
		return d
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	var only *item
	for it := range i.here[d.InstanceID] {
		if !fits(it) {
			continue
		}
		if only != nil {
			return d
		}
		only = it
	}
	if only != nil {
		d.Token = only.work.Token
	}
	return d
}

// ofStream returns the items of a stream.
func (i *items) ofStream(s *stream) (list []*item) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, it := range i.all {
		if it.stream == s {
			list = append(list, it)
		}
	}
	return list
}

// held returns the activities of shards that workers of this node have.
func (i *items) held(node string, shards []store.Shard) (list []hub.Held) {
	var wanted [store.Shards]bool
	for _, s := range shards {
		wanted[s] = true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for token, it := range i.all {
		if it.kind == ofActivity && wanted[store.ShardOf(it.instance)] {
			list = append(list, hub.Held{Token: token, Worker: it.stream.worker.ID, Node: node})
		}
	}
	return list
}

// settled reports whether the hub has said what becomes of an outcome, so that the
// worker need not tell it again.
func settled(err error) bool {
	switch perdure.CodeOf(err) {
	case perdure.Unavailable, perdure.NoSpace, perdure.ResourceExhausted, perdure.DeadlineExceeded, perdure.Canceled:
		return false
	}
	return true
}
