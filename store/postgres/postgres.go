// Package postgres keeps hubs in a PostgreSQL database that several nodes share.
//
// A group is one round trip: a pipelined batch of a few statements with arrays,
// which PostgreSQL runs as one transaction. It begins with the fence, checks
// versions where it writes them, and ends with the group's entry in the change
// feed. A commit that fails its check fails the batch; it is taken out and the
// rest sent again. A group whose connection ends in the middle is looked up on
// another one: its fence is raised, so that it cannot come late, and its entry in
// the feed tells whether it was written (decision 0018).
//
// Statements need nothing of a session and no advisory locks, so that poolers may
// stand between; rows are skipped that are locked only when a committer looks for a
// free place. What reads return is durable.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perdure/perdure/store"
)

// DB is an open database. Its methods may be called concurrently.
type DB struct {
	opts   Options
	cfg    *pgx.ConnConfig
	pool   *pgxpool.Pool // for reads and everything that is not a group
	pooled bool

	life context.Context // ends with Close
	end  context.CancelFunc

	self  string         // names this process in hints
	hints *hints         // for other processes
	hears atomic.Bool    // theirs come in
	work  sync.WaitGroup // what runs in the background

	naming sync.Mutex // held while hubs are opened, made and dropped, which takes time
	mu     sync.Mutex // guards hubs and closed, for moments
	hubs   map[string]*Hub
	closed bool
}

// Open opens a database by its address (postgres://user@host/database). It makes
// the schema or brings it up to date, unless told otherwise, and refuses servers
// that would lose what they acknowledge. Errors hold no password.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	cfg, err := parse(url)
	if err != nil {
		return nil, err
	}
	db := &DB{opts: opts.withDefaults(), cfg: cfg, self: strconv.FormatInt(randomOwner(), 36), hints: newHints(), hubs: make(map[string]*Hub)}
	first, err := connectOnce(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", db.name(), err)
	}
	err = db.prepare(ctx, first)
	_ = first.Close(ctx) // it was for looking only
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", db.name(), err)
	}
	if err := db.openPool(); err != nil {
		return nil, fmt.Errorf("open %s: %w", db.name(), err)
	}
	db.life, db.end = context.WithCancel(context.Background())
	db.work.Add(1)
	go db.runNotifier()
	if !db.pooled {
		db.work.Add(1)
		go db.runListener()
	}
	return db, nil
}

// name is the database without the password.
func (db *DB) name() string {
	return fmt.Sprintf("PostgreSQL database %q on %s:%d as %q", db.cfg.Database, db.cfg.Host, db.cfg.Port, db.cfg.User)
}

// prepare checks the schema.
func (db *DB) prepare(ctx context.Context, s *session) error {
	db.pooled = s.pooled
	if s.pooled && db.cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		db.cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // statements have no names then
	}
	if !s.server.checksums {
		db.opts.Logger.Warn("the database has no data checksums: damage of its files may go unnoticed", "database", db.cfg.Database)
	}
	version, err := schemaVersion(ctx, s.Conn)
	if err != nil {
		return explained(err)
	}
	switch known := len(migrations()); {
	case version > known:
		return knownVersion(version)
	case version == known:
		return db.meet(ctx, s)
	case db.opts.NoMigrate:
		return fmt.Errorf("%w: the database has schema version %d and needs %d; run `perdure migrate`", store.ErrFormat, version, known)
	}
	if err := migrate(ctx, s.Conn); err != nil {
		return err
	}
	return db.meet(ctx, s)
}

func (db *DB) openPool() error {
	cfg, err := pgxpool.ParseConfig("")
	if err != nil {
		return err
	}
	cfg.ConnConfig = db.cfg.Copy()
	cfg.MaxConns = int32(db.opts.Connections)
	cfg.MaxConnIdleTime = time.Minute
	cfg.PingTimeout = answerLimit // of one that was idle for a second, before it is used again
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		s, err := inspect(ctx, conn)
		if err == nil && s.pooled && !db.pooled {
			err = errors.New("the connection is pooled now and was not before")
		}
		if err == nil {
			err = db.meet(ctx, s)
		}
		return err
	}
	db.pool, err = pgxpool.NewWithConfig(context.Background(), cfg)
	return err
}

// Close ends all hubs and all connections. It waits for groups in flight. A second
// call does nothing.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	hubs := db.hubs
	db.hubs = nil
	db.mu.Unlock()
	for _, h := range hubs {
		h.close()
	}
	db.end()
	db.work.Wait()
	db.pool.Close()
	return nil
}

// The pause after a try that met a database which cannot be reached; it doubles.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// patient runs fn until it succeeds or fails for a reason that does not pass, for
// as long as the options allow. fn may run more than once.
func (db *DB) patient(ctx context.Context, fn func(ctx context.Context) error) error {
	limit, cancel := context.WithTimeout(ctx, db.opts.Patience)
	defer cancel()
	var why error // of the newest try that did not merely run out of time
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := fn(limit)
		if why == nil || limit.Err() == nil {
			why = err
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case db.life.Err() != nil:
			return store.ErrClosed
		case limit.Err() != nil:
			return fmt.Errorf("%w: %w", store.ErrUnavailable, explained(why))
		case !passing(err) && !is(err, serialization, deadlock):
			return refused(err)
		}
		select {
		case <-time.After(pause):
		case <-limit.Done():
		case <-db.life.Done():
		}
	}
}

// tx runs a short transaction, again if it met others in the way.
func (db *DB) tx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return db.patient(ctx, func(ctx context.Context) error {
		return db.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			return lost(c.Conn(), pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
				// A client that stops in the middle must not hold locks for long.
				if _, err := tx.Exec(ctx, `SET LOCAL idle_in_transaction_session_timeout = '2s'`, pgx.QueryExecModeExec); err != nil {
					return err
				}
				return fn(ctx, tx)
			}))
		})
	})
}

var _ store.Store = (*Hub)(nil)
