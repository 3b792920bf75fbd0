package peer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// defaultPlaces is how many items of a kind a worker gets that does not say it.
const defaultPlaces = 100

// stream is a connected worker, which gets the work of all nodes: each is a source of
// it. It implements hub.Stream.
type stream struct {
	hub    *Hub
	worker hub.Worker
	total  places // that the worker has
	cancel context.CancelFunc
	wake   chan struct{} // has room for one: Next is to look again
	ration chan struct{} // has room for one: the rations are to be looked at

	mu      sync.Mutex         // guards what follows, and the sources
	sources map[string]*source // by the name of the node
	ready   []*item            // fetched from a node, and not by the worker
	held    places             // items that the worker has
	taken   places             // of all sources
	even    bool               // the places are to be shared out evenly
	demand  chan struct{}      // closed while sources are to fetch
	ended   error
}

// source is a node from which a stream gets items.
type source struct {
	name   string
	node   node
	cancel context.CancelFunc

	opened  opened // nil = not connected
	granted places // that the node was told it may fill
	taken   places // items of it that are ready or held, or whose outcome is on its way
	coming  places // that it has handed out and that are not here yet, until due
	due     time.Time
	wanted  [kinds]bool // it has more items than places
}

// Connect implements hub.Workers.
func (h *Hub) Connect(ctx context.Context, w *hub.Worker) (hub.Stream, error) {
	if w.Orchestrations < 0 || w.Activities < 0 || w.Entities < 0 || w.MaxHistory < 0 {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "connect", Message: "a worker works on a negative number of items"}
	}
	if err := h.hasBegun(ctx, "connect"); err != nil {
		return nil, err
	}
	s := &stream{
		hub: h, worker: *w, total: places{ofTurn: w.Orchestrations, ofActivity: w.Activities, ofBatch: w.Entities},
		wake: make(chan struct{}, 1), ration: make(chan struct{}, 1), sources: make(map[string]*source), demand: make(chan struct{}),
	}
	for k := range s.total {
		if s.total[k] == 0 {
			s.total[k] = defaultPlaces
		}
	}
	working, cancel := context.WithCancel(h.ctx)
	s.cancel = cancel
	// The Owner of this node has it when Connect returns; the others follow.
	o, err := h.here.connect(ctx, &s.worker, s.total)
	if err != nil {
		cancel()
		return nil, err
	}
	h.mu.Lock()
	h.streams[s] = true
	h.mu.Unlock()
	ring(h.doubts)
	s.add(working, &source{name: h.cfg.Node.Name, node: h.here, opened: o, granted: s.total})
	if !h.start(func() { s.allot(working) }) {
		s.Close(false)
		return nil, errStopped
	}
	s.follow(h.members())
	return s, nil
}

// Next implements hub.Stream.
func (s *stream) Next(ctx context.Context) (*hub.Work, error) {
	for {
		work, err := s.take()
		if work != nil || err != nil {
			return work, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, ended(ctx, "next work item", "")
		}
	}
}

// take fetches what is ready and for which the worker has a place; else the sources are
// to fetch.
func (s *stream) take() (*hub.Work, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return nil, s.ended
	}
	i := slices.IndexFunc(s.ready, func(it *item) bool { return it.kind == kinds || s.held[it.kind] < s.total[it.kind] })
	if i < 0 {
		select {
		case <-s.demand:
		default:
			close(s.demand)
		}
		return nil, nil
	}
	it := s.ready[i]
	s.ready = slices.Delete(s.ready, i, i+1)
	it.fetched = true
	if it.kind < kinds {
		s.held[it.kind]++
	}
	return it.work, nil
}

// stale is how long an item may be ready without a place for it at the worker, before
// it is given to others.
const stale = time.Second

// relieve gives back what the worker has no place for.
func (s *stream) relieve() {
	for _, it := range s.overdue(time.Now()) {
		s.told(it)
		s.hub.items.remove(it)
		s.hub.giveBack(it, false)
	}
}

