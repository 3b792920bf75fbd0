package shard

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// listAfter reads the cursor of a list that hub.Upkeep has returned.
func listAfter(op, cursor string) ([]byte, error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, invalid(op, "", "the cursor is not one of this list")
	}
	return after, nil
}

// ended are the statuses in which an orchestration has ended.
var ended = [...]store.Status{store.Completed, store.Failed, store.Canceled, store.Terminated}

// Ended implements hub.Upkeep.
func (o *Owner) Ended(ctx context.Context, q *hub.EndedQuery) (ids []string, next string, err error) {
	const op = "list ended"
	after, err := listAfter(op, q.After)
	if err != nil {
		return nil, "", err
	}
	statuses := slices.DeleteFunc(slices.Clone(q.Statuses), func(s store.Status) bool { return !s.Terminal() })
	switch {
	case len(q.Statuses) == 0:
		statuses = ended[:]
	case len(statuses) == 0:
		return nil, "", nil
	}
	list := store.Query{
		Statuses: statuses, CompletedFrom: q.From, CompletedTo: q.To, Order: store.CompletedAsc, Limit: q.Limit, After: after,
	}
	for {
		page, err := o.listPage(ctx, op, list)
		if err != nil {
			return nil, "", err
		}
		for _, rec := range page.Records {
			ids = append(ids, rec.ID)
		}
		if len(ids) > 0 || page.Next == nil {
			return ids, base64.RawURLEncoding.EncodeToString(page.Next), nil
		}
		list.After = page.Next
	}
}

// listPage reads a page of records, and waits until they are durable.
func (o *Owner) listPage(ctx context.Context, op string, q store.Query) (store.Page, error) {
	page, err := o.store.List(ctx, q)
	if err == nil {
		err = o.barrier(ctx)
	}
	if err != nil {
		return store.Page{}, storeError(op, "", err)
	}
	return page, nil
}

// Entities implements hub.Upkeep.
func (o *Owner) Entities(ctx context.Context, q *hub.EntityQuery) (list []*hub.Entity, next string, err error) {
	const op = "list entities"
	after, err := listAfter(op, q.After)
	if err != nil {
		return nil, "", err
	}
	wanted := func(s *summary) bool {
		return (q.Transient || !s.Stateless) && !s.Updated.Before(q.From) && (q.To.IsZero() || s.Updated.Before(q.To))
	}
	page, err := o.listPage(ctx, op, store.Query{
		Kind: store.Entity, IDPrefix: q.Prefix, Order: store.IDAsc, Limit: q.Limit, After: after, Match: matchSummary(wanted),
	})
	if err != nil {
		return nil, "", err
	}
	for _, rec := range page.Records {
		e, err := o.listed(ctx, rec, q.State)
		if err != nil {
			return nil, "", err
		}
		if e != nil && (q.Transient || !q.State || e.State.Set) {
			list = append(list, e)
		}
	}
	return list, base64.RawURLEncoding.EncodeToString(page.Next), nil
}

// matchSummary matches records by their summaries. One that cannot be read matches:
// whoever reads it then hears of it.
func matchSummary(wanted func(*summary) bool) func(*store.Record) bool {
	return func(r *store.Record) bool {
		sum, err := decodeSummary(r.Packed)
		return err != nil || wanted(sum)
	}
}

// listed is what a list shows of an entity, with its state if that is wanted; nil
// = it was deleted meanwhile.
func (o *Owner) listed(ctx context.Context, rec *store.Record, state bool) (*hub.Entity, error) {
	if state {
		e, err := o.Entity(ctx, rec.ID)
		if perdure.CodeOf(err) == perdure.NotFound {
			return nil, nil
		}
		return e, err
	}
	sum, err := decodeSummary(rec.Packed)
	if err != nil {
		return nil, storeError("list entities", rec.ID, err)
	}
	return entityOf(rec, sum, &engine.Entity{ID: rec.ID}), nil
}

// cleanPage is how many entities one call of CleanEntities looks at.
const cleanPage = 1000

// CleanEntities implements hub.Upkeep.
func (o *Owner) CleanEntities(ctx context.Context, r *hub.CleanEntities) (hub.Cleaned, error) {
	const op = "clean entities"
	var done hub.Cleaned
	after, err := listAfter(op, r.After)
	if err != nil {
		return done, err
	}
	page, err := o.listPage(ctx, op, store.Query{
		Kind: store.Entity, Order: store.IDAsc, Limit: cleanPage, After: after, Match: matchSummary(func(s *summary) bool {
			return r.Locks && s.Holder != "" || r.Empty && s.Stateless && s.Queue == 0 && s.Holder == ""
		}),
	})
	if err != nil {
		return done, err
	}
	for _, rec := range page.Records {
		v, err := o.call(ctx, rec.ID, func(l *loop, c *call) { l.clean(rec.ID, r, c) })
		var elsewhere *ElsewhereError
		if errors.As(err, &elsewhere) {
			continue // who holds it is asked too
		}
		if err != nil {
			return done, named(err, op, rec.ID)
		}
		one := v.(hub.Cleaned)
		done.Removed += one.Removed
		done.Released += one.Released
	}
	done.Next = base64.RawURLEncoding.EncodeToString(page.Next)
	return done, nil
}

// clean removes an entity of which nothing is left, or releases its lock if nobody
// holds it.
func (l *loop) clean(id string, r *hub.CleanEntities, c *call) {
	in, err := l.find(id)
	if err == nil {
		err = l.fetch(in)
	}
	if err != nil {
		c.end(nil, internalError("clean entities", id, err))
		return
	}
	if in.unsettled {
		in.after = append(in.after, func() { l.clean(id, r, c) })
		return
	}
	switch {
	case in.rec == nil || in.ent == nil:
	case r.Empty && !in.ent.Alive() && len(in.queue) == 0 && in.turning == nil:
		l.write(id, &rowWrite{touch: true, rows: l.audit(id, "", "clean entities", c), acks: []ack{{call: c, value: hub.Cleaned{Removed: 1}}}})
		return
	case r.Locks && in.ent.Lock != nil && !unlocking(in):
		l.releaseOrphan(in, r, c)
		return
	}
	c.end(hub.Cleaned{}, nil)
	l.afterTurn(in)
}

