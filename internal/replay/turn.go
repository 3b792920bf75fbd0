package replay

import (
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// turn applies the recorded past, then a fresh turn.
func (m *machine) turn(past, fresh []*history.Event) engine.TurnResult {
	if m.over {
		return engine.TurnResult{}
	}
	if has[*history.ExecutionRewound](fresh) {
		m.over = true
		return m.rewind(past, fresh)
	}
	m.result = engine.TurnResult{}
	if len(past) > 0 {
		m.replay(past)
	}
	if !m.over {
		m.fresh(fresh)
	}
	if m.stopped.Load() {
		return engine.TurnResult{}
	}
	result := m.result
	if result.Diverged == nil && !result.Unknown {
		result.Actions, result.CustomStatus = m.actions, m.status
		if !m.over {
			result.Waits = m.waitNames()
		}
	}
	m.actions, m.status, m.result = nil, history.Text{}, engine.TurnResult{}
	return result
}

// replay applies recorded turns.
func (m *machine) replay(past []*history.Event) {
	r := &m.rec
	r.replaying, m.info.Replaying = true, true
	r.past, r.rewound = past, -1
	m.forks(past)
	for i, ev := range past {
		m.seededBy(ev)
		if _, parts := engine.ForkIn(ev); parts {
			r.rewound = i
		}
		switch b := ev.Body.(type) {
		case *history.ExecutionRewound:
			r.rewound = i
		case *history.GenericEvent:
			m.remark(b.Data.S)
		}
	}
	for r.end < len(past) && !m.over {
		r.begin, r.next = r.end, r.end
		r.end++
		for r.end < len(past) && !is[*history.OrchestratorStarted](past[r.end]) {
			r.end++
		}
		m.apply(past[r.begin:r.end])
		m.turnEnds()
	}
	r.replaying, m.info.Replaying = false, false
	r.past = nil
}

// remark notes what the history says about itself.
func (m *machine) remark(data string) {
	if seed, ok := strings.CutPrefix(data, engine.SeedPrefix); ok {
		m.reseed(seed)
	}
	if name, ok := strings.CutPrefix(data, engine.MarkPrefix); ok {
		m.patchNamed(name).marked = true
	}
}

func (m *machine) fresh(events []*history.Event) {
	m.askAgain()
	m.apply(events)
}

// askAgain asks for what a rewind has left out of the history, unless the locks
// that it may need are missing.
func (m *machine) askAgain() {
	if m.relock != "" || m.rec.replaying {
		return
	}
	orphans := m.rec.orphans
	m.rec.orphans = nil
	for _, s := range orphans {
		if !s.Done() {
			m.emit(s.ID, m.op(s))
		}
	}
}

// rests reports whether the code does not go on, whatever arrives.
func (m *machine) rests() bool { return m.suspended || m.relock != "" }

// apply applies the events of one turn.
func (m *machine) apply(events []*history.Event) {
	for _, ev := range events {
		if b, ok := ev.Body.(*history.ExecutionTerminated); ok {
			m.end(&engine.Complete{Status: history.StatusTerminated, Result: b.Input})
			return
		}
	}
	for i, ev := range events {
		if m.over || m.stopped.Load() {
			return
		}
		if m.rests() && m.holds(ev) {
			m.held = append(m.held, ev)
			m.payload += size(ev)
			continue
		}
		m.event(ev)
		if m.over {
			m.carry(events[i+1:])
			return
		}
	}
}

// holds reports whether an execution that rests keeps the event for later.
func (m *machine) holds(ev *history.Event) bool {
	switch b := ev.Body.(type) {
	case *history.OrchestratorStarted, *history.OrchestratorCompleted,
		*history.ExecutionSuspended, *history.ExecutionResumed, *history.GenericEvent:
		return false
	case *history.EntityLockGranted:
		return b.CriticalSectionID != m.relock
	}
	_, ours := scheduled(ev)
	return !ours
}

func is[B history.Body](ev *history.Event) bool {
	_, ok := ev.Body.(B)
	return ok
}

func has[B history.Body](events []*history.Event) bool {
	for _, ev := range events {
		if is[B](ev) {
			return true
		}
	}
	return false
}

// event applies one event and runs the code that it wakes.
func (m *machine) event(ev *history.Event) {
	switch b := ev.Body.(type) {
	case *history.OrchestratorStarted:
		if t := ev.Time.UTC(); t.After(m.info.Now) {
			m.info.Now = t
		}
		if f, parts := engine.ForkIn(ev); parts {
			m.part(f)
		}
		return
	case *history.ExecutionStarted:
		m.start(ev, b)
	case *history.TaskCompleted:
		m.complete(b.TaskScheduledID, perdure.StepActivity, b.Result)
	case *history.TaskFailed:
		m.fails(b.TaskScheduledID, perdure.StepActivity, b.Failure)
	case *history.SubOrchestrationInstanceCompleted:
		m.complete(b.TaskScheduledID, perdure.StepChild, b.Result)
	case *history.SubOrchestrationInstanceFailed:
		m.fails(b.TaskScheduledID, perdure.StepChild, b.Failure)
	case *history.TimerFired:
		m.fired(b.TimerID)
	case *history.EventRaised:
		m.raised(ev, b)
	case *history.EntityOperationCompleted:
		if s := m.answered(b.RequestID); s != nil {
			s.Complete(b.Output)
		}
	case *history.EntityOperationFailed:
		if s := m.answered(b.RequestID); s != nil {
			s.Fail(failureOr(b.Failure))
		}
	case *history.GenericEvent:
		if section, ok := strings.CutPrefix(b.Data.S, engine.RelockPrefix); ok {
			m.relock = section
		}
		return
	case *history.EntityLockGranted:
		if b.CriticalSectionID == m.relock {
			m.relock = ""
			m.askAgain()
			m.goOn()
			return
		}
		if s := m.answered(b.CriticalSectionID); s != nil {
			s.Complete(history.Text{})
		}
	case *history.ExecutionSuspended:
		m.suspended = true
	case *history.ExecutionResumed:
		m.suspended = false
		m.goOn()
		return
	}
	m.run()
}

func (m *machine) start(ev *history.Event, b *history.ExecutionStarted) {
	if m.begun {
		return
	}
	m.begun = true
	m.seededBy(ev)
	m.fork, _ = engine.ForkIn(ev)
	m.info.Name, m.info.Version, m.info.Tags, m.info.Trace = b.Name, b.Version.S, b.Tags, b.ParentTrace
	if m.info.Now.IsZero() {
		m.info.Now = ev.Time.UTC()
	}
	if p := b.Parent; p != nil {
		m.info.Parent = &perdure.Parent{Name: p.Name.S}
		if p.Instance != nil {
			m.info.Parent.InstanceID = p.Instance.InstanceID
			m.info.Parent.ExecutionID = p.Instance.ExecutionID.S
		}
	}
	code, ok := m.runner.reg.Orchestration(b.Name, b.Version.S)
	if !ok {
		m.over = true
		m.result.Unknown = true
		return
	}
	ctx := perdure.NewContext(m, m.runner.reg)
	input := b.Input
	m.spawn(func() {
		m.output, m.outErr = code(ctx, input)
		m.returned = true
	}, nil)
}

func (m *machine) complete(id int32, kind perdure.StepKind, result history.Text) {
	e, ok := m.open[id]
	if !ok || e.pause || e.step.Kind != kind {
		return
	}
	delete(m.open, id)
	e.step.Complete(result)
}

// fails ends a step, or begins the pause before its next attempt.
func (m *machine) fails(id int32, kind perdure.StepKind, f *history.Failure) {
	e, ok := m.open[id]
	if !ok || e.pause || e.step.Kind != kind {
		return
	}
	delete(m.open, id)
	f = failureOr(f)
	if !m.retry(e.step, f) {
		e.step.Fail(f)
	}
}

func failureOr(f *history.Failure) *history.Failure {
	if f == nil {
		return &history.Failure{Type: "unknown", Message: "failed without a reason"}
	}
	return f
}

func (m *machine) fired(id int32) {
	e, ok := m.open[id]
	if !ok {
		return
	}
	switch {
	case e.pause:
		delete(m.open, id)
		e.step.Attempt++
		m.schedule(e.step)
	case e.step.Kind == perdure.StepTimer:
		delete(m.open, id)
		e.step.Complete(history.Text{})
	}
}

// answered takes a call or lock request that an event answers off the list.
func (m *machine) answered(id string) *perdure.Step {
	s := m.calls[id]
	delete(m.calls, id)
	return s
}

// goOn applies what arrived while the execution rested, if it does no more.
func (m *machine) goOn() {
	if m.rests() {
		return
	}
	held := m.held
	m.held = nil
	for i, ev := range held {
		m.payload -= size(ev)
		m.event(ev)
		if m.over {
			m.carry(held[i+1:])
			return
		}
	}
}
