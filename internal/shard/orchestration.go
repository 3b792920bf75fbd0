package shard

import (
	"crypto/sha256"
	"encoding/hex"
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
		if in.blocked == "" || !slices.ContainsFunc(in.queue, terminates) {
			l.keepEntries(in)
			return nil
		}
		l.abandonTurn(in)
	}
	if in.stays() {
		l.keepEntries(in)
		return nil
	}
	if err := l.fetch(in); err != nil {
		l.fail(err)
		return nil
	}
	j := &job{in: in}
	l.judge(in, j)
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
	if in.parked != "" || !l.code.Knows(in.orch.Name) {
		return l.withoutCode(in, j)
	}
	if in.exec == nil {
		if in.past == nil && in.orch.Status.Terminal() { // it is rewound
			past, _, err := readHistory(l.ctx, l.store, in.id, in.orch.Execution)
			if err != nil {
				l.fail(err)
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

// judge splits the queue into what the next turn takes, what has no effect any
// more, and what stays for later turns.
func (l *loop) judge(in *instance, j *job) {
	var first int64             // task that the turn resolves
	var resolved map[int64]bool // all of them, from the second on
	l.endScheduled(in)
	queue := in.queue
	for n, e := range queue {
		// a parked one has no turn but its termination, wherever that stands
		stop := len(j.entries) >= l.limits.TurnMessages && in.parked == ""
		verdict := engine.Drop
		if !stop {
			l.recreate(in, e)
			ownStart(in, e)
			verdict = in.orch.Accept(e.m)
			if rewinds(e) && in.sum != nil && !in.sum.Folded.IsZero() && verdict == engine.Deliver {
				verdict = engine.Drop
			}
			if in.orch != nil && in.orch.Status == history.StatusPending && len(j.entries) == 0 &&
				verdict == engine.Deliver && e.m.Class != engine.ClassStart {
				stop = true // nothing precedes the start
			}
		}
		if verdict == engine.Refuse && e.replace {
			verdict = engine.Create
		}
		if verdict == engine.Create && len(j.entries) > 0 {
			stop = true
		}
		if verdict == engine.Create && startAt(e.m).After(l.clock.Now()) {
			in.queue = append([]*entry(nil), queue[n:]...)
			if len(j.dropped) == 0 {
				in.queue = in.queue[1:]
				l.scheduleStart(in, e)
			}
			return
		}
		if stop {
			in.queue = append([]*entry(nil), queue[n:]...)
			return
		}
		switch verdict {
		case engine.Deliver:
			if id := resolution(e.m); id != 0 {
				if id == first || resolved[id] {
					j.dropped = append(j.dropped, e)
					continue
				}
				switch {
				case first == 0:
					first = id
				case resolved == nil:
					resolved = map[int64]bool{id: true}
				default:
					resolved[id] = true
				}
			}
			j.entries = append(j.entries, e)
		case engine.Create:
			l.begin(in, e)
			j.entries = append(j.entries, e)
		default:
			j.dropped = append(j.dropped, e)
			j.extra = append(j.extra, engine.Undeliverable(e.m, l.now(in))...)
			j.extra = append(j.extra, l.refusedStart(in, e)...)
			j.extra = append(j.extra, refuseRewind(in, e, l.now(in))...)
			if verdict == engine.Refuse {
				refuseStart(in, e)
			}
		}
	}
	in.queue = nil
}

// refuseStart lets the calls that wait for a start hear that it came too late.
func refuseStart(in *instance, e *entry) {
	for i := range e.acks {
		e.acks[i].value, e.acks[i].err = nil, alreadyExists(in.id, store.Running)
	}
	e.rows = nil // whoever repeats it hears the same
}

// resolution names the task that a message resolves, 0 = none.
func resolution(m *engine.Message) int64 {
	const child, timer = 1 << 33, 1 << 34
	switch b := m.Event.Body.(type) {
	case *history.TaskCompleted:
		return int64(b.TaskScheduledID) + 1
	case *history.TaskFailed:
		return int64(b.TaskScheduledID) + 1
	case *history.TimerFired:
		return int64(b.TimerID) + 1 + timer
	case *history.SubOrchestrationInstanceCompleted:
		return int64(b.TaskScheduledID) + 1 + child
	case *history.SubOrchestrationInstanceFailed:
		return int64(b.TaskScheduledID) + 1 + child
	}
	return 0
}

// begin makes a new incarnation of the instance for the start in e. What the one
// that it replaces, if that lives, has to say at its end goes out with the
// commit that replaces it.
func (l *loop) begin(in *instance, e *entry) {
	start := e.m.Event.Body.(*history.ExecutionStarted)
	execution := ""
	if start.Instance != nil && start.Instance.ExecutionID.Set {
		execution = start.Instance.ExecutionID.S
	}
	if execution == "" {
		if execution = executionOf(e.m); e.m.ID == (engine.MessageID{}) {
			execution = l.ids.execution()
		}
		start = withExecution(in, e, start, execution)
	}
	if in.orch != nil && !in.orch.Status.Terminal() {
		in.last = in.orch.Abort(l.now(in))
	}
	l.cool(in)
	in.past, in.parked, in.starting = nil, "", false
	in.orch = engine.NewOrchestration(in.id, execution)
	in.orch.Name, in.orch.Version, in.orch.Tags, in.orch.Parent = start.Name, start.Version, start.Tags, start.Parent
}

// withExecution puts an execution id into a start that has none.
func withExecution(in *instance, e *entry, start *history.ExecutionStarted, execution string) *history.ExecutionStarted {
	c := *start
	c.Instance = &history.Instance{InstanceID: in.id, ExecutionID: history.Some(execution)}
	ev := *e.m.Event
	ev.Body = &c
	m := *e.m
	m.Event = &ev
	e.m = &m
	return &c
}

// executionOf is the id of the execution that a message begins which names none:
// the same whenever the message is read, so that an instance which waits for its
// code knows its own start again.
func executionOf(m *engine.Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "execution %x %d %d", m.ID.Source, m.ID.Version, m.ID.Index))
	return hex.EncodeToString(sum[:16])
}

// ownStart gives a start that was read back the execution id with which it has
// begun the instance.
func ownStart(in *instance, e *entry) {
	b, ok := e.m.Event.Body.(*history.ExecutionStarted)
	if !ok || in.orch == nil || in.orch.Status != history.StatusPending || b.Instance != nil && b.Instance.ExecutionID.Set {
		return
	}
	if execution := executionOf(e.m); execution == in.orch.Execution {
		withExecution(in, e, b, execution)
	}
}

func startAt(m *engine.Message) time.Time {
	if b, ok := m.Event.Body.(*history.ExecutionStarted); ok {
		return b.ScheduledStart
	}
	return time.Time{}
}

// endScheduled has an orchestration that is to begin later and is terminated
// before begin now, so that its end has something to follow.
func (l *loop) endScheduled(in *instance) {
	if in.orch == nil || in.orch.Status != history.StatusPending || in.queue[0].m.Class == engine.ClassStart ||
		!slices.ContainsFunc(in.queue, terminates) {
		return
	}
	list, err := l.store.TimersOf(l.ctx, in.id)
	if err != nil {
		l.fail(err)
		return
	}
	for _, st := range list {
		if st.Task != startTimer || st.Execution != in.orch.Execution {
			continue
		}
		m, err := engine.DecodeMessage(st.Data)
		if err != nil {
			l.fail(err)
			return
		}
		m.Stored = false
		in.queue = append([]*entry{{m: m, timer: &st}}, in.queue...)
	}
}

func terminates(e *entry) bool {
	_, ok := e.m.Event.Body.(*history.ExecutionTerminated)
	return ok
}

func rewinds(e *entry) bool {
	_, ok := e.m.Event.Body.(*history.ExecutionRewound)
	return ok
}

// recreate turns the rewinding of a child that is no more, or has ended in
// another way than by failing, into its start.
func (l *loop) recreate(in *instance, e *entry) {
	b, ok := e.m.Event.Body.(*history.ExecutionRewound)
	if !ok || !b.Name.Set {
		return
	}
	if o := in.orch; o != nil && (!o.Status.Terminal() || o.Status == history.StatusFailed) && o.Execution != executionOf(e.m) {
		return
	}
	m := *e.m
	m.Event = &history.Event{ID: 0, Time: e.m.Event.Time, Meta: e.m.Event.Meta, Body: &history.ExecutionStarted{
		Name: b.Name.S, Version: b.Version, Input: b.Input, Parent: b.Parent, ParentTrace: b.ParentTrace, Tags: b.Tags,
	}}
	e.m = &m
}

// scheduleStart records an instance that begins later: its start waits in a
// timer.
func (l *loop) scheduleStart(in *instance, e *entry) {
	l.begin(in, e)
	ch := l.newChange(in, &engine.Effects{}, []*entry{e})
	ch.now = l.now(in)
	for _, later := range in.queue { // an event that came with the start
		if !later.m.Stored {
			ch.keeps = append(ch.keeps, later)
		}
	}
	ch.startTimer = &store.Timer{
		Owner: in.id, Due: ceilMicro(startAt(e.m)), Execution: in.orch.Execution, Task: startTimer, Data: e.m.Append(nil),
	}
	l.commit(ch)
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
		ID: nextID(in.orch), Do: &engine.Complete{Status: history.StatusTerminated, Result: reason},
	}}}
	l.applyOrchestration(j)
}

