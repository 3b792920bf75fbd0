package shard

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Control implements hub.Commands.
func (o *Owner) Control(ctx context.Context, r *hub.Control) (string, error) {
	op := controlName(r.Kind)
	if err := o.cfg.Limits.checkID(op, r.InstanceID, false); err != nil {
		return "", err
	}
	if err := o.cfg.Limits.checkPayload(op, r.InstanceID, "the reason", r.Reason); err != nil {
		return "", err
	}
	if r.Kind == hub.Restart {
		return o.restart(ctx, r)
	}
	var body history.Body
	switch r.Kind {
	case hub.Suspend:
		body = &history.ExecutionSuspended{Input: r.Reason}
	case hub.Resume:
		body = &history.ExecutionResumed{Input: r.Reason}
	case hub.Terminate, hub.Cancel:
		body = &history.ExecutionTerminated{Input: r.Reason, Recurse: r.Recursive}
	case hub.Rewind:
		rewound := &history.ExecutionRewound{Reason: r.Reason, To: int64(r.To)}
		if r.Tell != nil {
			rewound.Tell = &history.EventRaised{Name: r.Tell.Name, Input: r.Tell.Data}
		}
		body = rewound
	default:
		return "", invalid(op, r.InstanceID, fmt.Sprintf("unknown kind of control %d", r.Kind))
	}
	_, err := o.call(ctx, r.InstanceID, func(l *loop, c *call) { l.control(r, op, body, c) })
	return r.InstanceID, named(err, op, r.InstanceID)
}

func controlName(k hub.ControlKind) string {
	names := [...]string{"control", "suspend", "resume", "terminate", "cancel", "restart", "rewind"}
	if int(k) < len(names) {
		return names[k]
	}
	return names[0]
}

func (l *loop) control(r *hub.Control, op string, body history.Body, c *call) {
	in, err := l.find(r.InstanceID)
	if err != nil {
		c.end(nil, internalError(op, r.InstanceID, err))
		return
	}
	if r.Kind == hub.Rewind {
		if in.unsettled || in.begins() {
			in.after = append(in.after, func() { l.control(r, op, body, c) })
			return
		}
		if err := l.refusesRewind(in, r, op); err != nil {
			c.end(nil, err)
			l.afterTurn(in)
			return
		}
	}
	execution := ""
	if r.Kind == hub.Rewind && r.To > 0 && in.rec != nil { // what the number counts
		execution = in.rec.Execution
	}
	l.send(r.InstanceID, op, c, r.RequestID, &engine.Message{Cancel: r.Kind == hub.Cancel, Execution: execution, Event: &history.Event{
		ID: -1, Time: l.clock.Now().UTC().Truncate(time.Microsecond), Body: body,
	}}, append([]any{r.Kind, r.Reason, r.Recursive}, rewoundTo(r)...)...)
}

// rewoundTo is what the content of a request says of the event to which it rewinds.
func rewoundTo(r *hub.Control) []any {
	asked := hub.Point{To: r.To, Execution: r.Execution}
	if r.Asked != nil {
		asked = *r.Asked
	}
	if asked == (hub.Point{}) {
		return nil // as requests were remembered before there was such a choice
	}
	return []any{asked.To, asked.Execution}
}

// known reports whether a request with this id has been carried out for the
// instance: then it gets its answer again, whatever has become of that since.
func known(ctx context.Context, s store.Reads, owner, id string) bool {
	if id == "" {
		return false
	}
	rows, _, err := s.Rows(ctx, store.RowQuery{Kind: rowRequest, Owner: owner, Prefix: []byte(id), Limit: 1})
	return err == nil && len(rows) > 0 && string(rows[0].Key) == id
}

// restarted is the id of the instance that a restart begins, "" if it is not known
// beforehand.
func restarted(r *hub.Control) string {
	switch {
	case r.As != "":
		return r.As
	case !r.NewID:
		return r.InstanceID
	case r.RequestID != "":
		return StartID(r.RequestID)
	}
	return ""
}

// restart begins an instance anew with what it was started with, but for what the
// request says.
func (o *Owner) restart(ctx context.Context, r *hub.Control) (string, error) {
	rec, sum, err := o.read(ctx, "restart", r.InstanceID)
	if err != nil {
		return "", err
	}
	refuse := func(format string, args ...any) (string, error) {
		return "", &perdure.Error{Code: perdure.FailedPrecondition, Op: "restart", Instance: r.InstanceID, Message: fmt.Sprintf(format, args...)}
	}
	target := restarted(r)
	switch again := known(ctx, o.store, target, r.RequestID); {
	case again:
	case rec.Session != "":
		return refuse("it is a turn of the session %s, whose conversation goes on from what it has said: "+
			"send the message again, which begins a new turn", rec.Session)
	case !r.NewID && r.As == "" && !rec.Status.Terminal():
		return refuse("it has not ended (%s); restart it under a new id, or terminate it first", statusWord(rec.Status))
	}
	start := &hub.Start{
		RequestID: r.RequestID, InstanceID: r.As, Name: rec.Name, Version: sum.AppVersion, Tags: rec.Tags, Input: r.Input,
		Fold: (*perdure.Fold)(sum.Fold),
	}
	if r.Version.Set {
		start.Version = history.NoneIfEmpty(r.Version.S)
	}
	if !r.Input.Set {
		if !sum.Folded.IsZero() {
			return o.restartFolded(known(ctx, o.store, target, r.RequestID), r, sum)
		}
		start.Input, err = o.inputOf(ctx, rec)
		if o.foldedSince(ctx, rec, sum) {
			return o.restart(ctx, r)
		}
		if err != nil {
			return "", err
		}
	}
	if r.As == "" && !r.NewID {
		start.InstanceID = r.InstanceID
		start.Replace = []history.Status{
			history.StatusCompleted, history.StatusFailed, history.StatusCanceled, history.StatusTerminated,
		}
	}
	s, err := o.Start(ctx, start)
	return s.InstanceID, err
}

