package client

import (
	"context"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// Query selects runs.
type Query struct {
	// Filter is in the language of the dashboard and the command line, such as
	// `status:failed name:Order* created>-24h`. "" = all.
	Filter string
	// OldestFirst turns the order by creation round.
	OldestFirst bool
	// Limit is the most to return; 0 = 100.
	Limit int
	// After goes on where the page before ended: its Next.
	After []byte
}

// Page is a part of a list.
type Page struct {
	Items []*Instance
	Next  []byte // nil = no more
	// Partial says that the search was cut short by its work limit; Next goes on.
	Partial bool
}

// List returns runs without their input and output.
func (c *Client) List(ctx context.Context, q Query) (*Page, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	selection, err := Select(q.Filter, time.Now())
	if err != nil {
		return nil, err
	}
	order := store.CreatedDesc
	if q.OldestFirst {
		order = store.CreatedAsc
	}
	p, err := selection.List(ctx, h, order, q.Limit, q.After)
	if err != nil {
		return nil, err
	}
	page := &Page{Next: p.Next, Partial: p.Partial}
	for _, i := range p.Items {
		v, err := view(i, nil)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, v)
	}
	return page, nil
}

// Count is the number of runs that share name, status and phase.
type Count struct {
	Name   string
	Status Status
	Phase  string
	N      int64
}

// Counts returns how many runs there are.
func (c *Client) Counts(ctx context.Context) ([]Count, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := h.Counts(ctx)
	if err != nil {
		return nil, err
	}
	var runs []Count
	for _, n := range counts {
		if n.Kind == store.Orchestration {
			runs = append(runs, Count{Name: n.Name, Status: Status(StatusName(n.Status)), Phase: PhaseName(n.Phase), N: n.N})
		}
	}
	return runs, nil
}

// History returns the current execution's events.
func (c *Client) History(ctx context.Context, id string) ([]*history.Event, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	return h.History(ctx, id, "")
}

// Position returns the place after the newest durable change.
func (c *Client) Position(ctx context.Context) (store.Position, error) {
	h, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	return h.Position(ctx)
}

// Changes returns what became durable after a position and the next position,
// waiting until there is something. With reset the position was too old: read
// everything anew, then go on from next.
func (c *Client) Changes(ctx context.Context, after store.Position, limit int) (changes []store.Change, next store.Position, reset bool, err error) {
	h, err := c.connect(ctx)
	if err != nil {
		return nil, "", false, err
	}
	return h.Changes(ctx, after, limit)
}
