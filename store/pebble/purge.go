package pebble

import (
	"slices"

	"github.com/perdure/perdure/store"
)

// purge is what the removal of an instance removes.
type purge struct {
	record *store.Record // nil = none
	old    *head
	keys   [][]byte // of all spaces but for index entries and listed timers
}

// planPurge collects the keys of an instance. Point deletes, not a range: an
// instance has few keys, and range tombstones cost every later read. What has
// many chunks or messages costs as many deletes as it took writes.
func (h *Hub) planPurge(id string, s store.Shard, old *head) (*purge, error) {
	p := &purge{old: old}
	err := h.scan(h.instanceKey(id), nil, nil, func(k, v []byte) (bool, error) {
		return true, p.addOwn(h, id, s, k, v)
	})
	return p, err
}

// addOwn adds one key of the instance's own space and what hangs on it.
func (p *purge) addOwn(h *Hub, id string, s store.Shard, k, v []byte) error {
	prefix := len(h.instanceKey(id))
	switch k[prefix] {
	case partRecord:
		r, err := h.decodeRecord(k, v, id)
		if err != nil {
			return err
		}
		p.record = r
	case partTimer:
		ref, ok := cutOwnTimer(k[prefix+1:])
		if !ok {
			return h.damaged(k)
		}
		b := builder{hub: h}
		b.timerKey(s, id, ref)
		p.keys = append(p.keys, b.key)
	case partRow:
		var err error
		p.keys, err = h.appendRowKeys(p.keys, k, v)
		return err
	}
	p.keys = append(p.keys, slices.Clone(k))
	return nil
}

// appendRowKeys appends the keys of a row, those of its index entries included;
// none if it stays.
func (h *Hub) appendRowKeys(keys [][]byte, k, v []byte) ([][]byte, error) {
	row, err := h.decodeRow(k, v)
	if err != nil || row.Keep {
		return keys, err
	}
	for i := range row.Index {
		if row.Index[i] != nil {
			keys = append(keys, h.rowIndexKey(&row, i))
		}
	}
	return append(keys, slices.Clone(k)), nil
}

// planFold collects the keys of an instance's history and of its rows of some
// kinds.
func (h *Hub) planFold(id string, f *store.Fold) (keys [][]byte, err error) {
	err = h.scan(append(h.instanceKey(id), partChunk), nil, nil, func(k, _ []byte) (bool, error) {
		keys = append(keys, slices.Clone(k))
		return true, nil
	})
	for _, kind := range f.Rows {
		if err != nil {
			break
		}
		err = h.scan(h.rowsKey(id, kind), nil, nil, func(k, v []byte) (_ bool, err error) {
			keys, err = h.appendRowKeys(keys, k, v)
			return true, err
		})
	}
	return keys, err
}

// writePurge removes what planPurge found.
func (b *builder) writePurge(c *store.Commit, p *purge) {
	for _, k := range p.keys {
		b.key = append(b.key[:0], k...)
		b.remove()
	}
	if p.record == nil {
		return
	}
	b.staticKeys(p.record, b.remove)
	b.stateKey(p.old, c.ID)
	b.remove()
	if p.old.completed != 0 {
		b.completedKey(p.old.completed, c.ID)
		b.remove()
	}
	for _, ref := range p.old.timers {
		b.timerKey(c.Shard, c.ID, ref)
		b.remove()
	}
	b.count(p.old.cell(), -1)
}
