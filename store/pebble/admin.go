package pebble

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure/store"
)

// Stats implements store.Admin. Counts and sizes are those of the directory, with
// all its hubs.
func (h *Hub) Stats(ctx context.Context) (s store.Stats, err error) {
	err = h.read(ctx, func() error {
		m := h.db.eng.Metrics()
		s = store.Stats{
			Commits: h.db.commits.Load(), Groups: h.db.groups.Load(), Syncs: h.db.syncs.Load(),
			DiskBytes:   h.db.diskBytes(),
			FreeBytes:   h.db.space.free(),
			MemoryBytes: m.BlockCache.Size + m.FileCache.Size + int64(m.MemTable.Size),
		}
		return nil
	})
	return s, err
}

// Compact implements store.Admin.
func (h *Hub) Compact(ctx context.Context) error {
	return h.read(ctx, func() error {
		if err := h.db.state.check(); err != nil {
			return err
		}
		err := h.db.state.leavable(func() error {
			return h.db.eng.Compact(ctx, []byte{layoutVersion}, []byte{layoutVersion + 1}, false)
		})
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		// Twice: the second flush makes a log, of one emptied before, and leaves
		// the one in use until then.
		for range 2 {
			if err := h.db.flush(); err != nil {
				return err
			}
			if err := h.db.trimLogs(); err != nil {
				return err
			}
		}
		return h.db.awaitCleanup(ctx)
	})
}

// Old tables are removed in the background; this is how often and how many times
// Compact looks whether they are gone.
const (
	cleanupEvery = 10 * time.Millisecond
	cleanupLooks = 1000
)

func (db *DB) awaitCleanup(ctx context.Context) error {
	tick := time.NewTicker(cleanupEvery)
	defer tick.Stop()
	for range cleanupLooks {
		m := db.eng.Metrics()
		if m.Table.ObsoleteCount == 0 && m.Table.ZombieCount == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-db.state.down:
			return db.state.err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil // the rest will follow
}

// diskBytes is the size of the directory's files but for the ballast.
func (db *DB) diskBytes() (sum int64) {
	names, err := db.opts.FS.List(db.dir)
	if err != nil {
		return 0
	}
	for _, name := range names {
		if name == ballastName {
			continue
		}
		if info, err := db.opts.FS.Stat(db.opts.FS.PathJoin(db.dir, name)); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// trimLogs empties the logs that the engine keeps to use again. While it knows
// of one live log that is the newest, and all before it are of no use; what it
// takes for a new log meanwhile has got a new name by then.
func (db *DB) trimLogs() error {
	names, err := db.opts.FS.List(db.dir)
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	logs := sortedLogs(names)
	if len(logs) < 2 || db.eng.Metrics().WAL.Files != 1 {
		return nil
	}
	return db.fs.empty(logs[:len(logs)-1])
}
