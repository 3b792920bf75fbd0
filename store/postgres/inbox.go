package postgres

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// defaultPage is the number of entries of a page without a limit.
const defaultPage = 1000

// messageRow is a message as it is stored.
type messageRow struct {
	target, source []byte
	version, idx   *int64
	data           []byte
}

// messagePlace is the key of a message, as a cursor.
type messagePlace struct {
	arrival        int64 // 0 in a cursor of an inbox
	target, source []byte
	version, idx   *int64
}

func (p *messagePlace) encode() []byte {
	b := binary.AppendVarint(nil, p.arrival)
	b = appendText(appendText(b, p.target), p.source)
	return binary.AppendVarint(binary.AppendVarint(b, *p.version), *p.idx)
}

func (p *messagePlace) decode(b []byte) bool {
	s := scanner{b: b}
	p.arrival = s.varint()
	p.target, p.source = s.bytes(s.uvarint()), s.bytes(s.uvarint())
	version, idx := s.varint(), s.varint()
	p.version, p.idx = &version, &idx
	return !s.bad
}

func (h *Hub) message(r messageRow) (m store.Message, err error) {
	m = store.Message{Target: string(r.target), ID: store.MessageID{Version: uint64(*r.version), Index: uint32(*r.idx)}}
	copy(m.ID.Source[:], r.source)
	m.Data, err = h.unseal(r.data, "message for %q", m.Target)
	return m, err
}

func (h *Hub) scanMessage(row pgx.CollectableRow) (m store.Message, err error) {
	var r messageRow
	if err = row.Scan(&r.target, &r.source, &r.version, &r.idx, &r.data); err == nil {
		m, err = h.message(r)
	}
	return m, err
}

// Messages implements store.Inbox. A cursor is the key of the last message.
func (h *Hub) Messages(ctx context.Context, s store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	var from messagePlace
	if len(after) > 0 && !from.decode(after) {
		return nil, nil, store.ErrCursor
	}
	list, err := query(ctx, h, "inbox", h.scanMessage, `SELECT target, source, version, idx, data FROM perdure.messages
		WHERE hub = $1 AND shard = $2 AND ($7 OR (target, source, version, idx) > ($3::bytea, $4::bytea, $5::int8, $6::int8))
		ORDER BY target, source, version, idx LIMIT $8`,
		h.number, int16(s), from.target, from.source, from.version, from.idx, len(after) == 0, limit+1)
	if err != nil || len(list) <= limit {
		return list, nil, err
	}
	list = list[:limit]
	last := &list[limit-1]
	version, idx := int64(last.ID.Version), int64(last.ID.Index)
	return list, (&messagePlace{target: []byte(last.Target), source: last.ID.Source[:], version: &version, idx: &idx}).encode(), nil
}

// MessagesOf implements store.Inbox.
func (h *Hub) MessagesOf(ctx context.Context, target string) ([]store.Message, error) {
	return query(ctx, h, "inbox", h.scanMessage, `SELECT target, source, version, idx, data FROM perdure.messages
		WHERE hub = $1 AND shard = $2 AND target = $3 ORDER BY source, version, idx`, h.number, int16(store.ShardOf(target)), []byte(target))
}

func (h *Hub) scanTimer(row pgx.CollectableRow) (t store.Timer, err error) {
	var owner, execution, data []byte
	var due int64
	if err = row.Scan(&owner, &execution, &t.Task, &due, &data); err != nil {
		return t, err
	}
	t.Owner, t.Execution, t.Due = string(owner), branchText(execution), fromMicros(due)
	if data, err = h.unseal(data, "timer %d of %q", t.Task, t.Owner); len(data) > 0 {
		t.Data = data
	}
	return t, err
}

// Timers implements store.Inbox. A cursor is the key of the last timer.
func (h *Hub) Timers(ctx context.Context, s store.Shard, from, to time.Time, after []byte, limit int) ([]store.Timer, []byte, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	first := int64(-1 << 62)
	if !from.IsZero() {
		first = micros(from)
	}
	var owner, execution []byte
	task := int64(-1)<<31 - 1 // below all, so that the first page begins with from
	if len(after) > 0 {
		c := scanner{b: after}
		first, task = c.varint(), c.varint()
		owner, execution = c.bytes(c.uvarint()), c.bytes(c.uvarint())
		if c.bad {
			return nil, nil, store.ErrCursor
		}
	}
	list, err := query(ctx, h, "timers", h.scanTimer, `SELECT owner, execution, task, due, data FROM perdure.timers
		WHERE hub = $1 AND shard = $2 AND (due, owner, execution, task) > ($3, coalesce($4, ''::bytea), coalesce($5, ''::bytea), $6::int8) AND due < $7
		ORDER BY due, owner, execution, task LIMIT $8`, h.number, int16(s), first, owner, execution, task, micros(to), limit+1)
	if err != nil || len(list) <= limit {
		return list, nil, err
	}
	list = list[:limit]
	last := &list[limit-1]
	next := binary.AppendVarint(binary.AppendVarint(nil, micros(last.Due)), int64(last.Task))
	return list, appendText(appendText(next, last.Owner), branchBytes(last.Execution)), nil
}

// TimersOf implements store.Inbox.
func (h *Hub) TimersOf(ctx context.Context, owner string) ([]store.Timer, error) {
	return query(ctx, h, "timers", h.scanTimer, `SELECT owner, execution, task, due, data FROM perdure.timers
		WHERE hub = $1 AND shard = $2 AND owner = $3 ORDER BY due, execution, task`, h.number, int16(store.ShardOf(owner)), []byte(owner))
}
