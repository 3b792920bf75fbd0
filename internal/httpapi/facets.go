package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/filter"
	"github.com/perdure/perdure/store"
)

// facet is a value that a field of runs has.
type facet struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// facets is the answer to GET /run-facets.
type facets struct {
	Items []facet `json:"items"` // the most frequent first
	// Exact says that all runs were counted; else the newest were.
	Exact bool `json:"exact"`
	// Fields are those of the filter language, if none was asked for.
	Fields []filterField `json:"fields,omitempty"`
}

// filterField is a field of the filter language.
type filterField struct {
	Name    string   `json:"name"` // "tag." is followed by a key
	Type    string   `json:"type" choices:"text choice time duration integer money"`
	Choices []string `json:"choices,omitempty"`
	Indexed bool     `json:"indexed"` // a term about it is answered from an index
}

const (
	maxFacets = 50
	facetRuns = 5000 // that are looked at
)

// getFacets lists values of a field, for completion.
func (a *API) getFacets(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "field", "prefix", "filter")
	if err != nil {
		return nil, err
	}
	field := q.Get("field")
	if field == "" {
		return &reply{body: &facets{Items: []facet{}, Exact: true, Fields: filterFields()}}, nil
	}
	selection, err := client.Select(q.Get("filter"), a.Now())
	if err != nil {
		return nil, err
	}
	known := slices.ContainsFunc(filter.Fields(), func(f filter.Field) bool { return f.Name == field }) || strings.HasPrefix(field, filter.TagPrefix)
	if !known {
		return nil, invalid("no field "+shown(field), choose(field, fieldNames(), ""))
	}
	counts := map[string]int64{}
	body := facets{Items: []facet{}, Exact: true}
	rows, err := a.Hub.Counts(r.Context())
	if err != nil {
		return nil, err
	}
	if !countFacets(counts, selection, field, rows) {
		page, err := selection.List(r.Context(), a.Hub, store.CreatedDesc, facetRuns, nil)
		if err != nil {
			return nil, err
		}
		body.Exact = page.Next == nil
		for _, i := range page.Items {
			for _, v := range client.FieldOf(i, field) {
				counts[v]++
			}
		}
	}
	for v, n := range counts {
		if v != "" && n > 0 && strings.HasPrefix(strings.ToLower(v), strings.ToLower(q.Get("prefix"))) {
			body.Items = append(body.Items, facet{v, n})
		}
	}
	slices.SortFunc(body.Items, func(x, y facet) int { return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Value, y.Value)) })
	body.Items = body.Items[:min(len(body.Items), maxFacets)]
	return &reply{body: &body}, nil
}

// countFacets counts by the counters; it reports whether these tell.
func countFacets(counts map[string]int64, s *client.Selection, field string, rows []store.Count) bool {
	for _, c := range rows {
		belongs, known := s.Counted(c)
		if !known {
			return false
		}
		value := ""
		switch field {
		case "name":
			value = c.Name
		case "status":
			value = client.StatusName(c.Status)
		case "phase":
			value = client.PhaseName(c.Phase)
		default:
			return false
		}
		if belongs && !isTurn(c.Name) {
			counts[value] += c.N
		}
	}
	return field == "name" || field == "status" || field == "phase"
}

func fieldNames() []string {
	var names []string
	for _, f := range filter.Fields() {
		names = append(names, f.Name)
	}
	return names
}

func filterFields() []filterField {
	types := map[filter.Type]string{filter.Text: "text", filter.Choice: "choice", filter.Time: "time", filter.Duration: "duration", filter.Integer: "integer", filter.Money: "money"}
	var list []filterField
	for _, f := range filter.Fields() {
		list = append(list, filterField{Name: f.Name, Type: types[f.Type], Choices: f.Choices, Indexed: f.Indexed})
	}
	return list
}
