package client

import (
	"context"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Edge is a place in a list that is ordered by a time: right after the run with this
// time and id, or, without an id, before all runs of this time.
type Edge struct {
	Time time.Time
	ID   string
}

// TimeOf returns the time by which an order goes; false if it goes by none.
func TimeOf(order store.Order, i *hub.Instance) (t time.Time, ok bool) {
	switch order {
	case store.CreatedAsc, store.CreatedDesc:
		return i.Created, true
	case store.CompletedAsc, store.CompletedDesc:
		return i.Record.Completed, true
	}
	return time.Time{}, false
}

// Reverse returns the order the other way round; false if there is none.
func Reverse(order store.Order) (store.Order, bool) {
	switch order {
	case store.CreatedAsc:
		return store.CreatedDesc, true
	case store.CreatedDesc:
		return store.CreatedAsc, true
	case store.CompletedAsc:
		return store.CompletedDesc, true
	case store.CompletedDesc:
		return store.CompletedAsc, true
	}
	return order, false
}

// ListFrom is List from an edge on instead of a cursor, in an order that goes by a
// time. Its Next goes on with List.
func (s *Selection) ListFrom(ctx context.Context, h hub.Hub, order store.Order, limit int, e Edge) (hub.Page, error) {
	if limit <= 0 {
		limit = 100
	}
	from := *s
	from.bound(order, e.Time)
	var page hub.Page
	var ties []*hub.Instance // of the edge's time, until its run was met
	met := e.ID == ""
	for after := []byte(nil); ; {
		part, err := from.List(ctx, h, order, limit+1-len(page.Items), after)
		if err != nil {
			return hub.Page{}, err
		}
		page.Next, page.Partial, page.Scanned = part.Next, part.Partial, page.Scanned+part.Scanned
		for _, i := range part.Items {
			t, _ := TimeOf(order, i)
			switch {
			case ahead(order, t, e.Time): // stores keep times less finely than the bound
			case met || !t.Equal(e.Time):
				if !met { // its run is gone: rather show its equals twice than not at all
					page.Items, met = append(page.Items, ties...), true
				}
				page.Items = append(page.Items, i)
			case i.ID == e.ID:
				met = true
			default:
				ties = append(ties, i)
			}
		}
		if page.Next == nil || page.Partial || len(page.Items) >= limit {
			return page, nil
		}
		after = page.Next
	}
}

// bound restricts a selection to the runs that come at a time or after it in an order.
func (s *Selection) bound(order store.Order, t time.Time) {
	q := &s.query
	from, to := &q.CreatedFrom, &q.CreatedTo
	if order == store.CompletedAsc || order == store.CompletedDesc {
		from, to = &q.CompletedFrom, &q.CompletedTo
	}
	if order == store.CreatedAsc || order == store.CompletedAsc {
		if t = t.Truncate(time.Microsecond); t.After(*from) {
			*from = t
		}
		return
	}
	if t = t.Add(time.Microsecond); to.IsZero() || t.Before(*to) {
		*to = t
	}
}

// ahead reports whether a time comes before another in an order.
func ahead(order store.Order, t, of time.Time) bool {
	if order == store.CreatedAsc || order == store.CompletedAsc {
		return t.Before(of)
	}
	return t.After(of)
}

// Counted returns whether runs with these columns belong to the selection; known is
// false if the columns do not tell, so that a search must.
func (s *Selection) Counted(c store.Count) (belongs, known bool) {
	for i := range s.whole.Terms {
		if !all(&s.whole.Terms[i], func(field string) bool { return field == "name" || field == "status" || field == "phase" }) {
			return false, false
		}
	}
	return c.Kind == store.Orchestration && s.whole.Match(recordRow{&store.Record{Name: c.Name, Status: c.Status, Phase: c.Phase}}), true
}
