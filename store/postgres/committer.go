package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// committer writes the groups of one committer in their order, on a connection of
// its own. All but queue, gate, shut, ended and full is its goroutine's.
type committer struct {
	h     *Hub
	queue chan *group // closed when the hub is, see close
	gate  sync.RWMutex
	shut  bool // guarded by gate: the queue is closed
	ended chan struct{}
	full  atomic.Bool // the database's disk was full; only purges are taken

	conn    *session // nil = none
	warn    *atomic.Bool
	cluster string // of the last connection
	// The committer's place among those of the hub, which names its groups in the
	// change feed; owned by this opening of the hub while the fence holds.
	slot   int32
	placed bool
	number int64 // of its newest group that is written
	floor  int64 // numbers up to this one were given in another database
	cells  cells // its counters, up to this group
	folded int64 // the group up to which the database has its counters
	foldAt time.Time

	view view
}

// view is what a committer knows of its fence and the leases of its owner. It is
// true while the fence in the database is the one in it.
type view struct {
	known  bool
	count  int64 // of Hub.leases
	fence  int64
	epochs [store.Shards]uint64 // 0 = not held
}

// committer returns the one with this number, which starts with its first group.
func (h *Hub) committer(number int) (*committer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, store.ErrClosed
	}
	c := h.committers[number]
	if c == nil {
		c = &committer{h: h, queue: make(chan *group, queued), ended: make(chan struct{}), warn: new(atomic.Bool)}
		h.committers[number] = c
		go c.run()
	}
	return c, nil
}

// admit refuses what a full disk has no room for. One group in a while is let
// through to look.
func (c *committer) admit(g *store.Group) error {
	if !c.full.Load() {
		return nil
	}
	for _, one := range g.Commits {
		if !one.Purge {
			return fmt.Errorf("%w: the database's disk is full", store.ErrNoSpace)
		}
	}
	return nil
}

// add queues a group. It waits while many are queued.
func (c *committer) add(ctx context.Context, g *group) error {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.shut {
		return store.ErrClosed
	}
	select {
	case c.queue <- g:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.h.life.Done():
		return store.ErrClosed
	}
}

// close lets nothing more be queued. Who waits for room in the queue is served before.
func (c *committer) close() {
	c.gate.Lock()
	defer c.gate.Unlock()
	c.shut = true
	close(c.queue)
}

// run writes groups until the hub is closed and none is left.
func (c *committer) run() {
	defer close(c.ended)
	for g := range c.queue {
		err := c.write(g)
		g.settle(err)
		if err == nil {
			c.h.changed.ring()
			c.h.db.hints.add(hintFeed, c.h.number)
		}
	}
	c.disconnect()
}

func (c *committer) disconnect() {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.conn.Close(ctx) // what matters is settled
	c.conn = nil
}

// fullLooks is how long commits other than purges are refused after the disk was
// full.
const fullLooks = time.Second

// write writes a group: all that is not refused, in one transaction. An error says
// that its fate is unknown. It may take as long as the options are patient, from
// the group's submission.
func (c *committer) write(g *group) error {
	ctx, cancel := context.WithDeadline(c.h.life, g.since.Add(c.h.db.opts.Patience))
	defer cancel()
	pause := firstPause
	for tries := 0; len(g.live) > 0; tries++ {
		err := c.try(ctx, g)
		switch {
		case err == nil:
			c.h.groups.Add(1)
			c.h.commits.Add(int64(len(g.live)))
			return nil
		case errors.Is(err, errAgain) && tries < quickTries:
			continue
		case errors.Is(err, store.ErrUnavailable):
			return err
		case is(err, diskFull):
			c.full.Store(true)
			time.AfterFunc(fullLooks, func() { c.full.Store(false) })
			g.refuseAll(explained(err))
			return nil
		case errors.Is(err, errAgain) || passing(err) || is(err, serialization, deadlock, lockNotAvailable, queryCanceled, staleStatement, noSuchStatement):
			if ctx.Err() != nil {
				g.refuseAll(c.unreachable(err))
				return nil
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, lastPause)
		case ctx.Err() != nil:
			g.refuseAll(c.unreachable(err))
			return nil
		case len(g.live) > 1:
			return c.writeEach(g)
		default:
			g.refuseAll(refused(err))
		}
	}
	return nil
}

// quickTries is how often a group is sent again at once because commits were taken
// out or the fence had changed; later there are pauses.
const quickTries = 5

// errAgain says that a group was not written and can be sent again at once.
var errAgain = errors.New("again")