// abandonTurn gives up a turn that does not end, for the instance is to end
// without it. Its code is unwound if it ever returns.
func (l *loop) abandonTurn(in *instance) {
	j := in.turning
	in.turning, in.exec = nil, nil
	in.parked, in.blocked = in.blocked, ""
	in.queue = append(append(slices.Clone(j.entries), j.dropped...), in.queue...)
}

// nextID is an action id that the execution has not used.
func nextID(o *engine.Orchestration) int32 {
	id := int32(o.Events)
	for t := range o.Tasks() {
		id = max(id, t)
	}
	return id + 1
}

// putBack returns what a turn was to take to the queue.
func (l *loop) putBack(in *instance, j *job) {
	in.queue = append(slices.Clone(j.entries), in.queue...)
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
			ID: nextID(in.orch), Do: &engine.Complete{Status: history.StatusFailed, Failure: why},
		}}}
	}
	turn := &engine.Turn{Now: j.now, Messages: j.messages, Result: j.result, Execution: l.ids.execution()}
	in.parked = ""
	fx := in.orch.Apply(turn, j.fresh)
	fx.Send = append(fx.Send, j.extra...)
	if fx.Ended || fx.OldBranch != "" {
		l.cool(in)
	}
	if fx.NewBranch {
		in.past = fx.Events
	}
	ch := l.newChange(in, fx, j.entries)
	ch.dropped = j.dropped
	ch.now = j.now
	l.commit(ch)
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

