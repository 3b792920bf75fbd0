package shard

import (
	"cmp"
	"context"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
)

const (
	opTurn     = "complete orchestration"
	opActivity = "complete activity"
	opBatch    = "complete entity"
	opAbandon  = "abandon work item"
)

// CompleteOrchestration implements hub.Workers.
func (o *Owner) CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error {
	return o.finish(ctx, hub.Outcome{Orchestration: done})
}

// CompleteEntity implements hub.Workers.
func (o *Owner) CompleteEntity(ctx context.Context, done *hub.EntityDone) error {
	return o.finish(ctx, hub.Outcome{Entity: done})
}

// CompleteActivity implements hub.Workers.
func (o *Owner) CompleteActivity(ctx context.Context, done *hub.ActivityDone) error {
	return o.finish(ctx, hub.Outcome{Activity: done})
}

// Abandon implements hub.Workers.
func (o *Owner) Abandon(ctx context.Context, d hub.Delivery) error {
	return o.finish(ctx, hub.Outcome{Abandoned: &d})
}

// ending is an outcome on its way into the loop.
type ending struct {
	hub.Outcome
	op string
	of hub.Delivery
	k  kind  // of its item; kinds = any
	t  token // of the delivery; zero = it has none
}

// endingOf reads the token of an outcome.
func (o *Owner) endingOf(out hub.Outcome) (*ending, error) {
	e := &ending{Outcome: out, op: opAbandon, k: kinds}
	switch {
	case out.Orchestration != nil:
		e.op, e.of, e.k = opTurn, out.Orchestration.Delivery, ofTurn
	case out.Activity != nil:
		e.op, e.of, e.k = opActivity, out.Activity.Delivery, ofActivity
	case out.Entity != nil:
		e.op, e.of, e.k = opBatch, out.Entity.Delivery, ofBatch
	default:
		e.of = *out.Abandoned
	}
	if e.of.Token == "" {
		return e, nil
	}
	t, err := parseToken(e.of.Token)
	if err != nil || t.foreign(markOf(o.store.Identity())) || e.k != kinds && t.kind != e.k || t.delivery == (delivery{}) {
		return nil, named(unknownDelivery, e.op, e.of.InstanceID)
	}
	e.t = t
	return e, nil
}

// finish has the loop take in what a worker says of a delivery.
func (o *Owner) finish(ctx context.Context, out hub.Outcome) error {
	e, err := o.endingOf(out)
	if err != nil {
		return err
	}
	_, err = o.call(ctx, "", func(l *loop, c *call) { l.finish(e, c) })
	return e.named(err)
}

// finish takes in what a worker says of a delivery.
func (l *loop) finish(e *ending, c *call) {
	t := e.t
	if e.of.Token == "" {
		it := l.onlyItem(e.of, e.k)
		if it == nil {
			c.end(nil, cmp.Or(l.refuses(e.of.InstanceID), error(unknownDelivery)))
			return
		}
		t = it.token()
	}
	le := l.leaseOf(t)
	if err := l.refuses(t.key.id); err != nil {
		if le != nil { // the worker's place is free all the same
			l.vacate(le)
		}
		c.end(nil, err)
		return
	}
	switch {
	case e.Orchestration != nil:
		l.finishTurn(t, e.Orchestration, c)
	case e.Activity != nil:
		l.finishActivity(t, e.Activity, c)
	case e.Entity != nil:
		l.finishBatch(t, e.Entity, c)
	case le == nil:
		c.end(nil, errToken)
	case le.item == nil:
		l.vacate(le)
		c.end(nil, nil)
	case e.Abandoned.Lost:
		l.loseItem(le)
		c.end(nil, nil)
	default:
		l.giveBack(le.item)
		c.end(nil, nil)
	}
}

// named says of an error what has failed.
func (e *ending) named(err error) error {
	if err == errToken {
		err = unknownDelivery
	}
	return named(err, e.op, cmp.Or(e.t.key.id, e.of.InstanceID))
}

