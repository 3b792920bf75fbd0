package shard

import (
	"slices"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// judging is how far the judging of a queue has come.
type judging struct {
	l  *loop
	in *instance
	j  *job

	first    int64          // task that the turn resolves
	resolved map[int64]bool // all of them, from the second on
	// An orchestration whose code runs elsewhere hears of nothing but its control
	// while it is suspended; the rest is held for its resumption. SDKs put what they
	// hear meanwhile aside, with that their own steps were taken, and take these anew.
	holds bool
	held  []*entry
	// early is what a child hears once it has begun: that its parent was rewound.
	early []*entry
}

// judge splits the queue into what the next turn takes, what has no effect any
// more, and what stays for later turns.
func (l *loop) judge(in *instance) *job {
	g := &judging{l: l, in: in, j: &job{in: in}, holds: l.paused(in)}
	l.endScheduled(in)
	queue := in.queue
	for n, e := range queue {
		verdict, stop := g.verdict(e, queue[n+1:])
		if verdict == engine.Create && startAt(e.m).After(l.clock.Now()) {
			if g.leave(queue[n:]); len(g.j.dropped) == 0 {
				g.leave(queue[n+1:])
				l.scheduleStart(in, e)
			}
			return g.j
		}
		if stop {
			g.leave(queue[n:])
			return g.j
		}
		switch verdict {
		case engine.Deliver:
			g.deliver(e)
			if rewinds(e) { // its turn is given nothing else
				g.leave(queue[n+1:])
				return g.j
			}
		case engine.Create:
			l.begin(in, e)
			g.j.entries = append(g.j.entries, e)
			g.holds = l.paused(in)
		default:
			if g.tooEarly(e) {
				g.early = append(g.early, e)
				continue
			}
			g.drop(e, verdict)
		}
	}
	g.leave(nil)
	return g.j
}

// leave keeps in the queue what this turn does not take.
func (g *judging) leave(rest []*entry) { g.in.queue = slices.Concat(g.early, g.held, rest) }

// tooEarly reports whether the entry tells a child that has not begun that its parent
// was rewound: the child takes its parent from its start.
func (g *judging) tooEarly(e *entry) bool {
	o := g.in.orch
	return rewinds(e) && o != nil && o.Status == history.StatusPending &&
		(o.Parent != nil || g.in.sum != nil && (g.in.sum.ParentExec != "" || g.in.sum.Lineage != ""))
}

// paused reports whether the orchestration is to hear of its control only.
func (l *loop) paused(in *instance) bool {
	return in.orch != nil && in.orch.Status == history.StatusSuspended && !l.code.Knows(in.orch.Name)
}

// verdict judges an entry that stands before others; stop = it and they stay for
// later turns.
func (g *judging) verdict(e *entry, behind []*entry) (verdict engine.Verdict, stop bool) {
	l, in, j := g.l, g.in, g.j
	// a parked one has no turn but its termination, wherever that stands
	if stop = len(j.entries) >= l.limits.TurnMessages && in.parked == ""; stop {
		return engine.Drop, true
	}
	ownStart(in, e)
	l.sameRun(in, e)
	verdict = in.orch.Accept(e.m)
	if rewinds(e) && verdict == engine.Deliver && (in.sum != nil && !in.sum.Folded.IsZero() && !beginsAgain(e.m) || givenUp(e, behind)) {
		return engine.Drop, false
	}
	if in.orch != nil && in.orch.Status == history.StatusPending && len(j.entries) == 0 &&
		verdict == engine.Deliver && !starts(e) {
		stop = true // nothing precedes the start
	}
	if verdict == engine.Create && !e.replace && beingRewound(in) {
		verdict = engine.Refuse
	}
	if verdict == engine.Refuse && e.replace {
		verdict = engine.Create
	}
	alone := verdict == engine.Create || verdict == engine.Deliver && rewinds(e)
	return verdict, stop || alone && len(j.entries) > 0
}

// givenUp reports whether a run that a client wants to be rewound is terminated
// before any worker has done so. It has failed as before then.
func givenUp(e *entry, behind []*entry) bool {
	b := e.m.Event.Body.(*history.ExecutionRewound)
	return !b.ParentExecutionID.Set && !b.Name.Set && slices.ContainsFunc(behind, terminates)
}

// deliver gives an entry to the turn, or holds it.
func (g *judging) deliver(e *entry) {
	if id := resolution(e.m); id != 0 {
		if id == g.first || g.resolved[id] {
			g.j.dropped = append(g.j.dropped, e)
			return
		}
		switch {
		case g.first == 0:
			g.first = id
		case g.resolved == nil:
			g.resolved = map[int64]bool{id: true}
		default:
			g.resolved[id] = true
		}
	}
	if g.holds && !controls(e) {
		g.held = append(g.held, e)
		return
	}
	g.take(e)
	switch e.m.Event.Body.(type) {
	case *history.ExecutionSuspended:
		g.holds = !g.l.code.Knows(g.in.orch.Name)
	case *history.ExecutionResumed:
		for _, e := range g.held {
			g.take(e)
		}
		g.holds, g.held = false, nil
	}
}

func (g *judging) take(e *entry) {
	e.m = g.in.orch.Local(e.m)
	g.j.entries = append(g.j.entries, e)
}

// drop takes an entry out that has no effect, with what others are told of that.
func (g *judging) drop(e *entry, verdict engine.Verdict) {
	l, in, j := g.l, g.in, g.j
	if in.orch.Adopt(e.m) {
		in.sum.ParentExec = in.orch.Parent.Instance.ExecutionID.S
	}
	j.dropped = append(j.dropped, e)
	j.extra = append(j.extra, engine.Undeliverable(e.m, l.now(in))...)
	j.extra = append(j.extra, l.refusedStart(in, e)...)
	j.extra = append(j.extra, refuseRewind(in, e, l.now(in))...)
	j.extra = append(j.extra, l.tellAgain(in, e)...)
	if verdict == engine.Refuse {
		refuseStart(in, e)
	}
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

func terminates(e *entry) bool {
	_, ok := e.m.Event.Body.(*history.ExecutionTerminated)
	return ok
}

func rewinds(e *entry) bool {
	_, ok := e.m.Event.Body.(*history.ExecutionRewound)
	return ok
}

// controls reports whether a message says that the run is to go on, to pause or to
// end.
func controls(e *entry) bool {
	switch e.m.Event.Body.(type) {
	case *history.ExecutionSuspended, *history.ExecutionResumed, *history.ExecutionTerminated:
		return true
	}
	return false
}
