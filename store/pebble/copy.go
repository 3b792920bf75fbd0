package pebble

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// Copy implements store.Copier, over a snapshot of the engine.
func (h *Hub) Copy(ctx context.Context, fn func(*store.Item) error) error {
	return h.read(ctx, func() error {
		h.mu.Lock()
		origin := &store.Origin{Identity: h.identity, Epoch: slices.Max(h.epochs[:])}
		h.mu.Unlock()
		snap := h.db.eng.NewSnapshot()
		defer snap.Close()
		if err := fn(&store.Item{Origin: origin}); err != nil {
			return err
		}
		for _, space := range []byte{spaceInstance, spaceMessage, spaceTimer} {
			err := scan(snap, h.key(space), nil, nil, func(k, v []byte) (bool, error) {
				it, err := h.item(k, v)
				if err == nil && it != nil {
					err = fn(it)
				}
				return true, errors.Join(err, h.going(ctx))
			})
			if err != nil {
				return err
			}
		}
		// What the snapshot has seen was applied before this.
		return h.durable(ctx)
	})
}

// going returns why a long read must end, nil if it need not.
func (h *Hub) going(ctx context.Context) error {
	select {
	case <-h.ending:
		return store.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
		return nil
	}
}

// item is what a key holds; nil = what others hold too.
func (h *Hub) item(k, v []byte) (*store.Item, error) {
	switch k[prefixSize-1] {
	case spaceMessage:
		m, err := h.decodeMessage(k, v)
		return &store.Item{Message: &m}, err
	case spaceTimer:
		t, err := h.decodeTimer(k, v)
		return &store.Item{Timer: &t}, err
	}
	id, part, ok := cutPart(k[prefixSize:])
	if !ok || len(part) == 0 {
		return nil, h.damaged(k)
	}
	switch part[0] {
	case partRecord:
		r, err := h.decodeRecord(k, v, string(id))
		return &store.Item{Record: r}, err
	case partRow:
		r, err := h.decodeRow(k, v)
		return &store.Item{Row: &r}, err
	case partChunk:
		c := &store.HistoryChunk{ID: string(id)}
		branch, rest, ok := cutBranch(part[1:])
		if !ok {
			return nil, h.damaged(k)
		}
		c.Branch = branch
		if c.Seq, rest, ok = cutSeq(rest); !ok || len(rest) > 0 {
			return nil, h.damaged(k)
		}
		data, err := store.Unseal(v, h.db.opts.Codec, shownKey(k))
		c.Data = bytes.Clone(data)
		return &store.Item{Chunk: c}, err
	}
	return nil, nil // a timer's key beside that in the space of timers
}

// importing begins the names of hubs that are not whole yet; no hub has such a name.
const importing = "\x00"

// importBytes is about how much of an import is written together.
const importBytes = 1 << 20

// Import makes a hub of a copy, which next returns item by item, io.EOF at the end. It
// keeps the lineage and begins a new timeline: tokens and leases of the old one hold no
// more. On return without error the hub is durable; if it fails or the process ends
// before that, there is none. store.ErrExists says that there is one already.
func (db *DB) Import(ctx context.Context, name string, next func() (*store.Item, error)) (err error) {
	first, err := next()
	if err != nil || first.Origin == nil {
		return errors.Join(errors.New("a copy begins with its origin"), err)
	}
	s, err := db.beginImport(name)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.write(func(b *engine.Batch) error { return dropImport(b, name, s.number) }))
		}
	}()
	s.identity.Lineage = first.Origin.Identity.Lineage
	s.opened = uint32(first.Origin.Epoch>>32) + 1
	_, _ = rand.Read(s.identity.Timeline[:]) // never fails
	h := &Hub{db: db, number: s.number, indexed: make(map[store.RowKind]bool), counts: make(map[cell]int64), states: make(map[state]bool)}
	for more := true; more; {
		if more, err = h.importSome(ctx, next); err != nil {
			return err
		}
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.absent(name); err != nil { // it may have been made meanwhile
		return err
	}
	return db.write(func(b *engine.Batch) error {
		if err := b.Delete(hubKey(importing+name), nil); err != nil {
			return err
		}
		return b.Set(hubKey(name), store.Seal(nil, s.append(nil), nil), nil)
	})
}

// beginImport takes a number for a hub that is not there yet, and clears away what an
// import that did not end has left.
func (db *DB) beginImport(name string) (s hubState, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.absent(name); err != nil {
		return s, err
	}
	left, err := db.readHub(importing + name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	if s, err = db.newHub(); err != nil {
		return s, err
	}
	return s, db.write(func(b *engine.Batch) error {
		if left.number > 0 {
			if err := dropImport(b, name, left.number); err != nil {
				return err
			}
		}
		return b.Set(hubKey(importing+name), store.Seal(nil, s.append(nil), nil), nil)
	})
}

// absent returns nil if there is no hub with the name. db.mu is held.
func (db *DB) absent(name string) error {
	if db.closed {
		return store.ErrClosed
	}
	_, err := db.readHub(name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil:
		err = store.ErrExists
	}
	return fmt.Errorf("hub %q: %w", name, err)
}

// dropImport removes a hub that is not whole.
func dropImport(b *engine.Batch, name string, number uint32) error {
	if err := dropNumber(b, number); err != nil {
		return err
	}
	return b.Delete(hubKey(importing+name), nil)
}

// importSome writes the next items, and reports whether there may be more.
func (h *Hub) importSome(ctx context.Context, next func() (*store.Item, error)) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	if err := h.db.space.check(); err != nil {
		return false, err
	}
	b := builder{hub: h, heads: make(map[string]*head), cells: make(map[cell]struct{})}
	err = h.db.write(func(batch *engine.Batch) error {
		b.batch = batch
		for batch.Len() < importBytes {
			it, err := next()
			if errors.Is(err, io.EOF) {
				b.writeCells()
				return nil
			}
			if err != nil {
				return err
			}
			if err := b.importItem(it); err != nil {
				return err
			}
		}
		more = true
		b.writeCells()
		return nil
	})
	return more, err
}

// importItem writes what a commit would have written. A timer gets a key of its own in
// its owner's space: its owner's record, which could list it, may come later.
func (b *builder) importItem(it *store.Item) error {
	switch {
	case it.Record != nil:
		b.writeRecord(&store.Commit{ID: it.Record.ID, Shard: store.ShardOf(it.Record.ID), Record: it.Record}, plan{})
	case it.Chunk != nil:
		b.space(spaceInstance)
		b.key = appendBranch(append(appendPart(b.key, it.Chunk.ID), partChunk), it.Chunk.Branch)
		b.key = appendSeq(b.key, it.Chunk.Seq)
		b.setSealed(func(v []byte) []byte { return append(v, it.Chunk.Data...) })
	case it.Message != nil:
		b.writeInbox(&store.Commit{Emit: []store.Message{*it.Message}}, plan{skip: []bool{false}})
	case it.Timer != nil:
		c := &store.Commit{ID: it.Timer.Owner, Shard: store.ShardOf(it.Timer.Owner), Timers: []store.TimerChange{{Timer: *it.Timer}}}
		b.writeTimers(c, nil)
	case it.Row != nil:
		b.writeRows(&store.Commit{Rows: []store.Row{*it.Row}}, plan{})
	default:
		return errors.New("an item of the copy is of no known kind")
	}
	return nil
}

var _ store.Copier = (*Hub)(nil)