// unlocking reports whether an unlock of the entity's lock has arrived already.
func unlocking(in *instance) bool {
	queue := in.queue
	if j := in.turning; j != nil {
		queue = slices.Concat(j.entries, queue)
	}
	return slices.ContainsFunc(queue, func(e *entry) bool {
		b, ok := e.m.Event.Body.(*history.EntityUnlockSent)
		return ok && b.CriticalSectionID == in.ent.Lock.Section
	})
}

// releaseOrphan gives the lock of an entity back if its holder does not know of it.
func (l *loop) releaseOrphan(in *instance, r *hub.CleanEntities, c *call) {
	lock := in.ent.Lock
	holds := false
	if l.refuses(lock.Instance) != nil { // another node has it: what is stored counts
		rec, err := l.store.Instance(l.io, lock.Instance)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			c.end(nil, internalError("clean entities", in.id, err))
			return
		}
		holds = err == nil && !rec.Status.Terminal() && rec.Execution == lock.Execution
	} else {
		holder, err := l.find(lock.Instance)
		if err != nil {
			c.end(nil, internalError("clean entities", in.id, err))
			return
		}
		if holder.unsettled || holder.begins() { // what it does may be on its way
			holder.after = append(holder.after, func() { l.clean(in.id, r, c) })
			return
		}
		holds = holder.orch != nil && holder.orch.Execution == lock.Execution && holder.orch.HasSection(lock.Section)
		l.afterTurn(holder)
	}
	if holds {
		c.end(hub.Cleaned{}, nil)
		l.afterTurn(in)
		return
	}
	l.logger.Warn("lock of an entity released, for its holder is no more", "entity", in.id, "holder", lock.Instance)
	l.enqueue(in, &entry{rows: l.audit(in.id, "", "clean entities", c), acks: []ack{{call: c, value: hub.Cleaned{Released: 1}}}, m: &engine.Message{Event: &history.Event{
		ID: -1, Time: l.clock.Now().UTC().Truncate(time.Microsecond), Body: &history.EntityUnlockSent{
			CriticalSectionID: lock.Section, LockSet: lock.Set,
			ParentInstanceID: history.Some(lock.Instance), ParentExecutionID: history.Some(lock.Execution),
		},
	}}})
}

// TerminateNow implements hub.Upkeep.
func (o *Owner) TerminateNow(ctx context.Context, ids []string, reason history.Text) (left []string, err error) {
	const op = "terminate now"
	if err := o.cfg.Limits.checkPayload(op, "", "the reason", reason); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if id == "" || strings.HasPrefix(id, "@") || o.cfg.Limits.checkID(op, id, false) != nil {
			left = append(left, id)
			continue
		}
		v, err := o.call(ctx, id, func(l *loop, c *call) { l.terminateNow(id, reason, c) })
		if err != nil {
			return nil, named(err, op, id)
		}
		if !v.(bool) {
			left = append(left, id)
		}
	}
	return left, nil
}

// terminateNow ends an orchestration in place of its code, and answers whether it
// could.
func (l *loop) terminateNow(id string, reason history.Text, c *call) {
	in, err := l.find(id)
	if err == nil && (in.unsettled || in.begins()) {
		in.after = append(in.after, func() { l.terminateNow(id, reason, c) })
		return
	}
	if err == nil {
		err = l.fetch(in)
	}
	if err != nil {
		c.end(nil, internalError("terminate now", id, err))
		return
	}
	if in.rec == nil || in.orch == nil || in.orch.Status.Terminal() || in.orch.HoldsLocks() {
		c.end(false, nil)
		l.afterTurn(in)
		return
	}
	if in.turning != nil {
		l.abandonTurn(in)
		in.parked = ""
	}
	stop := &entry{rows: l.audit(id, "", "terminate now", c), acks: []ack{{call: c, value: true}}, m: &engine.Message{Event: &history.Event{
		ID: -1, Time: l.now(in), Body: &history.ExecutionTerminated{Input: reason},
	}}}
	j := &job{in: in, now: l.now(in)}
	if in.orch.Status == history.StatusPending {
		start, err := l.takeStart(in, stop)
		if err != nil {
			c.end(nil, internalError("terminate now", id, err))
			return
		}
		j.entries = append(j.entries, start)
	}
	j.entries = append(j.entries, stop)
	j.messages = messagesOf(j.entries)
	j.fresh = engine.Fresh(j.now, j.messages)
	l.cool(in)
	l.terminated(in, j, reason)
}

var errNoStart = errors.New("what it was to begin with is neither in its inbox nor in its timers")

// takeStart takes the start of an execution that has not begun out of the queue, or
// out of the timer in which it waits.
func (l *loop) takeStart(in *instance, stop *entry) (*entry, error) {
	in.queue = append(in.queue, stop)
	l.endScheduled(in)
	in.queue = slices.DeleteFunc(in.queue, func(e *entry) bool { return e == stop })
	i := slices.IndexFunc(in.queue, func(e *entry) bool {
		_, ok := e.m.Event.Body.(*history.ExecutionStarted)
		return ok
	})
	if i < 0 {
		return nil, errNoStart
	}
	start := in.queue[i]
	in.queue = slices.Delete(in.queue, i, i+1)
	ownStart(in, start)
	return start, nil
}
