package steps_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/steps"
)

// TestRewind rewinds a run of two activities and an event to each of its events.
func TestRewind(t *testing.T) {
	events := []*history.Event{
		{ID: -1, Body: &history.OrchestratorStarted{}},                              // 1
		{ID: 0, Body: &history.ExecutionStarted{Name: "run"}},                       // 2
		{ID: 1, Body: &history.TaskScheduled{Name: "a"}},                            // 3
		{ID: -1, Body: &history.OrchestratorStarted{}},                              // 4
		{ID: -1, Body: &history.EventRaised{Name: "go"}},                            // 5
		{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: 1}},                  // 6
		{ID: 2, Body: &history.EntityOperationSignaled{Operation: "add"}},           // 7
		{ID: 3, Body: &history.TaskScheduled{Name: "b"}},                            // 8
		{ID: -1, Body: &history.OrchestratorStarted{}},                              // 9
		{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: 3}},                  // 10
		{ID: 4, Body: &history.ExecutionCompleted{Status: history.StatusCompleted}}, // 11
	}
	run := steps.Of(events)
	var got []string
	for n := 1; n <= len(events); n++ {
		line := fmt.Sprintf("%2d:", n)
		for i, fate := range run.Rewind(events, n) {
			line += fmt.Sprintf(" %s %s", run.Steps[i].Name, fate)
		}
		got = append(got, line)
	}
	want := strings.Split(strings.TrimSpace(`
 1: a again go later add later b later
 2: a again go later add later b later
 3: a again go later add later b later
 4: a again go later add later b later
 5: a again go later add later b later
 6: a again go reused add later b later
 7: a reused go reused add again b again
 8: a reused go reused add again b again
 9: a reused go reused add reused b again
10: a reused go reused add reused b again
11: a reused go reused add reused b reused`), "\n")
	want[0] = " " + want[0]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Rewind() for each event (-want +got):\n%s", diff)
	}
}