// Complete implements hub.Activities.
func (o *Owner) Complete(ctx context.Context, token string, result history.Text, f *history.Failure) error {
	t, err := activityOf(token, markOf(o.store.Identity()))
	if err != nil {
		return err
	}
	if err := o.cfg.Limits.checkPayload("complete activity", t.key.id, "the result", result); err != nil {
		return err
	}
	_, err = o.call(ctx, t.key.id, func(l *loop, c *call) { l.complete(t, result, f, c) })
	return named(err, "complete activity", t.key.id)
}

func (l *loop) complete(t token, result history.Text, f *history.Failure, c *call) {
	now := l.clock.Now()
	k, d := t.key, t.delivery
	in, err := l.find(k.id) // which may find out that the activity is open
	if err != nil {
		c.end(nil, internalError("complete activity", k.id, err))
		return
	}
	if l.onceKnown(k, func() { l.complete(t, result, f, c) }) {
		return
	}
	if r := l.activities.open[k]; r != nil && (r.delivery == d || r.adopts(t, l.epochOf(k.id)) || fault.Mutant(fault.StaleCompletionAccepted)) {
		r.delivery = d
		if r.item != nil {
			l.stopAway(r, errCompleted)
		}
		if r.cancel != nil {
			r.cancel(nil)
		}
		if r.item != nil {
			l.stopAway(r, errElsewhere)
		}
		l.outcomeFor(r, result, f, now, []ack{{call: c}})
		return
	}
	if in.unsettled { // neither a token nor an answer counts before it is durable
		in.after = append(in.after, func() { l.complete(t, result, f, c) })
		return
	}
	if e := in.outcomeBy(d); e != nil && inMemory(e) { // it comes again before it was stored
		e.acks = append(e.acks, ack{call: c})
		return
	}
	row, err := l.pendingRow(k)
	if err == nil && (row.done && row.delivery == d || l.completedBy(in, k, d)) {
		c.end(nil, nil)
		l.afterTurn(in)
		return
	}
	if err != nil {
		c.end(nil, internalError("complete activity", k.id, err))
		l.afterTurn(in)
		return
	}
	if in.orch == nil || in.orch.Execution != k.execution || in.orch.Tasks()[k.task] == nil || row.delivery != d {
		c.end(nil, errToken)
		l.afterTurn(in)
		return
	}
	r := &running{key: k, task: in.orch.Tasks()[k.task], delivery: d, dequeued: now, ended: true, outside: true}
	l.outcomeFor(r, result, f, now, []ack{{call: c}})
}

// pendingState says which delivery of an activity is completed from outside.
type pendingState struct {
	delivery delivery
	done     bool // it was
	began    time.Time
}

func (l *loop) pendingRow(k activityKey) (pendingState, error) {
	key := pendingKey(k)
	rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: rowPending, Owner: k.id, Prefix: key, Limit: 1})
	if err != nil || len(rows) == 0 || string(rows[0].Key) != string(key) {
		return pendingState{}, err
	}
	d, b, ok := cutDelivery(rows[0].Value)
	if !ok {
		return pendingState{}, store.ErrCorrupt
	}
	var fields [2]uint64
	for i := range fields {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return pendingState{}, store.ErrCorrupt
		}
		fields[i], b = v, b[n:]
	}
	return pendingState{d, fields[0] == pendingDone, time.UnixMicro(int64(fields[1])).UTC()}, nil
}

// Heartbeat implements hub.Activities.
func (o *Owner) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	t, err := activityOf(token, markOf(o.store.Identity()))
	if err != nil {
		return err
	}
	k, d := t.key, t.delivery
	_, err = o.call(ctx, k.id, func(l *loop, c *call) {
		if l.onceKnown(k, nil) {
			c.end(nil, nil)
			return
		}
		if !l.beats(k, d) {
			c.end(nil, errToken)
			return
		}
		if !progress.Set {
			c.end(nil, nil)
			return
		}
		l.write(k.id, &rowWrite{acks: []ack{{call: c}}, rows: []store.Row{{
			Kind: rowBeat, Owner: k.id, Key: pendingKey(k), Value: []byte(progress.S),
		}}})
	})
	return named(err, "heartbeat", k.id)
}

// beats takes note of a heartbeat and reports whether the delivery is the one
// that is wanted.
func (l *loop) beats(k activityKey, d delivery) bool {
	if r := l.activities.open[k]; r != nil {
		if r.delivery != d {
			return false
		}
		r.beat.Store(l.clock.Now().UnixNano())
		return true
	}
	in, err := l.find(k.id)
	if err != nil {
		return false
	}
	defer l.afterTurn(in)
	row, err := l.pendingRow(k)
	return err == nil && row.delivery == d && !row.done &&
		in.orch != nil && in.orch.Execution == k.execution && in.orch.Tasks()[k.task] != nil
}
