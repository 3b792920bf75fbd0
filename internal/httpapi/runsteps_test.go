package httpapi_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/httpapi"
)

func TestStepsOfRun(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, func(c *httpapi.Config) { c.Now = func() time.Time { return noon } })
	golden(t, "steps", do(t, "GET", url+"/api/v1/runs/order-2/steps", ""))
	page := do(t, "GET", url+"/api/v1/runs/order-2/steps?after=1&limit=2", "")
	fits(t, "StepPage", page.Body)
	var got struct {
		Items []struct{ Name string }
		Next  int
		Total int
	}
	if err := json.Unmarshal([]byte(page.Body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Items) != 2 || got.Next != 3 || got.Total < 4 {
		t.Errorf("page after 1 of 2 = %+v, want 2 items, next 3", got)
	}
	if past := do(t, "GET", url+"/api/v1/runs/order-2/steps?after=99", ""); past.Status != 200 {
		t.Errorf("page after the end = %d, want 200", past.Status)
	}
}

// TestStepsOfLongRun reads a history of 50,000 events: a page takes no longer than they do to be read.
func TestStepsOfLongRun(t *testing.T) {
	h := fixture()
	h.events = []*history.Event{{ID: 0, Time: noon, Body: &history.ExecutionStarted{Name: "Order"}}}
	for i := range int32(25000) {
		h.events = append(h.events, &history.Event{ID: i + 1, Time: noon.Add(time.Duration(i) * time.Second), Body: &history.TaskScheduled{Name: fmt.Sprint("S", i%7)}})
	}
	for i := range int32(25000) {
		h.events = append(h.events, &history.Event{ID: -1, Time: noon.Add(time.Duration(25000+i) * time.Second), Body: &history.TaskCompleted{TaskScheduledID: i + 1}})
	}
	url := serve(t, h, nil)
	began := time.Now()
	got := do(t, "GET", url+"/api/v1/runs/order-2/steps?after=24000&limit=500", "")
	took := time.Since(began)
	var page struct {
		Items []any
		Total int
	}
	if err := json.Unmarshal([]byte(got.Body), &page); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{500, 25000}, []int{len(page.Items), page.Total}); diff != "" {
		t.Errorf("items and total (-want +got):\n%s", diff)
	}
	if took > 10*time.Second { // 0.1 s on an idle machine
		t.Errorf("a page took %v, want 10s at most", took)
	}
}

// TestGraphOfManySteps groups steps by name.
func TestGraphOfManySteps(t *testing.T) {
	h := fixture()
	h.events = []*history.Event{{Body: &history.OrchestratorStarted{}}, {Body: &history.ExecutionStarted{Name: "Order"}}}
	for i := range int32(100) {
		h.events = append(h.events, &history.Event{ID: i, Body: &history.TaskScheduled{Name: "Charge"}})
	}
	h.events = append(h.events, &history.Event{ID: -1, Body: &history.OrchestratorStarted{}})
	for i := range int32(99) {
		h.events = append(h.events, &history.Event{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: i}})
	}
	h.events = append(h.events, &history.Event{ID: 200, Body: &history.TaskScheduled{Name: "Ship"}})
	checkGraph(t, serve(t, h, nil), "order%2F1%25",
		"orchestration Order running 0/1", "activity Charge open 99/100", "activity Ship open 0/1",
		"Order schedule Charge 100", "Charge schedule Ship 1")
}

// TestStateAtEvent rebuilds a run as it was after each event.
func TestStateAtEvent(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, nil)
	var lines []string
	for at := range len(h.events) + 1 {
		got := do(t, "GET", fmt.Sprint(url, "/api/v1/runs/order-2/state?at=", at), "")
		fits(t, "RunState", got.Body)
		var v struct {
			At, Done, Failed int
			Status           string
			Open             []struct{ Kind string }
		}
		if err := json.Unmarshal([]byte(got.Body), &v); err != nil {
			t.Fatal(err)
		}
		if at == 0 || at == 2 || at == 3 || at == 15 || at == 20 {
			lines = append(lines, fmt.Sprint(v.At, " ", v.Status, " ", len(v.Open), " open ", v.Done, " done ", v.Failed, " failed"))
		}
	}
	want := []string{"27 failed 0 open 6 done 3 failed", "2 running 1 open 0 done 0 failed", "3 running 0 open 0 done 1 failed",
		"15 suspended 0 open 4 done 2 failed", "20 terminated 1 open 5 done 2 failed"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}
