package postgres

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/perdure/perdure/store"
)

// cell is what a counter counts: records that share these columns.
type cell struct {
	kind   store.InstanceKind
	status store.Status
	phase  store.Phase
	name   string
}

func cellOf(r *store.Record) cell {
	return cell{kind: r.Kind, status: r.Status, phase: r.Phase, name: r.Name}
}

// cells are counters, or differences of counters. nil = all zero.
type cells map[cell]int64

func (c *cells) change(of cell, by int64) {
	if *c == nil {
		*c = make(cells)
	}
	if (*c)[of] += by; (*c)[of] == 0 {
		delete(*c, of)
	}
}

func (c *cells) add(other cells) {
	for of, n := range other {
		c.change(of, n)
	}
}

func (c cells) clone() cells { return maps.Clone(c) }

// append appends the stored form.
func (c cells) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c)))
	keys := slices.SortedFunc(maps.Keys(c), func(x, y cell) int { return strings.Compare(x.name, y.name) })
	for _, k := range keys {
		b = append(b, byte(k.kind), byte(k.status), byte(k.phase))
		b = appendText(b, k.name)
		b = binary.AppendVarint(b, c[k])
	}
	return b
}

func (s *scanner) cells() (c cells) {
	for n := s.uvarint(); n > 0 && !s.bad; n-- {
		columns := s.bytes(3)
		if s.bad {
			break
		}
		k := cell{kind: store.InstanceKind(columns[0]), status: store.Status(columns[1]), phase: store.Phase(columns[2]), name: s.text()}
		c.change(k, s.varint())
	}
	return c
}

// entry is what a group writes into the change feed.
type entry struct {
	delta   cells
	changes []store.Change
}

// add adds what a commit changes.
func (e *entry) add(c *store.Commit) {
	var was *store.Record
	if c.Expect != 0 {
		was = c.Was
	}
	switch {
	case c.Purge && was != nil:
		e.delta.change(cellOf(was), -1)
		e.changes = append(e.changes, store.Change{ID: c.ID, Incarnation: was.Incarnation, Version: was.Version, Gone: true})
	case c.Record != nil:
		if was != nil {
			e.delta.change(cellOf(was), -1)
		}
		e.delta.change(cellOf(c.Record), 1)
		e.changes = append(e.changes, store.Change{ID: c.ID, Incarnation: c.Record.Incarnation, Version: c.Record.Version})
	}
}

func (e *entry) append(b []byte) []byte {
	b = e.delta.append(b)
	b = binary.AppendUvarint(b, uint64(len(e.changes)))
	for i := range e.changes {
		c := &e.changes[i]
		gone := byte(0)
		if c.Gone {
			gone = 1
		}
		b = append(append(appendText(b, c.ID), c.Incarnation[:]...), gone)
		b = binary.AppendUvarint(b, c.Version)
	}
	return b
}

func decodeEntry(b []byte) (e entry, ok bool) {
	s := scanner{b: b}
	e.delta = s.cells()
	n := s.uvarint()
	for ; n > 0 && !s.bad; n-- {
		c := store.Change{ID: s.text()}
		copy(c.Incarnation[:], s.bytes(uint64(len(c.Incarnation))))
		gone := s.bytes(1)
		c.Gone = !s.bad && gone[0] == 1
		c.Version = s.uvarint()
		e.changes = append(e.changes, c)
	}
	return e, !s.bad && len(s.b) == 0
}
