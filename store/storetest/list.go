package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/store"
)

func listChecks() []Check {
	return []Check{
		{"R7", "lists", checkLists},
		{"R7", "lists_by_pages", checkListPages},
		{"R7", "list_budget", checkBudget},
		{"R7", "counts", checkCounts},
	}
}

// listed checks the ids that a query returns, in order.
func (s *session) listed(q store.Query, want ...string) error {
	page, err := s.store.List(s.ctx, q)
	if err != nil {
		return fmt.Errorf("List(%+v): %w", q, err)
	}
	return same(fmt.Sprintf("List(%+v)", q), idsOf(page.Records), want)
}

func idsOf(records []*store.Record) []string {
	var ids []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

// population commits records that differ in all columns, some changed since they
// were created, some purged, and returns those that are left.
func (s *session) population() ([]*store.Record, error) {
	const n = 60
	all := make(map[string]*store.Record)
	for i := range n {
		c := change(fmt.Sprintf("%c-%02d", 'a'+i%3, i), 1)
		vary(c.Record, i)
		if err := s.commit(c); err != nil {
			return nil, err
		}
		all[c.ID] = c.Record
		if i%4 == 0 {
			next := change(c.ID, 2)
			vary(next.Record, i)
			next.Record.Status, next.Record.Phase = store.Status(i/4%8), store.Phase(i/4%7)
			next.Record.Completed, next.Record.Work = time.Time{}, i%8 == 0
			if next.Record.Status.Terminal() {
				next.Record.Phase, next.Record.Completed = store.NoPhase, created().Add(time.Duration(n-i)*time.Minute)
			}
			next.Was = c.Record
			if err := s.commit(next); err != nil {
				return nil, err
			}
			all[c.ID] = next.Record
		}
		if i%9 == 0 {
			gone := purge(c.ID, all[c.ID].Version)
			gone.Was = all[c.ID]
			if err := s.commit(gone); err != nil {
				return nil, err
			}
			delete(all, c.ID)
		}
	}
	return slices.Collect(maps.Values(all)), nil
}

func vary(r *store.Record, i int) {
	r.Name = fmt.Sprintf("name%d", i%4)
	r.Created = created().Add(time.Duration(i/2) * time.Second) // pairs share a time
	r.PhaseSince = r.Created
	r.Parent = fmt.Sprintf("parent%d", i%5)
	r.Agent, r.Session = fmt.Sprintf("agent%d", i%2), fmt.Sprintf("session%d", i%3)
	r.Tags = map[string]string{"team": fmt.Sprintf("team%d", i%3)}
	r.Kind = store.InstanceKind(i % 7 / 6)
	r.Work = i%2 == 0
}

// queries are one for each condition and some for several.
func queries() []store.Query {
	at := func(s int) time.Time { return created().Add(time.Duration(s) * time.Second) }
	list := []store.Query{
		{}, {Kind: store.Entity},
		{Statuses: []store.Status{store.Running}}, {Statuses: []store.Status{store.Failed, store.Completed, store.Pending}},
		{Phases: []store.Phase{store.Active}}, {Phases: []store.Phase{store.Stuck, store.WaitingEvent, store.NoPhase}},
		{Names: []string{"name1"}}, {Names: []string{"name0", "name3", "name3", "none"}},
		{IDPrefix: "b-"}, {IDPrefix: "b-1"}, {Parent: "parent2"}, {Agent: "agent1"}, {Session: "session1"},
		{Agent: "agent0", Session: "session2"}, {Tag: [2]string{"team", "team1"}}, {Tag: [2]string{"team", ""}},
		{CreatedFrom: at(10)}, {CreatedTo: at(10)}, {CreatedFrom: at(5), CreatedTo: at(20)},
		{CreatedFrom: at(5).Add(1), CreatedTo: at(20).Add(1)},
		{CompletedFrom: at(0)}, {CompletedTo: at(1800)},
		{WorkOnly: true}, {WorkOnly: true, Kind: store.Entity}, {Shards: []store.Shard{store.ShardOf("a-03"), store.ShardOf("b-07")}},
		{Match: func(r *store.Record) bool { return strings.HasSuffix(r.ID, "7") }},
		{Statuses: []store.Status{store.Running}, Names: []string{"name2"}, Tag: [2]string{"team", "team2"}, CreatedFrom: at(3)},
		{WorkOnly: true, Phases: []store.Phase{store.Active}, Names: []string{"name0"}, IDPrefix: "c"},
	}
	var all []store.Query
	for _, q := range list {
		for o := store.CreatedDesc; o <= store.IDAsc; o++ {
			q.Order = o
			all = append(all, q)
		}
	}
	return all
}

// expected answers a query from a slice of records.
func expected(records []*store.Record, q store.Query) []string {
	var list []*store.Record
	for _, r := range records {
		byEnd := q.Order == store.CompletedAsc || q.Order == store.CompletedDesc
		if matches(r, &q) && (!byEnd || !r.Completed.IsZero()) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *store.Record) int {
		byID := strings.Compare(a.ID, b.ID)
		byTime := func(x, y time.Time, sign int) int {
			if c := x.Compare(y); c != 0 {
				return sign * c
			}
			return sign * byID
		}
		switch q.Order {
		case store.CreatedDesc:
			return byTime(a.Created, b.Created, -1)
		case store.CreatedAsc:
			return byTime(a.Created, b.Created, 1)
		case store.CompletedAsc:
			return byTime(a.Completed, b.Completed, 1)
		case store.CompletedDesc:
			return byTime(a.Completed, b.Completed, -1)
		}
		return byID
	})
	return idsOf(list)
}

