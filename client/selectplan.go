package client

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/perdure/perdure/internal/filter"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// plan returns the query for a page, in which the beginnings of names are the names that
// the hub's runs have; none says that no run can match. A hub that does not count its
// runs does not tell their names.
func (s *Selection) plan(ctx context.Context, h hub.Hub) (q store.Query, none bool) {
	q = s.query
	if len(s.beginnings) == 0 {
		return q, false
	}
	counts, err := h.Counts(ctx)
	if err != nil {
		return q, false
	}
	for _, t := range s.beginnings {
		var names []string
		for _, c := range counts {
			if c.Kind == store.Orchestration && slices.ContainsFunc(t.Values, func(o filter.Operand) bool {
				return c.Name == o.Text || o.Prefix && strings.HasPrefix(c.Name, o.Text)
			}) {
				names = append(names, c.Name)
			}
		}
		switch {
		case t.Field == "name" && len(names) == 0:
			return q, true
		case t.Field == "name" && q.Names == nil:
			slices.Sort(names)
			q.Names = slices.Compact(names)
		case t.Field == filter.Word && len(names) == 0 && q.IDPrefix == "": // so it is an id's
			q.IDPrefix = t.Values[0].Text
		}
	}
	return q, false
}

// fewRecords is how many records are examined to find all runs whose ids begin alike.
const fewRecords = 2000

// few returns all that a query selects, in its order, if few ids begin as it says: a
// search by time would have to pass by all other runs, and give up before it meets them.
func few(ctx context.Context, h hub.Hub, q store.Query, limit int) (page hub.Page, ok bool, err error) {
	order := q.Order
	if _, timed := TimeOf(order, &hub.Instance{}); !timed || q.IDPrefix == "" || q.After != nil {
		return page, false, nil
	}
	q.Order, q.Limit, q.Budget = store.IDAsc, limit, fewRecords
	page, err = h.List(ctx, q)
	if err != nil && ctx.Err() == nil { // a hub of others may not know this order
		return hub.Page{}, false, nil
	}
	if err != nil || page.Next != nil {
		return hub.Page{}, false, err
	}
	if order == store.CompletedAsc || order == store.CompletedDesc {
		page.Items = slices.DeleteFunc(page.Items, func(i *hub.Instance) bool { return i.Record.Completed.IsZero() })
	}
	slices.SortFunc(page.Items, func(x, y *hub.Instance) int {
		a, _ := TimeOf(order, x)
		b, _ := TimeOf(order, y)
		c := cmp.Or(a.Compare(b), strings.Compare(x.ID, y.ID))
		if order == store.CreatedDesc || order == store.CompletedDesc {
			return -c
		}
		return c
	})
	return page, true, nil
}