func (c *committer) unreachable(err error) error {
	if c.h.life.Err() != nil {
		return store.ErrClosed
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// writeEach writes the commits of a group one by one, since PostgreSQL refuses
// something in one of them.
func (c *committer) writeEach(g *group) error {
	for _, i := range append([]int(nil), g.live...) {
		one := &group{epochs: g.epochs, commits: g.commits, live: []int{i}, since: time.Now(), done: make(chan struct{})}
		if err := c.write(one); err != nil {
			return err
		}
		for _, r := range one.refused {
			g.refuse(r.Index, r.Err)
		}
	}
	return nil
}

// try sends what is left of a group once. nil = it is written, or nothing is left.
func (c *committer) try(ctx context.Context, g *group) error {
	if err := c.look(ctx, g); err != nil {
		return err
	}
	for _, i := range append([]int(nil), g.live...) {
		if err := c.fenced(g.epochs, g.commits[i]); err != nil {
			g.refuse(i, err)
		}
	}
	if len(g.live) == 0 {
		return nil
	}
	if err := c.complete(ctx, g); err != nil {
		return err
	}
	b := c.batch(g)
	at, err := c.send(ctx, b)
	switch {
	case err == nil:
		c.written(b)
		return nil
	case answered(err) && at == 0 && is(err, divisionByZero):
		c.view.known = false
		return errAgain
	case answered(err) && b.checks[at] && is(err, divisionByZero, uniqueViolation):
		return c.diagnose(ctx, g)
	case answered(err):
		return err
	}
	c.disconnect()
	return c.resolve(b, err)
}

// fenced refuses a commit to a shard that the owner does not hold by this epoch.
func (c *committer) fenced(epochs []store.Lease, commit *store.Commit) error {
	for i := range epochs {
		if l := &epochs[i]; l.Shard == commit.Shard && l.Epoch != 0 && l.Epoch == c.view.epochs[l.Shard] {
			return nil
		}
	}
	return fmt.Errorf("%w: shard %d", store.ErrFenced, commit.Shard)
}

// look makes sure of a connection, a place and a true view of the leases.
func (c *committer) look(ctx context.Context, g *group) (err error) {
	if c.conn == nil || c.conn.IsClosed() {
		if c.conn, err = c.connect(ctx); err != nil {
			return err
		}
	}
	if !c.placed {
		if err := c.take(ctx); err != nil {
			return lost(c.conn, err)
		}
	}
	if count := c.h.leases.Load(); !c.view.known || c.view.count != count {
		return lost(c.conn, c.loadView(ctx, count))
	}
	return nil
}

func (c *committer) connect(ctx context.Context) (*session, error) {
	cfg := c.h.db.cfg.Copy()
	c.warn.Store(false)
	cfg.OnNotice = noteWarnings(c.warn)
	s, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	err = c.meet(ctx, s)
	if err == nil && !s.pooled {
		_, err = s.Exec(ctx, planOnce, pgx.QueryExecModeExec)
	}
	if err != nil {
		_ = s.Close(ctx) // the error before it tells more
		return nil, lost(s, err)
	}
	return s, nil
}

// planOnce keeps the plans of a group's statements: whatever is in the group, each walks
// an index, see settings. PostgreSQL would make that of the update anew for each group,
// which takes twice as long as carrying it out.
const planOnce = "SET plan_cache_mode = force_generic_plan"

// loadView reads the fence and the leases in one look. It waits for takeovers that are
// under way: one that has not seen this committer, whose place is new, could not raise
// its fence, and what it takes must not be in the view.
func (c *committer) loadView(ctx context.Context, count int64) error {
	rows, err := c.conn.Query(ctx, `WITH held AS (SELECT shard, epoch FROM perdure.leases WHERE hub = $1 AND owner = $3 FOR SHARE)
		SELECT c.fence, coalesce(l.shard, 0), coalesce(l.epoch, 0) FROM perdure.committers c LEFT JOIN held l ON true
		WHERE c.hub = $1 AND c.slot = $2 AND c.owner = $3`, c.h.number, c.slot, c.h.owner)
	if err != nil {
		return err
	}
	defer rows.Close()
	v := view{count: count}
	for rows.Next() {
		var shard int16
		var epoch int64
		if err := rows.Scan(&v.fence, &shard, &epoch); err != nil {
			return err
		}
		v.known = true
		if epoch > 0 {
			v.epochs[shard] = uint64(epoch)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	c.view = v
	if !v.known { // somebody else has taken the place of one that seemed dead
		c.placed = false
		return errAgain
	}
	return nil
}

// written takes note of a group that is written.
func (c *committer) written(b *batch) {
	c.number++
	c.cells.add(b.delta)
	if b.folds {
		c.folded, c.foldAt = c.number, time.Now()
	}
}
