package shard

import (
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// waiter is a call that waits for the start or the end of an instance.
type waiter struct {
	call *call
	end  bool
}

func (w *waiter) met(s store.Status) bool {
	if w.end {
		return s.Terminal()
	}
	return s != store.Pending
}

// await registers a waiter, or ends it at once.
func (l *loop) await(id string, w *waiter) {
	in := l.instances[id]
	if in != nil && in.unsettled || l.limits.Waiters > 0 && len(l.waiters[id]) >= l.limits.Waiters {
		if len(l.waiters[id]) >= l.limits.Waiters {
			w.call.end(nil, &perdure.Error{Code: perdure.ResourceExhausted, Op: "wait", Instance: id, Message: "too many callers wait for it"})
			return
		}
		l.waiters[id] = append(l.waiters[id], w)
		return
	}
	var rec *store.Record
	if in != nil {
		rec = in.rec
	} else {
		var err error
		if rec, err = l.store.Instance(l.io, id); err != nil && !errors.Is(err, store.ErrNotFound) {
			w.call.end(nil, storeError("wait", id, err))
			return
		}
	}
	if rec != nil && w.met(rec.Status) {
		w.call.end(nil, nil) // the caller reads the state itself
		return
	}
	l.waiters[id] = append(l.waiters[id], w)
}

// tell ends the waits that a durable change has met.
func (l *loop) tell(ch *change) {
	if ch.commit.Record == nil {
		return
	}
	list := l.waiters[ch.in.id]
	if len(list) == 0 {
		return
	}
	var state *hub.Instance
	left := list[:0]
	for _, w := range list {
		if !w.met(ch.status) {
			left = append(left, w)
			continue
		}
		if ch.output == nil && ch.status.Terminal() { // an earlier change was the end
			w.call.end(nil, nil) // the caller reads the state itself
			continue
		}
		if state == nil {
			state = instanceOf(ch.commit.Record, ch.in.sum)
			if ch.output != nil {
				state.Output, state.Failure = ch.output.Result, ch.output.Failure
			}
		}
		w.call.end(state, nil)
	}
	if len(left) == 0 {
		delete(l.waiters, ch.in.id)
		return
	}
	l.waiters[ch.in.id] = left
}

// leave removes a waiter whose caller has given up.
func (l *loop) leave(id string, w *waiter) {
	list := l.waiters[id]
	for i, x := range list {
		if x == w {
			list = append(list[:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(l.waiters, id)
		return
	}
	l.waiters[id] = list
}

// reply is the answer to an Ask.
type reply struct {
	result  history.Text
	failure *history.Failure
}

// asked is a request that waits for its answer.
type asked struct {
	instance string
	calls    []*call
}

func (l *loop) answer(a engine.Answer) {
	w := l.asks[a.Request]
	if w == nil {
		return
	}
	delete(l.asks, a.Request)
	if l.asksOf[w.instance]--; l.asksOf[w.instance] == 0 {
		delete(l.asksOf, w.instance)
	}
	for _, c := range w.calls {
		c.end(&reply{a.Result, a.Failure}, nil)
	}
}

// leaveAsk removes an Ask whose caller has given up.
func (l *loop) leaveAsk(c *call) {
	w := l.asks[c.ask]
	if w == nil {
		return
	}
	if w.calls = slices.DeleteFunc(w.calls, func(x *call) bool { return x == c }); len(w.calls) == 0 {
		l.answer(engine.Answer{Request: c.ask})
	}
}

// endAsks tells those who wait for an answer that none will come.
func (l *loop) endAsks(id string) {
	if l.asksOf[id] == 0 {
		return
	}
	for request, w := range l.asks {
		if w.instance == id {
			l.answer(engine.Answer{Request: request, Failure: &history.Failure{
				Type: perdure.FailedPrecondition.String(), Message: "it has ended without an answer",
			}})
		}
	}
}

// replyRow keeps an answer for those who ask again, as long as the request.
func replyRow(owner string, a engine.Answer, expiry time.Time) store.Row {
	e := &history.Event{Body: &history.TaskCompleted{Result: a.Result}}
	if a.Failure != nil {
		e.Body = &history.TaskFailed{Failure: a.Failure}
	}
	return store.Row{
		Kind: rowReply, Owner: owner, Key: []byte(a.Request), Value: e.Append(nil), Keep: true,
		Index: [2][]byte{beTime(expiry.UnixMicro())},
	}
}

func decodeReply(b []byte) (*reply, error) {
	e, err := history.Decode(b)
	if err != nil {
		return nil, err
	}
	switch b := e.Body.(type) {
	case *history.TaskCompleted:
		return &reply{result: b.Result}, nil
	case *history.TaskFailed:
		return &reply{failure: b.Failure}, nil
	}
	return nil, protowire.ParseError(-1)
}

// instanceOf is what clients see of a record.
func instanceOf(rec *store.Record, sum *summary) *hub.Instance {
	in := &hub.Instance{
		Record: *rec, AppVersion: sum.AppVersion, Started: sum.Started, Updated: sum.Updated, StartAt: sum.StartAt,
		CustomStatus: sum.Custom, ParentTask: sum.ParentTask, PhaseCause: sum.Cause, Step: sum.Step,
		NextFireAt: sum.NextAt, Attempt: sum.Attempt, Pending: sum.Pending,
		HistoryEvents: sum.Events, HistoryBytes: sum.Bytes, Folded: sum.Folded,
		Usage: sum.Usage, Below: sum.Below, Worker: sum.Worker, Forked: sum.Forked, TraceID: sum.TraceID,
		StateBytes: sum.StateBytes, LockedBy: sum.Holder, Operations: slices.Clone(sum.Operations),
	}
	if rec.Kind == store.Entity {
		in.Pending.Messages = sum.Queue
	}
	if len(sum.Waits) > 0 {
		in.Waits = slices.Clone(sum.Waits)
		in.WaitName = in.Waits[0]
	}
	if sum.ErrorType != "" {
		in.Failure = &history.Failure{Type: sum.ErrorType, Message: sum.ErrorText}
	}
	in.Packed = nil
	return in
}
