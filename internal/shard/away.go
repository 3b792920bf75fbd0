package shard

import (
	"slices"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Activities whose code does not run in this process.

// activityKind is the bucket of an activity. One without version counts as of its
// orchestration's version.
func activityKind(o *engine.Orchestration, t *engine.Task) bucketKey {
	k := bucketKey{kind: ofActivity, name: t.Name}
	if b, ok := t.Event.Body.(*history.TaskScheduled); ok && b.Version.Set {
		k.version = b.Version.S
	} else if o != nil {
		k.version = o.Version.S
	}
	return k
}

// placeAway offers an activity to workers outside of the process.
func (a *activities) placeAway(l *loop, r *running) {
	it := r.item
	it.suspect = r.suspect
	it.bucket = l.workers.bucketOf(r.away)
	if in := l.instances[it.id]; !it.bucket.served() && in != nil && in.rec != nil && in.rec.Phase == store.Stuck {
		it.reported = true // by the commit that has scheduled it, see lacks
		a.lack(r)
	}
	l.offer(it, nil)
}

// lack notes that no worker serves an activity.
func (a *activities) lack(r *running) {
	if a.lacking[r.key.id] == nil {
		a.lacking[r.key.id] = make(map[*running]bool)
	}
	a.lacking[r.key.id][r] = true
}

// unserved shows that no worker serves an activity.
func (a *activities) unserved(l *loop, r *running) {
	a.lack(r)
	l.write(r.key.id, &rowWrite{touch: true})
}

// served notes that a worker has the activity, or that nobody needs it any more.
func (a *activities) served(l *loop, r *running) {
	lacking := a.lacking[r.key.id]
	if !lacking[r] {
		return
	}
	r.item.reported = false
	if delete(lacking, r); len(lacking) == 0 {
		delete(a.lacking, r.key.id)
	}
	if in := l.instances[r.key.id]; !r.ended && len(lacking) == 0 && (in == nil || in.rec != nil && in.rec.Phase == store.Stuck) {
		l.write(r.key.id, &rowWrite{touch: true})
	}
}

// lacks says which activity of an instance no worker serves, of those that are open
// and those that a change opens; "" = none.
func (l *loop) lacks(ch *change) string {
	for r := range l.activities.lacking[ch.in.id] {
		return unserved(r.away)
	}
	for _, t := range ch.fx.Activities {
		if l.code.KnowsActivity(t.Name) {
			continue
		}
		if k := activityKind(ch.in.orch, t); !l.serves(k) {
			return unserved(k)
		}
	}
	return ""
}

// serves reports whether a worker takes items of a bucket, or did until just now.
func (l *loop) serves(k bucketKey) bool {
	if b := l.workers.buckets[k]; b != nil {
		return b.served() || !b.lost.IsZero() && l.clock.Now().Before(l.graceOf(b))
	}
	for _, c := range l.workers.classes {
		if c.takes(k) {
			return true
		}
	}
	return false
}

// stopAway tells the worker that has an activity that nobody waits for it.
func (l *loop) stopAway(r *running, cause error) {
	le := r.item.lease
	if le == nil || !le.stream.worker.Own {
		return
	}
	if le.stream.recall(le) {
		l.workers.answered(le)
		r.item.lease, le.item = nil, nil
		return
	}
	le.stream.put(handout{work: &hub.Work{Token: l.sealed(r.item.token()), Cancel: &hub.CancelWork{Reason: cause.Error()}}})
}

// adopts reports whether a token of an earlier owner is that of the activity, which
// was not handed out since.
func (r *running) adopts(t token, epoch uint64) bool {
	return r.item != nil && r.delivery == (delivery{}) && t.delivery.epoch < epoch && t.at == r.task.At
}

// endedBy reports whether an event is the outcome of a delivery.
func endedBy(d delivery) func(*history.Event) bool {
	want := string(d.append(nil))
	return func(e *history.Event) bool { return e.Meta != nil && string(e.Meta.Delivery) == want }
}

// waitingEntries returns what waits for its turn, or is in a turn that takes long.
func (in *instance) waitingEntries() []*entry {
	if j := in.turning; j != nil {
		return slices.Concat(j.entries, in.queue)
	}
	return in.queue
}

// outcomeBy returns the outcome of a delivery that waits for its turn, nil = none.
func (in *instance) outcomeBy(d delivery) *entry {
	waiting := in.waitingEntries()
	is := endedBy(d)
	if i := slices.IndexFunc(waiting, func(e *entry) bool { return is(e.m.Event) }); i >= 0 {
		return waiting[i]
	}
	return nil
}

// completedBy reports whether a delivery has ended an activity: its event says so, in
// the history or in the inbox.
func (l *loop) completedBy(in *instance, k activityKey, d delivery) bool {
	if in.outcomeBy(d) != nil {
		return true
	}
	is := endedBy(d)
	if in.rec == nil {
		return false
	}
	if in.away > 0 {
		if list, err := l.store.MessagesOf(l.io, in.id); err == nil {
			for _, sm := range list {
				if m, err := engine.DecodeMessage(sm.Data); err == nil && is(m.Event) {
					return true
				}
			}
		}
	}
	chunks, err := l.store.History(l.io, k.id, k.execution, 0, 0)
	if err != nil {
		return false
	}
	for _, c := range chunks {
		events, _, err := decodeChunk(c.Data)
		if err == nil && slices.ContainsFunc(events, is) {
			return true
		}
	}
	return false
}

// leaveOpen notes that an activity will be completed by its token from elsewhere.
func (l *loop) leaveOpen(t token, c *call) {
	if l.onceKnown(t.key, func() { l.leaveOpen(t, c) }) {
		return
	}
	r := l.activities.open[t.key]
	switch {
	case r == nil || r.delivery != t.delivery || r.ended:
		c.end(nil, errToken)
	case r.outside:
		c.end(nil, nil)
	default:
		l.workers.drop(r.item)
		l.handOver(r, []ack{{call: c}})
	}
}
