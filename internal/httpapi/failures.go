package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/store"
)

// failureGroup is failures that are alike.
type failureGroup struct {
	Fingerprint string    `json:"fingerprint"` // as in filters
	Count       int       `json:"count"`
	Names       []string  `json:"names"` // of the runs
	Code        string    `json:"error_code"`
	Text        string    `json:"error_text"` // of the newest
	Newest      string    `json:"newest"`     // id of the run that has failed last
	At          time.Time `json:"at"`         // when that was
}

// failureGroups is the answer to GET /run-failures.
type failureGroups struct {
	Items []*failureGroup `json:"items"` // the most frequent first
	// Exact says that all were counted; else the newest were.
	Exact bool `json:"exact"`
}

// getFailures groups the runs that have failed by what has gone wrong.
func (a *API) getFailures(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "filter")
	if err != nil {
		return nil, err
	}
	selection, err := client.Select(q.Get("filter"), a.Now())
	if err != nil {
		return nil, err
	}
	page, err := selection.List(r.Context(), a.Hub, store.CompletedDesc, facetRuns, nil)
	if err != nil {
		return nil, err
	}
	groups := map[string]*failureGroup{}
	body := failureGroups{Items: []*failureGroup{}, Exact: page.Next == nil}
	for _, i := range page.Items {
		if i.Failure == nil {
			continue
		}
		print := client.Fingerprint(i.Failure)
		g := groups[print]
		if g == nil {
			g = &failureGroup{Fingerprint: print, Code: i.Failure.Type, Text: i.Failure.Message, Newest: i.ID, At: i.Record.Completed.UTC()}
			groups[print] = g
			body.Items = append(body.Items, g)
		}
		g.Count++
		if !slices.Contains(g.Names, i.Name) {
			g.Names = append(g.Names, i.Name)
		}
	}
	slices.SortStableFunc(body.Items, func(x, y *failureGroup) int { return cmp.Compare(y.Count, x.Count) })
	body.Items = body.Items[:min(len(body.Items), maxFacets)]
	return &reply{body: &body}, nil
}
