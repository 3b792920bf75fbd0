package shard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/store"
)

// splitEntity splits an entity's id "@name@key".
func splitEntity(id string) (name, key string) {
	name, key, _ = strings.Cut(strings.TrimPrefix(id, "@"), "@")
	return name, key
}

// prepareEntity plans the entity's next transition. Those without user code are
// carried out at once.
func (l *loop) prepareEntity(in *instance) *job {
	if in.turning != nil {
		l.keepEntries(in)
		return nil
	}
	if l.stays(in) {
		l.keepEntries(in)
		return nil
	}
	if err := l.fetch(in); err != nil {
		l.broke(err)
		return nil
	}
	j := l.nextBatch(in)
	if j == nil {
		return nil
	}
	if name, _ := splitEntity(in.id); !l.code.KnowsEntity(name) {
		return l.prepareRemoteBatch(in, j)
	}
	if in.parked != "" {
		in.queue = append(in.queue, j.entries...)
		l.keepEntries(in)
		return nil
	}
	l.cache.remove(in)
	return j
}

// nextBatch plans what the queue gives rise to, and makes a batch of the operations
// in it. Without operations it is carried out at once. nil = nothing, for now.
func (l *loop) nextBatch(in *instance) *job {
	if in.ent == nil {
		in.ent = &engine.Entity{ID: in.id}
	}
	now := l.now(in)
	waits, barred := in.waits()
	messages := messagesOf(in.queue[waits:])
	plan := in.ent.Plan(messages, barred, now)
	if len(plan.Consumed) == 0 {
		in.allWait(waits, barred)
		l.keepEntries(in)
		return nil
	}
	j := &job{in: in, now: now, plan: plan, entries: slices.Clone(in.queue[waits:]), messages: messages, behind: waits}
	in.queue = in.queue[:waits]
	if len(plan.Operations) == 0 {
		l.applyEntity(j)
		return nil
	}
	ops := make([]*history.Event, len(plan.Operations))
	for i, m := range plan.Operations {
		ops[i] = m.Event
	}
	j.payload = l.limits.Payload
	j.turn = &engine.EntityTurn{InstanceID: in.id, Time: now, State: in.ent.State, Operations: ops}
	return j
}

// applyEntity takes in a transition, with the result of its turn if it had one.
func (l *loop) applyEntity(j *job) {
	in := j.in
	if f := j.outcome.Failure; f != nil || j.outcome.Unknown {
		in.parked = "no worker serves it"
		if f != nil {
			in.parked = f.Type + ": " + f.Message
		}
		l.logger.Warn("entity cannot go on", "entity", in.id, "cause", in.parked)
		in.queue = slices.Insert(in.queue, j.behind, j.entries...)
		l.keepEntries(in)
		return
	}
	l.limits.bound(in, j)
	l.took(j)
	fx, done := in.ent.Apply(&engine.EntityStep{Now: j.now, Plan: j.plan, Result: j.outcome, NewID: l.ids.uuid})
	taken := make(map[*engine.Message]bool, len(done))
	for _, m := range done {
		taken[m] = true
	}
	var entries, left []*entry
	for i, e := range j.entries {
		if taken[j.messages[i]] { // e.m is another once it was stored
			entries = append(entries, e)
		} else {
			left = append(left, e)
		}
	}
	in.queue = slices.Insert(in.queue, j.behind, left...)
	ch := l.newChange(in, fx, entries)
	ch.now, ch.acks, ch.job = j.now, j.acks, j
	ch.keeps = in.unstored() // what must wait is stored by the same commit
	in.stored = prefixOf(in.queue)
	l.commit(ch)
}

// bound fails the operations of a batch that leave more than the limits allow.
func (l Limits) bound(in *instance, j *job) {
	why := (*history.Failure)(nil)
	if n := len(j.outcome.State.S); n > l.Payload {
		why = replay.TooLarge("entity "+in.id+": its state has", n, l.Payload)
	}
	if n := len(j.outcome.Actions); n > l.TurnActions { // nobody knows of which operation they are
		why = &history.Failure{Type: "TooManyActions", NonRetriable: true, Message: fmt.Sprintf(
			"entity %s asked for %d actions in one batch; the limit is %d", in.id, n, l.TurnActions)}
	}
	for i := range j.outcome.Results {
		r := &j.outcome.Results[i]
		if n := len(r.Result.S); n > l.Payload && why == nil {
			r.Result, r.Failure = history.Text{}, replay.TooLarge("entity "+in.id+": an operation returned", n, l.Payload)
		}
	}
	if why == nil {
		return
	}
	for i := range j.outcome.Results {
		j.outcome.Results[i] = engine.OperationResult{Failure: why}
	}
	j.outcome.State, j.outcome.Actions = in.ent.State, nil
}

// entityOf returns what is shown of an entity.
func entityOf(rec *store.Record, sum *summary, ent *engine.Entity) *hub.Entity {
	return &hub.Entity{ID: rec.ID, Modified: sum.Updated, Queue: sum.Queue, LockedBy: sum.Holder, State: ent.State, Operations: slices.Clone(sum.Operations)}
}