var unknownDelivery = &perdure.Error{Code: perdure.NotFound, Message: "no such delivery: the token is not the newest of its work item"}

// onlyItem returns the item that is out for an instance, for activities of the task;
// nil if there is none or more than one.
func (l *loop) onlyItem(d hub.Delivery, k kind) *workItem {
	if it := l.workers.items[d.InstanceID]; it != nil && k != ofActivity && it.out() && (k == kinds || it.kind == k) {
		return it
	}
	if k != ofActivity && k != kinds {
		return nil
	}
	var only *workItem
	for _, le := range l.workers.leases {
		it := le.item
		if it == nil || it.run == nil || it.id != d.InstanceID || it.run.key.task != d.TaskID {
			continue
		}
		if only != nil {
			return nil
		}
		only = it
	}
	return only
}

// leaseOf returns the lease of a delivery, nil if no worker connected here has it.
func (l *loop) leaseOf(t token) *lease {
	if le := l.workers.leases[t.delivery]; le != nil && le.id == t.key.id { // others number theirs alike
		return le
	}
	return nil
}

// vacate frees a lease's place and gives it to what waits.
func (l *loop) vacate(le *lease) {
	if le.item != nil {
		le.item.lease = nil
	}
	l.workers.answered(le)
	l.refill(le.stream)
}

// jobOf returns the turn or batch that a token stands for, if its delivery is the
// newest.
func (l *loop) jobOf(t token) *job {
	in := l.instances[t.key.id]
	if in == nil || in.turning == nil || in.turning.item == nil {
		return nil
	}
	if in.turning.item.delivery != t.delivery && !fault.Mutant(fault.StaleCompletionAccepted) {
		return nil
	}
	return in.turning
}

// finishActivity takes in the outcome of an activity.
func (l *loop) finishActivity(t token, done *hub.ActivityDone, c *call) {
	var by *stream
	if le := l.leaseOf(t); le != nil {
		by = le.stream
		l.vacate(le)
	}
	if done.Pending {
		l.leaveOpen(t, c)
		return
	}
	l.complete(t, done.Result, done.Failure, c)
	if done.FollowUp != nil {
		l.followUp(t, done.FollowUp, by)
	}
}

// finishTurn takes in the outcome of a turn.
func (l *loop) finishTurn(t token, done *hub.OrchestrationDone, c *call) {
	le := l.leaseOf(t)
	j := l.jobOf(t)
	if j == nil {
		if le != nil {
			l.vacate(le)
		}
		l.finishedBefore(t, c, func() { l.finishTurn(t, done, c) })
		return
	}
	in, it := j.in, j.item
	switch {
	case j.state.Load() == jobDone: // said again before it was taken in
		j.acks = append(j.acks, ack{call: c})
		return
	case done.NeedHistory:
		j.full = true
		l.again(it, le)
		c.end(nil, nil)
		return
	}
	if n := done.Processed; n != nil && *n < len(j.fresh) {
		if !j.cut(in, max(*n, 1)) { // it has taken nothing
			if le != nil {
				l.giveBack(it)
			}
			c.end(nil, nil)
			return
		}
	}
	it.leave()
	if le != nil {
		j.by = le.stream
		l.vacate(le)
	}
	j.result, j.trace = done.Result, done.Trace
	j.acks = append(j.acks, ack{call: c})
	l.turnEnded(j)
}

// again hands an item out once more, for the worker lacks what it needs.
func (l *loop) again(it *workItem, le *lease) {
	var s *stream
	if le != nil {
		s = le.stream
		it.lease, it.delivery = nil, delivery{}
		l.workers.answered(le)
	}
	l.offer(it, s)
}

