package pebble

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/perdure/perdure/store"
)

// rowIndex holds the index keys of a row.
type rowIndex = [2][]byte

// Bits of the byte that a stored row begins with.
const (
	rowKeep = 1 << iota
	rowIndex0
	rowIndex1
)

// appendRow appends the stored form of a row: flags, index keys, value.
func appendRow(b []byte, r *store.Row) []byte {
	at := len(b)
	b = append(b, 0)
	if r.Keep {
		b[at] |= rowKeep
	}
	for i, index := range r.Index {
		if index != nil {
			b[at] |= rowIndex0 << i
			b = append(binary.AppendUvarint(b, uint64(len(index))), index...)
		}
	}
	return append(b, r.Value...)
}

// decodeRow reads a row and its key, copying both.
func (h *Hub) decodeRow(k, v []byte) (r store.Row, err error) {
	owner, rest, ok := cutPart(k[prefixSize:])
	if !ok || len(rest) < 3 || rest[0] != partRow {
		return r, h.damaged(k)
	}
	r.Owner, r.Kind, r.Key = string(owner), store.RowKind(binary.BigEndian.Uint16(rest[1:])), slices.Clone(rest[3:])
	body, err := store.Unseal(v, h.db.opts.Codec, shownKey(k))
	if err != nil {
		return r, err
	}
	s := scanner{b: body}
	flags := s.bytes(1)
	if s.bad {
		return r, h.damaged(k)
	}
	r.Keep = flags[0]&rowKeep != 0
	for i := range r.Index {
		if flags[0]&(rowIndex0<<i) != 0 {
			r.Index[i] = append([]byte{}, s.bytes(s.uvarint())...)
		}
	}
	r.Value = slices.Clone(s.b)
	if s.bad {
		return r, h.damaged(k)
	}
	return r, nil
}

func (h *Hub) rowIndexKey(r *store.Row, index int) []byte {
	return appendRowIndex(h.key(spaceRowIndex), r.Kind, index, r.Index[index], r.Owner, r.Key)
}

func appendRowIndex(k []byte, kind store.RowKind, index int, indexKey []byte, owner string, key []byte) []byte {
	k = append(binary.BigEndian.AppendUint16(k, uint16(kind)), byte(index))
	return append(appendPart(appendPart(k, indexKey), owner), key...)
}

func (b *builder) rowKey(r *store.Row) {
	b.space(spaceInstance)
	b.key = binary.BigEndian.AppendUint16(append(appendPart(b.key, r.Owner), partRow), uint16(r.Kind))
	b.key = append(b.key, r.Key...)
}

