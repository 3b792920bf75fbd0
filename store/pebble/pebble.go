// Package pebble keeps hubs in a directory, by the embedded engine Pebble.
//
// One process opens a directory; any number of hubs lie in it. A group is one
// batch in Pebble's log, applied at once and durable with the log's next sync,
// so that groups that arrive during a sync share the one that follows. What
// reads return may not be durable yet; Barrier says when it is.
//
// A failed write or sync ends the store (rule R5): Submit, Wait and Barrier
// return store.ErrFailed until the directory is opened anew.
package pebble

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// DB is an open directory. Its methods may be called concurrently.
type DB struct {
	dir     string
	opts    Options
	fs      *guardFS
	lock    io.Closer
	state   *failState
	eng     *engine.DB
	openID  [16]byte // random, made by Open
	syncs   atomic.Int64
	commits atomic.Int64
	groups  atomic.Int64
	space   *spaceGuard

	apply   chan *applyJob // to the applier; closed by Close
	settle  chan *group    // to the settler, in the order applied
	workers sync.WaitGroup // applier and settler

	mu     sync.Mutex // guards hubs and closed
	hubs   map[string]*Hub
	closed bool
}

// closeLimit is how long Close waits for an engine that has failed. One that
// hangs in a write is left behind, without the directory's lock.
const closeLimit = time.Second

// Close ends all hubs, flushes what the log holds and releases the directory.
// It waits for groups in flight. A second call does nothing.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	for _, h := range db.hubs {
		h.end()
	}
	db.mu.Unlock()

	close(db.apply) // no hub is left to send
	close(db.settle)
	err := db.finish()
	if lockErr := db.lock.Close(); err == nil {
		err = lockErr
	}
	return err
}

// finish waits for the workers and closes the engine, for as long as it works.
func (db *DB) finish() error {
	done := make(chan error, 1)
	go func() {
		db.workers.Wait()
		done <- db.closeEngine()
	}()
	select {
	case err := <-done:
		return err
	case <-db.state.down:
	}
	select {
	case err := <-done:
		return err
	case <-time.After(closeLimit):
		return fmt.Errorf("close %s: %w", db.dir, db.state.err())
	}
}

// closeEngine flushes the log empty, so that later damage of it takes nothing
// away, and closes the engine.
func (db *DB) closeEngine() error {
	failed := db.flush()
	db.state.beginClose()
	return errors.Join(failed, db.state.guarded(db.eng.Close))
}

// flush writes what memory holds to tables. It returns when the store fails,
// which Pebble's own Flush does not.
func (db *DB) flush() error {
	if err := db.state.check(); err != nil {
		return err
	}
	return db.state.leavable(func() error {
		flushed, err := db.eng.AsyncFlush()
		if err != nil {
			return err
		}
		select {
		case <-flushed:
		case <-db.state.down:
		}
		return nil
	})
}

// applyJob is a batch on its way into the engine.
type applyJob struct {
	batch *engine.Batch
	done  chan error // receives once
}

// runApplier applies batches. It is a goroutine of its own so that Submit can
// return when the engine hangs.
func (db *DB) runApplier() {
	defer db.workers.Done()
	for job := range db.apply {
		job.done <- db.state.guarded(func() error {
			if db.opts.UnsafeNoSync {
				return db.eng.Apply(job.batch, engine.NoSync)
			}
			return db.eng.ApplyNoSyncWait(job.batch, engine.Sync)
		})
	}
}

// applyBatch puts a batch into the engine: on return without error reads see it.
func (db *DB) applyBatch(batch *engine.Batch) error {
	job := &applyJob{batch: batch, done: make(chan error, 1)}
	select {
	case db.apply <- job:
	case <-db.state.down:
		return db.state.err()
	}
	select {
	case err := <-job.done:
		return err
	case <-db.state.down:
		return db.state.err()
	}
}

// write applies a batch of the store itself and waits until it is durable.
func (db *DB) write(fill func(*engine.Batch) error) error {
	if err := db.state.check(); err != nil {
		return err
	}
	return db.state.leavable(func() error {
		batch := db.eng.NewBatch()
		defer batch.Close()
		if err := fill(batch); err != nil {
			return err
		}
		return db.eng.Apply(batch, engine.Sync)
	})
}

var _ store.Store = (*Hub)(nil)
