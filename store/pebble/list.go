package pebble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

const (
	defaultLimit  = 100
	defaultBudget = 50_000
)

// place is where a list stands: the sort key and the id of an entry.
type place struct {
	at int64 // created or completed; 0 in order of ids
	id string
}

func (p place) less(q place, desc bool) bool {
	if p.at != q.at {
		return (p.at < q.at) != desc
	}
	if p.id != q.id {
		return (p.id < q.id) != desc
	}
	return false
}

// cursor binds a place to the order of its list.
func cursor(o store.Order, p place) []byte {
	return append(appendTime([]byte{byte(o)}, p.at), p.id...)
}

func cutCursor(o store.Order, c []byte) (p place, err error) {
	if len(c) == 0 {
		return p, nil
	}
	at, id, ok := cutTime(c[1:])
	if !ok || c[0] != byte(o) {
		return p, store.ErrCursor
	}
	return place{at: at, id: string(id)}, nil
}

// search is a Query under way, on a snapshot.
type search struct {
	hub    *Hub
	snap   *engine.Snapshot
	query  store.Query
	desc   bool
	after  *place // nil = from the start
	shards map[store.Shard]bool
	page   store.Page
	last   place // examined last
}

// List implements store.Reads. It walks the index that fits best in the order
// wanted and asks the record for what the index does not know.
func (h *Hub) List(ctx context.Context, q store.Query) (page store.Page, err error) {
	s := search{hub: h, query: q, desc: q.Order == store.CreatedDesc || q.Order == store.CompletedDesc}
	if s.query.Limit <= 0 {
		s.query.Limit = defaultLimit
	}
	if s.query.Budget <= 0 {
		s.query.Budget = defaultBudget
	}
	if len(q.After) > 0 {
		p, err := cutCursor(q.Order, q.After)
		if err != nil {
			return page, err
		}
		s.after = &p
	}
	if len(q.Shards) > 0 {
		s.shards = make(map[store.Shard]bool, len(q.Shards))
		for _, shard := range q.Shards {
			s.shards[shard] = true
		}
	}
	err = h.read(ctx, func() error {
		s.snap = h.db.eng.NewSnapshot()
		defer s.snap.Close()
		if q.Order == store.IDAsc {
			return s.byID(ctx)
		}
		return s.byTime(ctx)
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("list: %w", err)
	}
	return s.page, nil
}

// candidate examines an entry and reports whether the search goes on.
func (s *search) candidate(ctx context.Context, p place) (bool, error) {
	switch {
	case len(s.page.Records) == s.query.Limit:
		s.page.Next = cursor(s.query.Order, s.last)
		return false, nil
	case s.page.Scanned == s.query.Budget:
		s.page.Next, s.page.Partial = cursor(s.query.Order, s.last), true
		return false, nil
	case s.page.Scanned%1024 == 1023 && ctx.Err() != nil:
		return false, context.Cause(ctx)
	}
	s.page.Scanned++
	s.last = p
	if !strings.HasPrefix(p.id, s.query.IDPrefix) || (s.shards != nil && !s.shards[store.ShardOf(p.id)]) {
		return true, nil
	}
	r, err := s.record(p.id)
	if err != nil {
		return false, err
	}
	if r != nil && s.fits(r) {
		s.page.Records = append(s.page.Records, r)
	}
	return true, nil
}

func (s *search) record(id string) (*store.Record, error) {
	key := s.hub.recordKey(id)
	v, closer, err := s.snap.Get(key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, readError(key, err)
	}
	defer closer.Close()
	return s.hub.decodeRecord(key, v, id)
}

// fits reports whether a record meets all conditions.
func (s *search) fits(r *store.Record) bool {
	q := &s.query
	switch {
	case !q.WantsKind(r.Kind),
		len(q.Statuses) > 0 && !slices.Contains(q.Statuses, r.Status),
		len(q.Phases) > 0 && !slices.Contains(q.Phases, r.Phase),
		len(q.Names) > 0 && !slices.Contains(q.Names, r.Name),
		q.Parent != "" && r.Parent != q.Parent,
		q.Agent != "" && r.Agent != q.Agent,
		q.Session != "" && r.Session != q.Session,
		q.WorkOnly && !r.Work:
		return false
	case q.Tag[0] != "":
		if v, ok := r.Tags[q.Tag[0]]; !ok || v != q.Tag[1] {
			return false
		}
	}
	switch {
	case !q.CreatedFrom.IsZero() && r.Created.Before(q.CreatedFrom),
		!q.CreatedTo.IsZero() && !r.Created.Before(q.CreatedTo),
		!q.CompletedFrom.IsZero() && (r.Completed.IsZero() || r.Completed.Before(q.CompletedFrom)),
		!q.CompletedTo.IsZero() && (r.Completed.IsZero() || !r.Completed.Before(q.CompletedTo)):
		return false
	}
	return q.Match == nil || q.Match(r)
}

// byID walks the instances' own spaces, from record to record.
func (s *search) byID(ctx context.Context) (err error) {
	prefix := appendOpenPart(s.hub.key(spaceInstance), s.query.IDPrefix)
	var start []byte
	if s.after != nil {
		start = prefixEnd(s.hub.instanceKey(s.after.id))
	}
	it, err := openIter(s.snap, prefix, start, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		id, part, cut := cutPart(it.Key()[prefixSize:])
		if !cut || len(part) == 0 {
			return s.hub.damaged(it.Key())
		}
		if part[0] != partRecord {
			record := s.hub.recordKey(string(id))
			if ok = it.SeekGE(record); !ok {
				break
			}
			if string(it.Key()) != string(record) {
				if part[0] > partRecord {
					ok = it.SeekGE(prefixEnd(s.hub.instanceKey(string(id))))
				}
				continue // rows that outlived their owner
			}
		}
		more, err := s.candidate(ctx, place{id: string(id)})
		if err != nil || !more {
			return err
		}
		ok = it.SeekGE(prefixEnd(s.hub.instanceKey(string(id))))
	}
	return it.Error()
}
