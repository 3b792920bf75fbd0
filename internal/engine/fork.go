package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// Forking says how a run is copied up to an event. The new run has a history that begins
// with that of its source, and goes its own way from there.
type Forking struct {
	// Of is the source, and a salt. Its Event may be one more than the source has: then all
	// is copied.
	Of     history.Fork
	Input  history.Text // in place of the source's, if present
	Patch  *Patch       // nil = all outcomes are as they were
	Closed []Closing    // tasks that the source has cancelled
	// Own says that code of ours carries the run on, which asks by itself for the steps
	// that were open: then these are not part of the copy.
	Own bool
}

// Closing is the cancellation of a task, of which no event tells.
type Closing struct {
	Task  int32
	After int // how many events the history had after the turn that has cancelled it
}

// Patch is an outcome in place of the one that a step has, or has not yet.
type Patch struct {
	Event   int // number of the event that has scheduled the step, from 1
	Result  history.Text
	Failure *history.Failure // nil = Result is the outcome
}

// ForkedID is the id that a run below gets, whose id was chosen by the code of a fork: that
// of another run would be chosen by the code of the source too. Ids that derive from the
// fork's own stay.
func ForkedID(run, id, salt string) string {
	mark := "~" + salt[:min(8, len(salt))]
	if strings.HasPrefix(id, run+":") || strings.HasSuffix(id, mark) {
		return id
	}
	return id + mark
}

// ForkSeed is the seed of ids and chance from the point on at which a fork goes its own way.
func ForkSeed(seed, salt string) string { return derive(seed, "fork "+salt) }

// ForkIn returns of what an event has the run be a copy, nil = of none, and whether the run
// goes its own way from there on.
func ForkIn(e *history.Event) (f *history.Fork, parts bool) {
	if e.Meta == nil || e.Meta.Fork == nil {
		return nil, false
	}
	return e.Meta.Fork, is[*history.OrchestratorStarted](e)
}

// Fork makes a copy of the source, whose whole history past is, of an orchestration that
// has not begun. What has an outcome in the copy is not done again; what was open is begun
// anew, by the new run and under its own ids. The error says why it cannot be. Past is not
// changed.
func (o *Orchestration) Fork(past []*history.Event, f *Forking, now time.Time) (*Effects, error) {
	if i := slices.IndexFunc(past, is[*history.ExecutionCompleted]); i >= 0 {
		f.Of.Event = min(f.Of.Event, int64(i)+1)
	}
	n := int(f.Of.Event) - 1
	turn := len(past)
	if n < len(past) {
		turn = TurnOf(past, n)
	}
	past, answer, err := f.patched(past, n, turn)
	if err != nil {
		return nil, err
	}
	fx := &Effects{Branch: o.Execution, NewBranch: true}
	var again []*history.Event
	for _, e := range past[turn:n] {
		if IsMessage(e) && !is[*history.ExecutionStarted](e) {
			again = append(again, e)
		}
	}
	again = append(again, answer...)
	if pausedBy(past[:n]) {
		again = append(again, &history.Event{ID: -1, Time: now, Body: &history.ExecutionResumed{Input: history.Some("forked")}})
	}
	if start := startIn(past[turn:]); start != nil {
		fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
			From: o.ID, Class: ClassStart, Execution: o.Execution, Event: o.copiedStart(start, f, ""),
		}})
		o.redeliver(fx, nil, again)
		return fx, nil
	}
	if turn == 0 {
		return nil, errors.New("it has not begun")
	}
	if f.Of.As = f.Of.Run; parting(past[turn:]) != nil {
		f.Of.As = parting(past[turn:]).As
	}
	copied, err := o.copied(past[:turn], again, f)
	if err != nil {
		return nil, err
	}
	for _, e := range append(copied, &history.Event{ID: -1, Time: now, Meta: &history.Meta{Fork: &f.Of}, Body: &history.OrchestratorStarted{}}) {
		o.add(fx, e)
	}
	o.goOn(fx, again, f.closedBy(turn), now)
	return fx, nil
}

// closedBy returns the tasks that were cancelled in the first events.
func (f *Forking) closedBy(events int) []int32 {
	var closed []int32
	for _, c := range f.Closed {
		if c.After <= events {
			closed = append(closed, c.Task)
		}
	}
	return closed
}

