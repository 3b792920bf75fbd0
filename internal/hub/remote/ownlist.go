package remote

import (
	"context"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// As package store has it, for a zero Limit and a zero Budget.
const (
	listLimit  = 100
	listBudget = 50_000
	listPage   = 1000 // asked for at a time while Match chooses among them
)

// List implements hub.Reads. Code does not travel: what Match is to choose from is
// read page by page.
func (h *ownSide) List(ctx context.Context, q store.Query) (hub.Page, error) {
	if q.WorkOnly || len(q.Shards) > 0 {
		return hub.Page{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "list", Message: "only the owner of a shard lists its work"}
	}
	if q.Match == nil {
		return h.page(ctx, &q)
	}
	return choose(ctx, q, h.page)
}

// page reads one page.
func (h *ownSide) page(ctx context.Context, q *store.Query) (hub.Page, error) {
	out := &wirepb.HubPage{}
	if err := h.do(ctx, "list", "", "List", codec.EncodeQuery(q), out, patient); err != nil {
		return hub.Page{}, err
	}
	return codec.DecodePage(out), nil
}

// choose reads pages until Match has chosen as many as are asked for, or the budget
// is used up.
func choose(ctx context.Context, q store.Query, read func(context.Context, *store.Query) (hub.Page, error)) (hub.Page, error) {
	limit, budget := q.Limit, q.Budget
	if limit <= 0 {
		limit = listLimit
	}
	if budget <= 0 {
		budget = listBudget
	}
	page := hub.Page{}
	for {
		q.Limit, q.Budget = min(listPage, budget-page.Scanned), budget-page.Scanned
		part, err := read(ctx, &q)
		if err != nil {
			return hub.Page{}, err
		}
		for n, i := range part.Items {
			if !q.Match(&i.Record) {
				continue
			}
			page.Items = append(page.Items, i)
			if len(page.Items) < limit || n == len(part.Items)-1 {
				continue
			}
			// The list goes on behind this one: the cursor there is that of a page
			// which ends with it.
			q.Limit = n + 1
			if part, err = read(ctx, &q); err != nil {
				return hub.Page{}, err
			}
			page.Next, page.Scanned = part.Next, page.Scanned+n+1
			return page, nil
		}
		page.Next, page.Scanned = part.Next, page.Scanned+max(part.Scanned, len(part.Items), 1)
		if page.Next == nil || len(page.Items) >= limit {
			return page, nil
		}
		if page.Scanned >= budget {
			page.Partial = true
			return page, nil
		}
		q.After = part.Next
	}
}
