package replay

import (
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// op makes the action of a step.
func (m *machine) op(s *perdure.Step) engine.Op {
	switch s.Kind {
	case perdure.StepActivity:
		return m.activityOp(s)
	case perdure.StepChild, perdure.StepStart:
		return m.childOp(s)
	case perdure.StepTimer:
		t := &engine.CreateTimer{FireAt: s.At}
		if s.Pause != nil {
			t.Retry = &engine.Retry{
				Name: s.Pause.Name, Attempt: int32(s.Pause.Attempt), MaxAttempts: int32(s.Pause.MaxAttempts), Error: s.Pause.Error,
			}
		}
		return t
	case perdure.StepSend:
		return &engine.SendEvent{InstanceID: s.Target, Name: s.Name, Data: s.Input}
	case perdure.StepEntitySignal, perdure.StepEntityCall, perdure.StepLock:
		return &engine.SendEntityMessage{Body: m.entityBody(s)}
	case perdure.StepPatch:
		return &engine.Mark{Name: s.Name}
	case perdure.StepReply:
		return &engine.Reply{Request: s.Request, Result: s.Input, Failure: perdure.FailureOf(s.Err)}
	case perdure.StepTerminate:
		return &engine.Terminate{InstanceID: s.Target, Reason: s.Input, Recurse: true}
	case perdure.StepRows:
		return &engine.PutRows{Rows: engineRows(s.Rows)}
	}
	panic(fmt.Sprintf("replay: no action for steps of kind %d", s.Kind))
}

func (m *machine) activityOp(s *perdure.Step) *engine.ScheduleTask {
	op := &engine.ScheduleTask{Name: s.Name, Input: s.Input, Attempt: s.Attempt}
	if o := s.Options; o != nil {
		op.Version = history.NoneIfEmpty(o.Version)
		op.Tags = o.Tags
		op.Timeout = o.Timeout
		op.HeartbeatTimeout = o.HeartbeatTimeout
		op.LimitKey = o.LimitKey
		op.Limit = int32(o.Limit)
		op.Effect = o.Effect
	}
	if again := s.ID != s.First || m.info.Seed != m.info.ExecutionID; again && len(op.Effect) == 0 {
		op.Effect = m.effect(s.First)
	}
	return op
}

// effect is the id by which all attempts of a step, and those after a rewind, are
// known to what it calls: the one that hubs give to an activity without effect
// id, by the action of its first attempt.
func (m *machine) effect(first int32) []byte {
	return fmt.Appendf(nil, "%s/%s/%d", m.info.InstanceID, m.info.Seed, first)
}

func (m *machine) childOp(s *perdure.Step) *engine.CreateSubOrchestration {
	op := &engine.CreateSubOrchestration{
		InstanceID: s.Target,
		Name:       s.Name,
		Input:      s.Input,
		Detached:   s.Kind == perdure.StepStart,
	}
	if o := s.Options; o != nil {
		op.Version = history.NoneIfEmpty(o.Version)
		op.Tags = o.Tags
		op.Fold = (*engine.Fold)(o.Fold)
	}
	return op
}

func (m *machine) entityBody(s *perdure.Step) history.Body {
	switch s.Kind {
	case perdure.StepEntitySignal:
		return &history.EntityOperationSignaled{
			RequestID:        s.Request,
			Operation:        s.Name,
			ScheduledTime:    s.At,
			Input:            s.Input,
			TargetInstanceID: history.Some(s.Target),
		}
	case perdure.StepEntityCall:
		return &history.EntityOperationCalled{
			RequestID:         s.Request,
			Operation:         s.Name,
			Input:             s.Input,
			ParentInstanceID:  history.Some(m.info.InstanceID),
			ParentExecutionID: history.Some(m.info.ExecutionID),
			TargetInstanceID:  history.Some(s.Target),
		}
	}
	return &history.EntityLockRequested{
		CriticalSectionID: s.Request,
		LockSet:           s.Locks,
		ParentInstanceID:  history.Some(m.info.InstanceID),
		ParentExecutionID: history.Some(m.info.ExecutionID),
	}
}
