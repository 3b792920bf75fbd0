package pebble

import (
	"context"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// Stats implements store.Admin. Counts and sizes are those of the directory, with
// all its hubs.
func (h *Hub) Stats(ctx context.Context) (s store.Stats, err error) {
	err = h.read(ctx, func() error {
		m := h.db.eng.Metrics()
		s = store.Stats{
			Commits: h.db.commits.Load(), Groups: h.db.groups.Load(), Syncs: h.db.syncs.Load(),
			DiskBytes:   int64(m.DiskSpaceUsage()),
			FreeBytes:   h.db.space.free(),
			MemoryBytes: m.BlockCache.Size + m.FileCache.Size + int64(m.MemTable.Size),
		}
		return nil
	})
	return s, err
}

// Backup implements store.Admin: a copy of the whole directory, with all its
// hubs, that Open accepts. Tables are linked where the file system can.
func (h *Hub) Backup(ctx context.Context, dir string) error {
	return h.read(ctx, func() error {
		if err := h.db.state.check(); err != nil {
			return err
		}
		if err := h.db.eng.Checkpoint(dir, engine.WithFlushedWAL()); err != nil {
			return fmt.Errorf("backup to %s: %w", dir, err)
		}
		if err := writeFormat(h.db.opts.FS, dir); err != nil {
			return fmt.Errorf("backup to %s: %w", dir, err)
		}
		return nil
	})
}

// Compact implements store.Admin.
func (h *Hub) Compact(ctx context.Context) error {
	return h.read(ctx, func() error {
		if err := h.db.state.check(); err != nil {
			return err
		}
		if err := h.db.state.guarded(h.db.eng.Flush); err != nil {
			return err
		}
		return h.db.eng.Compact(ctx, []byte{layoutVersion}, []byte{layoutVersion + 1}, false)
	})
}
