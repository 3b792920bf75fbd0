package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// page is a page of runs.
type page struct {
	Items      []struct{ ID, Name, Created string }
	Next, Prev string
}

func (p page) ids() []string {
	var ids []string
	for _, i := range p.Items {
		ids = append(ids, i.ID)
	}
	return ids
}

// manyRuns starts runs r00, r01, ... that end at once, named by the remainder of three.
func manyRuns(t *testing.T, n int) (root string, ids []string) {
	t.Helper()
	root, h := agentsHub(t, func(r *perdure.Registry) {
		for i := range 3 {
			perdure.AddOrchestrationNamed(r, fmt.Sprint("Job", i), func(*perdure.Context, string) (string, error) { return "done", nil })
		}
	})
	for i := range n {
		id := fmt.Sprintf("r%02d", i)
		if _, err := h.Start(t.Context(), &hub.Start{InstanceID: id, Name: fmt.Sprint("Job", i%3), Tags: map[string]string{"team": fmt.Sprint("t", i%2)}}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if _, err := h.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return root, ids
}

func list(t *testing.T, root, query string) page {
	t.Helper()
	got := do(t, "GET", root+"/api/v1/runs?"+query, "")
	var p page
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Status != http.StatusOK {
		t.Fatalf("runs?%s = %d %s, %v", query, got.Status, got.Body, err)
	}
	fits(t, "RunPage", got.Body)
	return p
}

// TestPagesBothWays goes through a list and back, and jumps into its middle.
func TestPagesBothWays(t *testing.T) {
	root, ids := manyRuns(t, 25)
	for _, sort := range []string{"-created", "created", "-completed", "completed"} {
		want := slices.Clone(ids)
		if strings.HasSuffix(sort, "completed") {
			want = list(t, root, "limit=100&sort="+sort).ids()
		} else if sort == "-created" {
			slices.Reverse(want)
		}
		var forth, back []string
		var last page
		for cursor := ""; ; cursor = last.Next {
			last = list(t, root, "limit=7&sort="+sort+"&cursor="+url.QueryEscape(cursor))
			forth = append(forth, last.ids()...)
			if last.Next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, forth); diff != "" {
			t.Errorf("%s forth (-want +got):\n%s", sort, diff)
		}
		back = last.ids()
		for at := last; at.Prev != ""; {
			at = list(t, root, "limit=7&sort="+sort+"&cursor="+url.QueryEscape(at.Prev))
			back = append(at.ids(), back...)
			if len(at.Items) > 0 && at.Next == "" {
				t.Errorf("%s: a page before has no next", sort)
			}
		}
		if diff := cmp.Diff(want, back); diff != "" {
			t.Errorf("%s back (-want +got):\n%s", sort, diff)
		}
	}
	middle := list(t, root, "limit=100").Items[10]
	jump := list(t, root, "limit=3&at="+url.QueryEscape(middle.Created))
	before := list(t, root, "limit=3&cursor="+url.QueryEscape(jump.Prev))
	if want := []string{"r14", "r13", "r12"}; middle.ID != "r14" || !slices.Equal(jump.ids(), want) || !slices.Equal(before.ids(), []string{"r17", "r16", "r15"}) {
		t.Errorf("at the time of %s = %v, before it %v, want %v", middle.ID, jump.ids(), before.ids(), want)
	}
	early := list(t, root, "limit=3&at=2020-01-01T00:00:00Z")
	if len(early.Items) != 0 || early.Prev == "" {
		t.Errorf("a jump to before all runs = %v, prev %q, want none, and a way to those after it", early.ids(), early.Prev)
	}
	if got := list(t, root, "limit=3&cursor="+url.QueryEscape(early.Prev)).ids(); !slices.Equal(got, []string{ids[2], ids[1], ids[0]}) {
		t.Errorf("before a jump to before all runs = %v, want the oldest three", got)
	}
	for query, status := range map[string]int{"cursor=~x": 400, "cursor=" + url.QueryEscape(jump.Prev) + "&sort=created": 400, "at=now": 400, "at=" + url.QueryEscape(middle.Created) + "&sort=name": 400} {
		if got := do(t, "GET", root+"/api/v1/runs?"+query, ""); got.Status != status {
			t.Errorf("runs?%s = %d, want %d", query, got.Status, status)
		}
	}
}

// TestSortsOfSearch sorts by what no index has.
func TestSortsOfSearch(t *testing.T) {
	root, ids := manyRuns(t, 25)
	want := slices.Clone(ids)
	job := func(id string) int { return (int(id[1]-'0')*10 + int(id[2]-'0')) % 3 }
	slices.SortStableFunc(want, func(a, b string) int { return job(a) - job(b) })
	for _, sort := range []string{"name", "-name"} {
		var got []string
		for cursor := ""; ; {
			p := list(t, root, "limit=4&sort="+sort+"&cursor="+url.QueryEscape(cursor))
			got = append(got, p.ids()...)
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sort, diff)
		}
		slices.Reverse(want)
	}
	if got := list(t, root, "sort=-duration&limit=1000"); len(got.Items) != 25 {
		t.Errorf("by duration = %d runs, want 25", len(got.Items))
	}
	some := do(t, "GET", root+"/api/v1/runs?limit=1&fields=name", "")
	if !strings.Contains(some.Body, `"name":"Job0"`) || strings.Contains(some.Body, `"status"`) || !strings.Contains(some.Body, `"row_version"`) {
		t.Errorf("fields=name = %s, want the name and what names the row", some.Body)
	}
}

// TestFailuresAreGrouped groups by what has gone wrong.
func TestFailuresAreGrouped(t *testing.T) {
	root, h := agentsHub(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "Pay", func(_ *perdure.Context, in string) (string, error) { return "", fmt.Errorf("card %s was refused", in) })
		perdure.AddOrchestrationNamed(r, "Pack", func(_ *perdure.Context, in string) (string, error) { return "", errors.New("no box") })
	})
	for i, name := range []string{"Pay", "Pack", "Pay"} {
		if _, err := h.Start(t.Context(), &hub.Start{InstanceID: fmt.Sprint("f", i), Name: name, Input: history.Some(strconv.Quote(fmt.Sprint(4711 + i)))}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.WaitCompletion(t.Context(), fmt.Sprint("f", i)); err != nil {
			t.Fatal(err)
		}
	}
	got := do(t, "GET", root+"/api/v1/run-failures?filter="+url.QueryEscape("status:failed completed>-1h"), "")
	fits(t, "FailureGroups", got.Body)
	var groups struct {
		Items []struct {
			Fingerprint, Newest string
			Names               []string
			Count               int
			Text                string `json:"error_text"`
		}
		Exact bool
	}
	if err := json.Unmarshal([]byte(got.Body), &groups); err != nil || !groups.Exact || len(groups.Items) != 2 {
		t.Fatalf("failures = %s, %v, want two groups", got.Body, err)
	}
	first := groups.Items[0]
	if first.Count != 2 || first.Newest != "f2" || !slices.Equal(first.Names, []string{"Pay"}) || first.Text != "card 4713 was refused" {
		t.Errorf("the first group = %+v, want the two payments, the newest f2", first)
	}
	if p := list(t, root, "filter=fingerprint:"+first.Fingerprint); !slices.Equal(p.ids(), []string{"f2", "f0"}) {
		t.Errorf("runs with its fingerprint = %v, want f2 and f0", p.ids())
	}
}

