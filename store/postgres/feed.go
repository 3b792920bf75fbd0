package postgres

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// A position is reset when it is older than feedAge; entries live a while longer,
// since transactions take their time.
const (
	feedAge  = 9 * time.Minute
	entryAge = 10 * time.Minute
)

// defaultChanges is how many changes are returned without a limit.
const defaultChanges = 1000

// place is where a reader stands in the groups of one committer.
type place struct {
	number int64 // read to the end
	part   int   // changes read of the next
}

// position is where a reader stands: at each committer's groups, by the database's
// clock.
type position struct {
	at     int64 // microseconds
	places map[int32]place
}

func (p *position) encode(hub int32) store.Position {
	b := binary.AppendUvarint(nil, uint64(hub))
	b = binary.AppendVarint(b, p.at)
	for slot, at := range p.places {
		b = binary.AppendUvarint(b, uint64(slot))
		b = binary.AppendVarint(b, at.number)
		b = binary.AppendUvarint(b, uint64(at.part))
	}
	return store.Position(base64.RawURLEncoding.EncodeToString(store.Seal(nil, b, nil)))
}

// decodePosition reads a position of a hub; anything else is none.
func decodePosition(p store.Position, hub int32) (out position, ok bool) {
	frame, err := base64.RawURLEncoding.DecodeString(string(p))
	if err != nil {
		return out, false
	}
	b, err := store.Unseal(frame, nil, name("position"))
	if err != nil {
		return out, false
	}
	s := scanner{b: b}
	ok = s.uvarint() == uint64(hub)
	out.at, out.places = s.varint(), make(map[int32]place)
	for len(s.b) > 0 && !s.bad {
		slot := int32(s.uvarint())
		out.places[slot] = place{number: s.varint(), part: int(s.uvarint())}
	}
	return out, ok && !s.bad
}

// dbNow is the database's clock in microseconds.
const dbNow = `(extract(epoch FROM now()) * 1000000)::int8`

// Position implements store.Feed.
func (h *Hub) Position(ctx context.Context) (store.Position, error) {
	p, err := h.newest(ctx)
	if err != nil {
		return "", err
	}
	return p.encode(h.number), nil
}

func (h *Hub) newest(ctx context.Context) (*position, error) {
	p := &position{places: make(map[int32]place)}
	_, err := query(ctx, h, "change feed", func(row pgx.CollectableRow) (struct{}, error) {
		var slot *int32
		var number *int64
		err := row.Scan(&p.at, &slot, &number)
		if slot != nil && number != nil {
			p.places[*slot] = place{number: *number}
		}
		return struct{}{}, err
	}, `SELECT `+dbNow+`, s.slot, (SELECT number FROM perdure.feed f WHERE f.hub = s.hub AND f.slot = s.slot ORDER BY number DESC LIMIT 1)
		FROM (SELECT $1::int4 AS hub) one LEFT JOIN perdure.committers s USING (hub)`, h.number)
	return p, err
}

// Changes implements store.Feed. A position of another opening or node is as good
// as one of this.
func (h *Hub) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	if limit <= 0 {
		limit = defaultChanges
	}
	from, known := decodePosition(p, h.number)
	tick := time.NewTimer(h.db.pause())
	defer tick.Stop()
	for {
		ring := h.changed.next()
		var list []store.Change
		var err error
		if known {
			list, known, err = h.read(ctx, &from, limit)
		}
		if err != nil {
			return nil, p, false, err
		}
		if !known {
			next, err := h.Position(ctx)
			return nil, next, true, err
		}
		if len(list) > 0 {
			return list, from.encode(h.number), false, nil
		}
		select {
		case <-ring:
		case <-tick.C:
		case <-h.life.Done():
			return nil, p, false, store.ErrClosed
		case <-ctx.Done():
			return nil, p, false, context.Cause(ctx)
		}
		tick.Reset(h.db.pause())
	}
}

// feedRow is an entry as it was read.
type feedRow struct {
	now    int64
	slot   *int32
	number *int64
	body   []byte
}

