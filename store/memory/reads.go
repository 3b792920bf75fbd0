package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/store"
)

// defaultPage is the number of entries of a page without a limit.
const defaultPage = 1000

// Instance implements store.Reads.
func (h *Hub) Instance(ctx context.Context, id string) (*store.Record, error) {
	s, err := h.view(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.record(id)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("instance %q: %w", id, store.ErrNotFound)
	}
	return cloneRecord(r), nil
}

// History implements store.Reads.
func (h *Hub) History(ctx context.Context, id, branch string, from uint64, limit int) (chunks []store.Chunk, err error) {
	s, err := h.view(ctx)
	if err != nil {
		return nil, err
	}
	p := chunkPrefix(id, branch)
	size := 0
	s.chunks.each(prefix(p).from(p+number(from)), false, func(_ string, c store.Chunk) bool {
		c.Data = slices.Clone(c.Data)
		chunks = append(chunks, c)
		size += len(c.Data)
		return limit <= 0 || size <= limit
	})
	return chunks, nil
}

// Messages implements store.Inbox.
func (h *Hub) Messages(ctx context.Context, shard store.Shard, cursor []byte, limit int) ([]store.Message, []byte, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	s, err := h.view(ctx)
	if err != nil {
		return nil, nil, err
	}
	list, next := page(s.messages, prefix(messagePrefix(shard)), false, cursor, limit)
	for i := range list {
		list[i].Data = slices.Clone(list[i].Data)
	}
	return list, next, nil
}

// page reads one page of a span; the cursor is the key of its last entry.
func page[V any](t tree[V], s span, desc bool, cursor []byte, limit int) (list []V, next []byte) {
	switch {
	case len(cursor) == 0:
	case desc:
		s = s.to(string(cursor))
	default:
		s = s.from(after(string(cursor)))
	}
	last := ""
	t.each(s, desc, func(k string, v V) bool {
		if len(list) == limit {
			next = []byte(last)
			return false
		}
		list, last = append(list, v), k
		return true
	})
	return list, next
}

// MessagesOf implements store.Inbox.
func (h *Hub) MessagesOf(ctx context.Context, target string) (list []store.Message, err error) {
	s, err := h.view(ctx)
	if err != nil {
		return nil, err
	}
	s.messages.each(prefix(messagePrefix(store.ShardOf(target))+text(target)), false, func(_ string, m store.Message) bool {
		m.Data = slices.Clone(m.Data)
		list = append(list, m)
		return true
	})
	return list, nil
}

// Timers implements store.Inbox.
func (h *Hub) Timers(ctx context.Context, shard store.Shard, from, to time.Time, cursor []byte, limit int) ([]store.Timer, []byte, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	s, err := h.view(ctx)
	if err != nil {
		return nil, nil, err
	}
	p := messagePrefix(shard)
	window := prefix(p).to(p + moment(to))
	if !from.IsZero() {
		window = window.from(p + moment(from))
	}
	list, next := page(s.timers, window, false, cursor, limit)
	for i := range list {
		list[i].Data = slices.Clone(list[i].Data)
	}
	return list, next, nil
}

// TimersOf implements store.Inbox.
func (h *Hub) TimersOf(ctx context.Context, owner string) (list []store.Timer, err error) {
	s, err := h.view(ctx)
	if err != nil {
		return nil, err
	}
	s.ownTimers.each(prefix(text(owner)), false, func(_ string, keys []string) bool {
		for _, k := range keys {
			t, _ := s.timers.get(k)
			t.Data = slices.Clone(t.Data)
			list = append(list, t)
		}
		return true
	})
	slices.SortStableFunc(list, func(a, b store.Timer) int { return a.Due.Compare(b.Due) })
	return list, nil
}

// Rows implements store.Reads.
func (h *Hub) Rows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	s, err := h.view(ctx)
	if err != nil {
		return nil, nil, err
	}
	if q.Owner != "" {
		p := rowPrefix(q.Owner, q.Kind)
		window := prefix(p + string(q.Prefix)).from(p + string(q.From))
		if q.To != nil {
			window = window.to(p + string(q.To))
		}
		list, next := page(s.rows, window, q.Desc, q.After, limit)
		for i := range list {
			list[i] = cloneRow(list[i])
		}
		return list, next, nil
	}
	p := rowIndexPrefix(q.Kind, q.Index)
	window := prefix(p).from(p + openText(string(q.From)))
	if q.To != nil {
		window = window.to(p + openText(string(q.To)))
	}
	keys, next := page(s.rowIndex, window, q.Desc, q.After, limit)
	list := make([]store.Row, 0, len(keys))
	for _, k := range keys {
		r, _ := s.rows.get(k)
		list = append(list, cloneRow(r))
	}
	return list, next, nil
}

