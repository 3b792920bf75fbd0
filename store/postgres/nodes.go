package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

var (
	_ store.Nodes   = (*Hub)(nil)
	_ store.Letters = (*Hub)(nil)
)

// Beat implements store.Nodes.
func (h *Hub) Beat(ctx context.Context, n store.Node, d time.Duration) ([]store.Node, error) {
	since := n.Since
	if since.IsZero() {
		since = time.Now()
	}
	return query(ctx, h, "nodes", func(row pgx.CollectableRow) (n store.Node, err error) {
		err = row.Scan(&n.Name, &n.Advertise, &n.Since, &n.Detail)
		n.Since = n.Since.UTC()
		return n, err
	}, `WITH mine AS (INSERT INTO perdure.nodes (hub, name, advertise, since, detail, lives) VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
			ON CONFLICT (hub, name) DO UPDATE SET advertise = excluded.advertise, since = excluded.since, detail = excluded.detail, lives = excluded.lives
			RETURNING name, advertise, since, detail)
		SELECT name, advertise, since, detail FROM mine
		UNION ALL SELECT name, advertise, since, detail FROM perdure.nodes WHERE hub = $1 AND name <> $2 AND lives >= now()
		ORDER BY name`, h.number, n.Name, n.Advertise, since, n.Detail, interval(d))
}

// Expire implements store.Nodes.
func (h *Hub) Expire(ctx context.Context, name string, left time.Duration) (bool, error) {
	_, err := query(ctx, h, "nodes", pgx.RowTo[int32], `UPDATE perdure.nodes SET until = least(until, now() - interval '1 microsecond'),
		lives = least(lives, now() - interval '1 microsecond')
		WHERE hub = $1 AND name = $2 AND greatest(until, lives) < now() + $3::interval RETURNING 1`, h.number, name, interval(left))
	if err != nil {
		return false, err
	}
	alive, err := query(ctx, h, "nodes", pgx.RowTo[int32], `SELECT 1 FROM perdure.nodes WHERE hub = $1 AND name = $2 AND greatest(until, lives) >= now()`,
		h.number, name)
	return len(alive) == 0, err
}

// Leave implements store.Nodes.
func (h *Hub) Leave(ctx context.Context, name string) error {
	_, err := query(ctx, h, "nodes", pgx.RowTo[string], `DELETE FROM perdure.nodes WHERE hub = $1 AND name = $2 RETURNING name`, h.number, name)
	return err
}

// Holders implements store.Nodes.
func (h *Hub) Holders(ctx context.Context) ([]store.Holder, error) {
	return query(ctx, h, "leases", func(row pgx.CollectableRow) (o store.Holder, err error) {
		var shard int16
		err = row.Scan(&shard, &o.Epoch, &o.Node)
		o.Shard = store.Shard(shard)
		return o, err
	}, `SELECT l.shard, l.epoch, l.node FROM perdure.leases l JOIN perdure.nodes n ON n.hub = l.hub AND n.name = l.node AND n.until >= now()
		WHERE l.hub = $1 ORDER BY l.shard`, h.number)
}

// arrivals is the cursor of Arrivals. A message that came from elsewhere names the
// transaction that brought it. Those of transactions below the oldest one that runs
// are all there; so a reader goes on with that one, and reads again what it had of
// later ones.
type arrivals struct {
	from  int64  // messages of transactions from this on
	next  int64  // from where to go on after the last page
	after []byte // the last message of the page before; nil = the first page
}

func (a *arrivals) encode() []byte {
	return append(binary.AppendVarint(binary.AppendVarint(nil, a.from), a.next), a.after...)
}

func (a *arrivals) decode(b []byte) bool {
	s := scanner{b: b}
	a.from, a.next = s.varint(), s.varint()
	a.after = s.b
	return !s.bad
}

