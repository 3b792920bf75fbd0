package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perdure/perdure/store"
)

// Copy implements store.Copier, in one transaction that sees one snapshot. As long as
// it takes, PostgreSQL keeps what was deleted since.
func (h *Hub) Copy(ctx context.Context, fn func(*store.Item) error) error {
	if err := h.open(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	var given error // by fn
	err := h.db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			return h.copy(ctx, tx, func(it *store.Item) error {
				given = fn(it)
				return given
			})
		})
	})
	switch {
	case err == nil || given != nil:
		return given
	case h.open() != nil:
		return store.ErrClosed
	}
	return fmt.Errorf("copy: %w", explained(err))
}

// copy reads all tables of the hub.
func (h *Hub) copy(ctx context.Context, tx pgx.Tx, fn func(*store.Item) error) error {
	origin := &store.Origin{Identity: h.identity}
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(epoch), 0) FROM perdure.leases WHERE hub = $1`, h.number).Scan(&origin.Epoch); err != nil {
		return err
	}
	if err := fn(&store.Item{Origin: origin}); err != nil {
		return err
	}
	for _, table := range []struct {
		sql  string
		item func(pgx.CollectableRow) (*store.Item, error)
	}{
		{`SELECT id, body FROM perdure.instances WHERE hub = $1`, h.recordItem},
		{`SELECT id, branch, seq, data FROM perdure.chunks WHERE hub = $1`, h.chunkItem},
		{`SELECT owner, kind, key, keep, index0, index1, value FROM perdure.rows WHERE hub = $1`, func(row pgx.CollectableRow) (*store.Item, error) {
			r, err := h.scanRow(row)
			return &store.Item{Row: &r}, err
		}},
		{`SELECT owner, execution, task, due, data FROM perdure.timers WHERE hub = $1`, func(row pgx.CollectableRow) (*store.Item, error) {
			t, err := h.scanTimer(row)
			return &store.Item{Timer: &t}, err
		}},
		{`SELECT target, source, version, idx, data FROM perdure.messages WHERE hub = $1`, func(row pgx.CollectableRow) (*store.Item, error) {
			m, err := h.scanMessage(row)
			return &store.Item{Message: &m}, err
		}},
	} {
		rows, err := tx.Query(ctx, table.sql, h.number)
		if err != nil {
			return err
		}
		for err == nil && rows.Next() {
			var it *store.Item
			if it, err = table.item(rows); err == nil {
				err = fn(it)
			}
		}
		rows.Close()
		if err := errors.Join(err, rows.Err()); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hub) recordItem(row pgx.CollectableRow) (*store.Item, error) {
	var id, body []byte
	if err := row.Scan(&id, &body); err != nil {
		return nil, err
	}
	r, err := h.record(string(id), body)
	return &store.Item{Record: r}, err
}

func (h *Hub) chunkItem(row pgx.CollectableRow) (*store.Item, error) {
	var id, branch, data []byte
	var seq int64
	if err := row.Scan(&id, &branch, &seq, &data); err != nil {
		return nil, err
	}
	c := &store.HistoryChunk{ID: string(id), Branch: branchText(branch), Chunk: store.Chunk{Seq: uint64(seq)}}
	var err error
	c.Data, err = h.unseal(data, "chunk %d of %q", seq, c.ID)
	return &store.Item{Chunk: c}, err
}

// An import writes about so much at a time.
const (
	importItems = 2000
	importBytes = 1 << 20
)

// importSlot is the place of the counters that a hub is imported with. No committer has
// it.
const importSlot = -1

// Import makes a hub of a copy, which next returns item by item, io.EOF at the end. It
// keeps the lineage and begins a new timeline: tokens and leases of the old one hold no
// more. All of it is one transaction. store.ErrExists says that there is a hub already.
func (db *DB) Import(ctx context.Context, name string, next func() (*store.Item, error)) error {
	first, err := next()
	if err != nil || first.Origin == nil {
		return errors.Join(errors.New("a copy begins with its origin"), err)
	}
	var number int32
	err = db.tx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if _, _, err = findHub(ctx, tx, name); err == nil {
			return store.ErrExists
		}
		if errors.Is(err, store.ErrNotFound) {
			number, err = nextHub(ctx, tx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("hub %q: %w", name, err)
	}
	in := &importing{h: &Hub{db: db, number: number}, next: next}
	err = db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			for more := true; more; {
				var err error
				if more, err = in.some(ctx, tx); err != nil {
					return err
				}
			}
			return in.end(ctx, tx, name, first.Origin)
		})
	})
	switch {
	case in.failed != nil:
		err = in.failed
	case is(err, uniqueViolation):
		err = store.ErrExists
	case err != nil:
		err = explained(err)
	default:
		return nil
	}
	return fmt.Errorf("hub %q: %w", name, err)
}

// importing is a hub that is being made of a copy.
type importing struct {
	h      *Hub
	next   func() (*store.Item, error)
	failed error // of next, which is not the database's
	cells  cells
}

// some writes the next items, and reports whether there may be more.
func (in *importing) some(ctx context.Context, tx pgx.Tx) (more bool, err error) {
	r := newRound(in.h, func(store.Shard) bool { return true })
	size, more := 0, true
	for n := 0; n < importItems && size < importBytes; n++ {
		it, err := in.next()
		if errors.Is(err, io.EOF) {
			more = false
			break
		}
		if err != nil {
			in.failed = err
			return false, err
		}
		size += in.add(r, it)
	}
	b := &batch{checks: make(map[int]bool)}
	b.addRound(r)
	if b.Len() == 0 {
		return more, nil
	}
	return more, tx.SendBatch(ctx, &b.Batch).Close()
}

// add adds an item to what is written, and returns about how many bytes that are.
func (in *importing) add(r *round, it *store.Item) int {
	switch {
	case it.Record != nil:
		in.cells.change(cellOf(it.Record), 1)
		c := &store.Commit{ID: it.Record.ID, Shard: store.ShardOf(it.Record.ID), Record: it.Record}
		r.addRecord(c, int16(c.Shard), []byte(c.ID))
		return len(it.Record.Packed)
	case it.Chunk != nil:
		k, c := &r.chunks, it.Chunk
		k.shards, k.ids, k.branches = append(k.shards, int16(store.ShardOf(c.ID))), append(k.ids, []byte(c.ID)), append(k.branches, branchBytes(c.Branch))
		k.seqs, k.data = append(k.seqs, int64(c.Seq)), append(k.data, in.h.seal(c.Data))
		return len(c.Data)
	case it.Message != nil:
		r.emit.add(it.Message, false, in.h.seal(it.Message.Data))
		return len(it.Message.Data)
	case it.Timer != nil:
		c := &store.Commit{Timers: []store.TimerChange{{Timer: *it.Timer}}}
		r.addTimers(c, int16(store.ShardOf(it.Timer.Owner)), []byte(it.Timer.Owner))
		return len(it.Timer.Data)
	case it.Row != nil:
		r.addRow(it.Row)
		return len(it.Row.Value)
	}
	return 0
}

// end makes the hub known.
func (in *importing) end(ctx context.Context, tx pgx.Tx, name string, o *store.Origin) error {
	timeline := make([]byte, len(o.Identity.Timeline))
	_, _ = rand.Read(timeline) // never fails
	_, err := tx.Exec(ctx, `INSERT INTO perdure.hubs (id, name, lineage, timeline) VALUES ($1, $2, $3, $4)`,
		in.h.number, name, o.Identity.Lineage[:], timeline)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO perdure.leases (hub, shard, epoch) SELECT $1::int4, s, $3::int8 FROM generate_series(0, $2::int4 - 1) s`,
		in.h.number, store.Shards, int64(o.Epoch))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, countsSQL, in.h.number, importSlot, 0, in.h.seal(in.cells.append(nil)))
	return err
}

var _ store.Copier = (*Hub)(nil)