// overdue takes out what has waited for too long for a place at the worker. Next returns
// none of it any more.
func (s *stream) overdue(now time.Time) (back []*item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = slices.DeleteFunc(s.ready, func(it *item) bool {
		if it.kind == kinds || s.held[it.kind] < s.total[it.kind] || now.Sub(it.since) <= stale {
			return false
		}
		it.answered = true
		back = append(back, it)
		return true
	})
	return back
}

func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close implements hub.Stream. Items of nodes that are gone, or of shards that have
// moved, are given back to whoever holds them.
func (s *stream) Close(lost bool) {
	s.end(&perdure.Error{Code: perdure.Unavailable, Op: "next work item", Message: "the stream was closed"})
	s.hub.mu.Lock()
	known := s.hub.streams[s]
	delete(s.hub.streams, s)
	s.hub.mu.Unlock()
	if !known {
		return
	}
	s.cancel()
	s.mu.Lock()
	sources := s.sources
	s.sources = nil
	s.mu.Unlock()
	open := make(map[*source]opened)
	for _, src := range sources {
		src.cancel()
		if o := s.drop(src); o != nil {
			open[src] = o
		}
	}
	for _, it := range s.hub.items.ofStream(s) {
		s.hub.items.remove(it)
		holder, _, _, ok := s.hub.owner.Holder(store.ShardOf(it.instance))
		if open[it.source] == nil || !ok || holder.Name != it.source.name || lost && !it.fetched {
			s.hub.giveBack(it, lost && it.fetched)
		} // else it goes with its stream there
	}
	for _, o := range open {
		o.leave(lost)
	}
}

// giveBack has the holder of an item's shard give it to another worker. lost says that
// its worker was lost with it.
func (h *Hub) giveBack(it *item, lost bool) {
	d := hub.Delivery{Token: it.work.Token, InstanceID: it.instance, TaskID: it.task, Lost: lost}
	h.start(func() {
		err := h.routeToken(h.ctx, "abandon work item", d, func(ctx context.Context, n node, d hub.Delivery) error { return n.Abandon(ctx, d) })
		if err != nil && perdure.CodeOf(err) != perdure.NotFound && h.ctx.Err() == nil {
			h.logger.Warn("a work item of a worker that is gone was not given back", "instance", it.instance, "err", err)
		}
	})
}

// end lets Next return err from now on.
func (s *stream) end(err error) {
	s.mu.Lock()
	if s.ended == nil {
		s.ended = err
	}
	s.ready = nil
	s.mu.Unlock()
	ring(s.wake)
}

// follow has the stream get items of the nodes that live, and of no others. Items of a
// node that is gone stay with the worker.
func (s *stream) follow(members map[string]store.Node) {
	var gone []*source
	s.mu.Lock()
	if s.ended != nil {
		s.mu.Unlock()
		return
	}
	for name, src := range s.sources {
		if _, lives := members[name]; !lives && name != s.hub.cfg.Node.Name {
			gone = append(gone, src)
			delete(s.sources, name)
		}
	}
	var come []*source
	for name, n := range members {
		if s.sources[name] == nil && name != s.hub.cfg.Node.Name {
			come = append(come, &source{name: name, node: s.hub.neighbour(n)})
		}
	}
	s.mu.Unlock()
	for _, src := range gone {
		src.cancel()
		if o := s.drop(src); o != nil {
			o.leave(false)
		}
	}
	for _, src := range come {
		s.add(s.hub.ctx, src)
	}
	s.relieve()
}

// add has a source fetch items until it is dropped.
func (s *stream) add(ctx context.Context, src *source) {
	ctx, src.cancel = context.WithCancel(ctx)
	s.mu.Lock()
	if s.ended != nil || s.sources[src.name] != nil {
		s.mu.Unlock()
		src.cancel()
		return
	}
	s.sources[src.name] = src
	s.mu.Unlock()
	if !s.hub.start(func() { s.pull(ctx, src) }) {
		src.cancel()
	}
}

// drop ends what is open at a source, which it returns.
func (s *stream) drop(src *source) opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := src.opened
	src.opened, src.granted, src.wanted = nil, places{}, [kinds]bool{}
	s.even = true
	ring(s.ration)
	return o
}

