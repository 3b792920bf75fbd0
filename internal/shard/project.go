package shard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// approvalWait begins the names of events by which orchestrations wait for a
// person's decision, so that lists can tell them apart.
const approvalWait = "decision:"

// project makes the record of the state that a change leaves.
func (l *loop) project(ch *change) *store.Record {
	in := ch.in
	rec := &store.Record{ID: in.id}
	fresh := in.rec == nil || l.newIncarnation(ch)
	if fresh {
		rec.Created = ch.now
		in.sum = &summary{}
	} else {
		*rec = *in.rec
	}
	sum := in.sum
	sum.Updated = ch.now
	ch.projectDelivery(sum)
	if in.ent != nil {
		l.projectEntity(ch, rec)
		rec.Packed = sum.append(make([]byte, 0, 64))
		return rec
	}
	o := in.orch
	if fresh {
		l.projectStart(in, rec, ch)
	}
	if !ch.quiet || fresh {
		rec.Execution = o.Execution
		rec.Status = statusOf(o, in.rec != nil && !fresh)
		rec.Completed = o.Completed
		if sum.Started.IsZero() || fresh {
			sum.Started = o.Started
		}
		sum.Events = o.Events
		sum.Custom = o.Custom
		sum.AppVersion = o.Version
		if p := o.Parent; p != nil && p.Instance != nil {
			sum.ParentExec = p.Instance.ExecutionID.S
		}
		ch.projectOutcomes(sum)
		ch.tellUsage(sum)
		if ch.fx.NewBranch {
			sum.Folded = time.Time{}
			ch.projectLineage(sum)
		}
		if ch.fx.OldBranch != "" {
			sum.Bytes, sum.Losses, sum.Trace = 0, nil, hub.OrchestrationTrace{}
		}
	}
	l.projectRewind(ch, rec)
	l.projectPhase(ch, rec)
	rec.Packed = sum.append(make([]byte, 0, 128))
	return rec
}

// projectRewind has a run that has ended count as running once it is durable that it is
// to be rewound: who waits for its end means the next one. If nothing comes of that, it
// has ended as before.
func (l *loop) projectRewind(ch *change, rec *store.Record) {
	in := ch.in
	if !in.orch.Status.Terminal() {
		return
	}
	accepted := func(e *entry) bool { return rewinds(e) && in.orch.Accept(e.m) == engine.Deliver }
	switch {
	case rec.Status.Terminal() && slices.ContainsFunc(ch.keeps, accepted):
		rec.Status, rec.Completed = store.Running, time.Time{}
	case rec.Status == store.Running && (ch.fx.Unchanged || slices.ContainsFunc(ch.dropped, rewinds)):
		rec.Status, rec.Completed = store.Status(in.orch.Status), in.orch.Completed
		events, _, err := readHistory(l.io, l.store, in.id, in.orch.Execution)
		if err != nil {
			l.broke(err)
			return
		}
		if f := failureOf(events); f != nil {
			in.sum.ErrorType, in.sum.ErrorText = f.Type, clip(f.Message, 256)
		}
	}
}

// beingRewound reports whether the instance has ended, but counts as running.
func beingRewound(in *instance) bool {
	return in.rec != nil && !in.rec.Status.Terminal() && in.orch != nil && in.orch.Status.Terminal()
}

// projectStart sets what never changes.
func (l *loop) projectStart(in *instance, rec *store.Record, ch *change) {
	o, sum := in.orch, in.sum
	rec.Kind, rec.Name, rec.Release, rec.Tags = store.Orchestration, o.Name, o.Version.S, o.Tags
	rec.Root = in.id
	if e := startOf(in, ch); e != nil {
		b := e.m.Event.Body.(*history.ExecutionStarted)
		sum.StartAt = b.ScheduledStart
		sum.Fold = engine.FoldOf(e.m.Event)
		sum.begunBy(e.m.Event)
		if f, _ := engine.ForkIn(e.m.Event); f != nil {
			sum.Forked = hub.ForkedFrom{Run: f.Run, Execution: f.Execution, Event: int(f.Event)}
		}
		rec.Name, rec.Tags = b.Name, b.Tags
		o.Parent = b.Parent
	}
	if p := o.Parent; p != nil && p.Instance != nil {
		rec.Parent, rec.Root = p.Instance.InstanceID, p.Instance.InstanceID
		if p.Root.Set {
			rec.Root = p.Root.S
		}
		sum.ParentTask, sum.ParentExec = p.TaskScheduledID, p.Instance.ExecutionID.S
	}
	rec.Agent, rec.Session = o.Tags[tagAgent], o.Tags[tagSession]
	if t := o.Trace; t != nil {
		sum.TraceID = traceID(t.TraceParent)
	}
}

// startOf returns the message that has begun the instance: the change takes it in,
// stores it, or leaves it where it waits. nil = it was taken in before.
func startOf(in *instance, ch *change) *entry {
	for _, list := range [...][]*entry{ch.entries, ch.keeps, in.queue} {
		if i := slices.IndexFunc(list, starts); i >= 0 {
			return list[i]
		}
	}
	return nil
}

// traceID is the id of the trace that a W3C traceparent names, "" if it is none.
func traceID(parent string) string {
	parts := strings.Split(parent, "-")
	if len(parts) < 4 || len(parts[1]) != 32 {
		return ""
	}
	return parts[1]
}

