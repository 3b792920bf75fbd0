package shard

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// sortInbox brings messages read back into the order in which they are taken.
func sortInbox(queue []*entry) {
	sort.SliceStable(queue, func(i, j int) bool { return rank(queue[i].m.Class) < rank(queue[j].m.Class) })
}

// rank is the place of a class in an inbox.
func rank(c engine.Class) int {
	switch c {
	case engine.ClassStart:
		return 0
	case engine.ClassCarry:
		return 1
	}
	return 2
}

// prepareOrchestration judges the queue and makes a turn of what it may take.
func (l *loop) prepareOrchestration(in *instance) *job {
	if in.turning != nil {
		switch {
		case slices.ContainsFunc(in.queue, func(e *entry) bool { return e.replace }):
			l.voidTurn(in)
		case in.turning.item != nil && l.overtaken(in):
			l.takeBack(in)
		case in.turning.early:
			return nil // what has come meanwhile is for the next turn, or is stored with what this one takes
		case in.blocked == "" || !slices.ContainsFunc(in.queue, terminates):
			l.storeTurn(in)
			return nil
		default:
			l.abandonTurn(in)
		}
	}
	if l.stays(in) {
		l.keepEntries(in)
		return nil
	}
	if err := l.fetch(in); err != nil {
		l.broke(err)
		return nil
	}
	j := l.nextTurn(in)
	if j == nil {
		return nil
	}
	if cutsBack(j) {
		l.cutBack(in, j)
		return nil
	}
	if !l.code.Knows(in.orch.Name) {
		return l.prepareRemote(in, j)
	}
	if in.parked != "" {
		return l.withoutCode(in, j)
	}
	if in.exec != nil {
		l.stats.WarmHits.Add(1)
	} else {
		if in.orch.Events > 0 {
			l.stats.WarmMisses.Add(1)
		}
		if in.past == nil && in.orch.Status.Terminal() { // it is rewound
			past, _, err := readHistory(l.io, l.store, in.id, in.orch.Execution)
			if err != nil {
				l.broke(err)
				return nil
			}
			in.past = past
		}
		in.exec = l.code.Open(in.id, in.orch.Execution)
		j.past, in.past = in.past, nil
	}
	l.cache.remove(in)
	j.exec = in.exec
	return j
}

// nextTurn makes a turn of what the queue gives rise to; nil = nothing, for now.
func (l *loop) nextTurn(in *instance) *job {
	j := l.judge(in)
	switch {
	case len(j.entries) == 0 && len(j.dropped) > 0:
		l.commitDrops(in, j)
		return nil
	case len(j.entries) == 0:
		l.keepEntries(in)
		return nil
	}
	j.now = l.now(in)
	j.messages = messagesOf(j.entries)
	j.fresh = engine.Fresh(j.now, j.messages)
	return j
}

// withoutCode does what can be done for an instance whose code does not run
// here: it may be terminated; all else is stored.
func (l *loop) withoutCode(in *instance, j *job) *job {
	for _, e := range j.entries {
		if b, ok := e.m.Event.Body.(*history.ExecutionTerminated); ok {
			l.terminated(in, j, b.Input)
			return nil
		}
	}
	if in.parked == "" {
		in.parked = fmt.Sprintf("no worker serves orchestration %q", in.orch.Name)
	}
	l.putBack(in, j)
	if len(j.dropped) > 0 {
		l.commitDrops(in, j)
		return nil
	}
	l.keepEntries(in)
	return nil
}

// terminated ends the orchestration in place of its code.
func (l *loop) terminated(in *instance, j *job, reason history.Text) {
	j.result = engine.TurnResult{Actions: []engine.Action{{
		ID: in.orch.NextID(nil), Do: &engine.Complete{Status: history.StatusTerminated, Result: reason},
	}}}
	l.applyOrchestration(j)
}

// abandonTurn gives up a turn that does not end, for the instance is to end
// without it. Its code is unwound if it ever returns.
func (l *loop) abandonTurn(in *instance) {
	parked := in.blocked
	in.exec = nil
	l.takeBack(in)
	in.parked = parked
}

// putBack returns what a turn was to take to the queue.
func (l *loop) putBack(in *instance, j *job) {
	in.queue = slices.Insert(in.queue, j.behind, j.entries...)
	j.entries = nil
}

