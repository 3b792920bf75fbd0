package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/store"
)

// foldEvery is how often a committer's counters are written anew, with a group;
// in between the entries of its groups in the change feed tell the difference.
// Counters are rows that change often, and old versions of such a row cost every
// look at it while an old snapshot is open.
const foldEvery = time.Second

// batch builds the statements of what is left of a group.
func (c *committer) batch(g *group) *batch {
	b := &batch{checks: make(map[int]bool)}
	if fault.Mutant(fault.EpochOutsideWrite) {
		b.Queue("SELECT 1")
	} else {
		b.Queue(fenceSQL, c.h.number, c.slot, c.view.fence)
	}
	if c.conn.pooled {
		b.Queue("SELECT " + settings("true"))
	}
	mine := func(s store.Shard) bool { return c.view.epochs[s] != 0 }
	r := newRound(c.h, mine)
	e := entry{}
	for _, i := range g.live {
		commit := g.commits[i]
		if !r.takes(commit) {
			b.addRound(r)
			r = newRound(c.h, mine)
		}
		r.add(commit)
		e.add(commit)
	}
	b.addRound(r)
	b.delta = e.delta
	next := c.number + 1
	b.Queue(feedSQL, c.h.number, c.slot, next, c.h.owner, c.h.seal(e.append(nil)))
	if now := time.Now(); now.Sub(c.foldAt) >= foldEvery {
		total := c.cells.clone()
		total.add(e.delta)
		b.Queue(countsSQL, c.h.number, c.slot, next, c.h.seal(total.append(nil)))
		b.folds = true
	}
	return b
}

// send sends a batch and reads the answers. at is the statement that failed, if one
// did.
func (c *committer) send(ctx context.Context, b *batch) (at int, err error) {
	c.warn.Store(false)
	results := c.conn.SendBatch(ctx, &b.Batch)
	for at = 0; at < b.Len() && err == nil; at++ {
		_, err = results.Exec()
	}
	at--
	if end := results.Close(); err == nil && end != nil {
		at, err = b.Len(), end
	}
	if err == nil && c.warn.Load() {
		err = errWarned
	}
	return at, err
}

// errWarned says that PostgreSQL warned about a commit: it does so when somebody
// ends the wait for a synchronous standby, which may not have the group then.
var errWarned = errors.New("PostgreSQL warned that the commit is not known to be on the standby")

// noteWarnings notes a warning that is about durability.
func noteWarnings(warned *atomic.Bool) pgconn.NoticeHandler {
	return func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" && n.Code == "01000" {
			warned.Store(true)
		}
	}
}

// resolve finds out what became of a group whose answer did not come. It raises the
// fence, which waits for a transaction that is under way and keeps away one that
// comes late; then the group's entry in the change feed is there or never will be.
func (c *committer) resolve(b *batch, cause error) error {
	ctx, cancel := context.WithTimeout(c.h.life, c.h.db.opts.Patience)
	defer cancel()
	if errors.Is(cause, errWarned) {
		c.placed = false
		return fmt.Errorf("%w: %w", store.ErrUnavailable, cause)
	}
	if fault.Mutant(fault.CommitAssumed) {
		c.written(b)
		return nil
	}
	c.view.known = false
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		there, err := c.lookUp(ctx)
		switch {
		case err == nil && there:
			c.written(b)
			return nil
		case err == nil:
			return errAgain
		case ctx.Err() != nil:
			c.placed = false // the number may be taken by a group that comes late
			return fmt.Errorf("%w: %w (after %w)", store.ErrUnavailable, err, cause)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// lookUp reports whether the group after the newest known one is written.
func (c *committer) lookUp(ctx context.Context) (there bool, err error) {
	if c.conn == nil || c.conn.IsClosed() {
		if c.conn, err = c.connect(ctx); err != nil {
			return false, err
		}
	}
	if err = c.raiseFence(ctx); err == nil {
		err = c.conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM perdure.feed WHERE hub = $1 AND slot = $2 AND number = $3 AND owner = $4)`,
			c.h.number, c.slot, c.number+1, c.h.owner).Scan(&there)
	}
	return there, lost(c.conn, err)
}

// raiseFence waits for whatever of this committer is under way, and ends it if it
// does not come to an end.
func (c *committer) raiseFence(ctx context.Context) error {
	return pgx.BeginFunc(ctx, c.conn, func(tx pgx.Tx) error {
		return c.h.unblocked(ctx, tx, func(ctx context.Context) error {
			_, err := tx.Exec(ctx, `UPDATE perdure.committers SET fence = fence + 1 WHERE hub = $1 AND slot = $2 AND owner = $3`,
				c.h.number, c.slot, c.h.owner)
			return err
		})
	})
}

// complete finds the records that commits replace where the group does not tell:
// lists and counters need to know them.
func (c *committer) complete(ctx context.Context, g *group) error {
	for at, i := range g.live {
		commit := g.commits[i]
		if commit.Was != nil || commit.Expect == 0 || commit.Record == nil && !commit.Purge {
			continue
		}
		full := *commit
		for _, before := range g.live[:at] {
			if b := g.commits[before]; b.ID == commit.ID && b.Record != nil {
				full.Was = b.Record
			}
		}
		if full.Was == nil {
			known, err := c.stored(ctx, []*store.Commit{commit})
			if err != nil {
				return lost(c.conn, err)
			}
			full.Was = known[commit.ID].record
		}
		g.commits[i] = &full
	}
	return nil
}

// kept is what the database has of an instance.
type kept struct {
	record *store.Record // nil = nothing
	err    error         // why it cannot be read
}

// stored reads the records of commits' instances.
func (c *committer) stored(ctx context.Context, commits []*store.Commit) (map[string]kept, error) {
	var of instances
	for _, commit := range commits {
		of.add(int16(commit.Shard), []byte(commit.ID))
	}
	rows, err := c.conn.Query(ctx, `SELECT i.id, i.body
		FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[]) AS u (hub, shard, id)
		JOIN perdure.instances i ON i.hub = u.hub AND i.shard = u.shard AND i.id = u.id`, c.h.number, of.shards, of.ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[string]kept)
	for rows.Next() {
		var id, body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return nil, err
		}
		var k kept
		k.record, k.err = c.h.record(string(id), body)
		all[string(id)] = k
	}
	return all, rows.Err()
}

// diagnose finds the commits that fail their checks and takes them out.
func (c *committer) diagnose(ctx context.Context, g *group) error {
	var commits []*store.Commit
	for _, i := range g.live {
		commits = append(commits, g.commits[i])
	}
	all, err := c.stored(ctx, commits)
	if err != nil {
		return lost(c.conn, err)
	}
	versions := make(map[string]uint64, len(all))
	for id, k := range all {
		if k.record != nil {
			versions[id] = k.record.Version
		}
	}
	for _, i := range append([]int(nil), g.live...) {
		commit := g.commits[i]
		switch version := versions[commit.ID]; {
		case all[commit.ID].err != nil:
			g.refuse(i, all[commit.ID].err)
		case version != commit.Expect:
			g.refuse(i, fmt.Errorf("%w: %q has version %d, not %d", store.ErrConflict, commit.ID, version, commit.Expect))
		case commit.Purge:
			versions[commit.ID] = 0
		case commit.Record != nil:
			versions[commit.ID] = commit.Record.Version
		}
	}
	return errAgain
}
