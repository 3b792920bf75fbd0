package replay_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// player runs one orchestration of the examples in memory: activities and
// entities at once, timers when nothing else is left, in the order of their time.
type player struct {
	runner   *replay.Runner
	exec     *replay.Execution
	now      time.Time
	messages []history.Body
	timers   []*history.TimerFired
	entities map[string]history.Text
	result   string
}

func raised(name, data string) history.Body {
	return &history.EventRaised{Name: name, Input: history.Some(data)}
}

// play runs the orchestration to its end and returns its status and output. The
// events are there from the start.
func play(reg *perdure.Registry, name, input string, events ...history.Body) string {
	if err := reg.Err(); err != nil {
		return err.Error()
	}
	p := &player{
		runner:   replay.NewRunner(reg, replay.Options{}),
		now:      time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		entities: map[string]history.Text{},
	}
	p.start(name, history.NoneIfEmpty(input), events)
	for p.result == "" {
		if len(p.messages) == 0 && !p.advance() {
			return "waits for ever"
		}
		fresh := []*history.Event{{ID: -1, Time: p.now, Body: &history.OrchestratorStarted{}}}
		for _, b := range p.messages {
			fresh = append(fresh, &history.Event{ID: -1, Time: p.now, Body: b})
		}
		p.messages = nil
		for _, a := range p.exec.Turn(nil, fresh).Actions {
			p.carryOut(name, a)
		}
	}
	return p.result
}

func (p *player) start(name string, input history.Text, events []history.Body) {
	p.exec = p.runner.Open("example", fmt.Sprint(p.now.UnixNano()))
	p.messages = append([]history.Body{&history.ExecutionStarted{Name: name, Input: input}}, events...)
}

// advance fires the earliest timer.
func (p *player) advance() bool {
	if len(p.timers) == 0 {
		return false
	}
	slices.SortStableFunc(p.timers, func(a, b *history.TimerFired) int { return a.FireAt.Compare(b.FireAt) })
	p.now = p.timers[0].FireAt
	p.messages = append(p.messages, p.timers[0])
	p.timers = p.timers[1:]
	return true
}

func (p *player) carryOut(name string, a engine.Action) {
	switch do := a.Do.(type) {
	case *engine.ScheduleTask:
		info := perdure.ActivityInfo{Name: do.Name, TaskID: a.ID, Attempt: int(do.Attempt)}
		result, f := p.runner.RunActivity(context.Background(), info, do.Input)
		if f != nil {
			p.messages = append(p.messages, &history.TaskFailed{TaskScheduledID: a.ID, Failure: f})
			return
		}
		p.messages = append(p.messages, &history.TaskCompleted{TaskScheduledID: a.ID, Result: result})
	case *engine.CreateTimer:
		p.timers = append(p.timers, &history.TimerFired{TimerID: a.ID, FireAt: do.FireAt})
	case *engine.Cancel:
		p.timers = slices.DeleteFunc(p.timers, func(t *history.TimerFired) bool { return t.TimerID == do.Task })
	case *engine.Reply:
		fmt.Printf("answer to %s: %s\n", do.Request, do.Result.S)
	case *engine.SendEntityMessage:
		p.entity(do.Body)
	case *engine.Complete:
		p.exec.Evict()
		if do.Status == history.StatusContinuedAsNew {
			fmt.Println("continued", do.Result.S)
			p.timers = nil
			p.start(name, do.Result, nil)
			return
		}
		p.result = do.Status.String() + " " + do.Result.S
		if do.Failure != nil {
			p.result += do.Failure.Message
		}
	}
}

func (p *player) entity(body history.Body) {
	switch b := body.(type) {
	case *history.EntityLockRequested:
		p.messages = append(p.messages, &history.EntityLockGranted{CriticalSectionID: b.CriticalSectionID})
	case *history.EntityOperationCalled:
		id := b.TargetInstanceID.S
		got := p.runner.RunEntity(engine.EntityTurn{
			InstanceID: id, Time: p.now, State: p.entities[id], Operations: []*history.Event{{Body: b}},
		})
		p.entities[id] = got.State
		if f := got.Results[0].Failure; f != nil {
			p.messages = append(p.messages, &history.EntityOperationFailed{RequestID: b.RequestID, Failure: f})
			return
		}
		p.messages = append(p.messages, &history.EntityOperationCompleted{RequestID: b.RequestID, Output: got.Results[0].Result})
	}
}
