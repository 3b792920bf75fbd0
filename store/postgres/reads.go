package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// Instance implements store.Reads.
func (h *Hub) Instance(ctx context.Context, id string) (*store.Record, error) {
	list, err := query(ctx, h, "instance", func(row pgx.CollectableRow) (*store.Record, error) {
		var body []byte
		if err := row.Scan(&body); err != nil {
			return nil, err
		}
		return h.record(id, body)
	}, `SELECT body FROM perdure.instances WHERE hub = $1 AND shard = $2 AND id = $3`, h.number, int16(store.ShardOf(id)), []byte(id))
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, fmt.Errorf("instance %q: %w", id, store.ErrNotFound)
	}
	return list[0], nil
}

// historyPage is how many chunks are fetched at once when the bytes are limited.
const historyPage = 64

// History implements store.Reads.
func (h *Hub) History(ctx context.Context, id, branch string, from uint64, limit int) (chunks []store.Chunk, err error) {
	page := any(nil) // all
	if limit > 0 {
		page = historyPage
	}
	for size := 0; ; {
		list, err := query(ctx, h, "history", func(row pgx.CollectableRow) (c store.Chunk, err error) {
			var seq int64
			if err = row.Scan(&seq, &c.Data); err != nil {
				return c, err
			}
			c.Seq = uint64(seq)
			c.Data, err = h.unseal(c.Data, "chunk %d of %q", seq, id)
			return c, err
		}, `SELECT seq, data FROM perdure.chunks WHERE hub = $1 AND shard = $2 AND id = $3 AND branch = $4 AND seq >= $5 ORDER BY seq LIMIT $6`,
			h.number, int16(store.ShardOf(id)), []byte(id), branchBytes(branch), int64(from), page)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			chunks, size = append(chunks, c), size+len(c.Data)
			if limit > 0 && size > limit {
				return chunks, nil
			}
		}
		if limit <= 0 || len(list) < historyPage {
			return chunks, nil
		}
		from = chunks[len(chunks)-1].Seq + 1
	}
}

// Stats implements store.Admin. Counts are this process's, the size is that of the
// database.
func (h *Hub) Stats(ctx context.Context) (store.Stats, error) {
	size, err := query(ctx, h, "size", pgx.RowTo[int64], `SELECT pg_database_size(current_database())`)
	if err != nil {
		return store.Stats{}, err
	}
	groups := h.groups.Load()
	return store.Stats{Commits: h.commits.Load(), Groups: groups, Syncs: groups, DiskBytes: size[0]}, nil
}

// Compact implements store.Admin: it frees the space of what was deleted, for later
// writes.
func (h *Hub) Compact(ctx context.Context) error {
	if err := h.open(); err != nil {
		return err
	}
	for _, table := range hubTables {
		if _, err := h.db.pool.Exec(ctx, `VACUUM (ANALYZE) perdure.`+table); err != nil {
			return fmt.Errorf("compact %s: %w", table, explained(err))
		}
	}
	return nil
}
