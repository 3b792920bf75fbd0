package shard

import (
	"encoding/hex"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// offer gives an item to a stream with room, or lets it wait for one. home is the
// stream that has it by preference, nil = none.
func (l *loop) offer(it *workItem, home *stream) {
	it.leave()
	it.paused = false
	if l.storesFirst(it, home) {
		return
	}
	it.bucket = l.workers.bucketOf(it.bucket.key)
	if !l.stopping && l.pressed.IsZero() {
		for s := l.workers.choose(it, home); s != nil; s = l.workers.choose(it, nil) {
			if l.hand(it, s) {
				return
			}
		}
	}
	l.letWait(it)
}

// hand gives an item to a stream. It reports false if it is too big for the stream;
// else it is there, or its instance will offer it anew once it has settled.
func (l *loop) hand(it *workItem, s *stream) bool {
	work := &hub.Work{}
	ready, fits := false, true
	switch it.kind {
	case ofActivity:
		work.Activity, ready = l.activityWork(it, s), true
	case ofTurn:
		work.Orchestration, fits = l.turnWork(it, s)
		ready = work.Orchestration != nil
	case ofBatch:
		work.Entity = l.batchWork(it)
		ready = work.Entity != nil
	}
	if !ready {
		return fits
	}
	w := l.workers
	le := &lease{id: it.id, delivery: l.nextDelivery(it.id), stream: s, kind: it.kind, item: it}
	it.lease, it.delivery = le, le.delivery
	w.leases[le.delivery], s.leases[le.delivery] = le, le
	w.moved = true
	s.out[it.kind]++
	s.turn[it.kind] = le.delivery.count
	if it.suspect {
		s.suspect = le
	}
	work.Token = l.sealed(it.token())
	if it.run != nil {
		l.activityHanded(it)
	}
	s.put(handout{work, le})
	w.rank(s, it.kind)
	return true
}

// nextDelivery numbers a delivery.
func (l *loop) nextDelivery(id string) delivery {
	l.workers.count++
	return delivery{l.epochOf(id), l.workers.count}
}

// epochOf is the epoch of an instance's shard, which is held here.
func (l *loop) epochOf(id string) uint64 {
	if l.shared == nil {
		return l.epoch
	}
	if h := l.held[store.ShardOf(id)]; h != nil {
		return h.lease.Epoch
	}
	return 0
}

// token names the item's newest delivery.
func (it *workItem) token() token {
	t := token{kind: it.kind, delivery: it.delivery}
	switch it.kind {
	case ofActivity:
		t.key, t.at = it.run.key, it.run.task.At
	case ofTurn:
		t.key = activityKey{id: it.id, execution: it.job.in.orch.Execution}
	case ofBatch:
		t.key = activityKey{id: it.id}
	}
	return t
}

// letWait puts an item where it waits for a stream.
func (l *loop) letWait(it *workItem) {
	b := it.bucket
	l.workers.moved = true
	it.since = l.clock.Now()
	switch {
	case it.bytes == 0:
		l.workers.wait(it)
	case l.workers.carried(it):
		b.big.push(it)
		for _, c := range b.classes {
			b.announce(c)
		}
	default:
		l.hold(it, tooBig(it))
	}
	if !b.served() && (!it.reported || it.job != nil || it.ending) {
		b.looks = append(b.looks, it)
		l.watchUnserved(b)
	}
}

// warm is what is kept between two turns of an orchestration that workers outside
// of the process carry out.
type warm struct {
	home  *stream  // that has completed the last turn; it may be gone
	past  [][]byte // the history as others than our own workers get it
	kept  bool     // past is kept
	bytes int      // of past
}

// streamedFrom is how many bytes of events an item has at most with its history if
// its worker can read that by itself. Ours say it; for others it is what is usual.
func (s *stream) streamedFrom() int {
	if s.worker.Own {
		return s.worker.MaxHistory
	}
	if limit := s.worker.MaxHistory; limit > 0 {
		return min(limit, customaryInline)
	}
	return customaryInline
}

// customaryInline is how many bytes of history are sent in an item to those who can
// read it apart.
const customaryInline = 1 << 20

// turnWork makes what a worker gets of a turn; nil if there is none to be made now,
// with fits = false because it is too big for the stream.
func (l *loop) turnWork(it *workItem, s *stream) (work *hub.OrchestrationWork, fits bool) {
	in, err := l.find(it.id)
	if err != nil {
		l.broke(err)
		return nil, true
	}
	j, fresh := it.job, it.job == nil || in.turning != it.job
	if j == nil {
		if j = l.readyJob(in, l.nextTurn); j == nil {
			l.workers.drop(it)
			return nil, true
		}
	}
	work = &hub.OrchestrationWork{InstanceID: in.id, ExecutionID: in.orch.Execution, New: encode(j.fresh, s.worker.Own)}
	own := s.worker.Own
	if own && !s.worker.Forgets && !j.full && in.warm != nil && in.warm.home == s && !s.gone {
		work.Warm = true
		l.stats.WarmHits.Add(1)
	} else if work.Past, err = l.encodedPast(in, own); err != nil {
		l.broke(err)
		return nil, true
	} else if own && len(work.Past) > 0 {
		l.stats.WarmMisses.Add(1)
	}
	past, now := sizeOf(work.Past), sizeOf(work.New)
	it.bytes, it.newBytes = 0, 0
	inline, limit := past, s.worker.MaxHistory
	if s.worker.StreamsHistory && past+now > s.streamedFrom() {
		work.Long, work.Past, inline = past > 0, nil, 0
	}
	if limit > 0 && !own && inline+now > limit {
		if !fresh || !j.cut(in, fitting(work.New, limit-inline)) {
			it.bytes, it.newBytes = past+now, now
			if it.job == nil {
				l.putBack(in, j)
				l.rest(in)
			}
			return nil, false
		}
		work.New = work.New[:len(j.fresh)]
	}
	if in.sum != nil && in.sum.Trace.SpanID.Set {
		trace := in.sum.Trace
		work.Trace = &trace
	}
	in.past = nil
	if j.encoded = nil; !own {
		j.encoded = work.New
	}
	l.cache.remove(in)
	it.job, j.item, in.turning, in.parked, it.reported = j, it, j, "", false
	return work, true
}

// encodedPast returns the history of the current execution, encoded for our own
// workers or for others; for these it is kept.
func (l *loop) encodedPast(in *instance, own bool) ([][]byte, error) {
	if in.warm == nil {
		in.warm = &warm{}
	}
	w := in.warm
	if !own && w.kept {
		return w.past[:len(w.past):len(w.past)], nil
	}
	events := in.past
	if events == nil && (in.orch.Events > 0 || in.orch.Status.Terminal()) {
		var err error
		if events, _, err = readHistory(l.io, l.store, in.id, in.orch.Execution); err != nil {
			return nil, err
		}
	}
	past := encode(events, own)
	if !own {
		w.past, w.kept, w.bytes = past, true, sizeOf(past)
	}
	return past[:len(past):len(past)], nil
}

// encode encodes events for our own workers, or as others get them.
func encode(events []*history.Event, own bool) [][]byte {
	list := make([][]byte, len(events))
	for i, e := range events {
		list[i] = e.Append(nil)
		if own || e.Meta == nil {
			continue
		}
		if public, _, err := history.Public(list[i]); err == nil {
			list[i] = public
		}
	}
	return list
}

// eventOverhead is what an event costs beside its bytes, in a work item.
const eventOverhead = 8

func sizeOf(events [][]byte) (n int) {
	for _, e := range events {
		n += len(e) + eventOverhead
	}
	return n
}

// fitting returns how many of the first events fit into so many bytes.
func fitting(events [][]byte, size int) int {
	for i, e := range events {
		if size -= len(e) + eventOverhead; size < 0 {
			return i
		}
	}
	return len(events)
}

// cut leaves a turn its first n new events; the rest goes back to the instance's
// queue. It reports false, without effect, if the turn would have none left.
func (j *job) cut(in *instance, n int) bool {
	kept, at := 0, 1
	for kept < len(j.entries) {
		if _, again := j.entries[kept].m.Event.Body.(*history.OrchestratorStarted); !again {
			if at >= n {
				break
			}
			at++
		}
		kept++
	}
	if kept == 0 || kept == len(j.entries) {
		return kept > 0 && n >= len(j.fresh)
	}
	in.queue = append(append([]*entry(nil), j.entries[kept:]...), in.queue...)
	j.entries, j.messages, j.fresh = j.entries[:kept:kept], j.messages[:kept:kept], j.fresh[:at:at]
	return true
}

// batchWork makes what a worker gets of a batch; nil if there is none now.
func (l *loop) batchWork(it *workItem) *hub.EntityWork {
	in, err := l.find(it.id)
	if err != nil {
		l.broke(err)
		return nil
	}
	j := it.job
	if j == nil {
		if j = l.readyJob(in, l.nextBatch); j == nil {
			l.workers.drop(it)
			return nil
		}
	}
	work := &hub.EntityWork{InstanceID: in.id, Time: j.turn.Time, State: j.turn.State, Operations: encode(j.turn.Operations, true)}
	if in.rec != nil {
		work.ExecutionID = hex.EncodeToString(in.rec.Incarnation[:])
	}
	l.cache.remove(in)
	it.job, j.item, in.turning, in.parked, it.reported = j, it, j, "", false
	return work
}

// activityWork makes what a worker gets of an activity.
func (l *loop) activityWork(it *workItem, s *stream) *hub.ActivityWork {
	r := it.run
	body := r.task.Event.Body.(*history.TaskScheduled)
	o := r.task.Options
	work := &hub.ActivityWork{
		InstanceID: r.key.id, ExecutionID: r.key.execution, TaskID: r.key.task, Name: body.Name,
		Version: body.Version, Input: body.Input, Tags: body.Tags, Trace: body.ParentTrace,
		Attempt: 1, HeartbeatTimeout: o.HeartbeatTimeout,
	}
	if o.Timeout > 0 {
		work.Deadline = l.clock.Now().Add(o.Timeout)
	}
	if m := r.task.Event.Meta; m != nil {
		work.Attempt, work.Effect = max(1, int(m.Attempt)), string(m.Effect)
	}
	if work.Effect == "" {
		work.Effect = r.effect()
	}
	work.TurnAt = l.turnAt(r, s)
	return work
}

// activityHanded notes that an activity runs at a worker.
func (l *loop) activityHanded(it *workItem) {
	r, now := it.run, l.clock.Now()
	r.delivery, r.dequeued, r.worker = it.delivery, now, it.lease.stream.worker.ID
	r.beat.Store(now.UnixNano())
	if d := r.task.Options.Timeout; d > 0 {
		r.due = now.Add(d)
		l.timers.watch(r, r.due)
	}
	if d := r.task.Options.HeartbeatTimeout; d > 0 {
		l.timers.watch(r, now.Add(d))
	}
	l.activities.served(l, r)
}
