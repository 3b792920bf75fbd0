package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sweepEvery is how often each process removes what has served its time.
const sweepEvery = 30 * time.Second

// runUpkeep sweeps until the hub is closed. Processes sweep at different times, and
// it does no harm if two do at once.
func (h *Hub) runUpkeep() {
	defer h.db.work.Done()
	for wait(h.life, sweepEvery/2+rand.N(sweepEvery)) {
		if err := h.Sweep(h.life); err != nil && h.life.Err() == nil {
			h.db.opts.Logger.Warn("what has served its time could not be removed", "hub", h.name, "cause", err)
		}
	}
}

// nodeAge is how long a node that has gone is remembered, so that its leases show as
// those of a lost one.
const nodeAge = "1 hour"

// Sweep removes entries of the change feed that no position reaches any more, letters
// that nobody fetched, and nodes that are long gone. A hub does so by itself twice a
// minute or so.
func (h *Hub) Sweep(ctx context.Context) error {
	if err := h.open(); err != nil {
		return err
	}
	return h.db.patient(ctx, func(ctx context.Context) error {
		return h.db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			return lost(c.Conn(), h.sweep(ctx, c.Conn()))
		})
	})
}

func (h *Hub) sweep(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range [...]string{
		`DELETE FROM perdure.letters WHERE hub = $1 AND until < now()`,
		`DELETE FROM perdure.nodes n WHERE n.hub = $1 AND greatest(n.lives, n.until) < now() - interval '` + nodeAge + `'
			AND NOT EXISTS (SELECT 1 FROM perdure.leases l WHERE l.hub = n.hub AND l.node = n.name)`,
	} {
		if _, err := conn.Exec(ctx, sql, h.number); err != nil {
			return err
		}
	}
	rows, err := conn.Query(ctx, `SELECT slot FROM perdure.committers WHERE hub = $1`, h.number)
	if err != nil {
		return err
	}
	slots, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	for _, slot := range slots {
		// The oldest entry that stays ends the look, so that it takes as long as the
		// entries that go are many. What the counters still need stays.
		_, err := conn.Exec(ctx, `DELETE FROM perdure.feed WHERE hub = $1 AND slot = $2
			AND number < coalesce((SELECT number FROM perdure.feed WHERE hub = $1 AND slot = $2 AND at >= now() - $3::interval ORDER BY number LIMIT 1), 1::int8 << 62)
			AND number <= (SELECT upto FROM perdure.counts WHERE hub = $1 AND slot = $2)`, h.number, slot, interval(entryAge))
		if err != nil {
			return err
		}
	}
	return nil
}
