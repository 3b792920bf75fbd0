package pebble

import (
	"context"
	"encoding/binary"

	"github.com/perdure/perdure/store"
)

// cell is what a counter counts: records that share these columns.
type cell struct {
	kind   store.InstanceKind
	status store.Status
	phase  store.Phase
	name   string
}

// state is the part of a cell that names buckets of the state index.
type state struct {
	kind   store.InstanceKind
	status store.Status
	phase  store.Phase
}

func stateOf(c cell) state {
	return state{kind: c.kind, status: c.status, phase: c.phase}
}

// count changes a counter; the batch that is being built will write it.
func (b *builder) count(c cell, by int64) {
	b.hub.countMu.Lock()
	defer b.hub.countMu.Unlock()
	b.hub.counts[c] += by
	b.hub.states[stateOf(c)] = true
	b.cells[c] = struct{}{}
}

// writeCells writes the counters that changed.
func (b *builder) writeCells() {
	b.hub.countMu.Lock()
	defer b.hub.countMu.Unlock()
	for c := range b.cells {
		b.space(spaceCounter)
		b.key = append(b.key, byte(c.kind), byte(c.status), byte(c.phase))
		b.key = appendPart(b.key, c.name)
		n := b.hub.counts[c]
		if n == 0 {
			delete(b.hub.counts, c)
			b.remove()
			continue
		}
		b.setSealed(func(v []byte) []byte { return binary.AppendVarint(v, n) })
	}
	clear(b.cells)
}

func (h *Hub) loadCounts() error {
	return h.scan(h.key(spaceCounter), nil, nil, func(k, v []byte) (bool, error) {
		columns := k[prefixSize:]
		if len(columns) < 3 {
			return false, h.damaged(k)
		}
		name, _, ok := cutPart(columns[3:])
		if !ok {
			return false, h.damaged(k)
		}
		body, err := store.Unseal(v, h.db.opts.Codec, shownKey(k))
		if err != nil {
			return false, err
		}
		n, size := binary.Varint(body)
		if size <= 0 {
			return false, h.damaged(k)
		}
		c := cell{
			kind: store.InstanceKind(columns[0]), status: store.Status(columns[1]),
			phase: store.Phase(columns[2]), name: string(name),
		}
		h.counts[c] = n
		h.states[stateOf(c)] = true
		return true, nil
	})
}

// Counts implements store.Reads, from memory.
func (h *Hub) Counts(context.Context) ([]store.Count, error) {
	if err := h.open(); err != nil {
		return nil, err
	}
	h.countMu.Lock()
	defer h.countMu.Unlock()
	counts := make([]store.Count, 0, len(h.counts))
	for c, n := range h.counts {
		if n != 0 {
			counts = append(counts, store.Count{Kind: c.kind, Name: c.name, Status: c.status, Phase: c.phase, N: n})
		}
	}
	return counts, nil
}
