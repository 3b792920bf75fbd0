package steps_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/steps"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// dated gives events a time each, a second apart.
func dated(bodies ...any) []*history.Event {
	var events []*history.Event
	id := int32(0)
	for _, b := range bodies {
		e, ok := b.(*history.Event)
		if !ok {
			e = &history.Event{ID: -1, Body: b.(history.Body)}
			switch b.(type) {
			case *history.TaskScheduled, *history.TimerCreated, *history.SubOrchestrationInstanceCreated, *history.EventSent,
				*history.EntityOperationCalled, *history.EntityOperationSignaled, *history.EntityLockRequested:
				id++
				e.ID = id
			}
		} else {
			id = e.ID
		}
		e.Time = noon.Add(time.Duration(len(events)) * time.Second)
		events = append(events, e)
	}
	return events
}

func turn() *history.OrchestratorStarted { return &history.OrchestratorStarted{} }

func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return fmt.Sprint(int(t.Sub(noon).Seconds()))
}

// script shows steps in a line each.
func script(r *steps.Run) string {
	var lines []string
	for _, s := range r.Steps {
		line := fmt.Sprintf("%s %s %s n=%d..%d %s..%s turn=%d..%d", s.Kind, s.Name, s.Status, s.N, s.EndN, at(s.Scheduled), at(s.Completed), s.Turn, s.EndTurn)
		for _, a := range s.Attempts {
			line += fmt.Sprintf(" [n=%d..%d %s..%s until %s %s]", a.N, a.EndN, at(a.Scheduled), at(a.Completed), at(a.BackoffUntil), a.Failure.Message)
		}
		if s.Number > 1 {
			line += fmt.Sprintf(" attempt=%d/%d", s.Number, s.MaxAttempts)
		}
		lines = append(lines, line+s.Run+s.Target)
	}
	return strings.Join(lines, "\n")
}

func check(t *testing.T, events []*history.Event, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n"), script(steps.Of(events))); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func failed(id int32, message string) *history.TaskFailed {
	return &history.TaskFailed{TaskScheduledID: id, Failure: &history.Failure{Message: message}}
}

// paused is the timer before an attempt, as the engine marks it.
func paused(t *testing.T, id int32, name string, attempt int32) *history.Event {
	t.Helper()
	o := engine.NewOrchestration("i", "e")
	fx := o.Apply(&engine.Turn{Now: noon, Result: engine.TurnResult{Actions: []engine.Action{{ID: id, Do: &engine.CreateTimer{
		FireAt: noon.Add(time.Hour), Retry: &engine.Retry{Name: name, Attempt: attempt, MaxAttempts: 3}}}}}}, nil)
	return fx.Events[0]
}

func again(id int32, name string, attempt int32) *history.Event {
	return &history.Event{ID: id, Body: &history.TaskScheduled{Name: name}, Meta: &history.Meta{Attempt: attempt}}
}

func TestSteps(t *testing.T) {
	check(t, dated(turn(), &history.ExecutionStarted{}, &history.TaskScheduled{Name: "A"}, &history.TimerCreated{FireAt: noon.Add(time.Hour)},
		turn(), &history.TaskCompleted{TaskScheduledID: 1}, &history.EventRaised{Name: "Go"},
		&history.SubOrchestrationInstanceCreated{Name: "Sub", InstanceID: "kid"}, &history.EventSent{Name: "Hi", InstanceID: "other"},
		turn(), &history.SubOrchestrationInstanceFailed{TaskScheduledID: 3, Failure: &history.Failure{Message: "no"}}),
		"activity A completed n=3..6 2..5 turn=1..2",
		"timer  open n=4..0 3..- turn=1..0",
		"event Go completed n=7..7 0..6 turn=1..2",
		"child Sub failed n=8..11 7..10 turn=2..3kid",
		"sent Hi completed n=9..0 8..8 turn=2..0other")
}

