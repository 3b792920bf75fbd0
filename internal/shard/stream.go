package shard

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
)

const (
	// defaultPlaces is how many items of a kind a worker gets that does not say it.
	defaultPlaces = 100
	// maxUnread is how many items of a kind a stream holds that its worker has not
	// fetched: others could do them. Ours fetch at once, a burst at a time.
	maxUnread    = 16
	maxUnreadOwn = 256
)

// stream is a connected worker. It implements hub.Batched.
type stream struct {
	owner  *Owner
	worker hub.Worker
	since  time.Time

	mu      sync.Mutex
	ready   []handout // guarded by mu: assigned, not fetched yet
	unread  [kinds]int
	starved bool  // guarded by mu: it would get more if it had fetched more
	asked   bool  // guarded by mu: Next was called
	ended   error // guarded by mu: why there is nothing more
	wake    chan struct{}

	// the rest is the loop's
	class   *class
	gone    bool
	leases  map[delivery]*lease
	out     [kinds]int    // items that it has
	places  [kinds]int    // in the class's free streams; -1 = it has no room
	turn    [kinds]uint64 // when it got its newest item
	suspect *lease        // an item that was lost with workers before
	ration  ration
}

// handout is an item, or a notice, on its way to a worker.
type handout struct {
	work  *hub.Work
	lease *lease // nil = a notice
}

// Connect implements hub.Workers.
func (o *Owner) Connect(ctx context.Context, w *hub.Worker) (hub.Stream, error) {
	if w.Orchestrations < 0 || w.Activities < 0 || w.Entities < 0 || w.MaxHistory < 0 {
		return nil, invalid("connect", "", "a worker works on a negative number of items")
	}
	s := &stream{owner: o, worker: *w, since: o.clock.Now(), wake: make(chan struct{}, 1), leases: make(map[delivery]*lease)}
	for k := range s.places {
		s.places[k] = -1
	}
	_, err := o.call(ctx, "", func(l *loop, c *call) {
		l.connect(s)
		c.end(nil, nil)
	})
	if err != nil {
		s.Close(false) // it may have begun all the same
		return nil, named(err, "connect", "")
	}
	return s, nil
}

// Next implements hub.Stream.
func (s *stream) Next(ctx context.Context) (*hub.Work, error) {
	for {
		work, err := s.take(1)
		if err != nil {
			return nil, err
		}
		if len(work) > 0 {
			return work[0], nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, contextError(ctx)
		case <-s.owner.done:
			return nil, s.owner.ended
		}
	}
}

// Ready implements hub.Batched.
func (s *stream) Ready() <-chan struct{} { return s.wake }

// Take implements hub.Batched.
func (s *stream) Take() ([]*hub.Work, error) { return s.take(math.MaxInt) }

// take fetches at most so many items that are ready, and has the loop look for more if
// there may be some.
func (s *stream) take(most int) ([]*hub.Work, error) {
	work, more, err := s.fetch(most)
	if more {
		if err := s.owner.mail.add(item{do: func(l *loop) { l.refill(s) }}); err != nil {
			return nil, err
		}
	}
	return work, err
}

func (s *stream) fetch(most int) (work []*hub.Work, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return nil, false, s.ended
	}
	more = !s.asked
	s.asked = true
	n := min(most, len(s.ready))
	if n == 0 {
		return nil, more, nil
	}
	work = make([]*hub.Work, n)
	for i, h := range s.ready[:n] {
		work[i], s.ready[i] = h.work, handout{}
		if h.lease == nil {
			continue
		}
		h.lease.fetched = true
		s.unread[h.lease.kind]--
		if s.starved && s.unread[h.lease.kind] <= s.mostUnread()/2 {
			s.starved, more = false, true
		}
	}
	if s.ready = s.ready[n:]; len(s.ready) == 0 {
		s.ready = nil
	}
	return work, more, nil
}

// Close implements hub.Stream.
func (s *stream) Close(lost bool) {
	s.end(errStreamClosed)
	s.owner.mail.add(item{do: func(l *loop) { l.disconnect(s, lost) }}) // it fails if the loop has ended: nothing is left to do
}

var errStreamClosed = &perdure.Error{Code: perdure.Unavailable, Op: "next work item", Message: "the stream was closed"}