// Pauses between attempts to fetch from a node.
const (
	firstAgain = 50 * time.Millisecond
	lastAgain  = 5 * time.Second
)

// pull fetches items from a node when the worker has none to fetch, until ctx ends.
func (s *stream) pull(ctx context.Context, src *source) {
	local, most := src.name == s.hub.cfg.Node.Name, mostItems
	if local {
		most = 1 // what the worker has not fetched stays with the Owner
	}
	for pause := firstAgain; ctx.Err() == nil; {
		o, err := s.open(ctx, src)
		for err == nil && s.demanded(ctx, o) {
			var b batch
			if b, err = o.fetch(ctx, most); err == nil {
				s.put(src, b)
				pause = firstAgain
			}
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if local || !passes(err) { // what was open there is over
			s.drop(src)
		}
		wait(ctx, jitter(pause))
		pause = min(2*pause, lastAgain)
	}
}

// open connects the stream to a source, without places so far.
func (s *stream) open(ctx context.Context, src *source) (opened, error) {
	s.mu.Lock()
	o := src.opened
	s.mu.Unlock()
	if o != nil {
		return o, nil
	}
	o, err := src.node.connect(ctx, &s.worker, places{})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	wanted := s.ended == nil && s.sources[src.name] == src && ctx.Err() == nil
	if wanted {
		src.opened, s.even = o, true
	}
	s.mu.Unlock()
	if !wanted {
		o.leave(false)
		return nil, errStopped
	}
	ring(s.ration)
	return o, nil
}

// demanded waits until the worker has nothing to fetch. It reports false if ctx has
// ended.
func (s *stream) demanded(ctx context.Context, o opened) bool {
	again := time.NewTimer(abandoned / 3)
	defer again.Stop()
	for {
		s.mu.Lock()
		demand := s.demand
		s.mu.Unlock()
		select {
		case <-demand:
			return ctx.Err() == nil
		case <-again.C:
			o.touch(ctx)
			again.Reset(abandoned / 3)
		case <-ctx.Done():
			return false
		}
	}
}

// put takes in what a source has.
func (s *stream) put(src *source, b batch) {
	var all []*item
	for _, w := range b.items {
		it := &item{work: w, stream: s, source: src, since: time.Now()}
		if it.kind, it.instance = kindOf(w); it.kind == ofActivity {
			it.task = w.Activity.TaskID
		}
		if it.kind < kinds {
			s.hub.items.add(it)
		}
		all = append(all, it)
	}
	s.mu.Lock()
	for _, it := range all {
		if s.ended != nil {
			break // its source gives it to others when it is left
		}
		s.ready = append(s.ready, it)
		if it.kind < kinds {
			src.taken[it.kind]++
			src.coming[it.kind] = max(src.coming[it.kind]-1, 0)
			s.taken[it.kind]++
		}
	}
	hungry := false
	for k, wanted := range b.wanted {
		src.wanted[k] = src.wanted[k] || wanted
		hungry = hungry || wanted
	}
	if len(all) > 0 {
		select {
		case <-s.demand:
			s.demand = make(chan struct{})
		default:
		}
	}
	over := s.ended != nil
	s.mu.Unlock()
	if over {
		for _, it := range all {
			s.hub.items.remove(it)
		}
	}
	if hungry {
		ring(s.ration)
	}
	ring(s.wake)
}

// answered frees the place of an item with which the worker is done.
func (s *stream) answered(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it.answered {
		return
	}
	it.answered = true
	if i := slices.Index(s.ready, it); i >= 0 { // it was never fetched
		s.ready = slices.Delete(s.ready, i, i+1)
	} else {
		s.held[it.kind]--
	}
	ring(s.wake)
}

// told frees the place of an item at its source, which knows that the worker has answered.
func (s *stream) told(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it.told {
		return
	}
	it.told = true
	it.source.taken[it.kind]--
	s.taken[it.kind]--
	for _, src := range s.sources {
		if src.wanted[it.kind] {
			ring(s.ration)
		}
	}
}
