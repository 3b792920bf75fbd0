package replay_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// run is one instance on a hub that does nothing by itself: the test says what
// happens. It checks after each turn that a cold replay goes the same way.
type run struct {
	t       *testing.T
	runner  *replay.Runner
	id      string
	exec    string
	warm    *replay.Execution
	cold    bool // the next turn begins with the whole past
	past    []*history.Event
	turns   []recordedTurn
	now     time.Time
	last    engine.TurnResult
	ended   *engine.Complete
	started *history.ExecutionStarted
}

type recordedTurn struct {
	begin, end int // of the turn's messages in the history
	result     engine.TurnResult
}

func newRun(t *testing.T, reg *perdure.Registry, name string, input string) *run {
	t.Helper()
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, runner: replay.NewRunner(reg, replay.Options{}), id: "i", exec: fmt.Sprintf("%032x", 1), now: epoch}
	r.started = &history.ExecutionStarted{
		Name: name, Input: history.NoneIfEmpty(input),
		Instance: &history.Instance{InstanceID: r.id, ExecutionID: history.Some(r.exec)},
	}
	r.warm = r.runner.Open(r.id, r.exec)
	t.Cleanup(func() { r.warm.Evict() })
	return r
}

// start runs the first turn.
func (r *run) start(more ...history.Body) *run {
	r.t.Helper()
	r.turn(append([]history.Body{r.started}, more...)...)
	return r
}

// turn runs a turn with messages, a second after the last.
func (r *run) turn(bodies ...history.Body) engine.TurnResult {
	r.t.Helper()
	r.now = r.now.Add(time.Second)
	fresh := []*history.Event{{ID: -1, Time: r.now, Body: &history.OrchestratorStarted{}}}
	for _, b := range bodies {
		id := int32(-1)
		if _, ok := b.(*history.ExecutionStarted); ok {
			id = 0
		}
		fresh = append(fresh, &history.Event{ID: id, Time: r.now, Body: b})
	}
	var past []*history.Event
	if r.cold {
		past, r.cold = r.past, false
	}
	r.last = r.warm.Turn(past, fresh)
	begin := len(r.past)
	r.past = append(r.past, fresh...)
	r.turns = append(r.turns, recordedTurn{begin, len(r.past), r.last})
	r.record(r.last.Actions)
	r.checkCold()
	return r.last
}

// record appends the events that actions leave.
func (r *run) record(actions []engine.Action) {
	for _, a := range actions {
		if c, ok := a.Do.(*engine.Complete); ok {
			r.ended = c
			if c.Status == history.StatusContinuedAsNew {
				continue
			}
		}
		if b := eventOf(a.Do); b != nil {
			ev := &history.Event{ID: a.ID, Time: r.now, Body: b}
			if timer, ok := a.Do.(*engine.CreateTimer); ok && timer.Retry != nil {
				ev.Meta = &history.Meta{Options: []byte("retry")}
			}
			r.past = append(r.past, ev)
		}
	}
}

func eventOf(op engine.Op) history.Body {
	switch op := op.(type) {
	case *engine.ScheduleTask:
		return &history.TaskScheduled{Name: op.Name, Version: op.Version, Input: op.Input, Tags: op.Tags}
	case *engine.CreateTimer:
		return &history.TimerCreated{FireAt: op.FireAt}
	case *engine.CreateSubOrchestration:
		if op.Detached {
			return &history.EventSent{InstanceID: op.InstanceID, Name: op.Name, Input: op.Input}
		}
		return &history.SubOrchestrationInstanceCreated{InstanceID: op.InstanceID, Name: op.Name, Input: op.Input}
	case *engine.SendEvent:
		return &history.EventSent{InstanceID: op.InstanceID, Name: op.Name, Input: op.Data}
	case *engine.SendEntityMessage:
		return op.Body
	case *engine.Mark:
		return &history.GenericEvent{Data: history.Some(engine.MarkPrefix + op.Name)}
	case *engine.Complete:
		return &history.ExecutionCompleted{Status: op.Status, Result: op.Result, Failure: op.Failure}
	}
	return nil
}

// checkCold replays the history up to each turn and compares that turn.
func (r *run) checkCold() {
	r.t.Helper()
	turn := r.turns[len(r.turns)-1]
	cold := r.runner.Open(r.id, r.exec)
	defer cold.Evict()
	got := cold.Turn(r.past[:turn.begin], r.past[turn.begin:turn.end])
	if diff := cmp.Diff(turn.result, got); diff != "" {
		r.t.Fatalf("turn %d after a replay differs from the warm one (-warm +cold):\n%s", len(r.turns), diff)
	}
}

func done(id int32, result string) *history.TaskCompleted {
	return &history.TaskCompleted{TaskScheduledID: id, Result: history.Some(result)}
}

// fresh makes the events of a turn without running it.
func (r *run) fresh(bodies ...history.Body) []*history.Event {
	at := r.now.Add(time.Second)
	fresh := []*history.Event{{ID: -1, Time: at, Body: &history.OrchestratorStarted{}}}
	for _, b := range bodies {
		fresh = append(fresh, &history.Event{ID: -1, Time: at, Body: b})
	}
	return fresh
}
