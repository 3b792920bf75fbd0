package shard

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// refusesRewind says why a client's rewind is not accepted, nil = it is, or was before.
func (l *loop) refusesRewind(in *instance, r *hub.Control, op string) error {
	rec := in.rec
	if rec == nil || known(l.io, l.store, in.id, r.RequestID) {
		return nil
	}
	failed := func(code perdure.Code, format string, args ...any) error {
		return &perdure.Error{Code: code, Op: op, Instance: in.id, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case rec.Session != "" && r.Session == "":
		return failed(perdure.FailedPrecondition, "it is a turn of the session %s, which has to agree: "+
			"rewind it with agent.Service.RewindTo if it is the last of its session, or send the message again", rec.Session)
	case rec.Session != r.Session || r.Session != "" && (r.Execution == "" || r.To == 0):
		return failed(perdure.InvalidArgument, "it is not what the session %q has agreed to", r.Session)
	case r.To < 0:
		return failed(perdure.InvalidArgument, "event %d: events are counted from 1", r.To)
	case r.Execution != "" && r.Execution != rec.Execution:
		return failed(perdure.Conflict, "it is in another execution by now (%s): look at it again", rec.Execution)
	case r.To == 0 && rec.Status != store.Failed:
		return failed(perdure.FailedPrecondition, "only runs that failed can be rewound; this one is %s", statusWord(rec.Status))
	case !rec.Status.Terminal():
		return failed(perdure.FailedPrecondition, "it has not ended (%s): terminate it, then rewind it", statusWord(rec.Status))
	case !in.sum.Folded.IsZero():
		return folded(op, in.id, in.sum, "start it anew")
	case int64(r.To) > in.sum.Events:
		return failed(perdure.InvalidArgument, "its history has %d events, not %d", in.sum.Events, r.To)
	}
	return nil
}

// cutBack carries out the turn of a rewind to an event: no code takes part.
func (l *loop) cutBack(in *instance, j *job) {
	if beginsAgain(j.messages[0]) {
		l.cool(in)
		in.past = nil
		j.result = engine.TurnResult{Actions: []engine.Action{{ID: -1, Do: &engine.Rewind{
			Redeliver: []*history.Event{engine.StartOf(j.messages[0].Event)}, Closed: []int32{},
		}}}}
		l.applyOrchestration(j)
		return
	}
	past, closed, err := readHistory(l.io, l.store, in.id, in.orch.Execution)
	if err != nil {
		l.broke(err)
		return
	}
	l.cool(in)
	in.past = nil
	do := engine.Cut(past, j.messages[0].Event, in.orch.Execution)
	do.Closed = []int32{}
	for _, c := range closed {
		if c.after <= len(do.NewHistory)-rewoundEvents {
			do.Closed = append(do.Closed, c.task)
		}
	}
	do.Relock = l.code.Knows(in.orch.Name) || l.workers.ownServes(turnKey(in.orch))
	j.result = engine.TurnResult{Actions: []engine.Action{{ID: -1, Do: do}}}
	l.applyOrchestration(j)
}

// rewoundEvents is how many events a rewind itself leaves in the history.
const rewoundEvents = 2

// cutsBack reports whether the turn is that of a rewind to an event.
func cutsBack(j *job) bool {
	if len(j.messages) != 1 {
		return false
	}
	b, ok := j.messages[0].Event.Body.(*history.ExecutionRewound)
	return ok && b.To > 0
}

// rewindByHub carries a rewind out for a worker that knows none.
func (l *loop) rewindByHub(in *instance, j *job) error {
	for i := range j.result.Actions {
		do, ok := j.result.Actions[i].Do.(*engine.Rewind)
		if !ok || !do.ByHub {
			continue
		}
		past, closed, err := readHistory(l.io, l.store, in.id, in.orch.Execution)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(j.entries, rewinds)
		cut := engine.CutFailed(past, j.entries[at].m.Event, in.orch.Execution)
		cut.Closed = []int32{}
		for _, c := range closed {
			if c.after <= engine.TurnOf(past, len(past)-1) {
				cut.Closed = append(cut.Closed, c.task)
			}
		}
		j.result.Actions[i].Do = cut
	}
	return nil
}

// keepCancelled has a rewound history leave the tasks closed that were cancelled before
// its run failed, of which no event tells: they are not run again.
func (l *loop) keepCancelled(in *instance, r *engine.TurnResult) error {
	for i := range r.Actions {
		if do, ok := r.Actions[i].Do.(*engine.Rewind); ok && do.Closed == nil {
			_, closed, err := readHistory(l.io, l.store, in.id, in.orch.Execution)
			if err != nil {
				return err
			}
			for _, c := range closed {
				do.Closed = append(do.Closed, c.task)
			}
		}
	}
	return nil
}

// pastExecution returns the row that lists the execution which the change leaves; it is
// called before the record is made anew.
func (l *loop) pastExecution(ch *change) []store.Row {
	in, fx := ch.in, ch.fx
	fresh := in.rec == nil || in.sum == nil || l.newIncarnation(ch)
	if fx.OldBranch == "" || !fresh && !in.sum.Folded.IsZero() { // whose history is no more
		return nil
	}
	past := hub.Execution{ID: fx.OldBranch, Left: ch.now, Rewound: fx.NewBranch}
	switch {
	case !fresh:
		past.Began, past.Events = in.sum.Started, in.sum.Events
	case len(fx.Events) > 0: // it has begun and continued as new in one turn
		past.Began = fx.Events[0].Time
	}
	if !fx.NewBranch {
		past.Events += int64(len(fx.Events))
	}
	value, err := json.Marshal(past)
	if err != nil { // it holds nothing that cannot be encoded
		l.fail(err)
		return nil
	}
	return []store.Row{{Kind: hub.RowExecution, Owner: in.id, Key: append(beTime(ch.now.UnixMicro()), fx.OldBranch...), Value: value}}
}
