package codec

import (
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// EncodeEntityDone writes the outcome of a batch, for a hub of ours.
func EncodeEntityDone(done *hub.EntityDone) *wirepb.EntityBatchResult {
	r := &done.Result
	w := &wirepb.EntityBatchResult{
		CompletionToken: done.Token, EntityState: EncodeText(r.State), FailureDetails: EncodeFailure(r.Failure),
		RequiresState: done.NeedState, Unknown: r.Unknown,
	}
	for _, o := range r.Results {
		w.Results = append(w.Results, encodeResult(&o))
	}
	for i, a := range r.Actions {
		w.Actions = append(w.Actions, encodeEntityAction(int32(i), a))
	}
	return w
}

func encodeResult(r *engine.OperationResult) *wirepb.OperationResult {
	switch {
	case r.Deferred:
		return &wirepb.OperationResult{ResultType: &wirepb.OperationResult_Deferred{Deferred: &wirepb.DeferredReply{}}}
	case r.Failure != nil:
		return &wirepb.OperationResult{ResultType: &wirepb.OperationResult_Failure{Failure: &wirepb.OperationResultFailure{FailureDetails: EncodeFailure(r.Failure)}}}
	}
	return &wirepb.OperationResult{ResultType: &wirepb.OperationResult_Success{Success: &wirepb.OperationResultSuccess{Result: EncodeText(r.Result)}}}
}

func encodeEntityAction(id int32, a engine.EntityAction) *wirepb.OperationAction {
	w := &wirepb.OperationAction{Id: id}
	switch a := a.(type) {
	case *engine.SendSignal:
		w.OperationActionType = &wirepb.OperationAction_SendSignal{SendSignal: &wirepb.SendSignalAction{
			InstanceId: valid(a.InstanceID), Name: valid(a.Name), Input: EncodeText(a.Input), ScheduledTime: EncodeTime(a.ScheduledTime),
			ParentTraceContext: EncodeTrace(a.ParentTrace),
		}}
	case *engine.StartOrchestration:
		w.OperationActionType = &wirepb.OperationAction_StartNewOrchestration{StartNewOrchestration: &wirepb.StartNewOrchestrationAction{
			InstanceId: valid(a.InstanceID), Name: valid(a.Name), Version: EncodeText(a.Version), Input: EncodeText(a.Input),
			ScheduledTime: EncodeTime(a.ScheduledTime), ParentTraceContext: EncodeTrace(a.ParentTrace),
			Tags: encodeTags(a.Tags), Fold: encodeFold(a.Fold),
		}}
	case *engine.RaiseEvent:
		w.OperationActionType = &wirepb.OperationAction_RaiseEvent{RaiseEvent: &wirepb.RaiseEventAction{
			InstanceId: valid(a.InstanceID), Name: valid(a.Name), Data: EncodeText(a.Data),
		}}
	case *engine.TerminateOrchestration:
		w.OperationActionType = &wirepb.OperationAction_TerminateOrchestration{TerminateOrchestration: &wirepb.TerminateOrchestrationAction{
			InstanceId: valid(a.InstanceID), Reason: EncodeText(a.Reason), Recurse: true,
		}}
	case *engine.ResolveReply:
		w.OperationActionType = &wirepb.OperationAction_ResolveReply{ResolveReply: &wirepb.ResolveReply{
			Token: valid(a.Token), Result: EncodeText(a.Result), FailureDetails: EncodeFailure(a.Failure),
		}}
	case *engine.PutEntityRows:
		w.OperationActionType = &wirepb.OperationAction_PutRows{PutRows: &wirepb.PutRowsAction{Rows: encodeRows(a.Rows)}}
	}
	return w
}

// DecodeEntityDone reads the outcome of a batch. Actions that this version does
// not know are left out; unknown is how many.
func DecodeEntityDone(w *wirepb.EntityBatchResult, own bool) (done *hub.EntityDone, unknown int, err error) {
	d := &decoder{own: own}
	done = &hub.EntityDone{
		Delivery: hub.Delivery{Token: w.GetCompletionToken()}, NeedState: w.GetRequiresState(),
		Result: engine.EntityResult{
			State: DecodeText(w.GetEntityState()), Failure: DecodeFailure(w.GetFailureDetails()), Unknown: own && w.GetUnknown(),
		},
	}
	for i, r := range w.GetResults() {
		done.Result.Results = append(done.Result.Results, d.result(i, r))
	}
	for _, a := range w.GetActions() {
		action := d.entityAction(a)
		if action == nil {
			unknown++
			continue
		}
		done.Result.Actions = append(done.Result.Actions, action)
	}
	if d.err != nil {
		return nil, 0, d.err
	}
	return done, unknown, nil
}

func (d *decoder) result(i int, w *wirepb.OperationResult) engine.OperationResult {
	switch r := w.GetResultType().(type) {
	case *wirepb.OperationResult_Success:
		return engine.OperationResult{Result: DecodeText(r.Success.GetResult())}
	case *wirepb.OperationResult_Failure:
		f := DecodeFailure(r.Failure.GetFailureDetails())
		if f == nil {
			f = &history.Failure{}
		}
		return engine.OperationResult{Failure: f}
	case *wirepb.OperationResult_Deferred:
		if d.own {
			return engine.OperationResult{Deferred: true}
		}
	}
	d.fail("result %d is neither a success nor a failure", i)
	return engine.OperationResult{}
}

func (d *decoder) entityAction(w *wirepb.OperationAction) engine.EntityAction {
	switch a := w.GetOperationActionType().(type) {
	case *wirepb.OperationAction_SendSignal:
		s := a.SendSignal
		if s.GetInstanceId() == "" {
			d.fail("a signal names no entity")
		}
		return &engine.SendSignal{
			InstanceID: s.GetInstanceId(), Name: s.GetName(), Input: DecodeText(s.GetInput()),
			ScheduledTime: d.time("the time of a signal", s.GetScheduledTime()), ParentTrace: DecodeTrace(s.GetParentTraceContext()),
		}
	case *wirepb.OperationAction_StartNewOrchestration:
		s := a.StartNewOrchestration
		do := &engine.StartOrchestration{
			InstanceID: s.GetInstanceId(), Name: s.GetName(), Version: DecodeText(s.GetVersion()), Input: DecodeText(s.GetInput()),
			ScheduledTime: d.time("the time of a start", s.GetScheduledTime()), ParentTrace: DecodeTrace(s.GetParentTraceContext()),
		}
		if d.own {
			do.Tags, do.Fold = s.GetTags(), d.fold(s.GetFold())
		}
		return do
	}
	if !d.own {
		return nil
	}
	switch a := w.GetOperationActionType().(type) {
	case *wirepb.OperationAction_RaiseEvent:
		return &engine.RaiseEvent{InstanceID: a.RaiseEvent.GetInstanceId(), Name: a.RaiseEvent.GetName(), Data: DecodeText(a.RaiseEvent.GetData())}
	case *wirepb.OperationAction_TerminateOrchestration:
		return &engine.TerminateOrchestration{InstanceID: a.TerminateOrchestration.GetInstanceId(), Reason: DecodeText(a.TerminateOrchestration.GetReason())}
	case *wirepb.OperationAction_ResolveReply:
		r := a.ResolveReply
		return &engine.ResolveReply{Token: r.GetToken(), Result: DecodeText(r.GetResult()), Failure: DecodeFailure(r.GetFailureDetails())}
	case *wirepb.OperationAction_PutRows:
		return &engine.PutEntityRows{Rows: d.rows(a.PutRows.GetRows())}
	}
	return nil
}
