package httpapi

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// mark is a cursor that is made here, not by the store.
type mark struct {
	Back bool      `json:"b,omitempty"` // the page before it is meant
	Time time.Time `json:"t,omitzero"`
	Name string    `json:"n,omitempty"` // of a list by name
	Size int64     `json:"s,omitempty"` // of a list by duration
	ID   string    `json:"i,omitempty"`
	Sort string    `json:"o"` // that it belongs to
}

// markSign begins cursors that are marks: cursors of stores have none in their text.
const markSign = "~"

func (m mark) text() string {
	encoded, err := marshal(m)
	if err != nil { // it is always encodable
		panic(err)
	}
	return markSign + base64.RawURLEncoding.EncodeToString(encoded)
}

// markOf returns the mark that the cursor is, nil if it is the store's.
func markOf(q values, sort string) (*mark, error) {
	text, ok := strings.CutPrefix(q.Get("cursor"), markSign)
	if !ok {
		return nil, nil
	}
	var m mark
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &m) != nil || m.Sort != sort {
		return nil, invalid("the cursor is not one of this list", "take it from next or prev of a page with the same sort")
	}
	return &m, nil
}

// pageRequest is what a page of runs is asked for by.
type pageRequest struct {
	selection *client.Selection
	sort      string
	order     store.Order
	limit     int
	cursor    []byte
	mark      *mark
	at        time.Time // jump there; zero = no
}

// pageOf returns a page of runs, and the cursors around it.
func (a *API) pageOf(ctx context.Context, p *pageRequest) (page hub.Page, next, prev string, err error) {
	switch {
	case p.mark != nil && p.mark.Back:
		return a.pageBefore(ctx, p)
	case p.mark != nil:
		page, err = p.selection.ListFrom(ctx, a.Hub, p.order, p.limit, client.Edge{Time: p.mark.Time, ID: p.mark.ID})
	case !p.at.IsZero():
		page, err = p.selection.ListFrom(ctx, a.Hub, p.order, p.limit, client.Edge{Time: p.at})
	default:
		page, err = p.selection.List(ctx, a.Hub, p.order, p.limit, p.cursor)
	}
	if err != nil {
		return page, "", "", err
	}
	next = cursorText(page.Next)
	if len(page.Items) > p.limit { // read to know whether there is more
		page.Items = page.Items[:p.limit]
		next = p.markAt(page.Items[p.limit-1], false)
	}
	if len(page.Items) > 0 && (p.mark != nil || p.cursor != nil || !p.at.IsZero()) {
		prev = p.markAt(page.Items[0], true)
	} else if !p.at.IsZero() { // nothing comes after that time: what is before it may be read
		prev = mark{Back: true, Time: p.at, Sort: p.sort}.text()
	}
	return page, next, prev, nil
}

// pageBefore reads the other way round.
func (a *API) pageBefore(ctx context.Context, p *pageRequest) (page hub.Page, next, prev string, err error) {
	back, ok := client.Reverse(p.order)
	if !ok {
		return page, "", "", invalid("this order has no pages before", "")
	}
	page, err = p.selection.ListFrom(ctx, a.Hub, back, p.limit, client.Edge{Time: p.mark.Time, ID: p.mark.ID})
	if err != nil {
		return page, "", "", err
	}
	more := page.Next != nil || len(page.Items) > p.limit
	page.Items = page.Items[:min(len(page.Items), p.limit)]
	slices.Reverse(page.Items)
	if len(page.Items) == 0 {
		return page, mark{Time: p.mark.Time, Sort: p.sort}.text(), "", nil
	}
	if more {
		prev = p.markAt(page.Items[0], true)
	}
	return page, p.markAt(page.Items[len(page.Items)-1], false), prev, nil
}

// markAt is the mark after a run, or before it; "" if the order goes by no time.
func (p *pageRequest) markAt(i *hub.Instance, back bool) string {
	t, ok := client.TimeOf(p.order, i)
	if !ok {
		return ""
	}
	return mark{Back: back, Time: t, ID: i.ID, Sort: p.sort}.text()
}

// sortedPage sorts what a search finds within the work cap, for orders that no index
// has: partial says that the search did not get to the end.
func (a *API) sortedPage(ctx context.Context, p *pageRequest) (page hub.Page, next string, err error) {
	type row struct {
		mark
		instance *hub.Instance
	}
	name, down := strings.CutPrefix(p.sort, "-")
	order := func(x, y mark) int {
		c := cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Size, y.Size), cmp.Compare(x.ID, y.ID))
		if down {
			return -c
		}
		return c
	}
	var rows []row
	more := false
	began := a.Now()
	for after := []byte(nil); ; {
		part, err := p.selection.List(ctx, a.Hub, store.CreatedDesc, 1000, after)
		if err != nil {
			return page, "", err
		}
		page.Scanned += part.Scanned
		for _, i := range part.Items {
			m := mark{ID: i.ID, Sort: p.sort}
			if name == "name" {
				m.Name = i.Name
			} else if ms := viewRow(i).DurationMS; ms != nil {
				m.Size = *ms
			} else {
				continue // it has not ended
			}
			if p.mark == nil || order(m, *p.mark) > 0 {
				rows = append(rows, row{m, i})
			}
		}
		if len(rows) > 4*p.limit || part.Next == nil {
			slices.SortFunc(rows, func(x, y row) int { return order(x.mark, y.mark) })
			more = more || len(rows) > p.limit
			rows = rows[:min(len(rows), p.limit)]
		}
		after = part.Next
		if page.Partial = after != nil && (part.Partial || page.Scanned >= searchMost || a.Now().Sub(began) > searchTime); after == nil || page.Partial {
			break
		}
	}
	slices.SortFunc(rows, func(x, y row) int { return order(x.mark, y.mark) })
	more = more || len(rows) > p.limit
	rows = rows[:min(len(rows), p.limit)]
	for _, r := range rows {
		page.Items = append(page.Items, r.instance)
	}
	if more {
		next = rows[len(rows)-1].text()
	}
	return page, next, nil
}

// The work of one request that no index answers.
const (
	searchMost = 50000
	searchTime = 200 * time.Millisecond
)
