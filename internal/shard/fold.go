package shard

import (
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// The fold of a run that was started with one: the commit that ends the run
// starts a timer, and one commit removes that timer, the history and the rows
// that go with it, and notes the fold in the record. A crash before that commit
// leaves the timer, which fires again; after it there is nothing to fire. What
// takes the run from its end, a rewind, a replacement or a purge, takes the timer
// with it.

// foldTimer is the task number of the timer of a fold.
const foldTimer int32 = -2

// foldedKinds are the rows of this package that only a run at work needs.
var foldedKinds = [...]store.RowKind{rowPayload, rowPending, rowStarted, rowBeat, hub.RowExecution}

func checkFold(op, id string, f *perdure.Fold) error {
	if f == nil {
		return nil
	}
	if f.After < 0 {
		return invalid(op, id, "the delay of a fold is negative")
	}
	for _, kind := range f.Rows {
		if store.RowKind(kind) < firstForeignRow {
			return invalid(op, id, fmt.Sprintf("rows of kind %d cannot be folded; kinds begin at %d", kind, firstForeignRow))
		}
	}
	return nil
}

func foldTimerOf(rec *store.Record, f *engine.Fold) store.Timer {
	return store.Timer{Owner: rec.ID, Due: ceilMicro(rec.Completed.Add(f.After)), Execution: rec.Execution, Task: foldTimer}
}

// changeFold starts the timer of the fold with the end of a run, and stops it
// when the run is rewound.
func (l *loop) changeFold(ch *change, c *store.Commit) {
	in := ch.in
	if in.sum == nil || in.sum.Fold == nil || c.Record == nil {
		return
	}
	before := c.Was != nil && !c.Replace && c.Was.Status.Terminal()
	after := c.Record.Status.Terminal()
	switch {
	case after && !before:
		c.Timers = append(c.Timers, store.TimerChange{Timer: foldTimerOf(c.Record, in.sum.Fold)})
	case before && !after:
		c.Timers = append(c.Timers, store.TimerChange{Timer: foldTimerOf(c.Was, in.sum.Fold), Delete: true})
	}
}

// foldNow folds the run whose timer has fired.
func (l *loop) foldNow(st *store.Timer) {
	l.write(st.Owner, &rowWrite{fold: st, absent: true})
}

// commitFold folds the run, unless the timer is one that memory alone still knew.
func (l *loop) commitFold(in *instance, st *store.Timer) {
	rec := in.rec
	if rec == nil || !rec.Status.Terminal() || in.sum.Fold == nil || !in.sum.Folded.IsZero() ||
		!sameTimer(foldTimerOf(rec, in.sum.Fold), *st) {
		l.afterTurn(in)
		return
	}
	ch := l.newChange(in, &engine.Effects{}, nil)
	ch.quiet, ch.now = true, l.now(in)
	in.sum.Folded, in.sum.Bytes = ch.now, 0
	next := *rec
	next.Version++
	next.Packed = in.sum.append(make([]byte, 0, 128))
	f := &store.Fold{Rows: foldedKinds[:]}
	for _, kind := range in.sum.Fold.Rows {
		if k := store.RowKind(kind); k >= firstForeignRow {
			f.Rows = append(f.Rows, k)
		}
	}
	ch.commit = &store.Commit{
		ID: in.id, Shard: in.shard, Expect: rec.Version, Was: rec, Record: &next, Fold: f,
		Timers: []store.TimerChange{{Timer: *st, Delete: true}},
	}
	in.past = nil
	l.submit(ch)
}

func sameTimer(a, b store.Timer) bool {
	return a.Owner == b.Owner && a.Due.Equal(b.Due) && a.Execution == b.Execution && a.Task == b.Task
}

// folded is the error of what a folded run cannot do any more.
func folded(op, id string, sum *summary, hint string) error {
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: op, Instance: id, Message: fmt.Sprintf(
		"its history, input and output were given up at %s, as it was started with a fold; %s",
		sum.Folded.Format(time.RFC3339), hint)}
}

// refuseRewind drops a rewind of a folded run: those who asked for it hear why,
// and an orchestration that was rewound and waits for this one gets a failure.
func refuseRewind(in *instance, e *entry, now time.Time) []engine.Outgoing {
	b, ok := e.m.Event.Body.(*history.ExecutionRewound)
	if !ok || in.sum == nil || in.sum.Folded.IsZero() {
		return nil
	}
	why := folded("rewind", in.id, in.sum, "start it anew")
	for i := range e.acks {
		e.acks[i].value, e.acks[i].err = nil, why
	}
	e.rows = nil // whoever repeats it hears the same
	if b.Parent == nil || b.Parent.Instance == nil {
		return nil
	}
	p := b.Parent
	return []engine.Outgoing{{Target: p.Instance.InstanceID, Message: &engine.Message{
		From: in.id, Execution: p.Instance.ExecutionID.S,
		Event: &history.Event{ID: -1, Time: now, Body: &history.SubOrchestrationInstanceFailed{
			TaskScheduledID: p.TaskScheduledID,
			Failure: &history.Failure{Type: "OrchestrationFolded", NonRetriable: true, Message: folded(
				"rewind", in.id, in.sum, "purge it to have it begin anew, then rewind its parent").Error()},
		}},
	}}}
}

// restartFolded is what remains of a restart when the run was folded and no other
// input is given: a repeated request gets its answer, all others are refused.
func (o *Owner) restartFolded(known bool, r *hub.Control, sum *summary) (string, error) {
	if known {
		return restarted(r), nil
	}
	return "", folded("restart", r.InstanceID, sum, "restart it with an input")
}
