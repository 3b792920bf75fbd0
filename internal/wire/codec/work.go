package codec

import (
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// EncodeWork writes a work item. It keeps the item's events.
func EncodeWork(work *hub.Work, own bool) *wirepb.WorkItem {
	w := &wirepb.WorkItem{CompletionToken: work.Token}
	switch {
	case work.Orchestration != nil:
		w.Request = &wirepb.WorkItem_OrchestratorRequest{OrchestratorRequest: encodeOrchestration(work.Orchestration, own)}
	case work.Activity != nil:
		w.Request = &wirepb.WorkItem_ActivityRequest{ActivityRequest: encodeActivity(work.Activity, own)}
	case work.Entity != nil:
		e := work.Entity
		request := &wirepb.EntityRequest{
			InstanceId: valid(e.InstanceID), ExecutionId: e.ExecutionID, EntityState: EncodeText(e.State), OperationRequests: e.Operations,
		}
		if own {
			request.Time = EncodeTime(e.Time)
		}
		w.Request = &wirepb.WorkItem_EntityRequestV2{EntityRequestV2: request}
	case work.Cancel != nil:
		w.CompletionToken = ""
		w.Request = &wirepb.WorkItem_CancelActivity{CancelActivity: &wirepb.CancelActivity{
			CompletionToken: work.Token, Reason: EncodeText(history.Some(work.Cancel.Reason)),
		}}
	}
	return w
}

func encodeOrchestration(o *hub.OrchestrationWork, own bool) *wirepb.OrchestratorRequest {
	return &wirepb.OrchestratorRequest{
		InstanceId: valid(o.InstanceID), ExecutionId: EncodeText(history.Some(o.ExecutionID)), PastEvents: o.Past, NewEvents: o.New,
		EntityParameters:          &wirepb.OrchestratorEntityParameters{EntityMessageReorderWindow: &durationpb.Duration{}},
		RequiresHistoryStreaming:  o.Long,
		OrchestrationTraceContext: encodeSpan(o.Trace),
		Warm:                      own && o.Warm,
	}
}

func encodeSpan(t *hub.OrchestrationTrace) *wirepb.OrchestrationTraceContext {
	if t == nil {
		return nil
	}
	return &wirepb.OrchestrationTraceContext{SpanId: EncodeText(t.SpanID), SpanStartTime: EncodeTime(t.Start)}
}

func (d *decoder) span(w *wirepb.OrchestrationTraceContext) *hub.OrchestrationTrace {
	if w == nil {
		return nil
	}
	return &hub.OrchestrationTrace{SpanID: DecodeText(w.SpanId), Start: d.time("the start of a span", w.SpanStartTime)}
}

func encodeActivity(a *hub.ActivityWork, own bool) *wirepb.ActivityRequest {
	w := &wirepb.ActivityRequest{
		Name: valid(a.Name), Version: EncodeText(a.Version), Input: EncodeText(a.Input),
		OrchestrationInstance: encodeInstance(a.InstanceID, history.Some(a.ExecutionID)),
		TaskId:                a.TaskID, ParentTraceContext: EncodeTrace(a.Trace), Tags: encodeTags(a.Tags),
	}
	if own {
		w.HeartbeatTimeout, w.Effect = EncodeDuration(a.HeartbeatTimeout), []byte(a.Effect)
		w.Attempt, w.Deadline, w.TurnAt = int32(a.Attempt), EncodeTime(a.Deadline), EncodeTime(a.TurnAt)
	}
	return w
}

// DecodeWork reads a work item from a hub of ours, or from another that speaks
// the protocol. It is nil for a health ping and for kinds that this version does
// not know.
func DecodeWork(w *wirepb.WorkItem) (*hub.Work, error) {
	d := &decoder{own: true}
	work := &hub.Work{Token: w.GetCompletionToken()}
	switch r := w.GetRequest().(type) {
	case *wirepb.WorkItem_OrchestratorRequest:
		o := r.OrchestratorRequest
		work.Orchestration = &hub.OrchestrationWork{
			InstanceID: o.GetInstanceId(), ExecutionID: o.GetExecutionId().GetValue(), Past: o.GetPastEvents(), New: o.GetNewEvents(),
			Long: o.GetRequiresHistoryStreaming(), Warm: o.GetWarm(), Trace: d.span(o.GetOrchestrationTraceContext()),
		}
	case *wirepb.WorkItem_ActivityRequest:
		a := r.ActivityRequest
		work.Activity = &hub.ActivityWork{
			InstanceID: a.GetOrchestrationInstance().GetInstanceId(), ExecutionID: a.GetOrchestrationInstance().GetExecutionId().GetValue(),
			TaskID: a.GetTaskId(), Name: a.GetName(), Version: DecodeText(a.GetVersion()), Input: DecodeText(a.GetInput()),
			Tags: a.GetTags(), Trace: DecodeTrace(a.GetParentTraceContext()), Attempt: max(1, int(a.GetAttempt())), Effect: string(a.GetEffect()),
			HeartbeatTimeout: d.duration("a heartbeat timeout", a.GetHeartbeatTimeout()), Deadline: d.time("a deadline", a.GetDeadline()),
			TurnAt: d.time("the time of a turn", a.GetTurnAt()),
		}
	case *wirepb.WorkItem_EntityRequestV2:
		e := r.EntityRequestV2
		work.Entity = &hub.EntityWork{
			InstanceID: e.GetInstanceId(), ExecutionID: e.GetExecutionId(), State: DecodeText(e.GetEntityState()), Operations: e.GetOperationRequests(),
			Time: d.time("the time of a batch", e.GetTime()),
		}
	case *wirepb.WorkItem_EntityRequest:
		work.Entity = decodeBatch(r.EntityRequest)
	case *wirepb.WorkItem_CancelActivity:
		work.Token = r.CancelActivity.GetCompletionToken()
		work.Cancel = &hub.CancelWork{Reason: r.CancelActivity.GetReason().GetValue()}
	default:
		return nil, nil
	}
	return work, d.err
}

// decodeBatch reads the older form of an entity's work.
func decodeBatch(w *wirepb.EntityBatchRequest) *hub.EntityWork {
	e := &hub.EntityWork{InstanceID: w.GetInstanceId(), State: DecodeText(w.GetEntityState())}
	for _, o := range w.GetOperations() {
		e.Operations = append(e.Operations, (&history.Event{ID: -1, Body: &history.EntityOperationCalled{
			RequestID: o.GetRequestId(), Operation: o.GetOperation(), Input: DecodeText(o.GetInput()),
		}}).Append(nil))
	}
	return e
}
