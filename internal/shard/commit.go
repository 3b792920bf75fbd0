package shard

import (
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

const (
	maxTurnBatch = 64      // turns between two looks at the mail
	maxGroup     = 512     // commits of a group
	maxBytes     = 4 << 20 // of a group
	maxInFlight  = 2       // groups on their way
)

// change is a commit on its way, with what follows once it is durable.
type change struct {
	in         *instance
	fx         *engine.Effects
	commit     *store.Commit
	built      store.Commit // what commit points to, mostly
	entries    []*entry     // messages that it takes
	dropped    []*entry     // messages that it removes, for they have no effect
	keeps      []*entry     // messages that it stores
	writes     []*rowWrite  // that nobody waits for: they are not given up
	acks       []ack
	now        time.Time
	quiet      bool         // the state is as before; only messages move
	startTimer *store.Timer // of a start that waits for its time
	purge      bool
	gone       bool   // of an entity that is no more
	job        *job   // turn or batch that it takes in
	audited    bool   // it has entries for the audit
	chain      *chain // that it goes into, while it is on its way

	size   int       // about what it writes, in bytes
	asked  time.Time // when it was put into the next group
	status store.Status
	output *history.ExecutionCompleted
}

func (l *loop) newChange(in *instance, fx *engine.Effects, entries []*entry) *change {
	return &change{in: in, fx: fx, entries: entries}
}

// commit builds the store's commit of a change and puts it into the next group.
func (l *loop) commit(ch *change) {
	in, fx := ch.in, ch.fx
	c := &ch.built
	c.ID, c.Shard, c.Was = in.id, in.shard, in.rec
	ch.commit = c
	if in.rec != nil {
		c.Expect = in.rec.Version
	}
	if len(in.void) > 0 && l.newIncarnation(ch) {
		ch.dropped, in.void = append(ch.dropped, in.void...), nil
	}
	l.consume(ch, c)
	past := l.pastExecution(ch)
	source, version := l.record(ch, c)
	c.Rows = append(c.Rows, past...)
	l.changeFold(ch, c)
	l.messages(ch, c, source, version)
	if len(fx.Events) > 0 {
		var rows []store.Row
		size := 64
		for _, e := range fx.Events {
			if p := history.Payload(e.Body); p != nil {
				size += len(p.S)
			}
			size += 48
		}
		c.Branch = fx.Branch
		c.Chunk, rows = appendChunk(make([]byte, 0, size), in.id, fx.Events, fx.Closed)
		c.Rows = append(c.Rows, rows...)
		if in.sum != nil && c.Record != nil {
			in.sum.Bytes += int64(len(c.Chunk))
			c.Record.Packed = in.sum.append(make([]byte, 0, 128))
		}
		if end, ok := fx.Events[len(fx.Events)-1].Body.(*history.ExecutionCompleted); ok {
			ch.output = end
		}
	}
	l.timerChanges(ch, c)
	for _, r := range fx.Rows {
		c.Rows = append(c.Rows, store.Row{
			Kind: store.RowKind(r.Kind), Owner: in.id, Key: r.Key, Value: r.Value, Index: r.Index, Keep: r.Keep, Delete: r.Delete,
		})
	}
	for _, a := range fx.Replies {
		c.Rows = append(c.Rows, replyRow(in.id, a, l.clock.Now().Add(requestLife)))
	}
	if in.ent != nil && c.Record != nil {
		c.Rows = append(c.Rows, store.Row{Kind: rowEntity, Owner: in.id, Value: in.ent.Encode()})
	}
	l.submit(ch)
}

// submit puts a built change into the next group.
func (l *loop) submit(ch *change) {
	in, c := ch.in, ch.commit
	switch {
	case c.Purge:
		in.rec, in.sum = nil, nil
	case c.Record != nil:
		in.rec = c.Record
		ch.status = c.Record.Status
	}
	in.unsettled = true
	ch.asked = time.Now()
	l.pending = append(l.pending, ch)
	ch.size = len(c.Chunk) + 256
	for _, r := range c.Rows {
		ch.size += len(r.Value)
		ch.audited = ch.audited || r.Kind == hub.RowAudit && !r.Delete
	}
}

// record sets the commit's record, and returns what its messages' ids are made
// of.
func (l *loop) record(ch *change, c *store.Commit) (source [16]byte, version uint64) {
	in := ch.in
	for _, e := range ch.entries {
		c.Fresh = c.Fresh || e.fresh
	}
	switch {
	case in.orch == nil && in.ent == nil:
		return l.ids.random(), 0 // an instance that does not exist takes messages
	case in.ent != nil && !in.ent.Alive() && len(in.queue)+in.away == 0 && len(ch.keeps) == 0 && in.turning == nil:
		ch.gone = true
		if in.rec != nil {
			c.Purge = true
		}
		return l.ids.random(), 0
	}
	rec := l.project(ch)
	if in.rec == nil || l.newIncarnation(ch) {
		rec.Incarnation, rec.Version = l.ids.random(), 1
		c.Replace = in.rec != nil
		ch.fx.Send, in.last = append(ch.fx.Send, in.last...), nil
	} else {
		rec.Incarnation, rec.Version = in.rec.Incarnation, in.rec.Version+1
		c.Fresh = false
	}
	c.Record = rec
	return rec.Incarnation, rec.Version
}

// newIncarnation reports whether the change begins the instance anew, over one
// that has ended or that is replaced.
func (l *loop) newIncarnation(ch *change) bool {
	in := ch.in
	return in.orch != nil && in.rec != nil && l.takesStart(ch) && (in.rec.Status.Terminal() || l.replaces(ch))
}

// replaces reports whether a start with leave to replace a living instance is
// among what the change takes.
func (l *loop) replaces(ch *change) bool {
	for _, list := range [2][]*entry{ch.entries, ch.keeps} {
		for _, e := range list {
			if e.replace {
				return true
			}
		}
	}
	return false
}

func (l *loop) takesStart(ch *change) bool {
	for _, list := range [2][]*entry{ch.entries, ch.keeps} {
		for _, e := range list {
			if _, ok := e.m.Event.Body.(*history.ExecutionStarted); ok {
				return true
			}
		}
	}
	return false
}

// messages gives ids to what the change sends and stores.
func (l *loop) messages(ch *change, c *store.Commit, source [16]byte, version uint64) {
	n := len(ch.fx.Send) + len(ch.keeps)
	if n == 0 {
		return
	}
	c.Emit = make([]store.Message, 0, n)
	add := func(target string, m *engine.Message) {
		m.ID = engine.MessageID{Source: source, Version: version, Index: uint32(len(c.Emit))}
		m.Stored = true
		c.Emit = append(c.Emit, store.Message{Target: target, ID: store.MessageID(m.ID), Data: m.Append(nil)})
	}
	for _, out := range ch.fx.Send {
		add(out.Target, out.Message)
	}
	for _, e := range ch.keeps {
		m := *e.m
		e.m = &m
		add(ch.in.id, e.m)
		e.stored = true
	}
}

// consume removes what the taken messages have left in the store, and collects
// who is to be told.
func (l *loop) consume(ch *change, c *store.Commit) {
	take := func(e *entry) {
		if e.timer != nil {
			if _, signal := e.m.Event.Body.(*history.EntityOperationSignaled); signal && ch.in.ent != nil {
				ch.in.ent.Fired()
			}
			c.Timers = append(c.Timers, store.TimerChange{Timer: *e.timer, Delete: true})
			e.timer = nil
		}
		c.Rows = append(c.Rows, e.rows...)
		e.rows = nil
		ch.acks = append(ch.acks, e.acks...)
		e.acks = nil
	}
	for _, list := range [2][]*entry{ch.entries, ch.dropped} {
		for _, e := range list {
			if e.m.Stored {
				c.Consume = append(c.Consume, store.MessageID(e.m.ID))
			}
			take(e)
		}
	}
	for _, e := range ch.keeps {
		take(e)
	}
}

// timerChanges writes the timers that the change starts and stops.
func (l *loop) timerChanges(ch *change, c *store.Commit) {
	fx := ch.fx
	if ch.startTimer != nil {
		c.Timers = append(c.Timers, store.TimerChange{Timer: *ch.startTimer})
	}
	branch := fx.Branch
	for _, t := range fx.Timers {
		c.Timers = append(c.Timers, store.TimerChange{Timer: l.storeTimer(ch.in, branch, t)})
	}
	if fx.NewBranch {
		branch = fx.OldBranch
	}
	for _, t := range fx.Stopped {
		c.Timers = append(c.Timers, store.TimerChange{Timer: l.storeTimer(ch.in, branch, t), Delete: true})
	}
}

func (l *loop) storeTimer(in *instance, branch string, t *engine.Task) store.Timer {
	st := store.Timer{Owner: in.id, Due: ceilMicro(t.Due), Execution: branch, Task: t.ID}
	if in.ent != nil {
		m := engine.Message{Event: t.Event}
		st.Data = m.Append(nil)
	}
	return st
}

// ceilMicro rounds up to microseconds, so that a timer never fires early.
func ceilMicro(t time.Time) time.Time {
	c := t.UTC().Truncate(time.Microsecond)
	if c.Before(t) {
		c = c.Add(time.Microsecond)
	}
	return c
}

// keepEntries stores the messages of the queue that are in memory only, for a
// turn that would take them with it is not in sight.
func (l *loop) keepEntries(in *instance) {
	if in.unsettled {
		return
	}
	keeps := in.unstored()
	in.stored = prefixOf(in.queue)
	if in.parked != "" && fault.Mutant(fault.EventLostOnPark) {
		for _, e := range keeps {
			for _, a := range e.acks {
				a.call.end(a.value, a.err)
			}
		}
		keeps, in.queue = nil, nil
	}
	if len(keeps) == 0 {
		l.afterKeep(in)
		return
	}
	ch := l.newChange(in, &engine.Effects{}, nil)
	ch.keeps, ch.now = keeps, l.now(in)
	ch.quiet = in.rec != nil && !l.newIncarnation(ch)
	l.commit(ch)
	for _, e := range keeps {
		e.replace = false // done: the turn that takes it goes on with what it began
	}
}

// afterKeep is what follows when there was nothing to store.
func (l *loop) afterKeep(in *instance) {
	if in.turning != nil {
		return
	}
	if len(in.queue) == 0 {
		l.settleDown(in)
	} else if !l.canMove(in) {
		l.spill(in)
	}
}
