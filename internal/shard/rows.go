package shard

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/series"
	"github.com/perdure/perdure/store"
)

// rowWrite is rows that somebody outside of the instance's code writes to it.
type rowWrite struct {
	rows  []store.Row
	acks  []ack
	conds []hub.RowCondition
	event *entry // raised with the rows
	// activity is the token of the activity that writes; "" = another writer.
	activity string
	// purge deletes the instance instead.
	purge bool
	force bool // although it is held
	// fold, if set, folds the instance instead; it is the timer that has fired.
	fold *store.Timer
	// touch writes the record anew, without rows.
	touch bool
	// absent lets rows be written to an instance that does not exist.
	absent bool
	// then, if set, is called once the rows are durable.
	then func()
}

// write queues rows for an instance.
func (l *loop) write(id string, w *rowWrite) {
	in, err := l.find(id)
	if err != nil {
		l.broke(err)
		return
	}
	if in.rec == nil && in.turning != nil && !w.absent { // the commit of its first turn makes it exist
		in.after = append(in.after, func() { l.write(id, w) })
		return
	}
	if in.rec == nil && !in.unsettled && !w.absent {
		refuse(w.acks, notFound("write rows", id))
		l.afterTurn(in)
		return
	}
	in.writes = append(in.writes, w)
	l.makeReady(in)
}

// commitWrites writes the rows that wait, those whose conditions hold.
func (l *loop) commitWrites(in *instance) {
	ch := l.newChange(in, &engine.Effects{}, nil)
	ch.quiet, ch.now = true, l.now(in)
	var rows []store.Row
	touch := false
	writes := in.writes
	in.writes = nil
	for i, w := range writes {
		if w.purge || w.fold != nil {
			if len(rows) > 0 || len(ch.keeps) > 0 || len(ch.acks) > 0 || touch { // what came before goes first
				in.writes = writes[i:]
				break
			}
			in.writes = writes[i+1:]
			if w.purge {
				l.commitPurge(in, w)
			} else {
				l.commitFold(in, w.fold)
			}
			return
		}
		if in.rec == nil && !w.absent {
			refuse(w.acks, notFound("write rows", in.id))
			continue
		}
		if demands(w.conds, rows) { // what it demands is judged when they are written
			in.writes = writes[i:]
			break
		}
		touch = touch || w.touch
		err := l.holds(in.id, w.conds)
		if err == nil && w.activity != "" && !l.wanted(in.id, w.activity) {
			err = &perdure.Error{Code: perdure.FailedPrecondition, Op: "write rows", Instance: in.id,
				Message: "the activity that writes is not wanted any more"}
		}
		if err != nil {
			refuse(w.acks, err)
			continue
		}
		rows = append(rows, w.rows...)
		ch.acks = append(ch.acks, w.acks...)
		if len(w.acks) == 0 && (!w.touch || w.then != nil) {
			ch.writes = append(ch.writes, w)
		}
		if w.event != nil {
			ch.keeps = append(ch.keeps, w.event)
			in.queue = append(in.queue, w.event)
		}
	}
	if len(rows) == 0 && len(ch.keeps) == 0 && !touch {
		for _, a := range ch.acks {
			a.call.end(a.value, a.err)
		}
		l.afterTurn(in)
		return
	}
	for _, r := range rows {
		ch.fx.Rows = append(ch.fx.Rows, engine.Row{
			Kind: uint16(r.Kind), Key: r.Key, Value: r.Value, Index: r.Index, Keep: r.Keep, Delete: r.Delete,
		})
	}
	l.commit(ch)
}

// demands reports whether conditions are about one of the rows.
func demands(conds []hub.RowCondition, rows []store.Row) bool {
	return slices.ContainsFunc(conds, func(c hub.RowCondition) bool {
		return slices.ContainsFunc(rows, func(r store.Row) bool { return r.Kind == c.Kind && bytes.Equal(r.Key, c.Key) })
	})
}

// holds checks conditions against the store, which has the instance's newest
// state since no commit of it is on its way.
func (l *loop) holds(owner string, conds []hub.RowCondition) error {
	for _, c := range conds {
		rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: c.Kind, Owner: owner, Prefix: c.Key, Limit: 1})
		if err != nil {
			return internalError("write rows", owner, err)
		}
		found := len(rows) > 0 && bytes.Equal(rows[0].Key, c.Key)
		if found != (c.Value != nil) || found && !bytes.Equal(rows[0].Value, c.Value) {
			return &perdure.Error{Code: perdure.Conflict, Op: "write rows", Instance: owner, Message: "the row has changed since it was read"}
		}
	}
	return nil
}

// wanted reports whether a token is that of a running activity of the instance.
func (l *loop) wanted(id, token string) bool {
	t, err := activityOf(token, markOf(l.store.Identity()))
	if err != nil || t.key.id != id {
		return false
	}
	r := l.activities.open[t.key]
	return r != nil && r.delivery == t.delivery && !r.ended
}

// mostHolds is how many of the rows that hold an instance are told.
const mostHolds = 16

// holds returns what holds an instance, in words.
func holds(ctx context.Context, s store.Reads, op, id string) (why []string, err error) {
	rows, next, err := s.Rows(ctx, store.RowQuery{Kind: hub.RowHold, Owner: id, Limit: mostHolds})
	if err != nil {
		return nil, internalError(op, id, err)
	}
	for _, row := range rows {
		why = append(why, string(row.Value))
	}
	if next != nil {
		why = append(why, "and so on")
	}
	return why, nil
}