func TestFacetsAndCounts(t *testing.T) {
	root, _ := manyRuns(t, 10)
	for query, want := range map[string]string{
		"field=name":                        `{"items":[{"value":"Job0","count":4},{"value":"Job1","count":3},{"value":"Job2","count":3}],"exact":true}`,
		"field=name&prefix=job2":            `{"items":[{"value":"Job2","count":3}],"exact":true}`,
		"field=tag.":                        `{"items":[{"value":"team","count":10}],"exact":true}`,
		"field=tag.team&filter=name:Job0":   `{"items":[{"value":"t0","count":2},{"value":"t1","count":2}],"exact":true}`,
		"field=status&filter=tag.team:t0":   `{"items":[{"value":"completed","count":5}],"exact":true}`,
		"field=status&filter=status:failed": `{"items":[],"exact":true}`,
	} {
		got := do(t, "GET", root+"/api/v1/run-facets?"+query, "")
		fits(t, "Facets", got.Body)
		if strings.TrimSpace(got.Body) != want {
			t.Errorf("facets of %s = %s, want %s", query, got.Body, want)
		}
	}
	if got := do(t, "GET", root+"/api/v1/run-facets", ""); !strings.Contains(got.Body, `{"name":"status","type":"choice"`) {
		t.Errorf("fields = %s, want status among them", got.Body)
	}
	if got := do(t, "GET", root+"/api/v1/run-facets?field=stauts", ""); got.Status != 400 || !strings.Contains(got.Body, "did you mean status?") {
		t.Errorf("an unknown field = %d %s, want the nearest name", got.Status, got.Body)
	}
	histogram := do(t, "GET", root+"/api/v1/run-histogram?filter=name:Job0", "")
	fits(t, "Histogram", histogram.Body)
	sum := 0
	var counted struct{ Buckets []map[string]int }
	if err := json.Unmarshal([]byte(histogram.Body), &counted); err != nil {
		t.Fatal(err)
	}
	for _, b := range counted.Buckets {
		sum += b["completed"]
	}
	if sum != 4 || len(counted.Buckets) != 60 || counted.Buckets[0]["completed"] == 0 {
		t.Errorf("histogram = %s, want four completed runs, from the first bucket on", histogram.Body)
	}
	for query, want := range map[string]string{
		"filter=name:Job0&group=name": `"items":[{"name":"Job0","count":4}],"total":4,"exact":true`,
		"filter=tag.team:t1":          `"items":[{"status":"completed","count":5}],"total":5,"exact":true`,
	} {
		if got := do(t, "GET", root+"/api/v1/run-counts?"+query, ""); !strings.Contains(got.Body, want) {
			t.Errorf("counts of %s = %s, want %s", query, got.Body, want)
		}
	}
}

