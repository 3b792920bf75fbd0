package memory

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/perdure/perdure/store"
)

// state is all that a hub holds at one moment. It never changes; commits make
// new ones. Values in it are owned by the store.
type state struct {
	records   tree[*store.Record]
	created   tree[string] // listKey to id
	completed tree[string] // listKey to id
	chunks    tree[store.Chunk]
	messages  tree[store.Message]
	timers    tree[store.Timer]
	ownTimers tree[[]string] // ownTimerKey to keys in timers
	rows      tree[store.Row]
	rowIndex  tree[string] // to keys in rows
	damaged   tree[bool]   // ids of records that the disk has damaged
	cells     tree[store.Count]
}

func (s *state) record(id string) (*store.Record, error) {
	if damaged, _ := s.damaged.get(id); damaged {
		return nil, fmt.Errorf("%w: record of %q", store.ErrCorrupt, id)
	}
	r, _ := s.records.get(id)
	return r, nil
}

// apply makes the changes of one commit, or returns why it does not apply.
func (s *state) apply(c *store.Commit) (store.Change, error) {
	old, err := s.record(c.ID)
	if err != nil {
		return store.Change{}, err
	}
	version := uint64(0)
	if old != nil {
		version = old.Version
	}
	if version != c.Expect {
		return store.Change{}, fmt.Errorf("%w: %q has version %d, not %d", store.ErrConflict, c.ID, version, c.Expect)
	}
	if c.Purge || c.Replace {
		s.purge(c.ID, old)
	}
	if c.Fold != nil {
		s.fold(c.ID, c.Fold)
	}
	for _, id := range c.Consume {
		s.messages = s.messages.drop(messageKey(c.ID, id))
	}
	s.emit(c.Emit)
	for i := range c.Timers {
		s.changeTimer(&c.Timers[i])
	}
	for i := range c.Rows {
		s.changeRow(&c.Rows[i])
	}
	switch {
	case c.Purge && old == nil:
		return store.Change{}, nil
	case c.Purge:
		return store.Change{ID: c.ID, Incarnation: old.Incarnation, Version: old.Version, Gone: true}, nil
	case c.Record == nil:
		return store.Change{}, nil
	}
	if c.Replace {
		old = nil
	}
	s.setRecord(old, cloneRecord(c.Record))
	if len(c.Chunk) > 0 {
		key := chunkPrefix(c.ID, c.Branch) + number(c.Record.Version)
		s.chunks = s.chunks.put(key, store.Chunk{Seq: c.Record.Version, Data: slices.Clone(c.Chunk)})
	}
	return store.Change{ID: c.ID, Incarnation: c.Record.Incarnation, Version: c.Record.Version}, nil
}

func (s *state) setRecord(old, r *store.Record) {
	if old != nil {
		s.count(old, -1)
		if !old.Completed.IsZero() {
			s.completed = s.completed.drop(listKey(old.Completed, r.ID))
		}
	} else {
		s.created = s.created.put(listKey(r.Created, r.ID), r.ID)
	}
	s.count(r, 1)
	if !r.Completed.IsZero() {
		s.completed = s.completed.put(listKey(r.Completed, r.ID), r.ID)
	}
	s.records = s.records.put(r.ID, r)
}

func (s *state) count(r *store.Record, by int64) {
	key := string([]byte{byte(r.Kind), byte(r.Status), byte(r.Phase)}) + text(r.Name)
	c, ok := s.cells.get(key)
	if !ok {
		c = store.Count{Kind: r.Kind, Name: r.Name, Status: r.Status, Phase: r.Phase}
	}
	if c.N += by; c.N == 0 {
		s.cells = s.cells.drop(key)
		return
	}
	s.cells = s.cells.put(key, c)
}

func (s *state) emit(messages []store.Message) {
	for _, m := range messages {
		key := messageKey(m.Target, m.ID)
		if _, there := s.messages.get(key); there {
			continue
		}
		m.Data = slices.Clone(m.Data)
		s.messages = s.messages.put(key, m)
	}
}

func (s *state) changeTimer(c *store.TimerChange) {
	t := c.Timer
	t.Due = t.Due.UTC().Truncate(time.Microsecond)
	key, own := timerKey(&t), ownTimerKey(&t)
	keys, _ := s.ownTimers.get(own)
	keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == key })
	if c.Delete {
		s.timers = s.timers.drop(key)
	} else {
		if t.Data = slices.Clone(t.Data); len(t.Data) == 0 {
			t.Data = nil
		}
		s.timers = s.timers.put(key, t)
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		s.ownTimers = s.ownTimers.drop(own)
		return
	}
	s.ownTimers = s.ownTimers.put(own, keys)
}

func (s *state) changeRow(r *store.Row) {
	key := rowKey(r)
	if old, ok := s.rows.get(key); ok {
		s.dropRow(key, &old)
	}
	if r.Delete {
		return
	}
	row := cloneRow(*r)
	s.rows = s.rows.put(key, row)
	for i := range row.Index {
		if row.Index[i] != nil {
			s.rowIndex = s.rowIndex.put(rowIndexKey(&row, i), key)
		}
	}
}

func (s *state) dropRow(key string, r *store.Row) {
	s.rows = s.rows.drop(key)
	for i := range r.Index {
		if r.Index[i] != nil {
			s.rowIndex = s.rowIndex.drop(rowIndexKey(r, i))
		}
	}
}

// purge removes what belongs to an instance, but for rows with Keep.
func (s *state) purge(id string, old *store.Record) {
	own := prefix(text(id))
	if old != nil {
		s.records = s.records.drop(id)
		s.created = s.created.drop(listKey(old.Created, id))
		s.completed = s.completed.drop(listKey(old.Completed, id))
		s.count(old, -1)
	}
	s.dropChunks(id)
	s.ownTimers.each(own, false, func(k string, keys []string) bool {
		for _, key := range keys {
			s.timers = s.timers.drop(key)
		}
		s.ownTimers = s.ownTimers.drop(k)
		return true
	})
	s.dropRows(own)
}

// fold removes the history of an instance and its rows of some kinds.
func (s *state) fold(id string, f *store.Fold) {
	s.dropChunks(id)
	for _, kind := range f.Rows {
		s.dropRows(prefix(rowPrefix(id, kind)))
	}
}

func (s *state) dropChunks(id string) {
	s.chunks.each(prefix(text(id)), false, func(k string, _ store.Chunk) bool {
		s.chunks = s.chunks.drop(k)
		return true
	})
}

// dropRows removes the rows of a span, but for those with Keep.
func (s *state) dropRows(w span) {
	s.rows.each(w, false, func(k string, r store.Row) bool {
		if !r.Keep {
			s.dropRow(k, &r)
		}
		return true
	})
}

// cloneRecord copies a record, with times as a store on disk keeps them.
func cloneRecord(r *store.Record) *store.Record {
	c := *r
	c.Tags = nil
	if len(r.Tags) > 0 {
		c.Tags = maps.Clone(r.Tags)
	}
	c.Packed = nil
	if len(r.Packed) > 0 {
		c.Packed = slices.Clone(r.Packed)
	}
	for _, t := range []*time.Time{&c.Created, &c.PhaseSince, &c.Completed} {
		*t = t.UTC().Truncate(time.Microsecond)
	}
	return &c
}

func cloneRow(r store.Row) store.Row {
	r.Key, r.Value = slices.Clone(r.Key), slices.Clone(r.Value)
	for i := range r.Index {
		r.Index[i] = slices.Clone(r.Index[i])
	}
	return r
}
