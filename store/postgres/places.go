package postgres

import (
	"context"
	"errors"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/internal/fault"
)

// take gets the committer a place among those of the hub: one whose owner is dead
// or this one, else a new one. Its fence is raised, so that nobody else writes
// under it any more.
func (c *committer) take(ctx context.Context) error {
	h := c.h
	var node *string
	err := c.conn.QueryRow(ctx, `SELECT min(node) FROM perdure.leases WHERE hub = $1 AND owner = $2`, h.number, h.owner).Scan(&node)
	if err != nil {
		return err
	}
	if node == nil { // without a lease nothing can be written
		c.view = view{known: true, count: h.leases.Load()}
		return nil
	}
	err = pgx.BeginFunc(ctx, c.conn, func(tx pgx.Tx) error {
		old, err := c.free(ctx, tx)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO perdure.committers (hub, slot, owner, node, fence) VALUES ($1, $2, $3, $4, 1)
			ON CONFLICT (hub, slot) DO UPDATE SET owner = excluded.owner, node = excluded.node, fence = perdure.committers.fence + 1
			WHERE perdure.committers.owner = $5`, h.number, c.slot, h.owner, *node, old)
		if err == nil && tag.RowsAffected() == 0 { // another process was faster
			err = errAgain
		}
		return err
	})
	if err != nil {
		return err
	}
	c.placed, c.view.known = true, false
	return c.resume(ctx)
}

// free finds a place and locks its row, if there is one, and returns its owner. A
// place is free if no node of its name lives, or if it is this opening's and no
// committer here has it.
func (c *committer) free(ctx context.Context, tx pgx.Tx) (owner int64, err error) {
	h := c.h
	rows, err := tx.Query(ctx, `SELECT s.slot, s.owner FROM perdure.committers s LEFT JOIN perdure.nodes n ON n.hub = s.hub AND n.name = s.node
		WHERE s.hub = $1 AND (n.until IS NULL OR n.until < now() OR s.owner = $2) ORDER BY s.slot FOR UPDATE OF s SKIP LOCKED`, h.number, h.owner)
	if err != nil {
		return 0, err
	}
	type spare struct {
		slot  int32
		owner int64
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s spare, err error) { return s, row.Scan(&s.slot, &s.owner) })
	if err != nil {
		return 0, err
	}
	for _, s := range list {
		if h.claim(s.slot, c) {
			c.slot = s.slot
			return s.owner, nil
		}
	}
	err = tx.QueryRow(ctx, `SELECT coalesce(max(slot) + 1, 0) FROM perdure.committers WHERE hub = $1`, h.number).Scan(&c.slot)
	for err == nil && !h.claim(c.slot, c) { // another one here is about to make this place
		c.slot++
	}
	return h.owner, err
}

// claim keeps a place for a committer of this opening, unless another one has it.
func (h *Hub) claim(slot int32, c *committer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if other := h.slots[slot]; other != nil && other != c {
		return false
	}
	maps.DeleteFunc(h.slots, func(_ int32, has *committer) bool { return has == c })
	h.slots[slot] = c
	return true
}

// resume reads where the groups of the place stand.
func (c *committer) resume(ctx context.Context) error {
	rows, err := c.conn.Query(ctx, countersSQL, c.h.number, c.slot)
	if err != nil {
		return err
	}
	parts, err := pgx.CollectRows(rows, c.h.scanCells)
	if err != nil {
		c.placed = false
		return err
	}
	c.number, c.cells = c.floor, nil
	for _, p := range parts {
		c.number = max(c.number, p.number)
		c.cells.add(p.cells)
	}
	return nil
}

// unblocked runs a statement in a transaction and, if it waits for long, ends the
// sessions that it waits for: those of a node that is frozen or cut off may hold
// their locks for ever (guarantees.md, rule 2). They are asked for by the session
// that waits now, since behind a pooler a session serves another node later.
func (h *Hub) unblocked(ctx context.Context, tx pgx.Tx, run func(ctx context.Context) error) error {
	var pid int32
	if err := tx.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		return err
	}
	done := make(chan error, 1)
	ended := make(chan struct{})
	watch, cancel := context.WithCancel(ctx)
	go func() {
		defer close(ended)
		h.terminateBlockers(watch, pid)
	}()
	done <- run(ctx)
	cancel()
	<-ended
	return <-done
}

// terminateBlockers ends, time and again, the sessions that a session waits for.
func (h *Hub) terminateBlockers(ctx context.Context, pid int32) {
	if fault.Mutant(fault.TakeoverWaits) {
		return
	}
	for wait(ctx, blockedFor) {
		var ended int
		err := h.db.pool.QueryRow(ctx, `SELECT count(*) FROM (SELECT pg_terminate_backend(b) FROM unnest(pg_blocking_pids($1)) b WHERE b <> 0) ended`, pid).Scan(&ended)
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			h.db.opts.Logger.Warn("a session that blocks a takeover could not be ended", "hub", h.name, "cause", err)
		case ended > 0:
			h.db.opts.Logger.Warn("ended sessions that blocked a takeover", "hub", h.name, "sessions", ended)
		}
	}
}
