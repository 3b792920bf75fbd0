package shard

import (
	"container/heap"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// workers hands work items to streams of workers outside the process. An item waits
// in the bucket of its kind, name and version. Streams with the same filters make up
// a class, which knows its buckets with items and its streams with room, so that
// neither many idle streams nor many waiting items cost anything. The loop owns it.
type workers struct {
	began   time.Time
	count   uint64 // of deliveries
	streams map[*stream]bool
	classes map[string]*class // by filters
	buckets map[bucketKey]*bucket
	items   map[string]*workItem // turns and batches, by instance
	leases  map[delivery]*lease  // what is at streams
	pausing map[*workItem]bool   // were given back; some of them wait no more

	watchers []watcher // of the demand
	moved    bool      // the demand may have changed since they were told
}

func newWorkers(now time.Time) *workers {
	return &workers{
		began: now, streams: make(map[*stream]bool), classes: make(map[string]*class),
		buckets: make(map[bucketKey]*bucket), items: make(map[string]*workItem), leases: make(map[delivery]*lease),
		pausing: make(map[*workItem]bool),
	}
}

type bucketKey struct {
	kind          kind
	name, version string
}

// bucket holds the items of one kind, name and version that wait.
type bucket struct {
	key      bucketKey
	waiting  line
	suspects line // lost with their workers before: one at a time to a stream
	big      line // too big for some streams that take the bucket's items
	held     line // until another worker comes: no worker so far can do them
	classes  []*class
	queued   map[*class]bool // in whose backlog it stands
	lost     time.Time       // when the last of its streams ended; zero = there was none
	alarmed  bool            // an alarm looks after what waits without a stream
	looks    []*workItem     // what the alarm has to look at
	looksAll bool            // it has to look at all
}

// class is the streams with the same filters.
type class struct {
	key     string
	filters *hub.Filters
	streams int
	free    [kinds]freeStreams
	hungry  [kinds][]*stream // full by their rations, and to be told of items
	backlog [kinds][]*bucket // with items, in the order in which they are looked at
}

// takes reports whether streams of the class take the items of a bucket.
func (c *class) takes(k bucketKey) bool {
	f := c.filters
	if f == nil {
		return true
	}
	switch k.kind {
	case ofTurn:
		return slices.ContainsFunc(f.Orchestrations, func(n hub.NameFilter) bool { return fits(n, k) })
	case ofActivity:
		return slices.ContainsFunc(f.Activities, func(n hub.NameFilter) bool { return fits(n, k) }) &&
			!slices.ContainsFunc(f.Never, func(n hub.NameFilter) bool { return fits(n, k) })
	}
	return slices.ContainsFunc(f.Entities, func(n string) bool { return strings.EqualFold(n, k.name) })
}

func fits(n hub.NameFilter, k bucketKey) bool {
	return n.Name == k.name && (len(n.Versions) == 0 || slices.Contains(n.Versions, k.version))
}

// workItem is a turn, a batch or an activity, from when it can be done until its outcome is taken in.
type workItem struct {
	kind   kind
	id     string   // of its instance
	run    *running // an activity
	job    *job     // a turn or batch, once it was handed out
	bucket *bucket

	line       *line // in which it waits; nil = in none
	prev, next *workItem
	since      time.Time // when it came to wait
	lease      *lease    // of its newest delivery, while it is out
	delivery   delivery  // the newest; zero = none that counts

	avoid    *stream // gave it back
	given    int     // times that it was given back
	paused   bool    // until its pause after that is over
	suspect  bool
	ending   bool // its run is to be terminated
	forced   bool // its run is to end without it
	reported bool // its instance's record says that no worker serves it
	bytes    int  // of a turn with history that was too big for a stream; 0 = not known
	newBytes int  // of these, of new events
}

// out reports whether a worker has the item.
func (it *workItem) out() bool { return it.lease != nil }

// line is a queue of items.
type line struct {
	head, tail *workItem
	n          int
}

func (q *line) push(it *workItem) {
	it.line, it.prev, it.next = q, q.tail, nil
	if q.tail != nil {
		q.tail.next = it
	} else {
		q.head = it
	}
	q.tail = it
	q.n++
}

// leave takes the item from the line in which it waits, if it does.
func (it *workItem) leave() {
	q := it.line
	if q == nil {
		return
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		q.head = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		q.tail = it.prev
	}
	it.line, it.prev, it.next = nil, nil, nil
	q.n--
}

// lease is an item at a stream. It takes a place there until the worker has
// answered, also if nobody wants the item any more.
type lease struct {
	id       string // of the item's instance
	delivery delivery
	stream   *stream
	kind     kind
	item     *workItem // nil = not wanted any more
	fetched  bool      // guarded by the stream's mu
	// left is the activity that it is, once the activity's shard was given up.
	left      hub.Held
	leftShard store.Shard
}

// bucketOf returns the bucket for a key.
func (w *workers) bucketOf(k bucketKey) *bucket {
	b := w.buckets[k]
	if b == nil {
		b = &bucket{key: k, queued: make(map[*class]bool)}
		for _, c := range w.classes {
			if c.takes(k) {
				b.classes = append(b.classes, c)
			}
		}
		slices.SortFunc(b.classes, func(a, c *class) int { return strings.Compare(a.key, c.key) })
		w.buckets[k] = b
	}
	return b
}

// served reports whether a connected worker takes the bucket's items.
func (b *bucket) served() bool { return len(b.classes) > 0 }

// wait puts an item into its bucket, for a stream with room.
func (w *workers) wait(it *workItem) {
	w.moved = true
	b := it.bucket
	q := &b.waiting
	if it.suspect {
		q = &b.suspects
	}
	q.push(it)
	for _, c := range b.classes {
		b.announce(c)
	}
}

// announce has the streams of a class look into the bucket.
func (b *bucket) announce(c *class) {
	if !b.queued[c] {
		b.queued[c] = true
		c.backlog[b.key.kind] = append(c.backlog[b.key.kind], b)
	}
	c.tellHungry(b.key.kind)
}

// next takes an item that waits for a stream like s.
func (w *workers) next(s *stream, k kind) *workItem {
	c := s.class
	for n := len(c.backlog[k]); n > 0; n-- {
		b := c.backlog[k][0]
		c.backlog[k][0] = nil
		c.backlog[k] = c.backlog[k][1:]
		it := b.pick(s)
		if b.waiting.n+b.suspects.n+b.big.n > 0 {
			c.backlog[k] = append(c.backlog[k], b)
		} else {
			delete(b.queued, c)
		}
		if it != nil {
			return it
		}
	}
	return nil
}

// pick takes an item of the bucket that s can do.
func (b *bucket) pick(s *stream) *workItem {
	it := b.suspects.head
	if it == nil || s.suspect != nil {
		it = b.waiting.head
	}
	for big := b.big.head; big != nil && it == nil; big = big.next {
		if s.carries(big) {
			it = big
		}
	}
	if it != nil {
		it.leave()
	}
	return it
}

// choose returns a stream with room for the item: home, if that can take it, else
// the one with the fewest items, and the one that gave it back only if there is no
// other.
func (w *workers) choose(it *workItem, home *stream) *stream {
	b, k := it.bucket, it.kind
	if home != nil && home.places[k] >= 0 && home != it.avoid && slices.Contains(b.classes, home.class) && home.fit(it) {
		return home
	}
	var best *stream
	for _, c := range b.classes {
		if s := c.free[k].least(it); s != nil && s.before(best, k, it) {
			best = s
		}
	}
	return best
}

// ownServes reports whether a worker of ours is connected that takes the items of a bucket.
func (w *workers) ownServes(k bucketKey) bool {
	for s := range w.streams {
		if s.worker.Own && s.class.takes(k) {
			return true
		}
	}
	return false
}

// freeStreams are the streams of a class with room for a kind, as a heap: those with
// the fewest items first.
type freeStreams struct {
	kind kind
	list []*stream
}

func (f *freeStreams) Len() int { return len(f.list) }
func (f *freeStreams) Less(i, j int) bool {
	a, b := f.list[i], f.list[j]
	if a.out[f.kind] != b.out[f.kind] {
		return a.out[f.kind] < b.out[f.kind]
	}
	return a.turn[f.kind] < b.turn[f.kind]
}

func (f *freeStreams) Swap(i, j int) {
	f.list[i], f.list[j] = f.list[j], f.list[i]
	f.list[i].places[f.kind], f.list[j].places[f.kind] = i, j
}

func (f *freeStreams) Push(x any) {
	s := x.(*stream)
	s.places[f.kind] = len(f.list)
	f.list = append(f.list, s)
}

func (f *freeStreams) Pop() any {
	s := f.list[len(f.list)-1]
	f.list[len(f.list)-1] = nil
	f.list = f.list[:len(f.list)-1]
	s.places[f.kind] = -1
	return s
}

// least returns the stream with the fewest items that fits the item.
func (f *freeStreams) least(it *workItem) *stream {
	if len(f.list) == 0 {
		return nil
	}
	if first := f.list[0]; first != it.avoid && first.fit(it) {
		return first
	}
	var best *stream
	for _, s := range f.list {
		if s.fit(it) && s.before(best, f.kind, it) {
			best = s
		}
	}
	return best
}

// before reports whether s is better for an item than another stream.
func (s *stream) before(other *stream, k kind, it *workItem) bool {
	switch {
	case other == nil:
		return true
	case (s == it.avoid) != (other == it.avoid):
		return other == it.avoid
	}
	return s.out[k] < other.out[k]
}

// rank puts the stream among those with room, or takes it from there.
func (w *workers) rank(s *stream, k kind) {
	f := &s.class.free[k]
	in, has := s.places[k] >= 0, s.room(k)
	switch {
	case in && has:
		heap.Fix(f, s.places[k])
	case in:
		heap.Remove(f, s.places[k])
	case has:
		heap.Push(f, s)
	}
	s.hunger(k)
}

// itemOf returns the item of an instance's turn or batch, a new one if there is none.
func (w *workers) itemOf(id string, k bucketKey) *workItem {
	it := w.items[id]
	if it == nil {
		it = &workItem{kind: k.kind, id: id}
		w.items[id] = it
	}
	if it.bucket == nil || it.bucket.key != k {
		it.leave()
		it.bucket = w.bucketOf(k)
	}
	return it
}

// waits reports whether a turn or batch of the instance waits for a worker, to which
// nothing of it has been handed yet.
func (w *workers) waits(id string) bool {
	it := w.items[id]
	return it != nil && it.job == nil && (it.line != nil || it.paused)
}