// turnEnded applies a turn or batch that a worker has carried out, once the instance
// has settled.
func (l *loop) turnEnded(j *job) {
	in := j.in
	j.state.Store(jobDone)
	j.early = false
	if in.unsettled {
		return // applied when the commit has settled
	}
	in.turning, in.blocked = nil, ""
	l.apply(j)
}

// finishBatch takes in the outcome of a batch.
func (l *loop) finishBatch(t token, done *hub.EntityDone, c *call) {
	le := l.leaseOf(t)
	j := l.jobOf(t)
	if j == nil {
		if le != nil {
			l.vacate(le)
		}
		l.finishedBefore(t, c, func() { l.finishBatch(t, done, c) })
		return
	}
	it, r := j.item, &done.Result
	switch {
	case j.state.Load() == jobDone:
		j.acks = append(j.acks, ack{call: c})
		return
	case done.NeedState:
		l.again(it, le)
		c.end(nil, nil)
		return
	case r.Failure != nil || r.Unknown || len(r.Results) == 0:
		if r.Failure != nil {
			l.logger.Warn("batch of an entity failed", "entity", j.in.id, "cause", r.Failure.Type+": "+r.Failure.Message)
		}
		if le != nil {
			l.giveBack(it)
		}
		c.end(nil, nil)
		return
	}
	it.leave()
	if le != nil {
		l.vacate(le)
	}
	j.outcome = done.Result
	if n := len(j.turn.Operations); len(r.Results) > n {
		j.outcome.Results = r.Results[:n]
	}
	if why := replay.EntityExcess(j.in.id, &j.outcome, l.limits.Payload); why != nil {
		for i := range j.outcome.Results {
			j.outcome.Results[i] = engine.OperationResult{Failure: why}
		}
		j.outcome.State, j.outcome.Actions = j.turn.State, nil
	}
	j.acks = append(j.acks, ack{call: c})
	l.turnEnded(j)
}

// finishedBefore answers a completion whose delivery is not under way: with nil if it
// was taken in already.
func (l *loop) finishedBefore(t token, c *call, again func()) {
	in, err := l.find(t.key.id)
	switch {
	case err != nil:
		c.end(nil, internalError("complete work item", t.key.id, err))
		return
	case in.unsettled: // it may be on its way to the disk
		in.after = append(in.after, again)
		return
	case in.sum != nil && in.sum.Done == t.delivery && t.delivery != delivery{}:
		c.end(nil, nil)
	default:
		c.end(nil, errToken)
	}
	l.afterTurn(in)
}

// took ends the work item of a turn or batch. If a worker has carried it out, the
// change that takes it in notes which delivery that was.
func (l *loop) took(j *job) {
	it := j.item
	if it == nil {
		if it = l.workers.items[j.in.id]; it != nil {
			l.workers.drop(it) // it was done here, without its code
		}
		return
	}
	j.delivered = it.delivery
	l.workers.drop(it)
}

// projectDelivery notes the delivery that a change ends, and what its worker wants
// to get again.
func (ch *change) projectDelivery(sum *summary) {
	j := ch.job
	if j == nil || j.delivered == (delivery{}) {
		return
	}
	sum.Done = j.delivered
	delete(sum.Losses, turnLoss)
	if j.trace != nil {
		sum.Trace = *j.trace
	}
}

// keepWarm keeps of a turn that a worker has carried out what the next one needs.
func (in *instance) keepWarm(j *job, fx *engine.Effects) {
	w := in.warm
	if w == nil {
		w = &warm{}
		in.warm = w
	}
	w.home = j.by
	if w.home != nil && w.home.worker.Own || !w.kept {
		w.past, w.kept, w.bytes = nil, false, 0
		return
	}
	known := min(len(j.encoded), len(j.fresh))
	for i, e := range fx.Events {
		var b [][]byte
		if i < known && e == j.fresh[i] {
			b = j.encoded[i : i+1]
		} else {
			b = encode([]*history.Event{e}, false)
		}
		w.past = append(w.past, b...)
		w.bytes += sizeOf(b)
	}
}
