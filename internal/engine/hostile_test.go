package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// hostileOp draws what a worker may ask for, with ids and targets that collide. Only
// our own workers cancel tasks, and these use no id twice.
func hostileOp(t *rapid.T, past []*history.Event) engine.Op {
	text := func(label string) history.Text {
		return history.NoneIfEmpty(rapid.SampledFrom([]string{"", "a", `"b"`}).Draw(t, label))
	}
	id := rapid.SampledFrom([]string{"", "run", "other", "@n@a", "@n@b", "r1", "s1"}).Draw(t, "id")
	set := rapid.SliceOfN(rapid.SampledFrom([]string{"@n@a", "@n@b", "@n@c"}), 0, 4).Draw(t, "set")
	switch rapid.IntRange(0, 12).Draw(t, "op") {
	case 0, 1:
		return &engine.ScheduleTask{Name: "act", Input: text("input")}
	case 2:
		return &engine.CreateTimer{FireAt: epoch.Add(rapid.SampledFrom([]time.Duration{0, -time.Hour, time.Hour}).Draw(t, "fire"))}
	case 3:
		return &engine.CreateSubOrchestration{InstanceID: id, Name: "child", Detached: rapid.Bool().Draw(t, "detached")}
	case 4:
		return &engine.SendEvent{InstanceID: id, Name: rapid.SampledFrom([]string{"e", "op", "op@x", "release"}).Draw(t, "name"),
			Data: history.Some(rapid.SampledFrom([]string{"", "{}", `{"id":"r1","op":"x"}`, `{"id":"s1","lockset":[{"name":"n","key":"a"}]}`, `{"id":"s1"}`}).Draw(t, "data"))}
	case 5:
		return &engine.SendEntityMessage{Body: &history.EntityOperationCalled{RequestID: id, Operation: "op", TargetInstanceID: text("target")}}
	case 6:
		return &engine.SendEntityMessage{Body: &history.EntityLockRequested{CriticalSectionID: id, LockSet: set, Position: 7}}
	case 7:
		return &engine.SendEntityMessage{Body: &history.EntityUnlockSent{CriticalSectionID: id, TargetInstanceID: history.Some("@n@a")}}
	case 8:
		return &engine.SendEntityMessage{Body: rapid.SampledFrom([]history.Body{nil, &history.EventRaised{}, &history.EntityOperationSignaled{}}).Draw(t, "body")}
	case 9:
		return &engine.Terminate{InstanceID: id}
	case 10:
		return &engine.Rewind{NewHistory: rapid.SampledFrom([][]*history.Event{nil, past}).Draw(t, "history"), Relock: rapid.Bool().Draw(t, "relock")}
	case 11:
		status := rapid.SampledFrom([]history.Status{history.StatusCompleted, history.StatusFailed, history.StatusContinuedAsNew, history.StatusRunning, 77}).Draw(t, "status")
		return &engine.Complete{Status: status, Carryover: rapid.SampledFrom([][]*history.Event{nil, past}).Draw(t, "carryover")}
	}
	return nil
}

// hostileMessage draws a message to the orchestration.
func hostileMessage(t *rapid.T) *engine.Message {
	task := rapid.Int32Range(-1, 3).Draw(t, "task")
	id := rapid.SampledFrom([]string{"", "r1", "s1", "run"}).Draw(t, "id")
	body := rapid.SampledFrom([]history.Body{
		&history.TaskCompleted{TaskScheduledID: task}, &history.TaskFailed{TaskScheduledID: task}, &history.TimerFired{TimerID: task},
		&history.SubOrchestrationInstanceCompleted{TaskScheduledID: task}, &history.SubOrchestrationInstanceFailed{TaskScheduledID: task},
		&history.EntityOperationCompleted{RequestID: id}, &history.EntityOperationFailed{RequestID: id},
		&history.EntityLockGranted{CriticalSectionID: id}, &history.EventRaised{Name: id}, &history.ExecutionTerminated{Recurse: true},
		&history.ExecutionSuspended{}, &history.ExecutionResumed{}, &history.ExecutionRewound{}, &history.OrchestratorStarted{},
	}).Draw(t, "message")
	return &engine.Message{Event: &history.Event{ID: -1, Time: epoch, Body: body}}
}

// shown is what of a state must be known again from its history.
func shown(o *engine.Orchestration, givenBack bool) []string {
	lines := []string{fmt.Sprint(o.Execution, o.Status, o.Events)}
	if !givenBack {
		lines = append(lines, fmt.Sprint(o.HoldsLocks(), o.HasSection("s1"), o.HasSection("")))
	}
	for _, id := range slices.Sorted(maps.Keys(o.Tasks())) {
		task := o.Tasks()[id]
		lines = append(lines, fmt.Sprint(id, task.Kind, task.Name, task.Target, task.Due.UTC()))
	}
	return lines
}

// TestHostileTurns applies turns of a worker that answers anything. The engine does
// not break, and whatever becomes of the state, its history says the same.
func TestHostileTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := engine.NewOrchestration("run", "e0")
		messages := []*engine.Message{{Class: engine.ClassStart, Event: &history.Event{Time: epoch, Body: started(nil)}}}
		var past []*history.Event
		var closed []int32
		givenBack := false // locks that the history tells of, by a rewind that does not ask for them again
		for turn := range rapid.IntRange(1, 8).Draw(t, "turns") {
			for range rapid.IntRange(0, 4).Draw(t, "messages") {
				m := hostileMessage(t)
				rewind := m.Event.Body.Kind() == history.KindExecutionRewound
				if o.Accept(m) == engine.Deliver && (!rewind || len(messages) == 0) {
					messages = append(messages, o.Local(m))
				}
			}
			var actions []engine.Action
			for range rapid.IntRange(0, 5).Draw(t, "actions") {
				actions = append(actions, engine.Action{ID: rapid.Int32Range(-1, 3).Draw(t, "action"), Do: hostileOp(t, past)})
			}
			if len(messages) == 0 {
				continue
			}
			now := epoch.Add(time.Duration(turn) * time.Second)
			execution := fmt.Sprint("e", turn+1)
			fx := o.Apply(&engine.Turn{Now: now, Messages: messages, Result: engine.TurnResult{Actions: actions}, Execution: execution},
				engine.Fresh(now, messages))
			if fx.NewBranch {
				past, closed, givenBack = nil, nil, true
			}
			past, closed = append(past, fx.Events...), append(closed, fx.Closed...)
			for _, out := range fx.Send {
				if out.Target == "" || out.Message.Event.Body == nil {
					t.Fatalf("it sends %v to %q", out.Message.Event, out.Target)
				}
			}
			messages = nil
			if fx.OldBranch != "" && !fx.NewBranch { // it continues as new
				past, closed, givenBack = nil, nil, false
				messages = []*engine.Message{fx.Send[0].Message}
			}
			reread := engine.NewOrchestration("run", o.Execution)
			for _, e := range past {
				again, err := history.Decode(e.Append(nil))
				if err != nil {
					t.Fatal(err)
				}
				reread.Fold(again)
			}
			for _, id := range closed {
				reread.Close(id)
			}
			if diff := cmp.Diff(shown(o, givenBack), shown(reread, givenBack)); diff != "" && len(messages) == 0 {
				t.Fatalf("its history says something else than the state (-state +history):\n%s", diff)
			}
			if o.Status.Terminal() && len(o.Tasks()) > 0 {
				t.Fatalf("it has ended with open tasks %v", o.Tasks())
			}
		}
	})
}