func messagesOf(entries []*entry) []*engine.Message {
	ms := make([]*engine.Message, len(entries))
	for i, e := range entries {
		ms[i] = e.m
	}
	return ms
}

// applyOrchestration takes in the result of a turn.
func (l *loop) applyOrchestration(j *job) {
	in := j.in
	if cause := causeOf(&j.result); cause != "" {
		if j.item != nil {
			l.cannotGoOn(j, cause)
			return
		}
		l.logger.Warn("orchestration cannot go on", "instance", in.id, "cause", cause)
		l.cool(in)
		in.past, in.parked = nil, cause
		if in.orch.Events > 0 || len(j.past) > 0 {
			in.past = j.past
		}
		l.putBack(in, j)
		if len(j.dropped) > 0 {
			l.commitDrops(in, j)
			return
		}
		l.keepEntries(in)
		return
	}
	if why := l.limits.check(in.id, &j.result); why != nil {
		l.cool(in)
		j.result = engine.TurnResult{Actions: []engine.Action{{
			ID: in.orch.NextID(nil), Do: &engine.Complete{Status: history.StatusFailed, Failure: why},
		}}}
	}
	l.limits.refuseChildren(&j.result)
	if slices.ContainsFunc(j.entries, rewinds) {
		if err := errors.Join(l.rewindByHub(in, j), l.keepCancelled(in, &j.result)); err != nil {
			l.broke(err)
			return
		}
	}
	turn := &engine.Turn{Now: l.now(in), Messages: j.messages, Result: j.result, Execution: l.ids.execution()}
	in.parked = ""
	l.took(j)
	fx := in.orch.Apply(turn, j.fresh)
	if fx.NewBranch && cutsBack(j) && !ofParent(j.messages[0]) {
		in.orch.MoveParent(in.sum.ParentExec)
	}
	fx.Send = append(slices.DeleteFunc(fx.Send, l.unreachable(in)), j.extra...)
	if j.item != nil {
		in.keepWarm(j, fx)
	}
	if fx.Ended || fx.OldBranch != "" || fx.Unchanged {
		l.cool(in)
	}
	if fx.NewBranch {
		in.past = fx.Events
	}
	if fx.Unchanged {
		l.logger.Warn("orchestration was not rewound, for its worker cannot do that", "instance", in.id, "name", in.orch.Name)
	}
	ch := l.newChange(in, fx, j.entries)
	ch.dropped, ch.quiet = j.dropped, fx.Unchanged
	ch.now, ch.acks, ch.job = turn.Now, j.acks, j
	l.commit(ch)
}

// unreachable reports whether a message of the instance has a target that there
// cannot be.
func (l *loop) unreachable(in *instance) func(engine.Outgoing) bool {
	return func(out engine.Outgoing) bool {
		if out.Target == in.id || l.limits.checkTarget("send", out.Target, isEntity(out.Target)) == nil {
			return false
		}
		l.logger.Warn("message dropped, for there is no such instance", "instance", in.id, "target", clip(out.Target, 120))
		return true
	}
}

// causeOf says why a result is none.
func causeOf(r *engine.TurnResult) string {
	switch {
	case r.Unknown:
		return "no worker serves it"
	case r.Diverged != nil:
		d := r.Diverged
		var b strings.Builder
		fmt.Fprintf(&b, "the code does not fit the history: event %d: expected %s, got %s", d.Event, d.Expected, d.Got)
		if d.Where != "" {
			b.WriteString(" at " + d.Where)
		}
		return b.String()
	case r.Blocked != "":
		return "the turn waits for something that is no task:\n" + r.Blocked
	}
	return ""
}

// commitDrops writes that messages were dropped, if the store must know, and
// answers those who sent them.
func (l *loop) commitDrops(in *instance, j *job) {
	fx := &engine.Effects{Send: j.extra}
	need := false
	for _, e := range j.dropped {
		need = need || e.m.Stored || e.timer != nil || len(e.rows) > 0
	}
	if !need && len(fx.Send) == 0 {
		for _, e := range j.dropped {
			l.answerDropped(in, e)
		}
		l.afterTurn(in)
		return
	}
	ch := l.newChange(in, fx, nil)
	ch.dropped, ch.now = j.dropped, l.now(in)
	ch.quiet = true
	l.commit(ch)
}

