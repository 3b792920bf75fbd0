package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSeries waits until what runs did is in the series: it is written some seconds later.
func TestSeries(t *testing.T) {
	root, _ := manyRuns(t, 10)
	type counts struct {
		At                         time.Time
		Started, Completed, Failed int64
		Took                       struct{ Count int64 }
	}
	var page struct {
		From, To time.Time
		StepMS   int64 `json:"step_ms"`
		Since    *time.Time
		Points   []counts
		Runs     []struct {
			Name      string
			Completed int64
		}
		Total counts
	}
	read := func(query string) {
		t.Helper()
		got := do(t, "GET", root+"/api/v1/series"+query, "")
		page.Since, page.Points, page.Runs = nil, nil, nil
		if err := json.Unmarshal([]byte(got.Body), &page); err != nil || got.Status != http.StatusOK {
			t.Fatalf("series%s = %d %s, %v", query, got.Status, got.Body, err)
		}
		fits(t, "SeriesPage", got.Body)
	}
	until(t, root+"/api/v1/series?step=24h", `"completed":10`)
	read("")
	if page.Total.Started != 10 || page.Total.Took.Count != 10 || page.Since == nil || len(page.Runs) != 3 || page.StepMS != 60_000 {
		t.Errorf("series = %+v, want ten runs of three names in minutes", page)
	}
	sum := int64(0)
	for i, p := range page.Points {
		sum += p.Completed
		if i > 0 && !p.At.Equal(page.Points[i-1].At.Add(time.Minute)) {
			t.Errorf("point %d is at %v, want a minute after %v", i, p.At, page.Points[i-1].At)
		}
	}
	if sum != 10 || len(page.Points) < 60 {
		t.Errorf("%d points have %d completed runs, want 60 or 61 and 10", len(page.Points), sum)
	}
	read("?name=Job0&from=-24h&step=24h")
	if page.Total.Completed != 4 || len(page.Runs) != 1 || len(page.Points) > 2 {
		t.Errorf("series of Job0 = %+v, want 4 completed runs in a point or two", page)
	}
	read("?from=-3h&to=-1h")
	if page.Total.Started != 0 || page.Since == nil {
		t.Errorf("series of a time before = %+v, want nothing, and since when is counted", page)
	}
	for _, query := range []string{"?from=now", "?from=1h", "?from=-1h&to=-2h", "?step=30s", "?step=90s", "?from=-168h&step=1m", "?form=-1h"} {
		if got := do(t, "GET", root+"/api/v1/series"+query, ""); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, `"hint"`) {
			t.Errorf("series%s = %d %s, want 400 with a hint", query, got.Status, got.Body)
		}
	}
}