// Counts implements store.Reads.
func (h *Hub) Counts(ctx context.Context) (list []store.Count, err error) {
	s, err := h.view(ctx)
	if err != nil {
		return nil, err
	}
	s.cells.each(span{}, false, func(_ string, c store.Count) bool {
		list = append(list, c)
		return true
	})
	return list, nil
}

const (
	defaultLimit  = 100
	defaultBudget = 50_000
)

// List implements store.Reads, by walking all records in the order wanted.
func (h *Hub) List(ctx context.Context, q store.Query) (p store.Page, err error) {
	s, err := h.view(ctx)
	if err != nil {
		return p, err
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	if q.Budget <= 0 {
		q.Budget = defaultBudget
	}
	ids, window, desc := s.order(&q)
	if len(q.After) > 0 {
		if q.After[0] != byte(q.Order) {
			return p, fmt.Errorf("list: %w", store.ErrCursor)
		}
		if desc {
			window = window.to(string(q.After[1:]))
		} else {
			window = window.from(after(string(q.After[1:])))
		}
	}
	last := ""
	ids(window, desc, func(key, id string) bool {
		if p.Partial = p.Scanned == q.Budget; p.Partial || len(p.Records) == q.Limit {
			p.Next = append([]byte{byte(q.Order)}, last...)
			return false
		}
		p.Scanned++
		last = key
		var r *store.Record
		if r, err = s.record(id); err != nil {
			return false
		}
		if fits(&q, r) {
			p.Records = append(p.Records, cloneRecord(r))
		}
		return true
	})
	if err != nil {
		return store.Page{}, err
	}
	return p, nil
}

// order returns a walk over ids in the order of a query, and its span.
func (s *state) order(q *store.Query) (ids func(span, bool, func(key, id string) bool), window span, desc bool) {
	desc = q.Order == store.CreatedDesc || q.Order == store.CompletedDesc
	switch q.Order {
	case store.IDAsc:
		ids = func(w span, desc bool, visit func(key, id string) bool) {
			s.records.each(w, desc, func(id string, _ *store.Record) bool { return visit(id, id) })
		}
		return ids, prefix(q.IDPrefix), desc
	case store.CompletedAsc, store.CompletedDesc:
		return s.completed.each, window, desc
	}
	return s.created.each, window, desc
}

// fits reports whether a record meets all conditions of a query.
func fits(q *store.Query, r *store.Record) bool {
	in := func(t, from, to time.Time) bool {
		return (from.IsZero() || !t.IsZero() && !t.Before(from)) && (to.IsZero() || !t.IsZero() && t.Before(to))
	}
	return q.WantsKind(r.Kind) &&
		(len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.Status)) &&
		(len(q.Phases) == 0 || slices.Contains(q.Phases, r.Phase)) &&
		(len(q.Names) == 0 || slices.Contains(q.Names, r.Name)) &&
		strings.HasPrefix(r.ID, q.IDPrefix) &&
		(q.Parent == "" || r.Parent == q.Parent) &&
		(q.Agent == "" || r.Agent == q.Agent) &&
		(q.Session == "" || r.Session == q.Session) &&
		(q.Tag[0] == "" || tagged(r, q.Tag)) &&
		in(r.Created, q.CreatedFrom, q.CreatedTo) &&
		in(r.Completed, q.CompletedFrom, q.CompletedTo) &&
		(!q.WorkOnly || r.Work) &&
		(len(q.Shards) == 0 || slices.Contains(q.Shards, store.ShardOf(r.ID))) &&
		(q.Match == nil || q.Match(cloneRecord(r)))
}

// tagged reports whether a record has a tag with this value.
func tagged(r *store.Record, tag [2]string) bool {
	v, ok := r.Tags[tag[0]]
	return ok && v == tag[1]
}