func matches(r *store.Record, q *store.Query) bool {
	one := func(on, ok bool) bool { return !on || ok }
	return one(!q.WorkOnly || q.Kind == store.Entity, r.Kind == q.Kind) &&
		one(len(q.Statuses) > 0, slices.Contains(q.Statuses, r.Status)) &&
		one(len(q.Phases) > 0, slices.Contains(q.Phases, r.Phase)) &&
		one(len(q.Names) > 0, slices.Contains(q.Names, r.Name)) &&
		strings.HasPrefix(r.ID, q.IDPrefix) &&
		one(q.Parent != "", r.Parent == q.Parent) &&
		one(q.Agent != "", r.Agent == q.Agent) &&
		one(q.Session != "", r.Session == q.Session) &&
		one(q.Tag[0] != "", r.Tags[q.Tag[0]] == q.Tag[1]) &&
		one(!q.CreatedFrom.IsZero(), !r.Created.Before(q.CreatedFrom)) &&
		one(!q.CreatedTo.IsZero(), r.Created.Before(q.CreatedTo)) &&
		one(!q.CompletedFrom.IsZero(), !r.Completed.IsZero() && !r.Completed.Before(q.CompletedFrom)) &&
		one(!q.CompletedTo.IsZero(), !r.Completed.IsZero() && r.Completed.Before(q.CompletedTo)) &&
		one(q.WorkOnly, r.Work) &&
		one(len(q.Shards) > 0, slices.Contains(q.Shards, store.ShardOf(r.ID))) &&
		one(q.Match != nil, q.Match == nil || q.Match(r))
}

func checkLists(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	records, err := s.population()
	if err != nil {
		return err
	}
	for range 2 {
		for _, q := range queries() {
			if err := s.listed(q, expected(records, q)...); err != nil {
				return err
			}
		}
		if err := s.crash(); err != nil {
			return err
		}
	}
	return nil
}

func checkListPages(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	records, err := s.population()
	if err != nil {
		return err
	}
	for _, q := range queries() {
		q.Limit = 4
		got, err := s.all(q)
		if err != nil {
			return fmt.Errorf("List(%+v): %w", q, err)
		}
		if err := same(fmt.Sprintf("pages of List(%+v)", q), got, expected(records, q)); err != nil {
			return err
		}
	}
	page, err := s.store.List(ctx, store.Query{Limit: 1})
	if err != nil {
		return err
	}
	if _, err := s.store.List(ctx, store.Query{Order: store.IDAsc, After: page.Next}); err == nil {
		return errors.New("the List accepts the cursor of another order")
	}
	return nil
}

// all reads all pages of a list.
func (s *session) all(q store.Query) (ids []string, err error) {
	for {
		page, err := s.store.List(s.ctx, q)
		if err != nil {
			return nil, err
		}
		if len(page.Records) > q.Limit {
			return nil, fmt.Errorf("page of %d, limit %d", len(page.Records), q.Limit)
		}
		ids = append(ids, idsOf(page.Records)...)
		if page.Next == nil {
			return ids, nil
		}
		if string(page.Next) == string(q.After) {
			return nil, errors.New("cursor does not move")
		}
		q.After = page.Next
	}
}

// checkBudget searches for one record in small steps.
func checkBudget(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	records, err := s.population()
	if err != nil {
		return err
	}
	for o := store.CreatedDesc; o <= store.CreatedAsc; o++ {
		q := store.Query{Order: o, Budget: 5, Limit: 10, Match: func(r *store.Record) bool { return r.ID == "c-32" }}
		want := expected(records, q)
		var got []string
		partial := 0
		for {
			page, err := s.store.List(ctx, q)
			if err != nil {
				return err
			}
			if page.Scanned > q.Budget {
				return fmt.Errorf("List(budget %d) examined %d", q.Budget, page.Scanned)
			}
			if page.Partial {
				partial++
			}
			got = append(got, idsOf(page.Records)...)
			if page.Next == nil {
				break
			}
			q.After = page.Next
		}
		if partial == 0 {
			return errors.New("no page says that the budget ended it")
		}
		if err := same("List by budget", got, want); err != nil {
			return err
		}
	}
	return nil
}

func checkCounts(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	records, err := s.population()
	if err != nil {
		return err
	}
	want := make(map[store.Count]int64)
	for _, r := range records {
		want[store.Count{Kind: r.Kind, Name: r.Name, Status: r.Status, Phase: r.Phase}]++
	}
	for range 2 {
		counts, err := s.store.Counts(ctx)
		if err != nil {
			return err
		}
		got := make(map[store.Count]int64)
		for _, c := range counts {
			n := c.N
			c.N = 0
			got[c] += n
		}
		if err := same("Counts", got, want); err != nil {
			return err
		}
		if err := s.crash(); err != nil {
			return err
		}
	}
	return nil
}