// end lets Next return err from now on.
func (s *stream) end(err error) {
	s.mu.Lock()
	if s.ended == nil {
		s.ended = err
	}
	s.ready = nil
	s.mu.Unlock()
	s.ring()
}

func (s *stream) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// put hands something out.
func (s *stream) put(h handout) {
	s.mu.Lock()
	if s.ended == nil {
		s.ready = append(s.ready, h)
		if h.lease != nil {
			s.unread[h.lease.kind]++
		}
	}
	s.mu.Unlock()
	s.ring()
}

// recall takes an item back that was not fetched yet, and reports whether it could.
func (s *stream) recall(le *lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.ready, func(h handout) bool { return h.lease == le })
	if i < 0 {
		return false
	}
	s.ready = slices.Delete(s.ready, i, i+1)
	s.unread[le.kind]--
	return true
}

func (s *stream) mostUnread() int {
	if s.worker.Own {
		return maxUnreadOwn
	}
	return maxUnread
}

// limit is how many items of a kind the worker takes.
func (s *stream) limit(k kind) int {
	if s.ration.set {
		return s.ration.places[k]
	}
	n := [kinds]int{ofTurn: s.worker.Orchestrations, ofActivity: s.worker.Activities, ofBatch: s.worker.Entities}[k]
	if n == 0 {
		return defaultPlaces
	}
	return n
}

// room reports whether the stream can be given another item of a kind. If it only
// has to fetch others first, the loop hears when it has.
func (s *stream) room(k kind) bool {
	if s.gone || s.out[k] >= s.limit(k) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked || s.ended != nil {
		return false
	}
	if s.unread[k] >= s.mostUnread() {
		s.starved = true
		return false
	}
	return true
}

// fit reports whether the stream takes the item beside those that it has.
func (s *stream) fit(it *workItem) bool {
	return (!it.suspect || s.suspect == nil) && s.carries(it)
}

// carries reports whether the item is not too big for the worker, as far as is known.
func (s *stream) carries(it *workItem) bool {
	size := it.bytes
	if s.worker.StreamsHistory {
		size = it.newBytes
	}
	return s.worker.MaxHistory == 0 || s.worker.Own || size <= s.worker.MaxHistory
}

// connect lets a stream have work.
func (l *loop) connect(s *stream) {
	w := l.workers
	if l.stopping {
		s.end(errHubStops)
	}
	key := filterKey(s.worker.Filters)
	c := w.classes[key]
	if c == nil {
		c = &class{key: key, filters: s.worker.Filters}
		for k := range c.free {
			c.free[k].kind = kind(k)
		}
		w.classes[key] = c
		for _, b := range w.buckets {
			if c.takes(b.key) {
				b.classes = append(b.classes, c)
			}
		}
	}
	s.class = c
	c.streams++
	w.streams[s] = true
	l.stats.Workers.Add(1)
	for _, b := range w.buckets {
		if slices.Contains(b.classes, c) {
			l.tryAgain(b, s)
		}
	}
	l.refill(s)
}

var errHubStops = unavailable(errors.New("the hub is stopping"))

// filterKey is equal for equal filters only.
func filterKey(f *hub.Filters) string {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // it is made of strings
	}
	return string(b)
}

// tryAgain gives what no worker could do so far to the one that has come, and shows
// the bucket's items to its class.
func (l *loop) tryAgain(b *bucket, s *stream) {
	var next *workItem
	for it := b.held.head; it != nil; it = next {
		if next = it.next; !s.carries(it) {
			continue
		}
		it.leave()
		it.bytes, it.newBytes = 0, 0
		if in := l.instances[it.id]; in != nil {
			in.parked = ""
		}
		l.workers.wait(it)
	}
	if b.waiting.n+b.suspects.n+b.big.n > 0 {
		for _, c := range b.classes {
			b.announce(c)
		}
	}
}

// refill gives a stream what waits for one like it.
func (l *loop) refill(s *stream) {
	if s.gone || l.stopping || !l.pressed.IsZero() {
		return
	}
	for k := range kinds {
		for n := s.limit(k); n > 0 && s.room(k); n-- {
			it := l.workers.next(s, k)
			if it == nil {
				break
			}
			if !l.hand(it, s) {
				l.offer(it, nil)
			}
		}
		l.workers.rank(s, k)
	}
}