// Tags by which the agent layer marks the runs of its turns.
const (
	tagAgent   = "perdure.agent"
	tagSession = "perdure.session"
)

func statusOf(o *engine.Orchestration, again bool) store.Status {
	if o.Status == history.StatusPending && again {
		return store.Running // the next execution of one that continued as new
	}
	return store.Status(o.Status)
}

// projectPhase sets the phase and what explains it.
func (l *loop) projectPhase(ch *change, rec *store.Record) {
	sum := ch.in.sum
	phase := store.NoPhase
	sum.Cause, sum.Step, sum.NextAt, sum.Attempt, sum.Waits = "", "", time.Time{}, 0, nil
	p := &sum.Pending
	*p = hub.Pending{}
	rec.Work = false
	if !rec.Status.Terminal() {
		sum.ErrorType, sum.ErrorText, sum.Folded = "", "", time.Time{}
		phase = l.phaseOf(ch, rec)
	} else if end := failureOf(ch.fx.Events); end != nil {
		sum.ErrorType, sum.ErrorText = end.Type, clip(end.Message, 256)
	} else if !ch.quiet {
		sum.ErrorType, sum.ErrorText = "", ""
	}
	if phase != rec.Phase || rec.PhaseSince.IsZero() {
		rec.Phase, rec.PhaseSince = phase, ch.now
	}
}

func (l *loop) phaseOf(ch *change, rec *store.Record) store.Phase {
	in, sum := ch.in, ch.in.sum
	p := &sum.Pending
	for task := range sum.Losses {
		if in.orch.Tasks()[task] == nil && task != turnLoss {
			delete(sum.Losses, task)
		}
	}
	o := in.orch
	p.Activities, p.Timers, p.Children = o.Count(engine.ActivityTask), o.Count(engine.TimerTask), o.Count(engine.ChildTask)
	p.Entities = o.Count(engine.EntityTask) + o.Count(engine.LockTask)
	if t := o.Newest(); t != nil {
		sum.Step = t.Name
	}
	retrying := false
	for _, t := range o.Timers() {
		sum.NextAt = minTime(sum.NextAt, t.Due)
		if r := t.Options.Retry; r != nil {
			retrying = true
			sum.Attempt, sum.Step = r.Attempt, r.Name
			sum.ErrorType, sum.ErrorText = "StepFailed", clip(r.Error, 256)
		}
	}
	lost := ""
	for task, n := range sum.Losses {
		if n > l.limits.Losses && task != turnLoss {
			lost = fmt.Sprintf("activity %q was running in %d crashes of its worker and is not tried again; "+
				"terminate or rewind the run", o.Tasks()[task].Name, n)
		}
	}
	lacks := l.lacks(ch)
	sum.Waits = in.orch.Waits
	p.Events = len(sum.Waits)
	p.Messages = len(in.queue) + in.away
	if in.turning != nil {
		p.Messages += len(in.turning.entries)
	}
	rec.Work = p.Activities > 0 || p.Messages > 0
	switch {
	case lost != "":
		sum.Cause = lost
		return store.Stuck
	case in.parked != "":
		sum.Cause = clip(in.parked, 4096)
		return store.Stuck
	case in.blocked != "":
		sum.Cause = clip(in.blocked, 4096)
		return store.Stuck
	case lacks != "":
		sum.Cause = lacks
		return store.Stuck
	case slices.ContainsFunc(sum.Waits, isApproval):
		return store.WaitingApproval
	case retrying:
		return store.Retrying
	case p.Activities > 0 || p.Messages > 0 || in.turning != nil || in.orch.Status == history.StatusPending:
		return store.Active
	case p.Events > 0 || p.Children > 0 || p.Entities > 0:
		return store.WaitingEvent
	case p.Timers > 0:
		return store.WaitingTimer
	case ch.fx.NewBranch: // it goes on at once
		return store.Active
	}
	return store.WaitingEvent // other SDKs do not say for which
}

func isApproval(wait string) bool {
	return len(wait) > len(approvalWait) && wait[:len(approvalWait)] == approvalWait
}

// failureOf is why a history has ended that ends with these events, nil if it has not
// or has not failed.
func failureOf(events []*history.Event) *history.Failure {
	if len(events) == 0 {
		return nil
	}
	if b, ok := events[len(events)-1].Body.(*history.ExecutionCompleted); ok {
		return b.Failure
	}
	return nil
}

func (l *loop) projectEntity(ch *change, rec *store.Record) {
	in := ch.in
	rec.Kind, rec.Status, rec.Phase = store.Entity, store.Running, store.NoPhase
	if in.rec == nil {
		rec.Name, _ = splitEntity(in.id)
		rec.Root, rec.PhaseSince = in.id, ch.now
	}
	waiting := len(in.queue) + in.away
	if in.turning != nil {
		waiting += len(in.turning.entries)
	}
	rec.Work = waiting+len(ch.keeps) > 0
	in.sum.Queue, in.sum.Stateless, in.sum.StateBytes = waiting, !in.ent.State.Set, int64(len(in.ent.State.S))
	if ch.job != nil {
		in.sum.Operations = ch.job.operations(in.sum.Operations)
	}
	in.sum.Holder, in.sum.Cause = "", clip(in.parked, 4096)
	if in.ent.Lock != nil {
		in.sum.Holder = in.ent.Lock.Instance
	}
}

// clip shortens s to at most n bytes, at a rune's border.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
