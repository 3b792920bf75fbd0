package pebble

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// bucket is the part of the state index that an instance stands in: its status,
// and its phase with a bit for Work. An instance stands in one bucket, so that
// all lists by status or phase, or without any condition, merge a few buckets.
type bucket [2]byte

const bucketWork = 0x80

func bucketOf(h *head) bucket {
	b := bucket{byte(h.status), byte(h.phase)}
	if h.work() {
		b[1] |= bucketWork
	}
	return b
}

// maxRanges is how many ranges of an index are merged at most; with more names
// wanted than that the state index is walked.
const maxRanges = 64

// byTime merges ranges of an index whose entries end with time and id.
func (s *search) byTime(ctx context.Context) (err error) {
	m := merge{desc: s.desc}
	defer func() { err = errors.Join(err, m.close()) }()
	from, to := s.query.CreatedFrom, s.query.CreatedTo
	if s.query.Order == store.CompletedAsc || s.query.Order == store.CompletedDesc {
		from, to = s.query.CompletedFrom, s.query.CompletedTo
	}
	for _, prefix := range s.ranges() {
		start, end := s.bounds(prefix, from, to)
		it, err := openIter(s.snap, prefix, start, end)
		if err != nil {
			return err
		}
		if err := m.add(source{it: it, skip: len(prefix)}); err != nil {
			return err
		}
	}
	for m.Len() > 0 {
		more, err := s.candidate(ctx, m.sources[0].place)
		if err != nil || !more {
			return err
		}
		if err := m.advance(); err != nil {
			return err
		}
	}
	return nil
}

// ranges returns the prefixes of the index that answers the query by looking at
// the fewest entries.
func (s *search) ranges() [][]byte {
	q := &s.query
	h := s.hub
	switch {
	case q.Order == store.CompletedAsc, q.Order == store.CompletedDesc:
		return [][]byte{h.key(spaceCompleted)}
	case q.Parent != "":
		return [][]byte{appendPart(h.key(spaceParent), q.Parent)}
	case q.Tag[0] != "":
		return [][]byte{appendPart(appendPart(h.key(spaceTag), q.Tag[0]), q.Tag[1])}
	case q.Agent != "" && q.Session != "":
		return [][]byte{appendPart(appendPart(h.key(spaceAgent), q.Agent), q.Session)}
	}
	states, inStates, ofNames := s.states()
	if len(q.Names) > 0 && len(q.Names) <= maxRanges && !q.WorkOnly && ofNames <= inStates {
		names := make([][]byte, 0, len(q.Names))
		for _, name := range slices.Compact(slices.Sorted(slices.Values(q.Names))) {
			names = append(names, appendPart(append(h.key(spaceName), byte(q.Kind)), name))
		}
		return names
	}
	return states
}

// states returns the buckets that may hold records wanted, and by the counters
// how many records these hold and how many have the names wanted. A bucket is
// known before the engine shows a record in it.
func (s *search) states() (prefixes [][]byte, inStates, ofNames int64) {
	q := &s.query
	wanted := func(st state) bool {
		return q.WantsKind(st.kind) &&
			(len(q.Statuses) == 0 || slices.Contains(q.Statuses, st.status)) &&
			(len(q.Phases) == 0 || slices.Contains(q.Phases, st.phase))
	}
	s.hub.countMu.Lock()
	defer s.hub.countMu.Unlock()
	for c, n := range s.hub.counts {
		if wanted(stateOf(c)) {
			inStates += n
		}
		if c.kind == q.Kind && slices.Contains(q.Names, c.name) {
			ofNames += n
		}
	}
	for st := range s.hub.states {
		if !wanted(st) {
			continue
		}
		prefix := append(s.hub.key(spaceState), byte(st.kind), byte(st.status))
		prefixes = append(prefixes, append(slices.Clone(prefix), byte(st.phase)|bucketWork))
		if !q.WorkOnly {
			prefixes = append(prefixes, append(prefix, byte(st.phase)))
		}
	}
	return prefixes, inStates, ofNames
}

// bounds returns the keys of a range between two times and after the cursor.
func (s *search) bounds(prefix []byte, from, to time.Time) (start, end []byte) {
	if !from.IsZero() {
		start = appendTime(slices.Clone(prefix), ceilMicros(from))
	}
	if !to.IsZero() {
		end = appendTime(slices.Clone(prefix), ceilMicros(to))
	}
	if s.after == nil {
		return start, end
	}
	at := appendPart(appendTime(slices.Clone(prefix), s.after.at), s.after.id)
	if s.desc {
		return start, minKey(end, at)
	}
	return maxKey(start, afterKey(at)), end
}

// ceilMicros rounds up: what is kept in microseconds is not before t exactly if
// it is not before the next full one.
func ceilMicros(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

// source is a range of an index, at an entry.
type source struct {
	it    *engine.Iterator
	skip  int // bytes of the prefix
	place place
}

// read reads the entry that the iterator is at.
func (c *source) read() error {
	at, rest, ok := cutTime(c.it.Key()[c.skip:])
	if ok {
		var id []byte
		id, _, ok = cutPart(rest)
		c.place = place{at: at, id: string(id)}
	}
	if !ok {
		return readError(c.it.Key(), store.ErrCorrupt)
	}
	return nil
}

// merge is the union of sources in order. It is a heap, smallest first.
type merge struct {
	sources []source
	desc    bool
	spent   []*engine.Iterator
}

func (m *merge) add(c source) error {
	if !m.step(c.it, true) {
		m.spent = append(m.spent, c.it)
		return c.it.Error()
	}
	if err := c.read(); err != nil {
		m.spent = append(m.spent, c.it)
		return err
	}
	heap.Push(m, c)
	return nil
}

func (m *merge) step(it *engine.Iterator, first bool) bool {
	switch {
	case m.desc && first:
		return it.Last()
	case m.desc:
		return it.Prev()
	case first:
		return it.First()
	}
	return it.Next()
}

// advance moves the smallest source on.
func (m *merge) advance() error {
	c := &m.sources[0]
	if m.step(c.it, false) {
		if err := c.read(); err != nil {
			return err
		}
		heap.Fix(m, 0)
		return nil
	}
	err := c.it.Error()
	m.spent = append(m.spent, c.it)
	heap.Pop(m)
	return err
}

func (m *merge) close() (err error) {
	for i := range m.sources {
		err = errors.Join(err, m.sources[i].it.Close())
	}
	for _, it := range m.spent {
		err = errors.Join(err, it.Close())
	}
	return err
}

// Len implements heap.Interface.
func (m *merge) Len() int { return len(m.sources) }

// Less implements heap.Interface.
func (m *merge) Less(i, j int) bool { return m.sources[i].place.less(m.sources[j].place, m.desc) }

// Swap implements heap.Interface.
func (m *merge) Swap(i, j int) { m.sources[i], m.sources[j] = m.sources[j], m.sources[i] }

// Push implements heap.Interface.
func (m *merge) Push(x any) { m.sources = append(m.sources, x.(source)) }

// Pop implements heap.Interface.
func (m *merge) Pop() any {
	last := m.sources[len(m.sources)-1]
	m.sources = m.sources[:len(m.sources)-1]
	return last
}
