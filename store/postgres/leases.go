package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// blockedFor is how long a takeover waits for a lock before it ends who holds it.
const blockedFor = 500 * time.Millisecond

// wait waits for a time and reports whether ctx did not end before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func interval(d time.Duration) string { return fmt.Sprintf("%d microseconds", d.Microseconds()) }

// free is the condition under which a lease l may be taken by node $2: nobody holds
// it, its node is not known to live by the database's clock, or it is its own.
const free = `(l.node IS NULL OR l.node = $2 OR NOT EXISTS (
	SELECT 1 FROM perdure.nodes n WHERE n.hub = l.hub AND n.name = l.node AND n.until >= now()))`

// Acquire implements store.Leases and store.Nodes. It raises the fences of all
// whose shards it takes, and so waits for groups of theirs that are under way.
func (h *Hub) Acquire(ctx context.Context, node string, shards []store.Shard, d time.Duration) (leases []store.Lease, err error) {
	if err := h.open(); err != nil {
		return nil, err
	}
	err = h.db.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		leases = nil
		var until time.Time
		err := tx.QueryRow(ctx, `INSERT INTO perdure.nodes (hub, name, until) VALUES ($1, $2, now() + $3::interval)
			ON CONFLICT (hub, name) DO UPDATE SET until = excluded.until RETURNING until`, h.number, node, interval(d)).Scan(&until)
		if err != nil {
			return err
		}
		vacant, err := h.vacant(ctx, tx, node, columnOf(shards))
		if err != nil || len(vacant) == 0 {
			return err
		}
		var victims []int64
		var taken []int16
		orphaned := make(map[int16]bool)
		for _, v := range vacant {
			taken, orphaned[v.shard] = append(taken, v.shard), v.orphaned
			if v.owner != nil {
				victims = append(victims, *v.owner)
			}
		}
		if len(victims) > 0 {
			if err := h.raiseFences(ctx, tx, victims); err != nil {
				return err
			}
		}
		leases, err = h.grant(ctx, tx, node, taken, until)
		for i := range leases {
			leases[i].Orphaned = orphaned[int16(leases[i].Shard)]
		}
		return err
	})
	h.leases.Add(1)
	if err != nil {
		return nil, fmt.Errorf("acquire shards: %w", err)
	}
	return leases, nil
}

// vacancy is a shard that may be taken.
type vacancy struct {
	shard    int16
	owner    *int64 // whom it is taken from; nil = nobody
	orphaned bool
}

// vacant locks the rows of shards and finds those that may be taken. Who is free is
// asked once all are locked: a statement that has waited for a row sees what has become
// of that, but not of the nodes.
func (h *Hub) vacant(ctx context.Context, tx pgx.Tx, node string, shards []int16) ([]vacancy, error) {
	err := h.unblocked(ctx, tx, func(ctx context.Context) error {
		_, err := tx.Exec(ctx, `SELECT 1 FROM perdure.leases WHERE hub = $1 AND shard = ANY ($2::int2[]) ORDER BY shard FOR UPDATE`, h.number, shards)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT l.shard, l.owner, l.node IS NOT NULL OR l.orphaned FROM perdure.leases l
		WHERE l.hub = $1 AND l.shard = ANY ($3::int2[]) AND `+free+` ORDER BY l.shard`, h.number, node, shards)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v vacancy, err error) {
		err = row.Scan(&v.shard, &v.owner, &v.orphaned)
		return v, err
	})
}

func columnOf(shards []store.Shard) []int16 {
	column := make([]int16, len(shards))
	for i, s := range shards {
		column[i] = int16(s)
	}
	return column
}

// raiseFences makes the committers of some owners look at their leases again before
// they write.
func (h *Hub) raiseFences(ctx context.Context, tx pgx.Tx, owners []int64) error {
	return h.unblocked(ctx, tx, func(ctx context.Context) error {
		_, err := tx.Exec(ctx, `UPDATE perdure.committers SET fence = fence + 1 WHERE hub = $1 AND owner = ANY ($2::int8[])`, h.number, owners)
		return err
	})
}

// grant gives shards to a node.
func (h *Hub) grant(ctx context.Context, tx pgx.Tx, node string, shards []int16, until time.Time) ([]store.Lease, error) {
	rows, err := tx.Query(ctx, `WITH given AS (
		UPDATE perdure.leases SET epoch = epoch + 1, node = $2, owner = $3, orphaned = false
		WHERE hub = $1 AND shard = ANY ($4::int2[]) RETURNING shard, epoch)
		SELECT shard, epoch FROM given ORDER BY shard`, h.number, node, h.owner, shards)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (store.Lease, error) {
		var shard int16
		l := store.Lease{Until: until}
		err := row.Scan(&shard, &l.Epoch)
		l.Shard = store.Shard(shard)
		return l, err
	})
}

// Renew implements store.Leases. It prolongs all that the node holds, in one row.
func (h *Hub) Renew(ctx context.Context, node string, leases []store.Lease, d time.Duration) ([]store.Lease, error) {
	held, err := query(ctx, h, "leases", func(row pgx.CollectableRow) (l store.Lease, err error) {
		var shard int16
		err = row.Scan(&shard, &l.Epoch, &l.Until)
		l.Shard = store.Shard(shard)
		return l, err
	}, `WITH n AS (UPDATE perdure.nodes SET until = now() + $3::interval WHERE hub = $1 AND name = $2 RETURNING until)
		SELECT l.shard, l.epoch, n.until FROM perdure.leases l, n WHERE l.hub = $1 AND l.node = $2`, h.number, node, interval(d))
	if err != nil {
		return nil, err
	}
	var epochs [store.Shards]store.Lease
	for _, l := range held {
		epochs[l.Shard] = l
	}
	var still []store.Lease
	for _, l := range leases {
		if now := epochs[l.Shard]; now.Epoch == l.Epoch && l.Epoch != 0 {
			still = append(still, now)
		}
	}
	return still, nil
}

// Release implements store.Leases. A lease given back no longer admits commits.
func (h *Hub) Release(ctx context.Context, node string, leases []store.Lease) error {
	if err := h.open(); err != nil {
		return err
	}
	var shards []int16
	var epochs []int64
	for _, l := range leases {
		shards, epochs = append(shards, int16(l.Shard)), append(epochs, int64(l.Epoch))
	}
	err := h.db.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT l.owner, l.shard FROM perdure.leases l JOIN unnest($3::int2[], $4::int8[]) AS u (shard, epoch)
			ON u.shard = l.shard AND u.epoch = l.epoch WHERE l.hub = $1 AND l.node = $2 ORDER BY l.shard FOR UPDATE OF l`, h.number, node, shards, epochs)
		if err != nil {
			return err
		}
		var owners []int64
		var given []int16
		for rows.Next() {
			var owner int64
			var shard int16
			if err := rows.Scan(&owner, &shard); err != nil {
				return err
			}
			owners, given = append(owners, owner), append(given, shard)
		}
		if err := rows.Err(); err != nil || len(given) == 0 {
			return err
		}
		if err := h.raiseFences(ctx, tx, owners); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE perdure.leases SET node = NULL, owner = NULL WHERE hub = $1 AND shard = ANY ($2::int2[])`, h.number, given)
		return err
	})
	h.leases.Add(1)
	if err != nil {
		return fmt.Errorf("release shards: %w", err)
	}
	return nil
}