// answerDropped ends the calls of a message that needed no commit.
func (l *loop) answerDropped(in *instance, e *entry) {
	for _, a := range e.acks {
		a.call.end(a.value, a.err)
	}
}

// afterTurn lets the instance go on, or leave the memory.
func (l *loop) afterTurn(in *instance) {
	if !in.unsettled && len(in.after) > 0 {
		after := in.after
		in.after = nil
		for _, f := range after {
			f()
		}
	}
	switch {
	case in.unsettled:
	case in.turning != nil:
		if in.turning.state.Load() == jobDone {
			j := in.turning
			in.turning, in.blocked = nil, ""
			l.apply(j)
		} else if len(in.writes) > 0 || in.owes() {
			l.makeReady(in) // what arrives meanwhile is stored
		}
	case len(in.writes) > 0:
		l.makeReady(in)
	case len(in.queue) > 0:
		if l.canMove(in) {
			l.makeReady(in)
		} else {
			l.spill(in)
		}
	case l.returns(in):
		l.makeReady(in)
	default:
		l.settleDown(in)
	}
}

// returns reports whether messages that were left to the store are to be taken now: what
// they have waited for came while a commit was on its way.
func (l *loop) returns(in *instance) bool {
	return in.away > 0 && in.parked == "" && l.workers.items[in.id] == nil && !l.paused(in)
}

// inMemory reports whether no commit has stored the entry's message yet.
func inMemory(e *entry) bool { return !e.m.Stored }

// canMove reports whether a turn can change anything about the queue.
func (l *loop) canMove(in *instance) bool {
	if slices.ContainsFunc(in.queue[in.stored.in(in.queue):], inMemory) {
		return true
	}
	if l.workers.waits(in.id) {
		return l.mayEnd(in)
	}
	if l.returns(in) {
		return true
	}
	if in.ent != nil {
		waits, barred := in.waits()
		return len(in.ent.Plan(messagesOf(in.queue[waits:]), barred, l.now(in)).Consumed) > 0
	}
	if isEntity(in.id) {
		return true
	}
	if in.parked != "" {
		return slices.ContainsFunc(in.queue, func(e *entry) bool {
			_, end := e.m.Event.Body.(*history.ExecutionTerminated)
			return end
		})
	}
	if in.orch != nil && in.orch.Status == history.StatusPending {
		return starts(in.queue[0]) || rewinds(in.queue[0]) // which may become a start, see recreate
	}
	return !l.paused(in) || slices.ContainsFunc(in.queue, controls)
}

// spill drops the queue of an instance that cannot go on; the store has it. What is
// left in memory takes further messages.
func (l *loop) spill(in *instance) {
	if in.parked == "" && !l.workers.waits(in.id) && !l.paused(in) {
		return // short-lived: its start is on the way, or its lock holder is
	}
	in.away += len(in.queue)
	in.queue, in.past = nil, nil
	l.settleDown(in)
}

// settleDown puts an instance without work into the cache or out of memory.
func (l *loop) settleDown(in *instance) {
	in.known = nil
	switch {
	case in.away > 0:
		in.bytes = 4096
		l.cache.put(in, true)
	case in.rec == nil || in.rec.Status.Terminal() || in.ent != nil:
		if in.ent != nil && in.rec != nil {
			in.bytes = 1024 + len(in.ent.State.S)
			l.cache.put(in, true)
			break
		}
		l.evict(in)
	case in.exec != nil:
		in.bytes = in.exec.Bytes() + 1024
		l.cache.put(in, l.activities.held[in.id].first == nil && in.rec.Phase != store.Active)
	case in.warm != nil:
		in.bytes = in.warm.bytes + 2048
		l.cache.put(in, l.activities.held[in.id].first == nil && in.rec.Phase != store.Active)
	case in.turning == nil:
		l.evict(in)
	}
	for out := l.cache.oldest(); out != nil; out = l.cache.oldest() {
		if out.idle() {
			l.evict(out)
		} else {
			l.cache.remove(out)
		}
	}
}

// minTime returns the earlier of two times, of which either may be zero.
func minTime(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
