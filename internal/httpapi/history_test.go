package httpapi_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFilterOfHistory(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, nil)
	type page struct {
		Items []struct {
			N    int
			Type string
		}
		Next, Total, Matched int
	}
	read := func(query string) (p page) {
		t.Helper()
		got := do(t, "GET", url+"/api/v1/runs/order-2/history?"+query, "")
		fits(t, "HistoryPage", got.Body)
		if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	all := read("")
	if all.Matched != all.Total || len(all.Items) != all.Total {
		t.Errorf("without a filter %d of %d match, and %d come", all.Matched, all.Total, len(all.Items))
	}
	var want []int
	for _, e := range all.Items {
		if e.Type == "timerCreated" || e.Type == "timerFired" {
			want = append(want, e.N)
		}
	}
	if len(want) < 2 {
		t.Fatalf("the history has %d events of timers, want 2 or more", len(want))
	}
	timers := read("filter=TIMER")
	var got []int
	for _, e := range timers.Items {
		got = append(got, e.N)
	}
	if diff := cmp.Diff(want, got); diff != "" || timers.Matched != len(want) || timers.Total != all.Total {
		t.Errorf("filter=TIMER finds %d of %d (-want +got):\n%s", timers.Matched, timers.Total, diff)
	}
	if second := read("filter=timer&after=1&limit=1"); len(second.Items) != 1 || second.Items[0].N != want[1] {
		t.Errorf("filter=timer&after=1&limit=1 = %+v, want the event %d", second, want[1])
	}
	if none := read("filter=timer+nothing"); none.Matched != 0 || none.Next != 0 {
		t.Errorf("filter=timer+nothing = %+v, want nothing", none)
	}
}
