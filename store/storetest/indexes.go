package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure/store"
)

// Indexes checks that a store whose lists have indexes uses them: it examines at most
// twice as many records as it returns, and 100 more, whatever one condition selects. It is
// for drivers that keep data; one in memory may look at all.
func Indexes(ctx context.Context, h Harness) error {
	const n, oneIn = 800, 40
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	at := func(i int) time.Time { return created().Add(time.Duration(i) * time.Second) }
	for i := range n {
		c := change(fmt.Sprintf("%c-%03d", 'a'+i%oneIn, i), 1)
		r := c.Record
		r.Created, r.PhaseSince = at(i), at(i)
		r.Name, r.Parent, r.Agent, r.Session = "usual", "parent", "agent", "session"
		r.Status, r.Phase, r.Completed = store.Completed, store.NoPhase, at(2*n-i)
		r.Tags = map[string]string{"team": "all"}
		if i%oneIn == 7 {
			r.Name, r.Parent, r.Session, r.Tags["team"] = "rare", "mother", "own", "one"
			r.Status, r.Phase, r.Completed = store.Running, store.Stuck, time.Time{}
		}
		if err := s.commit(c); err != nil {
			return err
		}
	}
	byTime := []store.Query{
		{}, {Statuses: []store.Status{store.Running}}, {Phases: []store.Phase{store.Stuck}}, {Names: []string{"rare", "none"}},
		{Parent: "mother"}, {Agent: "agent", Session: "own"}, {Tag: [2]string{"team", "one"}},
		{CreatedFrom: at(300), CreatedTo: at(320)}, {Statuses: []store.Status{store.Completed}, CreatedTo: at(30)},
	}
	var queries []store.Query
	for _, q := range byTime {
		for _, q.Order = range []store.Order{store.CreatedDesc, store.CreatedAsc} {
			queries = append(queries, q)
		}
	}
	for _, o := range []store.Order{store.CompletedDesc, store.CompletedAsc} {
		queries = append(queries, store.Query{CompletedFrom: at(n + 10), CompletedTo: at(n + 40), Order: o})
	}
	queries = append(queries, store.Query{IDPrefix: "h-", Order: store.IDAsc})
	for _, q := range queries {
		q.Limit = 30
		page, err := s.store.List(ctx, q)
		if err != nil {
			return fmt.Errorf("List(%+v): %w", q, err)
		}
		if found := len(page.Records); found < 15 || page.Scanned > 2*found+100 {
			return fmt.Errorf("List(%+v) found %d and examined %d", q, found, page.Scanned)
		}
	}
	return nil
}
