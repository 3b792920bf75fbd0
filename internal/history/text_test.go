package history_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/history"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestScriptOfFullEvents(t *testing.T) {
	var events []*history.Event
	for _, body := range bodies() {
		events = append(events, new(filler).event(body))
	}
	checkGolden(t, "full.txt", history.Script(events))
}

func TestScript(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	some := history.Some
	checkGolden(t, "script.txt", history.Script([]*history.Event{
		{ID: -1, Time: at, Body: &history.OrchestratorStarted{}},
		{ID: 0, Time: at, Body: &history.ExecutionStarted{Name: "Order", Input: some(`{"a":1}`), Version: some(""),
			Instance: &history.Instance{InstanceID: "order-1", ExecutionID: some("e1")}, Tags: map[string]string{"z": "1", "a": "x y"}}},
		{ID: 1, Body: &history.TaskScheduled{Name: "Hello", Input: some("x")}},
		{ID: 2, Body: &history.TaskScheduled{Name: "say hello"}},
		{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: 1}},
		{ID: 3, Body: &history.TimerCreated{FireAt: at}},
		{ID: -1, Body: &history.TaskFailed{TaskScheduledID: 2, Failure: &history.Failure{
			Type: "*errors.errorString", Message: "line\nnext", NonRetriable: true}}, Meta: &history.Meta{Attempt: 2, Worker: "w"}},
		{ID: 4, Body: &history.EntityLockRequested{CriticalSectionID: "c", LockSet: []string{"@a@b", ""}}},
		{ID: 5, Body: &history.ExecutionCompleted{Status: history.StatusCompleted, Result: some("")}},
		{ID: -1, Unknown: []byte{0xf8, 0x01, 0x07}},
	}))
}

func TestNamesOfKinds(t *testing.T) {
	for k, want := range map[history.Kind]string{
		history.KindTaskScheduled:                    "taskScheduled",
		history.KindSubOrchestrationInstanceComplete: "subOrchestrationInstanceCompleted",
		history.Kind(31):                             "kind31",
	} {
		if got := k.String(); got != want {
			t.Errorf("Kind(%d).String() = %q, want %q", k, got, want)
		}
	}
	if got, want := history.StatusContinuedAsNew.String(), "continued"; got != want {
		t.Errorf("StatusContinuedAsNew.String() = %q, want %q", got, want)
	}
}