// TestRetries checks that attempts of steps of one name are told apart, and from a step
// that failed for good.
func TestRetries(t *testing.T) {
	check(t, dated(turn(), &history.TaskScheduled{Name: "A"}, &history.TaskScheduled{Name: "A"}, &history.TaskScheduled{Name: "A"},
		turn(), failed(3, "for good"),
		turn(), failed(2, "two"), paused(t, 4, "A", 2),
		turn(), failed(1, "one"), paused(t, 5, "A", 2),
		turn(), &history.TimerFired{TimerID: 5}, again(6, "A", 2),
		turn(), &history.TimerFired{TimerID: 4}, again(7, "A", 2),
		turn(), &history.TaskCompleted{TaskScheduledID: 7}, failed(6, "last"), paused(t, 8, "A", 3)),
		"activity A retrying n=15..21 14..20 turn=1..7 [n=2..11 1..10 until 3600 one] attempt=2/3",
		"activity A completed n=18..20 17..19 turn=1..7 [n=3..8 2..7 until 3600 two] attempt=2/3",
		"activity A failed n=4..6 3..5 turn=1..2")
}

func TestEntitiesAndEnd(t *testing.T) {
	check(t, dated(turn(), &history.EntityOperationCalled{RequestID: "r", Operation: "get", TargetInstanceID: history.Some("@c@a")},
		&history.EntityOperationSignaled{Operation: "add", TargetInstanceID: history.Some("@c@b")},
		&history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@c@d"}}, &history.TaskScheduled{Name: "B"},
		turn(), &history.EntityOperationCompleted{RequestID: "r"}, &history.EntityLockGranted{CriticalSectionID: "s"},
		&history.ExecutionCompleted{}),
		"entity get completed n=2..7 1..6 turn=1..2@c@a",
		"signal add completed n=3..0 2..2 turn=1..0@c@b",
		"lock  completed n=4..8 3..7 turn=1..2@c@d",
		"activity B canceled n=5..0 4..- turn=1..0")
}

func TestOutcomes(t *testing.T) {
	r := steps.Of(dated(turn(), &history.TaskScheduled{Name: "A"}, &history.TaskScheduled{Name: "B"}, turn(),
		&history.TaskCompleted{TaskScheduledID: 2}, &history.TaskCompleted{TaskScheduledID: 1}))
	if diff := cmp.Diff([][]int{nil, nil, {0, 1}}, r.Outcomes()); diff != "" {
		t.Errorf("Outcomes (-want +got):\n%s", diff)
	}
}

// FuzzSteps reads histories in any order of events: nothing panics, and each step has
// a place in the history.
func FuzzSteps(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, picks []byte) {
		var bodies []any
		for _, p := range picks {
			id := int32(p >> 4)
			bodies = append(bodies, []any{turn(), &history.TaskScheduled{Name: "A"}, &history.TaskCompleted{TaskScheduledID: id}, failed(id, "x"),
				paused(t, id, "A", 2), again(id, "A", 2), &history.TimerFired{TimerID: id}, &history.SubOrchestrationInstanceCreated{Name: "A"},
				&history.EventRaised{}, &history.ExecutionCompleted{}}[p%10])
		}
		for _, s := range steps.Of(dated(bodies...)).Steps {
			if s.N < 1 || s.N > len(picks) || s.EndN > len(picks) {
				t.Errorf("step %+v of %d events, want its events among them", s, len(picks))
			}
		}
	})
}

// TestRewound shows what was open at a rewind from then on; what had ended before, and is
// told again, stays where it was.
func TestRewound(t *testing.T) {
	events := dated(turn(), &history.ExecutionStarted{Name: "run"}, &history.TaskScheduled{Name: "a"}, &history.TaskScheduled{Name: "b"},
		&history.EntityOperationCalled{RequestID: "q", Operation: "pick"}, &history.TimerCreated{}, turn(), &history.ExecutionRewound{},
		&history.TaskCompleted{TaskScheduledID: 1}, &history.TaskCompleted{TaskScheduledID: 2}, &history.EntityOperationCompleted{RequestID: "q"})
	events[9].Time = noon.Add(5 * time.Second)
	check(t, events,
		"activity a completed n=3..9 7..8 turn=1..2",
		"activity b completed n=4..10 3..5 turn=1..2",
		"entity pick completed n=5..11 7..10 turn=1..2",
		"timer  open n=6..0 5..- turn=1..0")
}
