package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

func (h *Hub) scanRow(row pgx.CollectableRow) (r store.Row, err error) {
	var owner, value []byte
	var kind int32
	if err = row.Scan(&owner, &kind, &r.Key, &r.Keep, &r.Index[0], &r.Index[1], &value); err != nil {
		return r, err
	}
	r.Owner, r.Kind = string(owner), store.RowKind(kind)
	r.Value, err = h.unseal(value, "row %q of %q, kind %d", r.Key, r.Owner, kind)
	return r, err
}

// conditions collects the conditions of a query and their arguments.
type conditions struct {
	text string
	args []any
}

// add adds a condition, in which each %s stands for one of the arguments.
func (c *conditions) add(format string, args ...any) {
	places := make([]any, len(args))
	for i, a := range args {
		c.args = append(c.args, a)
		places[i] = fmt.Sprintf("$%d", len(c.args))
	}
	if c.text != "" {
		c.text += " AND "
	}
	c.text += fmt.Sprintf(format, places...)
}

// Rows implements store.Reads. A cursor is the key that the page ended with.
func (h *Hub) Rows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	where, order, err := h.rowConditions(&q)
	if err != nil {
		return nil, nil, err
	}
	list, err := query(ctx, h, "rows", h.scanRow, rowsQuery(where, order, limit+1), where.args...)
	if err != nil || len(list) <= limit {
		return list, nil, err
	}
	list = list[:limit]
	last := &list[limit-1]
	if q.Owner != "" {
		return list, appendText(nil, last.Key), nil // never empty, as a key may be
	}
	return list, appendText(appendText(appendText(nil, last.Index[q.Index]), last.Owner), last.Key), nil
}

func rowsQuery(where conditions, order string, limit int) string {
	return fmt.Sprintf(`SELECT owner, kind, key, keep, index0, index1, value FROM perdure.rows
		WHERE %s ORDER BY %s LIMIT %d`, where.text, order, limit)
}

// rowConditions returns the condition of a query and its order.
func (h *Hub) rowConditions(q *store.RowQuery) (c conditions, order string, err error) {
	after, direction := ">", ""
	if q.Desc {
		after, direction = "<", " DESC"
	}
	c.add("hub = %s AND kind = %s", h.number, int32(q.Kind))
	if q.Owner != "" {
		c.add("shard = %s AND owner = %s", int16(store.ShardOf(q.Owner)), []byte(q.Owner))
		if len(q.Prefix) > 0 {
			c.add("key >= %s", q.Prefix)
			if end := prefixEnd(q.Prefix); end != nil {
				c.add("key < %s", end)
			}
		}
		c.bounds("key", q)
		if len(q.After) > 0 {
			s := scanner{b: q.After}
			if c.add("key "+after+" %s", s.bytes(s.uvarint())); s.bad {
				return c, "", store.ErrCursor
			}
		}
		return c, "key" + direction, nil
	}
	if q.Index != 0 && q.Index != 1 {
		return c, "", fmt.Errorf("rows have no index %d", q.Index)
	}
	column := fmt.Sprintf("index%d", q.Index)
	c.add(column + " IS NOT NULL")
	c.bounds(column, q)
	if len(q.After) > 0 {
		s := scanner{b: q.After}
		index, owner, key := s.bytes(s.uvarint()), s.bytes(s.uvarint()), s.bytes(s.uvarint())
		if s.bad {
			return c, "", store.ErrCursor
		}
		c.add("("+column+", owner, key) "+after+" (%s::bytea, %s::bytea, %s::bytea)", index, owner, key)
	}
	return c, fmt.Sprintf("%[1]s%[2]s, owner%[2]s, key%[2]s", column, direction), nil
}

func (c *conditions) bounds(column string, q *store.RowQuery) {
	if len(q.From) > 0 {
		c.add(column+" >= %s", q.From)
	}
	if q.To != nil {
		c.add(column+" < %s", q.To)
	}
}

// prefixEnd returns the first key after all that begin with k; nil = none.
func prefixEnd(k []byte) []byte {
	end := append([]byte(nil), k...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// argument returns a text with the place of the newest argument.
func argument(c *conditions, format string) string {
	return fmt.Sprintf(format, fmt.Sprintf("$%d", len(c.args)))
}