// planRows finds the index keys of the rows that will be replaced or deleted.
// Only kinds that ever had index keys cost a read.
func (b *builder) planRows(c *store.Commit) ([]rowIndex, error) {
	if len(c.Rows) == 0 || len(b.hub.indexed) == 0 {
		return nil, nil
	}
	old := make([]rowIndex, len(c.Rows))
	for i := range c.Rows {
		r := &c.Rows[i]
		if !b.hub.indexed[r.Kind] {
			continue
		}
		b.rowKey(r)
		if index, ok := b.rows[string(b.key)]; ok {
			old[i] = index
			continue
		}
		key := b.key
		err := b.hub.getRaw(key, func(v []byte) error {
			was, err := b.hub.decodeRow(key, v)
			old[i] = was.Index
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return old, nil
}

// writeRows writes rows and their index entries. A commit may write one row more
// than once; the last counts.
func (b *builder) writeRows(c *store.Commit, p plan) {
	for i := range c.Rows {
		r := &c.Rows[i]
		var old rowIndex
		if p.rows != nil {
			old = p.rows[i]
		}
		b.rowKey(r)
		if index, ok := b.rows[string(b.key)]; ok {
			old = index
		}
		indexed := r.Index[0] != nil || r.Index[1] != nil
		if indexed || b.hub.indexed[r.Kind] {
			b.noteRow(r, indexed)
		}
		if r.Delete {
			b.remove()
		} else {
			b.setSealed(func(v []byte) []byte { return appendRow(v, r) })
		}
		b.writeRowIndex(r, old)
	}
}

func (b *builder) writeRowIndex(r *store.Row, old rowIndex) {
	for i := range r.Index {
		keep := !r.Delete && r.Index[i] != nil
		if old[i] != nil && (!keep || string(old[i]) != string(r.Index[i])) {
			b.space(spaceRowIndex)
			b.key = appendRowIndex(b.key, r.Kind, i, old[i], r.Owner, r.Key)
			b.remove()
		}
		if keep {
			b.space(spaceRowIndex)
			b.key = appendRowIndex(b.key, r.Kind, i, r.Index[i], r.Owner, r.Key)
			b.set(nil)
		}
	}
}

// noteRow remembers the index keys of the row at b.key as the batch leaves them,
// and that its kind has indexes.
func (b *builder) noteRow(r *store.Row, indexed bool) {
	if b.rows == nil {
		b.rows = make(map[string]rowIndex)
	}
	if r.Delete {
		b.rows[string(b.key)] = rowIndex{}
	} else {
		b.rows[string(b.key)] = r.Index
	}
	if indexed && !b.hub.indexed[r.Kind] {
		b.hub.indexed[r.Kind] = true
		key := binary.BigEndian.AppendUint16(b.hub.key(spaceIndexed), uint16(r.Kind))
		_ = b.batch.Set(key, nil, nil)
	}
}

func (h *Hub) loadIndexed() error {
	prefix := h.key(spaceIndexed)
	return h.scan(prefix, nil, nil, func(k, _ []byte) (bool, error) {
		if len(k) != len(prefix)+2 {
			return false, h.damaged(k)
		}
		h.indexed[store.RowKind(binary.BigEndian.Uint16(k[len(prefix):]))] = true
		return true, nil
	})
}

// Rows implements store.Reads. A cursor is the key that the page ended with.
func (h *Hub) Rows(ctx context.Context, q store.RowQuery) (list []store.Row, next []byte, err error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	prefix, start, end := h.rowBounds(&q)
	if len(q.After) > 0 {
		if q.Desc {
			end = minKey(end, q.After)
		} else {
			start = maxKey(start, afterKey(q.After))
		}
	}
	var last []byte
	err = h.read(ctx, func() error {
		return h.scanOrdered(prefix, start, end, q.Desc, func(k, v []byte) (bool, error) {
			if len(list) == limit {
				next = last
				return false, nil
			}
			r, ok, err := h.rowAt(k, v)
			if ok {
				list = append(list, r)
				last = append(last[:0], k...)
			}
			return true, err
		})
	})
	if err != nil {
		return nil, nil, err
	}
	return list, next, nil
}

// rowBounds returns the keys that a query reads: those that begin with prefix,
// from start (nil = all) to before end (nil = all).
func (h *Hub) rowBounds(q *store.RowQuery) (prefix, start, end []byte) {
	if q.Owner != "" {
		kind := h.rowsKey(q.Owner, q.Kind)
		prefix = append(slices.Clone(kind), q.Prefix...)
		if len(q.From) > 0 {
			start = append(slices.Clone(kind), q.From...)
		}
		if q.To != nil {
			end = append(slices.Clone(kind), q.To...)
		}
		return prefix, start, end
	}
	prefix = append(binary.BigEndian.AppendUint16(h.key(spaceRowIndex), uint16(q.Kind)), byte(q.Index))
	// Without its end an escaped part stands before all that begin with it, so
	// that the index keys from From on, and those before To, are found.
	if len(q.From) > 0 {
		start = appendOpenPart(slices.Clone(prefix), q.From)
	}
	if q.To != nil {
		end = appendOpenPart(slices.Clone(prefix), q.To)
	}
	return prefix, start, end
}

// rowAt returns the row of a row key or of an index key.
func (h *Hub) rowAt(k, v []byte) (r store.Row, ok bool, err error) {
	if k[prefixSize-1] == spaceInstance {
		r, err = h.decodeRow(k, v)
		return r, true, err
	}
	_, rest, ok := cutPart(k[prefixSize+3:])
	if !ok {
		return r, false, h.damaged(k)
	}
	owner, key, ok := cutPart(rest)
	if !ok {
		return r, false, h.damaged(k)
	}
	kind := store.RowKind(binary.BigEndian.Uint16(k[prefixSize:]))
	rowKey := append(h.rowsKey(string(owner), kind), key...)
	found := false // not if a commit deletes the row just now
	err = h.getRaw(rowKey, func(v []byte) error {
		found = true
		r, err = h.decodeRow(rowKey, v)
		return err
	})
	return r, found, err
}

func minKey(a, b []byte) []byte {
	if a == nil || string(b) < string(a) {
		return b
	}
	return a
}

func maxKey(a, b []byte) []byte {
	if string(b) > string(a) {
		return b
	}
	return a
}
