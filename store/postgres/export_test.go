package postgres

import (
	"context"

	"github.com/perdure/perdure/store"
)

// Abandon ends an open database as the end of its process would: nothing is
// finished, looked up or given back.
func (db *DB) Abandon() {
	db.end()
	_ = db.Close()
}

// ListSQL returns the statement that a list begins with.
func (h *Hub) ListSQL(ctx context.Context, q store.Query) (string, []any, error) {
	s := search{h: h, query: q}
	if err := s.choose(ctx); err != nil {
		return "", nil, err
	}
	sql, args := s.sql(firstLook)
	return sql, args, nil
}

// RowsSQL returns the statement that reads rows.
func (h *Hub) RowsSQL(q store.RowQuery) (string, []any, error) {
	where, order, err := h.rowConditions(&q)
	return rowsQuery(where, order, defaultPage), where.args, err
}

// Decode decodes what the database and callers hand in: records, entries of the change
// feed, counters, positions and cursors.
func Decode(b []byte) (again []byte, ok bool) {
	if r, ok := decodeRecord("id", b); ok {
		return appendRecord(nil, r), true
	}
	if e, ok := decodeEntry(b); ok {
		return e.append(nil), true
	}
	var m messagePlace
	m.decode(b)
	var a arrivals
	a.decode(b)
	if p, ok := decodePosition(store.Position(b), 1); ok {
		return []byte(p.encode(1)), true
	}
	return nil, false
}

// Sample returns the stored forms of a record and of an entry.
func Sample(r *store.Record) (record, feed []byte) {
	e := entry{}
	e.add(&store.Commit{ID: r.ID, Record: r})
	return appendRecord(nil, r), e.append(nil)
}

// Encryption is what Check says of how an address is encrypted.
func Encryption(url string) (store.Finding, error) {
	cfg, err := parse(url)
	if err != nil {
		return store.Finding{}, err
	}
	var c checkup
	c.encryption(cfg)
	return c.findings[0], nil
}
