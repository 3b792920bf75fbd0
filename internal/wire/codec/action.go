package codec

import (
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// EncodeActions writes what an orchestrator turn asks for, for a hub of ours.
func EncodeActions(actions []engine.Action) []*wirepb.OrchestratorAction {
	list := make([]*wirepb.OrchestratorAction, 0, len(actions))
	for i := range actions {
		list = append(list, encodeAction(&actions[i]))
	}
	return list
}

func encodeAction(a *engine.Action) *wirepb.OrchestratorAction {
	w := &wirepb.OrchestratorAction{Id: a.ID}
	switch do := a.Do.(type) {
	case *engine.ScheduleTask:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_ScheduleTask{ScheduleTask: &wirepb.ScheduleTaskAction{
			Name: valid(do.Name), Version: EncodeText(do.Version), Input: EncodeText(do.Input), Tags: encodeTags(do.Tags),
			ParentTraceContext: EncodeTrace(do.ParentTrace), HeartbeatTimeout: EncodeDuration(do.HeartbeatTimeout),
			Effect: do.Effect, Attempt: do.Attempt, Timeout: EncodeDuration(do.Timeout), LimitKey: valid(do.LimitKey), Limit: do.Limit,
		}}
	case *engine.CreateTimer:
		t := &wirepb.CreateTimerAction{FireAt: EncodeTime(do.FireAt)}
		if r := do.Retry; r != nil {
			t.Retry = &wirepb.Retry{Name: valid(r.Name), Attempt: r.Attempt, MaxAttempts: r.MaxAttempts, Error: valid(r.Error)}
		}
		w.OrchestratorActionType = &wirepb.OrchestratorAction_CreateTimer{CreateTimer: t}
	case *engine.CreateSubOrchestration:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_CreateSubOrchestration{CreateSubOrchestration: &wirepb.CreateSubOrchestrationAction{
			InstanceId: valid(do.InstanceID), Name: valid(do.Name), Version: EncodeText(do.Version), Input: EncodeText(do.Input),
			ParentTraceContext: EncodeTrace(do.ParentTrace), Tags: encodeTags(do.Tags), Fold: encodeFold(do.Fold), Detached: do.Detached,
		}}
	case *engine.SendEvent:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_SendEvent{SendEvent: &wirepb.SendEventAction{
			Instance: encodeInstance(do.InstanceID, history.Text{}), Name: valid(do.Name), Data: EncodeText(do.Data),
		}}
	case *engine.SendEntityMessage:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_SendEntityMessage{SendEntityMessage: encodeEntityMessage(do.Body)}
	case *engine.Complete:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_CompleteOrchestration{CompleteOrchestration: &wirepb.CompleteOrchestrationAction{
			OrchestrationStatus: wirepb.OrchestrationStatus(do.Status), Result: EncodeText(do.Result),
			FailureDetails: EncodeFailure(do.Failure), NewVersion: EncodeText(do.NewVersion),
			CarryoverEvents: encodeEvents(do.Carryover, true), Tags: encodeTags(do.Tags),
		}}
	case *engine.Terminate:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_TerminateOrchestration{TerminateOrchestration: &wirepb.TerminateOrchestrationAction{
			InstanceId: valid(do.InstanceID), Reason: EncodeText(do.Reason), Recurse: do.Recurse,
		}}
	default:
		encodeOwnAction(w, do)
	}
	return w
}

// encodeOwnAction is encodeAction for what other SDKs have no word for.
func encodeOwnAction(w *wirepb.OrchestratorAction, do engine.Op) {
	switch do := do.(type) {
	case *engine.Rewind:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_RewindOrchestration{RewindOrchestration: &wirepb.RewindOrchestrationAction{
			NewHistory: encodeEvents(do.NewHistory, true), Redeliver: encodeEvents(do.Redeliver, true), Relock: do.Relock, CutFailed: do.ByHub,
		}}
	case *engine.Cancel:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_CancelTask{CancelTask: &wirepb.CancelTaskAction{Task: do.Task}}
	case *engine.Mark:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_Mark{Mark: &wirepb.MarkAction{Name: valid(do.Name)}}
	case *engine.Reply:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_Reply{Reply: &wirepb.ReplyAction{
			RequestId: valid(do.Request), Result: EncodeText(do.Result), FailureDetails: EncodeFailure(do.Failure),
		}}
	case *engine.PutRows:
		w.OrchestratorActionType = &wirepb.OrchestratorAction_PutRows{PutRows: &wirepb.PutRowsAction{Rows: encodeRows(do.Rows)}}
	}
}

func encodeEntityMessage(body history.Body) *wirepb.SendEntityMessageAction {
	b := encodeBody(body)
	switch body.(type) {
	case *history.EntityOperationSignaled:
		return &wirepb.SendEntityMessageAction{EntityMessageType: &wirepb.SendEntityMessageAction_EntityOperationSignaled{EntityOperationSignaled: b}}
	case *history.EntityOperationCalled:
		return &wirepb.SendEntityMessageAction{EntityMessageType: &wirepb.SendEntityMessageAction_EntityOperationCalled{EntityOperationCalled: b}}
	case *history.EntityLockRequested:
		return &wirepb.SendEntityMessageAction{EntityMessageType: &wirepb.SendEntityMessageAction_EntityLockRequested{EntityLockRequested: b}}
	case *history.EntityUnlockSent:
		return &wirepb.SendEntityMessageAction{EntityMessageType: &wirepb.SendEntityMessageAction_EntityUnlockSent{EntityUnlockSent: b}}
	}
	return &wirepb.SendEntityMessageAction{}
}

// DecodeActions reads what an orchestrator turn asks for. Actions that this
// version does not know are left out; unknown is how many.
func DecodeActions(list []*wirepb.OrchestratorAction, own bool) (actions []engine.Action, unknown int, err error) {
	d := &decoder{own: own}
	actions = make([]engine.Action, 0, len(list))
	for _, w := range list {
		do := d.action(w)
		if d.err != nil {
			return nil, 0, d.err
		}
		if do == nil {
			unknown++
			continue
		}
		actions = append(actions, engine.Action{ID: w.Id, Do: do})
	}
	return actions, unknown, nil
}

func (d *decoder) action(w *wirepb.OrchestratorAction) engine.Op {
	switch a := w.GetOrchestratorActionType().(type) {
	case *wirepb.OrchestratorAction_ScheduleTask:
		return d.scheduleTask(a.ScheduleTask)
	case *wirepb.OrchestratorAction_CreateTimer:
		return d.createTimer(a.CreateTimer)
	case *wirepb.OrchestratorAction_CreateSubOrchestration:
		c := a.CreateSubOrchestration
		do := &engine.CreateSubOrchestration{
			InstanceID: c.GetInstanceId(), Name: c.GetName(), Version: DecodeText(c.GetVersion()), Input: DecodeText(c.GetInput()),
			ParentTrace: DecodeTrace(c.GetParentTraceContext()), Tags: c.GetTags(),
		}
		if d.own {
			do.Fold, do.Detached = d.fold(c.GetFold()), c.GetDetached()
		}
		return do
	case *wirepb.OrchestratorAction_SendEvent:
		if a.SendEvent.GetInstance().GetInstanceId() == "" {
			d.fail("an event is sent to no instance")
		}
		return &engine.SendEvent{InstanceID: a.SendEvent.GetInstance().GetInstanceId(), Name: a.SendEvent.GetName(), Data: DecodeText(a.SendEvent.GetData())}
	case *wirepb.OrchestratorAction_SendEntityMessage:
		if body := d.entityMessage(a.SendEntityMessage); body != nil {
			return &engine.SendEntityMessage{Body: body}
		}
	case *wirepb.OrchestratorAction_CompleteOrchestration:
		return d.complete(a.CompleteOrchestration)
	case *wirepb.OrchestratorAction_TerminateOrchestration:
		t := a.TerminateOrchestration
		if t.GetInstanceId() == "" {
			d.fail("no instance is named that is to be terminated")
		}
		return &engine.Terminate{InstanceID: t.GetInstanceId(), Reason: DecodeText(t.GetReason()), Recurse: t.GetRecurse()}
	case *wirepb.OrchestratorAction_RewindOrchestration:
		do := &engine.Rewind{NewHistory: d.events("a new history", a.RewindOrchestration.GetNewHistory())}
		if d.own {
			do.Redeliver = d.events("what is to be taken again", a.RewindOrchestration.GetRedeliver())
			do.Relock, do.ByHub = a.RewindOrchestration.GetRelock(), a.RewindOrchestration.GetCutFailed()
		}
		return do
	default:
		if d.own {
			return d.ownAction(w)
		}
	}
	return nil
}

// ownAction is action for what other SDKs have no word for.
func (d *decoder) ownAction(w *wirepb.OrchestratorAction) engine.Op {
	switch a := w.GetOrchestratorActionType().(type) {
	case *wirepb.OrchestratorAction_CancelTask:
		return &engine.Cancel{Task: a.CancelTask.GetTask()}
	case *wirepb.OrchestratorAction_Mark:
		return &engine.Mark{Name: a.Mark.GetName()}
	case *wirepb.OrchestratorAction_Reply:
		return &engine.Reply{
			Request: a.Reply.GetRequestId(), Result: DecodeText(a.Reply.GetResult()), Failure: DecodeFailure(a.Reply.GetFailureDetails()),
		}
	case *wirepb.OrchestratorAction_PutRows:
		return &engine.PutRows{Rows: d.rows(a.PutRows.GetRows())}
	}
	return nil
}

func (d *decoder) scheduleTask(w *wirepb.ScheduleTaskAction) *engine.ScheduleTask {
	do := &engine.ScheduleTask{
		Name: w.GetName(), Version: DecodeText(w.GetVersion()), Input: DecodeText(w.GetInput()), Tags: w.GetTags(),
		ParentTrace: DecodeTrace(w.GetParentTraceContext()),
	}
	if d.own {
		do.HeartbeatTimeout = d.duration("a heartbeat timeout", w.GetHeartbeatTimeout())
		do.Timeout = d.duration("a timeout", w.GetTimeout())
		do.Effect, do.Attempt = w.GetEffect(), w.GetAttempt()
		do.LimitKey, do.Limit = w.GetLimitKey(), w.GetLimit()
	}
	return do
}

func (d *decoder) createTimer(w *wirepb.CreateTimerAction) *engine.CreateTimer {
	do := &engine.CreateTimer{FireAt: d.time("the time of a timer", w.GetFireAt())}
	if do.FireAt.IsZero() {
		d.fail("a timer has no time")
	}
	if r := w.GetRetry(); d.own && r != nil {
		do.Retry = &engine.Retry{Name: r.Name, Attempt: r.Attempt, MaxAttempts: r.MaxAttempts, Error: r.Error}
	}
	return do
}

func (d *decoder) complete(w *wirepb.CompleteOrchestrationAction) *engine.Complete {
	do := &engine.Complete{
		Status: history.Status(w.GetOrchestrationStatus()), Result: DecodeText(w.GetResult()), Failure: DecodeFailure(w.GetFailureDetails()),
		NewVersion: DecodeText(w.GetNewVersion()), Carryover: d.events("what is carried over", w.GetCarryoverEvents()), Tags: w.GetTags(),
	}
	if !do.Status.Terminal() && do.Status != history.StatusContinuedAsNew {
		d.fail("an orchestration cannot end with status %d", w.GetOrchestrationStatus())
	}
	return do
}

func (d *decoder) entityMessage(w *wirepb.SendEntityMessageAction) history.Body {
	var body history.Body
	switch m := w.GetEntityMessageType().(type) {
	case *wirepb.SendEntityMessageAction_EntityOperationSignaled:
		body = d.body(history.KindEntityOperationSignaled, m.EntityOperationSignaled)
	case *wirepb.SendEntityMessageAction_EntityOperationCalled:
		body = d.body(history.KindEntityOperationCalled, m.EntityOperationCalled)
	case *wirepb.SendEntityMessageAction_EntityLockRequested:
		body = d.body(history.KindEntityLockRequested, m.EntityLockRequested)
	case *wirepb.SendEntityMessageAction_EntityUnlockSent:
		body = d.body(history.KindEntityUnlockSent, m.EntityUnlockSent)
	}
	if body != nil {
		d.checkEntityMessage(body)
	}
	return body
}

// checkEntityMessage refuses messages that could not be sent on, and drops what
// only instances tell each other.
func (d *decoder) checkEntityMessage(body history.Body) {
	target := ""
	switch b := body.(type) {
	case *history.EntityOperationSignaled:
		target = b.TargetInstanceID.S
		if !d.own {
			b.ParentTrace = nil
		}
	case *history.EntityOperationCalled:
		target = b.TargetInstanceID.S
	case *history.EntityUnlockSent:
		target = b.TargetInstanceID.S
		b.LockSet, b.ParentExecutionID = nil, history.Text{}
	case *history.EntityLockRequested:
		b.ParentExecutionID, b.Position = history.Text{}, 0
		if len(b.LockSet) == 0 {
			d.fail("a lock is requested for no entity")
			return
		}
		target = b.LockSet[0]
	}
	if target == "" {
		d.fail("a message to an entity names none")
	}
}
