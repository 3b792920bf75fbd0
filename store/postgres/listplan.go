package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure/store"
)

// plan is the index that a list walks. Where an index has several ranges that fit,
// such as one for each state, the ends of all are read and merged.
type plan struct {
	table    string // whose index it is
	join     string // how its entries l name those of the listing e
	key      string // column that the order begins with: created, completed or id
	desc     bool
	from, to time.Time // of the key
	// ranges adds the conditions of the index, and returns what the ranges come
	// from, ending with a comma, or "".
	ranges func(c *conditions) string
}

// maxNames is how many names have ranges of their own; with more the states are
// walked.
const maxNames = 64

// choose picks the index that answers a query by looking at the fewest entries.
func (s *search) choose(ctx context.Context) error {
	q := &s.query
	p := plan{
		table: "perdure.listing", join: "e.hub = l.hub AND e.id = l.id",
		key: "created", desc: q.Order == store.CreatedDesc || q.Order == store.CompletedDesc, from: q.CreatedFrom, to: q.CreatedTo,
	}
	equal := func(text string, args ...any) func(*conditions) string {
		return func(c *conditions) string {
			c.add(text, args...)
			return ""
		}
	}
	byName, err := s.byName(ctx)
	switch {
	case err != nil:
		return err
	case q.Order == store.IDAsc:
		p.key, p.ranges = "id", equal("true")
	case q.Order == store.CompletedAsc, q.Order == store.CompletedDesc:
		p.key, p.from, p.to, p.ranges = "completed", q.CompletedFrom, q.CompletedTo, equal("l.completed IS NOT NULL")
	case q.WorkOnly:
		p.ranges = workRanges(q.Shards)
	case q.Parent != "":
		p.ranges = equal("l.parent = %s", []byte(q.Parent))
	case q.Tag[0] != "":
		p.table, p.ranges = "perdure.tags", equal("l.tag = %s AND l.value = %s", []byte(q.Tag[0]), []byte(q.Tag[1]))
	case q.Agent != "" && q.Session != "":
		p.ranges = equal("l.agent = %s AND l.session = %s", []byte(q.Agent), []byte(q.Session))
	case byName:
		p.ranges = func(c *conditions) string {
			c.args = append(c.args, byteSlices(q.Names))
			from := argument(c, "unnest(%s::bytea[]) AS r (name),")
			c.add("l.kind = %s AND l.name = r.name", int16(q.Kind))
			return from
		}
	default:
		p.ranges = s.stateRanges
	}
	s.plan = p
	return nil
}

// byName reports whether fewer records have the names wanted than the states wanted.
func (s *search) byName(ctx context.Context) (bool, error) {
	q := &s.query
	if len(q.Names) == 0 || len(q.Names) > maxNames {
		return false, nil
	}
	if len(q.Statuses) == 0 && len(q.Phases) == 0 {
		return true, nil
	}
	counts, err := s.h.Counts(ctx)
	inStates, ofNames := int64(0), int64(0)
	for _, c := range counts {
		if c.Kind != q.Kind {
			continue
		}
		if s.wants(c.Status, c.Phase) {
			inStates += c.N
		}
		if slices.Contains(q.Names, c.Name) {
			ofNames += c.N
		}
	}
	return ofNames <= inStates, err
}

func (s *search) wants(status store.Status, phase store.Phase) bool {
	q := &s.query
	return (len(q.Statuses) == 0 || slices.Contains(q.Statuses, status)) && (len(q.Phases) == 0 || slices.Contains(q.Phases, phase))
}

// workRanges has a range for each shard.
func workRanges(shards []store.Shard) func(*conditions) string {
	if len(shards) == 0 {
		for s := range store.Shards {
			shards = append(shards, store.Shard(s))
		}
	}
	return func(c *conditions) string {
		c.args = append(c.args, columnOf(shards))
		from := argument(c, "(SELECT DISTINCT shard FROM unnest(%s::int2[]) AS u (shard)) r,")
		c.add("l.work AND l.shard = r.shard")
		return from
	}
}

// stateRanges has a range for each state that the index holds and the query wants.
// The states are found by hops from one to the next.
func (s *search) stateRanges(c *conditions) string {
	q := &s.query
	hub, kind := s.h.number, int16(q.Kind)
	var hop conditions
	hop.args = c.args
	hop.add("hub = %s AND kind = %s", hub, kind)
	from := `(WITH RECURSIVE h (state) AS ((SELECT state FROM perdure.listing WHERE ` + hop.text + ` ORDER BY state LIMIT 1)
		UNION ALL SELECT (SELECT state FROM perdure.listing WHERE ` + hop.text + ` AND state > h.state ORDER BY state LIMIT 1) FROM h WHERE h.state IS NOT NULL)
		SELECT state FROM h WHERE state = ANY (`
	c.args = append(hop.args, s.states())
	from += argument(c, "%s::int2[])) r,")
	c.add("l.kind = %s AND l.state = r.state", kind)
	return from
}

// states are all states that the query wants.
func (s *search) states() (list []int16) {
	for status := store.Running; status <= store.Suspended; status++ {
		for phase := store.NoPhase; phase <= store.WaitingTimer; phase++ {
			if s.wants(status, phase) {
				list = append(list, state(status, phase))
			}
		}
	}
	return list
}

// bounds adds the bounds of a time.
func bounds(c *conditions, column string, from, to time.Time) {
	if !from.IsZero() {
		c.add(column+" >= %s", ceilMicros(from))
	}
	if !to.IsZero() {
		c.add(column+" < %s", ceilMicros(to))
	}
}

// ceilMicros rounds up: what is kept in microseconds is not before t exactly if it
// is not before the next full one.
func ceilMicros(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}
