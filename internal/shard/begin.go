package shard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// begin makes a new incarnation of the instance for the start in e. What the one
// that it replaces, if that lives, has to say at its end goes out with the
// commit that replaces it.
func (l *loop) begin(in *instance, e *entry) {
	start := e.m.Event.Body.(*history.ExecutionStarted)
	execution := ""
	if start.Instance != nil && start.Instance.ExecutionID.Set {
		execution = start.Instance.ExecutionID.S
	}
	if execution == "" || in.rec != nil && in.rec.Execution == execution { // a worker has used the id of a step again
		if execution = executionOf(e.m); e.m.ID == (engine.MessageID{}) {
			execution = l.ids.execution()
		}
		start = withExecution(in, e, start, execution)
	}
	if in.orch != nil && !in.orch.Status.Terminal() {
		in.last = in.orch.Abort(l.now(in))
	}
	l.cool(in)
	in.past, in.parked, in.starting = nil, "", false
	in.orch = engine.NewOrchestration(in.id, execution)
	in.orch.Name, in.orch.Version, in.orch.Tags, in.orch.Parent = start.Name, start.Version, start.Tags, start.Parent
}

// voidTurn gives up the turn of an instance that is replaced. What it was given goes
// with the instance: the commit that replaces it consumes that too, so that a crash
// before it leaves both.
func (l *loop) voidTurn(in *instance) {
	j := in.turning
	in.exec = nil
	l.giveUp(in)
	in.void = slices.Concat(in.void, j.entries, j.dropped)
}

// withExecution puts an execution id into a start that has none.
func withExecution(in *instance, e *entry, start *history.ExecutionStarted, execution string) *history.ExecutionStarted {
	c := *start
	c.Instance = &history.Instance{InstanceID: in.id, ExecutionID: history.Some(execution)}
	ev := *e.m.Event
	ev.Body = &c
	m := *e.m
	m.Event = &ev
	e.m = &m
	return &c
}

// executionOf is the id of the execution that a message begins which names none:
// the same whenever the message is read, so that an instance which waits for its
// code knows its own start again.
func executionOf(m *engine.Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "execution %x %d %d", m.ID.Source, m.ID.Version, m.ID.Index))
	return hex.EncodeToString(sum[:16])
}

// ownStart gives a start that was read back the execution id with which it has
// begun the instance.
func ownStart(in *instance, e *entry) {
	b, ok := e.m.Event.Body.(*history.ExecutionStarted)
	if !ok || in.orch == nil || in.orch.Status != history.StatusPending || b.Instance != nil && b.Instance.ExecutionID.Set {
		return
	}
	if execution := executionOf(e.m); execution == in.orch.Execution {
		withExecution(in, e, b, execution)
	}
}

// starts reports whether a message begins an execution: it may be made of another,
// see recreate.
func starts(e *entry) bool {
	_, ok := e.m.Event.Body.(*history.ExecutionStarted)
	return ok
}

func startAt(m *engine.Message) time.Time {
	if b, ok := m.Event.Body.(*history.ExecutionStarted); ok {
		return b.ScheduledStart
	}
	return time.Time{}
}

// endScheduled has an orchestration that is to begin later and is terminated
// before begin now, so that its end has something to follow.
func (l *loop) endScheduled(in *instance) {
	if in.orch == nil || in.orch.Status != history.StatusPending || in.queue[0].m.Class == engine.ClassStart ||
		!slices.ContainsFunc(in.queue, terminates) {
		return
	}
	list, err := l.store.TimersOf(l.io, in.id)
	if err != nil {
		l.broke(err)
		return
	}
	for _, st := range list {
		if st.Task != startTimer || st.Execution != in.orch.Execution {
			continue
		}
		m, err := engine.DecodeMessage(st.Data)
		if err != nil {
			l.fail(err)
			return
		}
		m.Stored = false
		in.queue = append([]*entry{{m: m, timer: &st}}, in.queue...)
	}
}

// scheduleStart records an instance that begins later: its start waits in a
// timer.
func (l *loop) scheduleStart(in *instance, e *entry) {
	l.begin(in, e)
	ch := l.newChange(in, &engine.Effects{}, []*entry{e})
	ch.now = l.now(in)
	for _, later := range in.queue { // an event that came with the start
		if !later.m.Stored {
			ch.keeps = append(ch.keeps, later)
		}
	}
	ch.startTimer = &store.Timer{
		Owner: in.id, Due: ceilMicro(startAt(e.m)), Execution: in.orch.Execution, Task: startTimer, Data: e.m.Append(nil),
	}
	l.commit(ch)
}

// refuseStart lets the calls that wait for a start hear that it came too late.
func refuseStart(in *instance, e *entry) {
	for i := range e.acks {
		e.acks[i].value, e.acks[i].err = nil, alreadyExists(in.id, store.Running)
	}
	e.rows = nil // whoever repeats it hears the same
}

// refusedStart tells a parent that its child could not begin, as its id is
// taken by an orchestration that lives.
func (l *loop) refusedStart(in *instance, e *entry) []engine.Outgoing {
	start, ok := e.m.Event.Body.(*history.ExecutionStarted)
	if !ok || start.Parent == nil || start.Parent.Instance == nil || in.orch == nil || in.orch.Status.Terminal() && !beingRewound(in) {
		return nil
	}
	p := start.Parent
	return []engine.Outgoing{{Target: p.Instance.InstanceID, Message: &engine.Message{
		From: in.id, Execution: p.Instance.ExecutionID.S,
		Event: &history.Event{ID: -1, Time: l.now(in), Body: &history.SubOrchestrationInstanceFailed{
			TaskScheduledID: p.TaskScheduledID,
			Failure: &history.Failure{
				Type:    "OrchestrationAlreadyExists",
				Message: fmt.Sprintf("an orchestration with the id %q exists and has not ended", in.id),
			},
		}},
	}}}
}

// completedFor reports whether the instance is a child that has completed, but the
// parent that is rewound does not know: it had ended by then.
func completedFor(in *instance, b *history.ExecutionRewound) bool {
	return in.rec != nil && in.rec.Status == store.Completed && in.sum.Folded.IsZero() && ofSameStep(in, b)
}

// tellAgain tells a parent that is rewound that its child has completed meanwhile.
func (l *loop) tellAgain(in *instance, e *entry) []engine.Outgoing {
	b, ok := e.m.Event.Body.(*history.ExecutionRewound)
	if !ok || in.orch == nil || !in.orch.Status.Terminal() || !completedFor(in, b) {
		return nil
	}
	events, _, err := readHistory(l.io, l.store, in.id, in.rec.Execution)
	if err != nil {
		l.broke(err)
		return nil
	}
	p := b.Parent
	told := &history.SubOrchestrationInstanceCompleted{TaskScheduledID: p.TaskScheduledID}
	for _, e := range events {
		if end, ok := e.Body.(*history.ExecutionCompleted); ok {
			told.Result = end.Result
		}
	}
	return []engine.Outgoing{{Target: p.Instance.InstanceID, Message: &engine.Message{
		From: in.id, Execution: p.Instance.ExecutionID.S, Event: &history.Event{ID: -1, Time: l.now(in), Body: told},
	}}}
}