// held returns the error of what must not be done to an instance that is held.
func held(ctx context.Context, s store.Reads, op, id string) error {
	why, err := holds(ctx, s, op, id)
	if err != nil || len(why) == 0 {
		return err
	}
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: op, Instance: id, Message: strings.Join(why, "; ")}
}

// commitPurge deletes the instance, if it has ended and nothing holds it.
func (l *loop) commitPurge(in *instance, w *rowWrite) {
	if in.rec == nil {
		for _, a := range w.acks {
			a.call.end(0, nil)
		}
		l.afterTurn(in)
		return
	}
	if in.rec.Kind == store.Orchestration && !in.rec.Status.Terminal() {
		refuse(w.acks, alive(in.id))
		l.afterTurn(in)
		return
	}
	if !w.force {
		if err := held(l.io, l.store, "purge", in.id); err != nil {
			refuse(w.acks, err)
			l.afterTurn(in)
			return
		}
	}
	timers, err := l.store.TimersOf(l.io, in.id)
	if err != nil {
		l.broke(err)
		return
	}
	ch := l.newChange(in, &engine.Effects{}, nil)
	ch.acks, ch.now = w.acks, l.now(in)
	ch.commit = &store.Commit{ID: in.id, Shard: in.shard, Expect: in.rec.Version, Was: in.rec, Rows: w.rows}
	for _, t := range timers {
		ch.commit.Timers = append(ch.commit.Timers, store.TimerChange{Timer: t, Delete: true})
	}
	if in.ent != nil && l.emptied(ch) {
		return
	}
	ch.purge, ch.commit.Purge = true, true
	in.orch, in.ent, in.past = nil, nil, nil
	l.cool(in)
	l.submit(ch)
}

// emptied has those told who wait for answers of an entity that is purged. An
// entity that is locked, or must remember an unlock, loses all but that, by a new
// incarnation without state: then it reports true.
func (l *loop) emptied(ch *change) bool {
	in, c := ch.in, ch.commit
	ch.fx = in.ent.Purge(ch.now)
	source, version := l.ids.random(), uint64(0)
	for _, a := range ch.fx.Replies {
		c.Rows = append(c.Rows, replyRow(in.id, a, l.clock.Now().Add(requestLife)))
	}
	left := in.ent.Alive()
	if left {
		if in.turning != nil { // its turn is over a state that is no more
			l.takeBack(in)
		}
		rec := l.project(ch)
		rec.Created, rec.Incarnation, rec.Version = ch.now, l.ids.random(), 1
		c.Record, c.Replace = rec, true
		source, version = rec.Incarnation, rec.Version
		for i := range c.Timers {
			c.Timers[i].Delete = !forgets(c.Timers[i].Timer)
		}
		c.Rows = append(c.Rows, store.Row{Kind: rowEntity, Owner: in.id, Value: in.ent.Encode()})
	}
	l.messages(ch, c, source, version)
	if left {
		l.submit(ch)
	}
	return left
}

// forgets reports whether an entity's timer is one by which it forgets an unlock.
func forgets(t store.Timer) bool {
	m, err := engine.DecodeMessage(t.Data)
	if err != nil {
		return false
	}
	_, ok := m.Event.Body.(*history.TimerFired)
	return ok
}

func notFound(op, id string) error {
	what := "there is no orchestration with this id"
	if isEntity(id) {
		what = "there is no such entity"
	}
	return &perdure.Error{Code: perdure.NotFound, Op: op, Instance: id, Message: what}
}

const (
	// sweepTimer marks the alarm at which old requests and answers are deleted.
	sweepTimer int32 = -4
	// sweepEvery is the time between two sweeps, unless there is more to do.
	sweepEvery = 10 * time.Minute
)

// sweepRequests deletes requests and answers whose time is over, and old counts.
func (l *loop) sweepRequests() {
	const most = 1000
	now := l.clock.Now()
	again := now.Add(sweepEvery)
	over := beTime(now.UnixMicro())
	for _, q := range [...]store.RowQuery{
		{Kind: rowRequest, To: over}, {Kind: rowReply, To: over},
		{Kind: hub.RowAudit, To: beTime(now.Add(-hub.AuditLife).UnixMicro())}, {Kind: hub.RowSeries, To: series.IndexOf(now.Add(-series.Kept))},
	} {
		if !l.pressed.IsZero() {
			break // nothing is written now
		}
		q.Limit = most
		rows, _, err := l.store.Rows(l.io, q)
		if err != nil {
			l.broke(err)
			return
		}
		for _, r := range rows {
			if l.refuses(r.Owner) != nil {
				continue // its holder does so
			}
			if r.Kind == hub.RowAudit && l.keepsAudit(r, now) {
				continue
			}
			r.Delete, r.Value = true, nil
			l.write(r.Owner, &rowWrite{absent: true, rows: []store.Row{r}})
		}
		if len(rows) == most {
			again = now.Add(time.Second)
		}
	}
	l.timers.push(alarm{due: again, timer: &store.Timer{Task: sweepTimer}})
}
