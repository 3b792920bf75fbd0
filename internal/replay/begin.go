package replay

import (
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// Begin implements perdure.Runtime.
func (m *machine) Begin(s *perdure.Step) {
	if m.unwinding || m.over {
		return
	}
	b := m.caller()
	m.rename(s)
	switch s.Kind {
	case perdure.StepActivity, perdure.StepChild:
		s.Attempt, s.Began = 1, m.info.Now
		m.schedule(s)
	case perdure.StepTimer:
		m.schedule(s)
	case perdure.StepStart, perdure.StepSend, perdure.StepEntitySignal:
		m.tell(s)
	case perdure.StepEntityCall:
		m.call(s)
	case perdure.StepLock:
		if len(m.sections) > 0 {
			s.Reject(&perdure.Error{
				Code: perdure.FailedPrecondition, Op: s.Name, Instance: m.info.InstanceID,
				Message: "the orchestration holds locks already: release them first",
			})
			return
		}
		m.call(s)
		m.sections = append(m.sections, s)
	case perdure.StepUnlock:
		m.unlock(s.Request)
	case perdure.StepEvent:
		m.await(s)
	case perdure.StepPatch:
		m.patch(s)
	case perdure.StepBranch:
		m.branch(s)
	default:
		m.side(s)
	}
	if m.over {
		b.park()
	}
}

func (m *machine) nextID() int32 {
	m.lastID++
	return m.lastID
}

// schedule makes the action of a step that an event with its id will answer.
func (m *machine) schedule(s *perdure.Step) {
	s.ID = m.nextID()
	if s.First == 0 {
		s.First = s.ID
	}
	m.open[s.ID] = entry{step: s}
	if !m.recorded(s.ID, shapeOf(s), s) {
		m.emit(s.ID, m.op(s))
	}
}

// call makes the action of a step that its request id will answer.
func (m *machine) call(s *perdure.Step) {
	s.ID = m.nextID()
	if m.calls == nil {
		m.calls = make(map[string]*perdure.Step)
	}
	m.calls[s.Request] = s
	if !m.recorded(s.ID, shapeOf(s), s) {
		m.emit(s.ID, m.op(s))
	}
}

// tell makes the action of a step that nothing answers.
func (m *machine) tell(s *perdure.Step) {
	s.ID = m.nextID()
	if !m.recorded(s.ID, shapeOf(s), s) {
		m.emit(s.ID, m.op(s))
	}
	s.Complete(history.Text{})
}

// side carries out what leaves no event: nothing in recorded turns.
func (m *machine) side(s *perdure.Step) {
	if !m.rec.replaying {
		if s.Kind == perdure.StepStatus {
			m.status = s.Input
		} else {
			m.emit(0, m.op(s))
		}
	}
	s.Complete(history.Text{})
}

func (m *machine) emit(id int32, op engine.Op) {
	if len(m.actions) >= m.runner.opts.MaxActions {
		m.exceeds("actions of one turn", m.runner.opts.MaxActions)
		return
	}
	m.actions = append(m.actions, engine.Action{ID: id, Do: op})
}

func (m *machine) branch(s *perdure.Step) {
	if len(m.branches) >= m.runner.opts.MaxBranches {
		m.exceeds("branches", m.runner.opts.MaxBranches)
		return
	}
	m.spawn(s.Run, s)
}

// unlock releases the locks of a section that is requested or held.
func (m *machine) unlock(section string) {
	for i, s := range m.sections {
		if s.Request != section {
			continue
		}
		m.sections = append(m.sections[:i:i], m.sections[i+1:]...)
		for _, target := range s.Locks {
			m.unlockOne(section, target)
		}
		return
	}
}

func (m *machine) unlockOne(section, target string) {
	id := m.nextID()
	if m.recorded(id, shape{history.KindEntityUnlockSent, "", target}, nil) {
		return
	}
	m.emit(id, &engine.SendEntityMessage{Body: &history.EntityUnlockSent{
		CriticalSectionID: section,
		ParentInstanceID:  history.Some(m.info.InstanceID),
		TargetInstanceID:  history.Some(target),
	}})
}

// Cancel implements perdure.Runtime.
func (m *machine) Cancel(s *perdure.Step) {
	if m.unwinding || m.over || s.Done() {
		return
	}
	m.caller()
	switch s.Kind {
	case perdure.StepActivity, perdure.StepTimer, perdure.StepChild:
		m.cancelOpen(s)
	case perdure.StepEvent:
		m.forgetWait(s)
	case perdure.StepEntityCall:
		delete(m.calls, s.Request)
	default:
		return
	}
	s.Reject(&perdure.Error{Code: perdure.Canceled, Op: s.Name, Message: "cancelled by the orchestration"})
}

// cancelOpen closes the step's action, or the timer before its next attempt.
func (m *machine) cancelOpen(s *perdure.Step) {
	e, ok := m.open[s.ID]
	if !ok {
		return
	}
	delete(m.open, s.ID)
	if m.rec.replaying {
		return
	}
	if s.Kind == perdure.StepChild && !e.pause {
		m.emit(0, &engine.Terminate{
			InstanceID: m.childID(s), Reason: history.Some(`"cancelled by the parent"`), Recurse: true,
		})
		return
	}
	m.emit(0, &engine.Cancel{Task: s.ID})
}

// shapeOf gives the shape of the event that the step's action leaves.
func shapeOf(s *perdure.Step) shape {
	switch s.Kind {
	case perdure.StepActivity:
		return shape{history.KindTaskScheduled, s.Name, ""}
	case perdure.StepChild:
		return shape{history.KindSubOrchestrationInstanceCreated, s.Name, s.Target}
	case perdure.StepTimer:
		return shape{kind: history.KindTimerCreated}
	case perdure.StepStart, perdure.StepSend:
		return shape{history.KindEventSent, s.Name, s.Target}
	case perdure.StepEntitySignal:
		return shape{history.KindEntityOperationSignaled, s.Name, s.Target}
	case perdure.StepEntityCall:
		return shape{history.KindEntityOperationCalled, s.Name, s.Target}
	case perdure.StepLock:
		return shape{history.KindEntityLockRequested, "", strings.Join(s.Locks, " ")}
	case perdure.StepPatch:
		return shape{history.KindGenericEvent, s.Name, ""}
	}
	return shape{}
}
