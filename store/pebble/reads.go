package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// Instance implements store.Reads.
func (h *Hub) Instance(ctx context.Context, id string) (r *store.Record, err error) {
	err = h.read(ctx, func() error {
		r, err = h.instance(id)
		return err
	})
	if err == nil && r == nil {
		err = fmt.Errorf("instance %q: %w", id, store.ErrNotFound)
	}
	return r, err
}

// instance returns a record, nil if there is none.
func (h *Hub) instance(id string) (r *store.Record, err error) {
	key := h.recordKey(id)
	err = h.getRaw(key, func(v []byte) error {
		r, err = h.decodeRecord(key, v, id)
		return err
	})
	return r, err
}

func (h *Hub) decodeRecord(key, v []byte, id string) (*store.Record, error) {
	body, err := store.Unseal(v, h.db.opts.Codec, shownKey(key))
	if err != nil {
		return nil, err
	}
	r, _, ok := decodeRecord(body, id)
	if !ok {
		return nil, h.damaged(key)
	}
	return r, nil
}

// History implements store.Reads.
func (h *Hub) History(ctx context.Context, id, branch string, from uint64, limit int) (chunks []store.Chunk, err error) {
	prefix := h.branchKey(id, branch)
	size := 0
	err = h.read(ctx, func() error {
		return h.scan(prefix, appendSeq(slices.Clone(prefix), from), nil, func(k, v []byte) (bool, error) {
			seq, rest, ok := cutSeq(k[len(prefix):])
			if !ok || len(rest) > 0 {
				return false, h.damaged(k)
			}
			data, err := store.Unseal(v, h.db.opts.Codec, shownKey(k))
			if err != nil {
				return false, err
			}
			chunks = append(chunks, store.Chunk{Seq: seq, Data: slices.Clone(data)})
			size += len(data)
			return limit <= 0 || size <= limit, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return chunks, nil
}

// get reads the sealed value of a key; decode is not called if there is none,
// and returns false for a value that it cannot read.
func (h *Hub) get(key []byte, decode func(body []byte) bool) error {
	return h.getRaw(key, func(v []byte) error {
		body, err := store.Unseal(v, h.db.opts.Codec, shownKey(key))
		if err == nil && !decode(body) {
			err = h.damaged(key)
		}
		return err
	})
}

// getRaw reads the value of a key; visit is not called if there is none.
func (h *Hub) getRaw(key []byte, visit func(v []byte) error) error {
	v, closer, err := h.db.eng.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return readError(key, err)
	}
	err = visit(v)
	if closeErr := closer.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (h *Hub) has(key []byte) (there bool, err error) {
	err = h.getRaw(key, func([]byte) error {
		there = true
		return nil
	})
	return there, err
}

// scan visits the keys that begin with prefix, from start (nil = the first) to
// before end (nil = the last). What visit gets is valid until it returns; false
// ends the scan.
func (h *Hub) scan(prefix, start, end []byte, visit func(k, v []byte) (bool, error)) error {
	return scan(h.db.eng, prefix, start, end, visit)
}

func scan(db engine.Reader, prefix, start, end []byte, visit func(k, v []byte) (bool, error)) (err error) {
	it, err := openIter(db, prefix, start, end)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := it.Close(); err == nil && closeErr != nil {
			err = readError(prefix, closeErr)
		}
	}()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return readError(it.Key(), err)
		}
		more, err := visit(it.Key(), v)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func openIter(db engine.Reader, prefix, start, end []byte) (*engine.Iterator, error) {
	bounds := &engine.IterOptions{LowerBound: prefix, UpperBound: prefixEnd(prefix)}
	if bytes.Compare(start, prefix) > 0 {
		bounds.LowerBound = start
	}
	if end != nil && bytes.Compare(end, bounds.UpperBound) < 0 {
		bounds.UpperBound = end
	}
	return db.NewIter(bounds)
}

// afterKey is the first key after the one that a cursor names; nil = the start.
func afterKey(cursor []byte) []byte {
	if len(cursor) == 0 {
		return nil
	}
	return append(slices.Clone(cursor), 0)
}

// readError tells damage that the engine found from other failures.
func readError(key []byte, err error) error {
	if engine.IsCorruptionError(err) {
		return fmt.Errorf("%w: %v: %w", store.ErrCorrupt, shownKey(key), err)
	}
	return fmt.Errorf("read %v: %w", shownKey(key), err)
}

// damaged is the error of a value with a valid checksum that makes no sense.
func (h *Hub) damaged(key []byte) error {
	return fmt.Errorf("%w: %v", store.ErrCorrupt, shownKey(key))
}

// scanOrdered is scan in either direction.
func (h *Hub) scanOrdered(prefix, start, end []byte, desc bool, visit func(k, v []byte) (bool, error)) (err error) {
	if !desc {
		return h.scan(prefix, start, end, visit)
	}
	it, err := openIter(h.db.eng, prefix, start, end)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := it.Close(); err == nil && closeErr != nil {
			err = readError(prefix, closeErr)
		}
	}()
	for ok := it.Last(); ok; ok = it.Prev() {
		v, err := it.ValueAndErr()
		if err != nil {
			return readError(it.Key(), err)
		}
		more, err := visit(it.Key(), v)
		if err != nil || !more {
			return err
		}
	}
	return nil
}
