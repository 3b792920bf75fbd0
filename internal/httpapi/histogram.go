package httpapi

import (
	"net/http"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/store"
)

// histogram is the answer to GET /run-histogram: how many runs that match a filter were
// created when.
type histogram struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	StepMS int64     `json:"step_ms"` // of a bucket
	// Buckets count runs by status, the oldest bucket first.
	Buckets []map[string]int `json:"buckets"`
	Total   int              `json:"total"`
	// Exact says that all were counted; else the newest were, as many as the work of one
	// request allows.
	Exact bool `json:"exact"`
}

// histogramBuckets is how many buckets a histogram has.
const histogramBuckets = 60

// getHistogram counts by a bounded search.
func (a *API) getHistogram(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "filter")
	if err != nil {
		return nil, err
	}
	selection, err := client.Select(q.Get("filter"), a.Now())
	if err != nil {
		return nil, err
	}
	page, err := selection.List(r.Context(), a.Hub, store.CreatedDesc, searchMost, nil)
	if err != nil {
		return nil, err
	}
	h := histogram{Buckets: make([]map[string]int, histogramBuckets), Total: len(page.Items), Exact: page.Next == nil}
	for i := range h.Buckets {
		h.Buckets[i] = map[string]int{}
	}
	if len(page.Items) == 0 {
		h.From, h.To = a.Now().UTC(), a.Now().UTC()
		return &reply{body: &h}, nil
	}
	h.To, h.From = page.Items[0].Created.UTC(), page.Items[len(page.Items)-1].Created.UTC()
	h.StepMS = h.To.Sub(h.From).Milliseconds()/histogramBuckets + 1
	for _, i := range page.Items {
		h.Buckets[i.Created.Sub(h.From).Milliseconds()/h.StepMS][client.StatusName(i.Status)]++
	}
	return &reply{body: &h}, nil
}