// copied returns what a fork takes over of turns, other than what its code asks for again.
func (o *Orchestration) copied(turns, again []*history.Event, f *Forking) ([]*history.Event, error) {
	at := NewOrchestration(f.Of.Run, f.Of.Execution)
	for _, e := range turns {
		at.Fold(e)
	}
	for _, task := range f.closedBy(len(turns)) {
		at.shut(task)
	}
	if at.HoldsLocks() {
		return nil, errors.New("it holds or waits for locks of entities there, which two runs cannot have: fork it from before or after that")
	}
	ends := at.resolvedBy(again)
	open := make(map[*history.Event]*Task)
	for id, t := range at.tasks {
		if !ends[id] && t.Kind != TimerTask {
			open[t.Event] = t
		}
	}
	kept := make([]*history.Event, 0, len(turns)+1)
	for _, e := range turns {
		t := open[e]
		switch {
		case is[*history.ExecutionStarted](e):
			e = o.copiedStart(e, f, SeedOf(turns, f.Of.Execution))
		case t == nil:
		case f.Own:
			continue
		case is[*history.EventSent](e):
			return nil, errors.New("it waits for an entity there, which would answer its source: fork it from before or after that")
		default:
			e = o.reopened(e, t, f)
		}
		kept = append(kept, e)
	}
	return kept, nil
}

// copiedStart returns the start of the source as that of the fork, with a seed. Where code
// of the source's turns is run again, it sees the parent that it had.
func (o *Orchestration) copiedStart(e *history.Event, f *Forking, seed string) *history.Event {
	b, c := *e.Body.(*history.ExecutionStarted), *e
	b.Instance = &history.Instance{InstanceID: o.ID, ExecutionID: history.Some(o.Execution)}
	b.ScheduledStart = time.Time{}
	if f.Input.Set {
		b.Input = f.Input
	}
	meta := history.Meta{Seed: seed}
	if e.Meta != nil {
		meta.Options, meta.Fork = e.Meta.Options, e.Meta.Fork
	}
	if seed == "" { // nothing of the source is run again
		b.Parent, b.ParentTrace, meta.Fork = nil, nil, &f.Of
	}
	c.Body, c.Meta = &b, &meta
	return &c
}

// reopened returns the event of a step that is begun anew by code of others, under ids of
// its own.
func (o *Orchestration) reopened(e *history.Event, t *Task, f *Forking) *history.Event {
	c := *e
	switch b := e.Body.(type) {
	case *history.TaskScheduled:
		if e.Meta != nil && len(e.Meta.Effect) > 0 {
			meta := *e.Meta
			meta.Effect = nil
			c.Meta = &meta
		}
	case *history.SubOrchestrationInstanceCreated:
		d := *b
		if d.InstanceID == fmt.Sprintf("%s:%04x", f.Of.Run, t.ID) {
			d.InstanceID = fmt.Sprintf("%s:%04x", o.ID, t.ID)
		} else {
			d.InstanceID = ForkedID(o.ID, d.InstanceID, f.Of.Salt)
		}
		c.Body = &d
	}
	return &c
}

// goOn begins what a copy still waits for, and has it go on.
func (o *Orchestration) goOn(fx *Effects, again []*history.Event, closed []int32, now time.Time) {
	for _, task := range closed {
		if o.tasks[task] != nil {
			o.shut(task)
			fx.Closed = append(fx.Closed, task)
		}
	}
	o.Status, o.Started = history.StatusRunning, now
	ends := o.resolvedBy(again)
	for _, id := range slices.Sorted(maps.Keys(o.tasks)) {
		if t := o.tasks[id]; !ends[id] {
			o.openAnew(fx, t, now)
		}
	}
	fx.Send = append(fx.Send, Outgoing{Target: o.ID, Message: &Message{
		From: o.ID, Class: ClassStart, Execution: o.Execution,
		Event: &history.Event{ID: -1, Time: now, Body: &history.OrchestratorStarted{}},
	}})
	o.redeliver(fx, nil, again)
}

// openAnew begins a step of a copy.
func (o *Orchestration) openAnew(fx *Effects, t *Task, now time.Time) {
	switch t.Kind {
	case ActivityTask:
		fx.Activities = append(fx.Activities, t)
	case TimerTask:
		fx.Timers = append(fx.Timers, t)
	case ChildTask:
		b := t.Event.Body.(*history.SubOrchestrationInstanceCreated)
		start := &history.ExecutionStarted{Name: b.Name, Version: b.Version, Input: b.Input, ParentTrace: b.ParentTrace, Tags: b.Tags, Parent: o.asParent(t.ID)}
		e := WithFold(&history.Event{ID: 0, Time: now, Body: start}, t.Options.Fold)
		fx.Send = append(fx.Send, Outgoing{Target: t.Target, Message: &Message{
			From: o.ID, Class: ClassStart, Event: o.seeded(e, t.Target, o.childSeed(t.ID, t.Target), ""),
		}})
	case EntityTask:
		o.sendEntity(fx, t.Event.Body, now)
	}
}
