package shard

import (
	"context"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// forkSource is what a fork is made of, as it was read.
type forkSource struct {
	execution string
	events    []*history.Event
	closed    []closing
}

// forkOf reads the source of a fork, and returns the start with what it has of that. Of a
// request that was carried out before nothing is read: its source may be gone.
func (o *Owner) forkOf(ctx context.Context, r *hub.Start) (*hub.Start, *forkSource, error) {
	f, q := r.Fork, *r
	refuse := func(code perdure.Code, format string, args ...any) (*hub.Start, *forkSource, error) {
		return nil, nil, &perdure.Error{Code: code, Op: "fork", Instance: f.Run, Message: fmt.Sprintf(format, args...)}
	}
	if r.Event != nil || !r.StartAt.IsZero() || len(r.Replace) > 0 || r.OrGet {
		return refuse(perdure.InvalidArgument, "a fork begins at once, under an id that nobody has, and takes no event")
	}
	rec, sum, err := o.read(ctx, "fork", f.Run)
	if err != nil {
		if id := forkID(r); q.Name == "" && known(ctx, o.store, id, r.RequestID) {
			if rec, sum, err = o.read(ctx, "fork", id); err == nil {
				q.Name, q.Version, q.Tags, q.Fold = rec.Name, sum.AppVersion, rec.Tags, (*perdure.Fold)(sum.Fold)
				return &q, &forkSource{}, nil
			}
		}
		return nil, nil, err
	}
	q.Name, q.Version, q.Tags, q.Fold = rec.Name, sum.AppVersion, rec.Tags, (*perdure.Fold)(sum.Fold)
	switch {
	case rec.Kind != store.Orchestration:
		return refuse(perdure.InvalidArgument, "an entity cannot be forked")
	case rec.Session != "":
		return refuse(perdure.FailedPrecondition, "it is a turn of the session %s, which has gone on from there: send the message again, or to another session", rec.Session)
	case rec.Agent != "" && f.Rows == nil:
		return refuse(perdure.FailedPrecondition, "it is a run of the agent %s, whose conversation must be copied too: fork it over HTTP or with agent.Service.Fork", rec.Agent)
	case !sum.Folded.IsZero():
		return nil, nil, folded("fork", f.Run, sum, "start it anew")
	}
	of := &forkSource{execution: f.Execution}
	if of.execution == "" {
		of.execution = rec.Execution
	}
	if of.events, of.closed, err = readHistory(ctx, o.store, f.Run, of.execution); err == nil {
		err = o.barrier(ctx)
	}
	switch {
	case err != nil:
		return nil, nil, storeError("fork", f.Run, err)
	case len(of.events) == 0:
		return refuse(perdure.FailedPrecondition, "its execution %s has no history", of.execution)
	case f.To < 1 || f.To > len(of.events)+1:
		return refuse(perdure.InvalidArgument, "event %d is not there: its history has %d events, counted from 1", f.To, len(of.events))
	}
	for _, row := range f.Rows {
		if row.Kind < firstForeignRow {
			return refuse(perdure.InvalidArgument, "rows of kind %d are not yours to write", row.Kind)
		}
	}
	if p := f.Patch; p != nil {
		if err := o.cfg.Limits.checkPayload("fork", f.Run, "the outcome", p.Result); err != nil {
			return nil, nil, err
		}
	}
	return &q, of, nil
}

// forkID is the id of the instance that a fork creates, if it is known beforehand.
func forkID(r *hub.Start) string {
	if r.InstanceID == "" && r.RequestID != "" {
		return StartID(r.RequestID)
	}
	return r.InstanceID
}

// forkContent is what the content of a request says of a fork. The rows are made of the
// rest.
func forkContent(f *hub.Fork) []any {
	asked := hub.Point{To: f.To, Execution: f.Execution}
	if f.Asked != nil {
		asked = *f.Asked
	}
	content := []any{f.Run, asked.Execution, asked.To}
	if p := f.Patch; p != nil {
		content = append(content, p.Event, p.Result)
		if p.Failure != nil {
			content = append(content, p.Failure.Type, p.Failure.Message)
		}
	}
	return content
}

// fork begins an instance as a copy, in one commit; e has its start.
func (l *loop) fork(in *instance, f *hub.Fork, of *forkSource, e *entry, c *call) {
	start := e.m.Event.Body.(*history.ExecutionStarted)
	how := &engine.Forking{
		Of:    history.Fork{Run: f.Run, Execution: of.execution, Event: int64(f.To), Salt: start.Instance.ExecutionID.S},
		Input: start.Input,
	}
	if p := f.Patch; p != nil {
		how.Patch = &engine.Patch{Event: p.Event, Result: p.Result, Failure: p.Failure}
	}
	for _, c := range of.closed {
		how.Closed = append(how.Closed, engine.Closing{Task: c.task, After: c.after})
	}
	o := engine.NewOrchestration(in.id, start.Instance.ExecutionID.S)
	o.Name, o.Version, o.Tags = start.Name, start.Version, start.Tags
	how.Own = l.code.Knows(o.Name) || l.workers.ownServes(turnKey(o))
	now := l.now(in)
	fx, err := o.Fork(of.events, how, now)
	if err != nil {
		c.end(nil, &perdure.Error{Code: perdure.FailedPrecondition, Op: "fork", Instance: f.Run, Message: err.Error()})
		l.afterTurn(in)
		return
	}
	e.m.Event = engine.WithFork(e.m.Event, &how.Of)
	for _, r := range f.Rows {
		fx.Rows = append(fx.Rows, engine.Row{Kind: uint16(r.Kind), Key: r.Key, Value: r.Value, Index: r.Index, Keep: r.Keep})
	}
	in.orch, in.past = o, fx.Events
	ch := l.newChange(in, fx, []*entry{e})
	ch.now = now
	l.commit(ch)
}
