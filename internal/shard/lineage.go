package shard

import (
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// A rewind of an orchestration has it make steps again that begin runs. Such a run is the
// same one as before, not a new one: it is rewound to its beginning, so that what it does
// outside has the effect ids that it had, and what it may have done is asked about. The
// step is told by the seed that it gives to the run, see engine.RewindOf.

// begunBy notes what step has begun the run, and with what.
func (s *summary) begunBy(start *history.Event) {
	if s.Lineage = engine.LineageOf(start); s.Lineage != "" {
		s.Begun = engine.StartHash(start.Body.(*history.ExecutionStarted))
	}
}

// projectLineage notes with what a run that is rewound to its beginning is begun now.
func (ch *change) projectLineage(sum *summary) {
	for _, e := range ch.entries {
		if beginsAgain(e.m) {
			sum.begunBy(engine.StartOf(e.m.Event))
		}
	}
}

// sameRun turns messages of an orchestration that was rewound into what they mean to the
// run below it. A start by the step that had begun the run is a rewind of it; a rewind of
// a run that is no more is its start.
func (l *loop) sameRun(in *instance, e *entry) {
	switch b := e.m.Event.Body.(type) {
	case *history.ExecutionStarted:
		l.stepAgain(in, e, b)
	case *history.ExecutionRewound:
		if b.Name.Set {
			l.rewindBelow(in, e, b)
		}
	}
}

// stepAgain deals with a start by the step that had begun the run before.
func (l *loop) stepAgain(in *instance, e *entry, b *history.ExecutionStarted) {
	o, meta := in.orch, e.m.Event.Meta
	if o == nil || in.rec == nil || meta == nil || meta.Seed == "" || meta.Seed != in.sum.Lineage || b.Name != in.rec.Name ||
		e.replace || o.Accept(e.m) == engine.Deliver {
		return
	}
	goesOn := !o.Status.Terminal() && in.sum.Begun == engine.StartHash(b)
	m := *e.m
	m.Event = engine.RewindOf(e.m.Event, in.id, goesOn)
	e.m = &m
}

// rewindBelow deals with the rewind of a run whose step stays as it was. If the run has
// ended otherwise than by failing or completing, it goes on from before that; if it is
// no more, it begins.
func (l *loop) rewindBelow(in *instance, e *entry, b *history.ExecutionRewound) {
	o := in.orch
	if o != nil && (b.To > 0 || completedFor(in, b)) {
		return
	}
	if o != nil && (!o.Status.Terminal() || o.Status == history.StatusFailed) && o.Execution != executionOf(e.m) {
		return
	}
	m := *e.m
	if o != nil && in.rec != nil && in.rec.Status.Terminal() && in.sum.Folded.IsZero() && ofSameStep(in, b) {
		again := *b
		again.To = max(1, in.sum.Events)
		ev := *e.m.Event
		ev.Body = &again
		m.Event = &ev
	} else {
		m.Class, m.Event = engine.ClassStart, engine.StartOf(e.m.Event)
	}
	e.m = &m
}

// ofSameStep reports whether the run was begun by the step that has it rewound.
func ofSameStep(in *instance, b *history.ExecutionRewound) bool {
	return in.rec.Kind == store.Orchestration && b.Parent != nil && b.Parent.Instance != nil &&
		b.Parent.Instance.InstanceID == in.rec.Parent && b.Parent.TaskScheduledID == in.sum.ParentTask
}

// ofParent reports whether a rewind is one of the run's parent.
func ofParent(m *engine.Message) bool {
	b, ok := m.Event.Body.(*history.ExecutionRewound)
	return ok && b.Name.Set
}

// beginsAgain reports whether a message rewinds a run to its beginning, to be begun with
// what its step begins it with now.
func beginsAgain(m *engine.Message) bool {
	b, ok := m.Event.Body.(*history.ExecutionRewound)
	return ok && b.Name.Set && b.To == 1
}
