package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/store"
)

// runPage is the answer to GET /runs.
type runPage struct {
	Items []*run `json:"items"`
	Next  string `json:"next,omitempty"` // ?cursor= of the next page
	// Parsed is the filter as understood, with times resolved.
	Parsed  string `json:"parsed"`
	Partial bool   `json:"partial"` // the work cap ended the search; Next goes on
	Scanned int    `json:"scanned"`
	AsOf    string `json:"as_of"` // ?since= of a stream without a gap
}

// sorts maps the names of sort orders; the first is the default.
func sorts() []struct {
	name  string
	order store.Order
} {
	return []struct {
		name  string
		order store.Order
	}{
		{"-created", store.CreatedDesc}, {"created", store.CreatedAsc},
		{"-completed", store.CompletedDesc}, {"completed", store.CompletedAsc}, {"id", store.IDAsc},
	}
}

func (a *API) listRuns(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "filter", "sort", "cursor", "limit")
	if err != nil {
		return nil, err
	}
	selection, err := client.Select(q.Get("filter"), a.Now())
	if err != nil {
		return nil, err
	}
	order, err := sortOrder(q)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(q)
	if err != nil {
		return nil, err
	}
	after, err := cursor(q)
	if err != nil {
		return nil, err
	}
	// The position comes first: a stream from it misses nothing of the page.
	position, err := a.Hub.Position(r.Context())
	if err != nil {
		return nil, err
	}
	page, err := selection.List(r.Context(), a.Hub, order, limit, after)
	if err != nil {
		return nil, err
	}
	answer := runPage{Items: []*run{}, Next: cursorText(page.Next), Parsed: selection.Parsed,
		Partial: page.Partial, Scanned: page.Scanned, AsOf: cursorText([]byte(position))}
	for _, i := range page.Items {
		answer.Items = append(answer.Items, viewRow(i))
	}
	return &reply{body: &answer}, nil
}

func sortOrder(q values) (store.Order, error) {
	name := q.Get("sort")
	var names []string
	for _, s := range sorts() {
		if name == s.name || name == "" {
			return s.order, nil
		}
		names = append(names, s.name)
	}
	return 0, invalid("no sort order "+shown(name), "known are "+strings.Join(names, ", "))
}

// runCounts is the answer to GET /run-counts.
type runCounts struct {
	Items []runCount `json:"items"`
	Total int64      `json:"total"`
	Exact bool       `json:"exact"`
}

// runCount is a number of runs; Name, Status and Phase are set as the grouping
// asks.
type runCount struct {
	Name   string `json:"name,omitempty"`
	Status string `json:"status,omitempty"`
	Phase  string `json:"phase,omitempty"`
	Count  int64  `json:"count"`
}

// countRuns counts by the counters, or, with a filter, by a bounded search.
func (a *API) countRuns(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "filter", "group")
	if err != nil {
		return nil, err
	}
	group, err := grouping(q.Get("group"))
	if err != nil {
		return nil, err
	}
	answer := runCounts{Exact: true}
	var counts []store.Count
	if strings.TrimSpace(q.Get("filter")) == "" {
		if counts, err = a.Hub.Counts(r.Context()); err != nil {
			return nil, err
		}
	} else {
		if counts, answer.Exact, err = a.search(r, q.Get("filter")); err != nil {
			return nil, err
		}
	}
	answer.Items = sum(counts, group)
	for _, c := range answer.Items {
		answer.Total += c.Count
	}
	return &reply{body: &answer}, nil
}

// search counts what a filter finds; exact is false if the work cap ended it.
func (a *API) search(r *http.Request, filter string) (counts []store.Count, exact bool, err error) {
	selection, err := client.Select(filter, a.Now())
	if err != nil {
		return nil, false, err
	}
	const most = 50000
	page, err := selection.List(r.Context(), a.Hub, store.CreatedDesc, most, nil)
	if err != nil {
		return nil, false, err
	}
	for _, i := range page.Items {
		counts = append(counts, store.Count{Kind: i.Kind, Name: i.Name, Status: i.Status, Phase: i.Phase, N: 1})
	}
	return counts, page.Next == nil, nil
}

// grouping checks the parameter group: columns joined by commas.
func grouping(text string) ([]string, error) {
	if text == "" {
		return []string{"status"}, nil
	}
	columns := strings.Split(text, ",")
	for _, c := range columns {
		if c != "name" && c != "status" && c != "phase" {
			return nil, invalid("cannot group by "+shown(c), "known are name, status, phase")
		}
	}
	return columns, nil
}

// sum adds up the counts of orchestrations by columns, in a stable order.
func sum(counts []store.Count, columns []string) []runCount {
	byKey := map[runCount]int64{}
	for _, c := range counts {
		if c.Kind != store.Orchestration {
			continue
		}
		var key runCount
		for _, column := range columns {
			switch column {
			case "name":
				key.Name = c.Name
			case "status":
				key.Status = client.StatusName(c.Status)
			case "phase":
				key.Phase = client.PhaseName(c.Phase)
			}
		}
		byKey[key] += c.N
	}
	items := []runCount{}
	for key, n := range byKey {
		if n != 0 {
			key.Count = n
			items = append(items, key)
		}
	}
	slices.SortFunc(items, func(x, y runCount) int {
		return strings.Compare(x.Name+"\x00"+x.Status+"\x00"+x.Phase, y.Name+"\x00"+y.Status+"\x00"+y.Phase)
	})
	return items
}
