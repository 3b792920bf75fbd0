package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
)

// meet is called with what each new connection of a committer tells of its server.
// The database keeps which cluster it is: the system identifier and the timeline, of
// which a promoted standby and a restored backup begin a new one. Where these differ
// from what is kept, commits that were acknowledged may be missing, so nothing that
// nodes have in memory is true any more (guarantees.md, rule 8). Whoever notices first
// voids all leases of the database: every node is fenced, drops what it has in memory,
// takes shards anew and reads what there is.
func (db *DB) meet(ctx context.Context, s *session) error {
	if s.server.cluster == "" {
		return nil
	}
	var kept string
	err := s.QueryRow(ctx, `SELECT convert_from(value, 'UTF8') FROM perdure.meta WHERE key = 'cluster'`).Scan(&kept)
	if err == nil && kept == s.server.cluster {
		return nil
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	changed := false
	err = pgx.BeginFunc(ctx, s.Conn, func(tx pgx.Tx) error {
		changed = false
		tag, err := tx.Exec(ctx, `INSERT INTO perdure.meta (key, value) VALUES ('cluster', convert_to($1, 'UTF8')) ON CONFLICT DO NOTHING`, s.server.cluster)
		if err != nil || tag.RowsAffected() == 1 {
			return err // it was not known before
		}
		err = tx.QueryRow(ctx, `SELECT convert_from(value, 'UTF8') FROM perdure.meta WHERE key = 'cluster' FOR UPDATE`).Scan(&kept)
		if err != nil || kept == s.server.cluster {
			return err // another node was faster
		}
		changed = true
		for _, sql := range [...]string{
			`UPDATE perdure.committers SET fence = fence + 1`,
			`UPDATE perdure.leases SET epoch = epoch + 1, orphaned = orphaned OR node IS NOT NULL, node = NULL, owner = NULL`,
			`UPDATE perdure.messages SET arrival = NULL WHERE arrival IS NOT NULL`, // transactions of another count
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `UPDATE perdure.meta SET value = convert_to($1, 'UTF8') WHERE key = 'cluster'`, s.server.cluster)
		return err
	})
	if err == nil && changed {
		was, _, _ := strings.Cut(kept, " ")
		is, _, _ := strings.Cut(s.server.cluster, " ")
		db.opts.Logger.Error("the database is another one than before: a standby was promoted or a backup restored; all shards are taken anew",
			"before", kept, "now", s.server.cluster, "same system", was == is)
	}
	return err
}

// meet is called with each new connection of a committer. In another database than
// before it begins anew, with what the database has, and reports what that lacks. The
// numbers of its groups go on all the same, for readers of the change feed.
func (c *committer) meet(ctx context.Context, s *session) error {
	if err := c.h.db.meet(ctx, s); err != nil {
		return err
	}
	before := c.cluster
	c.cluster = s.server.cluster
	if before == "" || before == c.cluster || !c.placed {
		return nil
	}
	var newest int64
	err := s.QueryRow(ctx, `SELECT greatest((SELECT max(number) FROM perdure.feed WHERE hub = $1 AND slot = $2),
		(SELECT upto FROM perdure.counts WHERE hub = $1 AND slot = $2), 0)`, c.h.number, c.slot).Scan(&newest)
	if err != nil {
		c.cluster = before
		return err
	}
	c.placed, c.floor = false, c.number
	if lacks := c.number - newest; lacks > 0 {
		c.h.db.opts.Logger.Error("the database lacks commits that were acknowledged", "hub", c.h.name, "committer", c.slot, "groups", lacks)
	}
	return nil
}