// refusedStart tells a parent that its child could not begin, as its id is
// taken by an orchestration that lives.
func (l *loop) refusedStart(in *instance, e *entry) []engine.Outgoing {
	start, ok := e.m.Event.Body.(*history.ExecutionStarted)
	if !ok || start.Parent == nil || start.Parent.Instance == nil || in.orch == nil || in.orch.Status.Terminal() {
		return nil
	}
	p := start.Parent
	return []engine.Outgoing{{Target: p.Instance.InstanceID, Message: &engine.Message{
		From: in.id, Execution: p.Instance.ExecutionID.S,
		Event: &history.Event{ID: -1, Time: l.now(in), Body: &history.SubOrchestrationInstanceFailed{
			TaskScheduledID: p.TaskScheduledID,
			Failure: &history.Failure{
				Type:    "OrchestrationAlreadyExists",
				Message: fmt.Sprintf("an orchestration with the id %q exists and has not ended", in.id),
			},
		}},
	}}}
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
		} else if len(in.writes) > 0 || slices.ContainsFunc(in.queue[in.stored.in(in.queue):], inMemory) {
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
	default:
		l.settleDown(in)
	}
}

// inMemory reports whether no commit has stored the entry's message yet.
func inMemory(e *entry) bool { return !e.m.Stored }

// canMove reports whether a turn can change anything about the queue.
func (l *loop) canMove(in *instance) bool {
	if slices.ContainsFunc(in.queue[in.stored.in(in.queue):], inMemory) {
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
		return in.queue[0].m.Class == engine.ClassStart
	}
	return true
}

// spill drops the queue of an instance that cannot go on; the store has it. What is
// left in memory takes further messages.
func (l *loop) spill(in *instance) {
	if in.parked == "" {
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
		l.cache.put(in, l.activities.held[in.id] == 0 && in.rec.Phase != store.Active)
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