// Arrivals implements store.Nodes. Only messages count whose sender did not hold
// their shard; who takes a shard over reads its whole inbox.
func (h *Hub) Arrivals(ctx context.Context, shards []store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	var a arrivals
	if len(after) > 0 && !a.decode(after) {
		return nil, nil, store.ErrCursor
	}
	from := messagePlace{}
	if len(a.after) > 0 && !from.decode(a.after) {
		return nil, nil, store.ErrCursor
	}
	if len(after) == 0 {
		limit = 0
	}
	var base int64
	list, err := query(ctx, h, "arrivals", func(row pgx.CollectableRow) (m arrived, err error) {
		return m, row.Scan(&base, &m.arrival, &m.target, &m.source, &m.version, &m.idx, &m.data)
	}, `WITH base AS (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8 AS x)
		SELECT base.x, m.arrival, m.target, m.source, m.version, m.idx, m.data FROM base LEFT JOIN LATERAL (
			SELECT * FROM perdure.messages WHERE hub = $1 AND shard = ANY ($2::int2[]) AND arrival IS NOT NULL AND arrival >= least($3, base.x)
			AND (arrival, target, source, version, idx) > ($5, $6::bytea, $7::bytea, $8::int8, $9::int8)
			ORDER BY arrival, target, source, version, idx LIMIT $4) m ON true`,
		h.number, columnOf(shards), a.from, limit, from.arrival, from.target, from.source, from.version, from.idx)
	if err != nil {
		return nil, nil, err
	}
	if a.after == nil || a.next == 0 {
		a.next = base
	}
	var messages []store.Message
	for _, m := range list {
		if m.arrival == nil {
			break
		}
		one, err := h.message(m.messageRow)
		if err != nil {
			return nil, nil, err
		}
		messages = append(messages, one)
	}
	if limit > 0 && len(messages) == limit {
		last := list[len(list)-1]
		a.after = (&messagePlace{*last.arrival, last.target, last.source, last.version, last.idx}).encode()
	} else {
		a = arrivals{from: a.next}
	}
	return messages, a.encode(), nil
}

// arrived is a message that came from elsewhere; the columns are nil if there is
// none.
type arrived struct {
	arrival *int64
	messageRow
}

// Send implements store.Letters.
func (h *Hub) Send(ctx context.Context, l *store.Letter) error {
	id := make([]byte, 16)
	binary.BigEndian.PutUint64(id, uint64(time.Now().UnixMicro())) // letters are read in about their order
	binary.BigEndian.PutUint64(id[8:], uint64(randomOwner()))
	_, err := query(ctx, h, "letters", pgx.RowTo[int32], `INSERT INTO perdure.letters (hub, receiver, id, sender, until, data)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1`, h.number, l.To, id, l.From, l.Until, h.seal(l.Data))
	if err == nil {
		h.mail.ring()
		h.db.hints.add(hintMail, h.number)
	}
	return err
}

// Receive implements store.Letters.
func (h *Hub) Receive(ctx context.Context, node string, limit int) ([]store.Letter, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	tick := time.NewTimer(h.db.pause())
	defer tick.Stop()
	for {
		ring := h.mail.next()
		list, err := h.letters(ctx, node, limit)
		if err != nil || len(list) > 0 {
			return list, err
		}
		select {
		case <-ring:
		case <-tick.C:
		case <-h.life.Done():
			return nil, store.ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		tick.Reset(h.db.pause())
	}
}

// letters takes out what there is. A letter that is taken out by a call whose answer
// is lost is lost with it: none is given twice.
func (h *Hub) letters(ctx context.Context, node string, limit int) ([]store.Letter, error) {
	type taken struct {
		store.Letter
		live bool
	}
	list, err := query(ctx, h, "letters", func(row pgx.CollectableRow) (t taken, err error) {
		err = row.Scan(&t.From, &t.Until, &t.Data, &t.live)
		t.To = node
		return t, err
	}, `WITH next AS (SELECT id FROM perdure.letters WHERE hub = $1 AND receiver = $2 ORDER BY id LIMIT $3),
		gone AS (DELETE FROM perdure.letters l USING next WHERE l.hub = $1 AND l.receiver = $2 AND l.id = next.id RETURNING l.*)
		SELECT sender, until, data, until >= now() FROM gone ORDER BY id`, h.number, node, limit)
	if err != nil {
		return nil, err
	}
	var letters []store.Letter
	for _, t := range list {
		if !t.live {
			continue
		}
		if t.Data, err = h.unseal(t.Data, "letter from %q", t.From); err != nil {
			return nil, fmt.Errorf("letter: %w", err)
		}
		letters = append(letters, t.Letter)
	}
	return letters, nil
}
