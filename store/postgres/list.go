package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

const (
	defaultLimit  = 100
	defaultBudget = 50_000
	// Entries that one look examines: about what the page wants, and more when
	// few of them fit.
	firstLook = 64
	lastLook  = 2048
)

// search is a Query under way.
type search struct {
	h     *Hub
	query store.Query
	plan  plan
	after []byte // id of the entry examined last, with at
	at    int64
	begun bool // after and at are set
	page  store.Page
}

// candidate is an entry of an index, with the record if the entry fits.
type candidate struct {
	at   int64
	id   []byte
	body []byte // nil = the columns do not fit
}

// List implements store.Reads. It walks the index that fits best in the order
// wanted. PostgreSQL compares what lists have columns for, and returns the records
// of entries that fit; these are asked for the rest.
func (h *Hub) List(ctx context.Context, q store.Query) (store.Page, error) {
	s := search{h: h, query: q}
	if s.query.Limit <= 0 {
		s.query.Limit = defaultLimit
	}
	if s.query.Budget <= 0 {
		s.query.Budget = defaultBudget
	}
	if len(q.After) > 0 {
		at, n := binary.Varint(q.After[1:])
		if q.After[0] != byte(q.Order) || n <= 0 {
			return store.Page{}, fmt.Errorf("list: %w", store.ErrCursor)
		}
		s.at, s.after, s.begun = at, q.After[1+n:], true
	}
	if err := s.choose(ctx); err != nil {
		return store.Page{}, err
	}
	for look := max(firstLook, s.query.Limit+1); ; look = min(4*look, max(lastLook, s.query.Limit+1)) {
		list, err := s.look(ctx, look)
		if err != nil {
			return store.Page{}, err
		}
		for i := range list {
			more, err := s.examine(&list[i])
			if err != nil {
				return store.Page{}, fmt.Errorf("list: %w", err)
			}
			if !more {
				return s.page, nil
			}
		}
		if len(list) < look {
			return s.page, nil
		}
	}
}

// examine looks at an entry and reports whether the search goes on.
func (s *search) examine(c *candidate) (bool, error) {
	cursor := func() []byte { return append(binary.AppendVarint([]byte{byte(s.query.Order)}, s.at), s.after...) }
	switch {
	case len(s.page.Records) == s.query.Limit:
		s.page.Next = cursor()
		return false, nil
	case s.page.Scanned == s.query.Budget:
		s.page.Next, s.page.Partial = cursor(), true
		return false, nil
	}
	s.page.Scanned++
	s.at, s.after, s.begun = c.at, c.id, true
	if c.body == nil {
		return true, nil
	}
	r, err := s.h.record(string(c.id), c.body)
	if err == nil && s.query.Fits(r) {
		s.page.Records = append(s.page.Records, r)
	}
	return true, err
}

// look returns the next entries in order.
func (s *search) look(ctx context.Context, n int) ([]candidate, error) {
	sql, args := s.sql(n)
	return query(ctx, s.h, "list", func(row pgx.CollectableRow) (c candidate, err error) {
		return c, row.Scan(&c.at, &c.id, &c.body)
	}, sql, args...)
}

// sql builds the statement of a look: the ranges of the plan, each by its index, the
// first n of all, and of these the records that fit. Columns and order come from
// constants, whatever the caller gives is an argument.
func (s *search) sql(n int) (string, []any) {
	q := &s.query
	var c conditions
	c.add("l.hub = %s", s.h.number)
	from := s.plan.ranges(&c)
	key, direction, beyond := "l."+s.plan.key, "", ">"
	if s.plan.desc {
		direction, beyond = " DESC", "<"
	}
	if s.plan.key == "id" {
		key = "0::int8"
		if q.IDPrefix != "" {
			c.add("l.id >= %s", []byte(q.IDPrefix))
			if end := prefixEnd([]byte(q.IDPrefix)); end != nil {
				c.add("l.id < %s", end)
			}
		}
		if s.begun {
			c.add("l.id > %s", s.after)
		}
	} else {
		bounds(&c, key, s.plan.from, s.plan.to)
		if s.begun {
			c.add("("+key+", l.id) "+beyond+" (%s::int8, %s::bytea)", s.at, s.after)
		}
	}
	order := "l." + s.plan.key + direction
	if s.plan.key != "id" {
		order += ", l.id" + direction
	}
	inner := fmt.Sprintf(`SELECT %s AS at, l.* FROM %s l WHERE %s ORDER BY %s LIMIT %d`, key, s.plan.table, c.text, order, n)
	fits := s.filter(&c)
	sql := fmt.Sprintf(`SELECT l.at, l.id, i.body FROM (SELECT l.* FROM %s LATERAL (%s) l ORDER BY %s LIMIT %d) l
		LEFT JOIN perdure.listing e ON %s
		LEFT JOIN perdure.instances i ON i.hub = e.hub AND i.shard = e.shard AND i.id = e.id AND %s ORDER BY %s`,
		from, inner, order, n, s.plan.join, fits, order)
	return sql, c.args
}

// filter returns the condition that the columns of an entry e must meet.
func (s *search) filter(c *conditions) string {
	q := &s.query
	f := conditions{args: c.args}
	f.add("true")
	if !q.WorkOnly || q.Kind != store.Orchestration {
		f.add("e.kind = %s", int16(q.Kind))
	}
	if len(q.Statuses) > 0 {
		f.add("e.state >> 4 = ANY (%s::int4[])", numbers(q.Statuses))
	}
	if len(q.Phases) > 0 {
		f.add("e.state & 15 = ANY (%s::int4[])", numbers(q.Phases))
	}
	if len(q.Names) > 0 {
		f.add("e.name = ANY (%s::bytea[])", byteSlices(q.Names))
	}
	if q.IDPrefix != "" {
		f.add("substr(e.id, 1, length(%s::bytea)) = %s::bytea", []byte(q.IDPrefix), []byte(q.IDPrefix))
	}
	for _, one := range [...]struct{ column, value string }{{"parent", q.Parent}, {"agent", q.Agent}, {"session", q.Session}} {
		if one.value != "" {
			f.add("e."+one.column+" = %s", []byte(one.value))
		}
	}
	if q.WorkOnly {
		f.add("e.work")
	}
	if len(q.Shards) > 0 {
		f.add("e.shard = ANY (%s::int2[])", columnOf(q.Shards))
	}
	bounds(&f, "e.created", q.CreatedFrom, q.CreatedTo)
	bounds(&f, "e.completed", q.CompletedFrom, q.CompletedTo)
	c.args = f.args
	return f.text
}

func numbers[T ~uint8](list []T) []int32 {
	out := make([]int32, len(list))
	for i, n := range list {
		out[i] = int32(n)
	}
	return out
}

func byteSlices(list []string) [][]byte {
	out := make([][]byte, 0, len(list))
	for _, s := range slices.Compact(slices.Sorted(slices.Values(list))) {
		out = append(out, []byte(s))
	}
	return out
}