// TestSelectionsFindWhatMatches compares what indexes find with what looking at each run
// does, in all orders and by small pages.
func TestSelectionsFindWhatMatches(t *testing.T) {
	_, h := agentsHub(t, func(r *perdure.Registry) {
		for _, name := range []string{"Job0", "Job1", "Order", "r0x"} {
			perdure.AddOrchestrationNamed(r, name, func(ctx *perdure.Context, what string) (string, error) {
				switch what {
				case "fails":
					return "", errors.New("no")
				case "waits":
					return perdure.NewEvent[string]("go").Wait(ctx).Await()
				}
				return "done", nil
			})
		}
	})
	for i := range 90 {
		what := []string{"ends", "fails", "waits"}[i%3]
		start := &hub.Start{InstanceID: fmt.Sprintf("r%d-%02d", i%4, i), Name: []string{"Job0", "Job1", "Order", "r0x"}[i/3%4], Input: history.Some(strconv.Quote(what))}
		if i%10 == 0 {
			start.Tags = map[string]string{"team": "one"}
		}
		if _, err := h.Start(t.Context(), start); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	everything, err := h.List(t.Context(), store.Query{Limit: 1000})
	if err != nil || len(everything.Items) != 90 {
		t.Fatalf("%d runs, %v", len(everything.Items), err)
	}
	filters := []string{
		"", "r0", "r0-0", "r", "R", "Jo", "name:Jo*", "name:Jo*,Order", "name:none*", "-name:Jo*", "id:r1*", "id:r1-01", "r1 name:Jo*", "id:r1* r1-2",
		"status:failed", "-status:failed", "-status:failed,completed", "-status:failed -status:completed", "-phase:waiting_event", "phase:waiting_event",
		"r1 -status:completed", "id:r2* tag.team:one", "duration<1h id:r3*", "(r0 or name:Order) -r0-0", "error:no r2", "error:no", "-error:no", "error:none", "r0 name:r0x", "zz",
	}
	for _, text := range filters {
		s, err := client.Select(text, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for order := store.CreatedDesc; order < store.IDAsc; order++ {
			var want []string
			for _, i := range everything.Items {
				_, ended := client.TimeOf(order, i)
				if byEnd := order != store.CreatedDesc && order != store.CreatedAsc; s.Matches(i) && ended && (!byEnd || i.Status.Terminal()) {
					want = append(want, i.ID)
				}
			}
			for _, limit := range []int{7, 200} {
				var got []string
				var last time.Time
				for after := []byte(nil); ; {
					page, err := s.List(t.Context(), h, order, limit, after)
					if err != nil {
						t.Fatalf("List(%q): %v", text, err)
					}
					for _, i := range page.Items {
						at, _ := client.TimeOf(order, i)
						if down := order == store.CreatedDesc || order == store.CompletedDesc; !last.IsZero() && at != last && at.Before(last) != down {
							t.Errorf("List(%q) in order %d: %s is not in its place", text, order, i.ID)
						}
						got, last = append(got, i.ID), at
					}
					if after = page.Next; after == nil {
						break
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(slices.Sorted(slices.Values(want)), got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("List(%q) in order %d by %d (-want +got):\n%s", text, order, limit, diff)
				}
			}
		}
	}
}

// endless is a hub of more runs than one request looks at, none of which match.
type endless struct{ *stub }

func (endless) List(_ context.Context, q store.Query) (hub.Page, error) {
	if q.Match == nil && string(q.After) == "n" {
		return hub.Page{Items: []*hub.Instance{{Record: store.Record{ID: "far", Created: noon}}}, Scanned: 1}, nil
	}
	return hub.Page{Next: []byte("n"), Scanned: 50000, Partial: true}, nil
}

// TestSearchedTo has a search that ends early tell how far it has come.
func TestSearchedTo(t *testing.T) {
	url := serve(t, endless{fixture()}, nil)
	get(t, url+"/api/v1/runs?filter=status:failed+error:x", "partial", "true", "searched_to", strconv.Quote(noon.Format(time.RFC3339)))
	if got := do(t, "GET", url+"/api/v1/runs?filter=status:failed+error:x&sort=name", ""); strings.Contains(got.Body, "searched_to") {
		t.Errorf("runs by name = %s, want no time", got.Body)
	}
}

// What is wrong in a filter is told by its place.
func TestFilterMarks(t *testing.T) {
	url := serve(t, fixture(), nil)
	got := do(t, "GET", url+"/api/v1/runs?filter=statsu:failed+created>toady", "")
	if want := `"marks":[{"from":0,"to":6,"nearest":"status"},{"from":22,"to":27,"nearest":"today"}]`; got.Status != http.StatusBadRequest || !strings.Contains(got.Body, want) {
		t.Errorf("runs = %d %s, want 400 with %s", got.Status, got.Body, want)
	}
}
