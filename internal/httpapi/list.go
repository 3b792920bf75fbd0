package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// runPage is the answer to GET /runs.
type runPage struct {
	Items []*run `json:"items"`
	Next  string `json:"next,omitempty"` // ?cursor= of the next page
	Prev  string `json:"prev,omitempty"` // ?cursor= of the page before; that may turn out to be empty
	// Parsed is the filter as understood, with times resolved.
	Parsed  string   `json:"parsed"`
	Terms   []string `json:"terms,omitempty"` // of Parsed, each of which can be left out
	Partial bool     `json:"partial"`         // the work cap ended the search; Next goes on
	Scanned int      `json:"scanned"`
	// SearchedTo is how far a partial search has come, in the time of the sort.
	SearchedTo *time.Time `json:"searched_to,omitempty"`
	AsOf       string     `json:"as_of"` // ?since= of a stream without a gap
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
	q, err := query(r, "filter", "sort", "cursor", "limit", "at", "fields")
	if err != nil {
		return nil, err
	}
	p, err := a.pageRequest(q)
	if err != nil {
		return nil, err
	}
	// The position comes first: a stream from it misses nothing of the page.
	position, err := a.Hub.Position(r.Context())
	if err != nil {
		return nil, err
	}
	answer := runPage{Items: []*run{}, Parsed: p.selection.Parsed, Terms: p.selection.Terms, AsOf: cursorText([]byte(position))}
	var page hub.Page
	if isSorted(p.sort) {
		page, answer.Next, err = a.sortedPage(r.Context(), p)
	} else {
		page, answer.Next, answer.Prev, err = a.pageOf(r.Context(), p)
	}
	if err != nil {
		return nil, err
	}
	answer.Partial, answer.Scanned = page.Partial, page.Scanned
	if answer.Partial && !isSorted(p.sort) && (p.mark == nil || !p.mark.Back) {
		if answer.SearchedTo, err = a.searchedTo(r.Context(), p.order, page.Next); err != nil {
			return nil, err
		}
	}
	for _, i := range page.Items {
		answer.Items = append(answer.Items, viewRow(i))
	}
	if fields := q.Get("fields"); fields != "" {
		return withFields(&answer, strings.Split(fields, ","))
	}
	return &reply{body: &answer}, nil
}

// searchedTo is the time of the run at which a search goes on; nil if it goes by none.
func (a *API) searchedTo(ctx context.Context, order store.Order, next []byte) (*time.Time, error) {
	page, err := a.Hub.List(ctx, store.Query{Kind: store.Orchestration, Order: order, After: next, Limit: 1})
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	t, _ := client.TimeOf(order, page.Items[0])
	return timeOrNil(t), nil
}

// pageRequest reads what a page of runs is asked for by.
func (a *API) pageRequest(q values) (*pageRequest, error) {
	p := &pageRequest{sort: cmp.Or(q.Get("sort"), sorts()[0].name)}
	var err error
	if p.selection, err = client.Select(q.Get("filter"), a.Now()); err != nil {
		return nil, err
	}
	if p.order, err = sortOrder(p.sort); err != nil {
		return nil, err
	}
	if p.limit, err = pageSize(q); err != nil {
		return nil, err
	}
	if p.mark, err = markOf(q, p.sort); err != nil {
		return nil, err
	}
	if p.mark == nil {
		if p.cursor, err = cursor(q); err != nil {
			return nil, err
		}
	}
	if q.Has("at") {
		if p.at, err = time.Parse(time.RFC3339, q.Get("at")); err != nil {
			return nil, invalid("query parameter at is "+shown(q.Get("at"))+", must be a time such as 2026-01-02T15:04:05Z", "")
		}
		if _, ok := client.Reverse(p.order); !ok || isSorted(p.sort) || q.Has("cursor") {
			return nil, invalid("at goes with the sorts created and completed, and with no cursor", "")
		}
	}
	return p, nil
}

// withFields leaves only some members of each run, beside those that name it.
func withFields(page *runPage, fields []string) (*reply, error) {
	body := struct {
		*runPage
		Items []map[string]json.RawMessage `json:"items"`
	}{runPage: page, Items: []map[string]json.RawMessage{}}
	keep := append(fields, "id", "incarnation", "row_version")
	for _, row := range page.Items {
		encoded, err := marshal(row)
		if err != nil {
			return nil, err
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(encoded), &members); err != nil {
			return nil, err
		}
		maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool { return !slices.Contains(keep, name) })
		body.Items = append(body.Items, members)
	}
	return &reply{body: body}, nil
}

// isSorted reports whether no index has an order.
func isSorted(name string) bool {
	switch strings.TrimPrefix(name, "-") {
	case "name", "duration":
		return true
	}
	return false
}

func sortOrder(name string) (store.Order, error) {
	if isSorted(name) {
		return store.CreatedDesc, nil
	}
	var names []string
	for _, s := range sorts() {
		if name == s.name {
			return s.order, nil
		}
		names = append(names, s.name)
	}
	return 0, invalid("no sort order "+shown(name), "known are "+strings.Join(names, ", ")+", name, -name, duration, -duration")
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
	selection, err := client.Select(q.Get("filter"), a.Now())
	if err != nil {
		return nil, err
	}
	answer := runCounts{Exact: true}
	all, err := a.Hub.Counts(r.Context())
	if err != nil {
		return nil, err
	}
	var counts []store.Count
	for _, c := range all {
		belongs, known := selection.Counted(c)
		if !known {
			if counts, answer.Exact, err = a.search(r, selection); err != nil {
				return nil, err
			}
			break
		}
		if belongs && selection.Shows(isTurn(c.Name), c.Phase) {
			counts = append(counts, c)
		}
	}
	answer.Items = sum(counts, group)
	for _, c := range answer.Items {
		answer.Total += c.Count
	}
	return &reply{body: &answer}, nil
}

// search counts what a filter finds; exact is false if the work cap ended it.
func (a *API) search(r *http.Request, selection *client.Selection) (counts []store.Count, exact bool, err error) {
	page, err := selection.List(r.Context(), a.Hub, store.CreatedDesc, searchMost, nil)
	if err != nil {
		return nil, false, err
	}
	for _, i := range page.Items {
		counts = append(counts, store.Count{Kind: i.Kind, Name: i.Name, Status: i.Status, Phase: i.Phase, N: 1})
	}
	return counts, page.Next == nil, nil
}

// isTurn reports whether an orchestration with this name is a turn of an agent.
func isTurn(name string) bool {
	_, turn := agent.AgentOf(name)
	return turn
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
