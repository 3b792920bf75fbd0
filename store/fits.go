package store

import (
	"slices"
	"strings"
	"time"
)

// Fits reports whether a record meets all conditions. Drivers ask it last, for
// what their indexes let through.
func (q *Query) Fits(r *Record) bool {
	switch {
	case !q.WantsKind(r.Kind),
		len(q.Statuses) > 0 && !slices.Contains(q.Statuses, r.Status),
		len(q.Phases) > 0 && !slices.Contains(q.Phases, r.Phase),
		len(q.Names) > 0 && !slices.Contains(q.Names, r.Name),
		!strings.HasPrefix(r.ID, q.IDPrefix),
		q.Parent != "" && r.Parent != q.Parent,
		q.Agent != "" && r.Agent != q.Agent,
		q.Session != "" && r.Session != q.Session,
		q.WorkOnly && !r.Work,
		len(q.Shards) > 0 && !slices.Contains(q.Shards, ShardOf(r.ID)),
		!within(r.Created, q.CreatedFrom, q.CreatedTo),
		!within(r.Completed, q.CompletedFrom, q.CompletedTo):
		return false
	case q.Tag[0] != "":
		if v, ok := r.Tags[q.Tag[0]]; !ok || v != q.Tag[1] {
			return false
		}
	}
	return q.Match == nil || q.Match(r)
}

// within reports whether a time lies between two, of which a zero one is no bound.
// What has no time lies within no bound.
func within(t, from, to time.Time) bool {
	return (from.IsZero() || !t.IsZero() && !t.Before(from)) && (to.IsZero() || !t.IsZero() && t.Before(to))
}