// read returns changes after a position, which it moves on. known is false if the
// position is too old, or further than the database is.
func (h *Hub) read(ctx context.Context, p *position, limit int) (list []store.Change, known bool, err error) {
	var slots []int32
	var numbers []int64
	for slot, at := range p.places {
		slots, numbers = append(slots, slot), append(numbers, at.number)
	}
	scan := func(row pgx.CollectableRow) (r feedRow, err error) {
		return r, row.Scan(&r.now, &r.slot, &r.number, &r.body)
	}
	rows, err := query(ctx, h, "change feed", scan, `SELECT `+dbNow+`, f.slot, f.number, f.body
		FROM (SELECT $1::int4 AS hub) one LEFT JOIN (
			SELECT s.hub, f.slot, f.number, f.body FROM perdure.committers s
			LEFT JOIN unnest($2::int4[], $3::int8[]) AS p (slot, number) ON p.slot = s.slot
			JOIN LATERAL (SELECT * FROM perdure.feed f WHERE f.hub = s.hub AND f.slot = s.slot AND f.number > coalesce(p.number, 0)
				ORDER BY f.number LIMIT $4) f ON true
			WHERE s.hub = $1) f USING (hub) ORDER BY f.slot, f.number`, h.number, slots, numbers, limit)
	if err != nil {
		return nil, false, err
	}
	if now := rows[0].now; now-p.at > feedAge.Microseconds() || p.at > now+feedAge.Microseconds() {
		return nil, false, nil
	}
	p.at = rows[0].now
	for _, r := range rows {
		if r.slot == nil {
			break
		}
		changes, err := h.changesOf(r)
		if err != nil {
			return nil, false, err
		}
		at := p.places[*r.slot]
		changes = changes[min(at.part, len(changes)):]
		if room := limit - len(list); len(changes) > room {
			list = append(list, changes[:room]...)
			at.part += room
			p.places[*r.slot] = at
			break
		}
		list = append(list, changes...)
		p.places[*r.slot] = place{number: *r.number}
	}
	return list, true, nil
}

func (h *Hub) changesOf(r feedRow) ([]store.Change, error) {
	body, err := h.unseal(r.body, "change %d of committer %d", *r.number, *r.slot)
	if err != nil {
		return nil, err
	}
	e, ok := decodeEntry(body)
	if !ok {
		return nil, fmt.Errorf("%w: change %d of committer %d", store.ErrCorrupt, *r.number, *r.slot)
	}
	return e.changes, nil
}

// Counts implements store.Reads: what committers have added up, and what their
// groups since have changed.
func (h *Hub) Counts(ctx context.Context) ([]store.Count, error) {
	parts, err := query(ctx, h, "counters", h.scanCells, countersSQL, h.number, nil)
	if err != nil {
		return nil, err
	}
	var total cells
	for _, p := range parts {
		total.add(p.cells)
	}
	counts := make([]store.Count, 0, len(total))
	for c, n := range total {
		counts = append(counts, store.Count{Kind: c.kind, Name: c.name, Status: c.status, Phase: c.phase, N: n})
	}
	return counts, nil
}

// countersSQL reads what a committer's counters are made of, or all committers'.
const countersSQL = `SELECT c.slot, c.upto, true, c.cells FROM perdure.counts c WHERE c.hub = $1 AND c.slot = coalesce($2::int4, c.slot)
	UNION ALL
	SELECT f.slot, f.number, false, f.body FROM perdure.committers s
	LEFT JOIN perdure.counts c ON c.hub = s.hub AND c.slot = s.slot
	JOIN LATERAL (SELECT * FROM perdure.feed f WHERE f.hub = s.hub AND f.slot = s.slot AND f.number > coalesce(c.upto, 0)) f ON true
	WHERE s.hub = $1 AND s.slot = coalesce($2::int4, s.slot)`

// counter is a part of the counters: those of a committer, or what one of its groups
// changed.
type counter struct {
	number int64
	whole  bool
	cells  cells
}

func (h *Hub) scanCells(row pgx.CollectableRow) (c counter, err error) {
	var slot int32
	var stored []byte
	if err = row.Scan(&slot, &c.number, &c.whole, &stored); err == nil {
		c.cells, err = h.cellsOf(slot, c.number, c.whole, stored)
	}
	return c, err
}

// cellsOf decodes counters, or the difference that an entry of the feed tells.
func (h *Hub) cellsOf(slot int32, number int64, whole bool, stored []byte) (cells, error) {
	body, err := h.unseal(stored, "counters of committer %d at %d", slot, number)
	if err != nil {
		return nil, err
	}
	if s := (scanner{b: body}); whole {
		if c := s.cells(); !s.bad && len(s.b) == 0 {
			return c, nil
		}
	}
	e, ok := decodeEntry(body)
	if whole || !ok {
		return nil, fmt.Errorf("%w: counters of committer %d at %d", store.ErrCorrupt, slot, number)
	}
	return e.delta, nil
}
