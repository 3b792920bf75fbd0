package codec

import (
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// EncodeTurn writes the outcome of a turn, for a hub of ours.
func EncodeTurn(done *hub.OrchestrationDone) *wirepb.OrchestratorResponse {
	r := &done.Result
	w := &wirepb.OrchestratorResponse{
		InstanceId: valid(done.InstanceID), CompletionToken: done.Token, Actions: EncodeActions(r.Actions),
		CustomStatus: EncodeText(r.CustomStatus), OrchestrationTraceContext: encodeSpan(done.Trace), RequiresHistory: done.NeedHistory,
		Waits: validStrings(r.Waits), Panicked: r.Panicked, Blocked: valid(r.Blocked), Unknown: r.Unknown,
	}
	if v := r.Diverged; v != nil {
		w.Diverged = &wirepb.Divergence{Event: int32(v.Event), Expected: valid(v.Expected), Got: valid(v.Got), Where: valid(v.Where)}
	}
	if done.Processed != nil {
		w.NumEventsProcessed = &wrapperspb.Int32Value{Value: int32(*done.Processed)}
	}
	return w
}

// DecodeTurn reads the outcome of a turn. Actions that this version does not
// know are left out; unknown is how many.
func DecodeTurn(w *wirepb.OrchestratorResponse, own bool) (done *hub.OrchestrationDone, unknown int, err error) {
	actions, unknown, err := DecodeActions(w.GetActions(), own)
	if err != nil {
		return nil, 0, err
	}
	d := &decoder{own: own}
	done = &hub.OrchestrationDone{
		Delivery: hub.Delivery{Token: w.GetCompletionToken(), InstanceID: w.GetInstanceId()}, NeedHistory: w.GetRequiresHistory(),
		Result: engine.TurnResult{Actions: actions, CustomStatus: DecodeText(w.GetCustomStatus())},
		Trace:  d.span(w.GetOrchestrationTraceContext()),
	}
	if n := w.GetNumEventsProcessed(); n != nil {
		if n.Value < 0 {
			d.fail("%d events cannot have been processed", n.Value)
		}
		processed := int(n.Value)
		done.Processed = &processed
	}
	if own {
		r := &done.Result
		r.Waits, r.Panicked, r.Blocked, r.Unknown = w.GetWaits(), w.GetPanicked(), w.GetBlocked(), w.GetUnknown()
		if v := w.GetDiverged(); v != nil {
			r.Diverged = &engine.Divergence{Event: int(v.Event), Expected: v.Expected, Got: v.Got, Where: v.Where}
		}
	}
	if d.err != nil {
		return nil, 0, d.err
	}
	return done, unknown, nil
}

// EncodeActivityDone writes the outcome of an activity, for a hub of ours.
func EncodeActivityDone(done *hub.ActivityDone) *wirepb.ActivityResponse {
	return &wirepb.ActivityResponse{
		InstanceId: valid(done.InstanceID), TaskId: done.TaskID, CompletionToken: done.Token,
		Result: EncodeText(done.Result), FailureDetails: EncodeFailure(done.Failure), Pending: done.Pending,
	}
}

// DecodeActivityDone reads the outcome of an activity.
func DecodeActivityDone(w *wirepb.ActivityResponse, own bool) *hub.ActivityDone {
	return &hub.ActivityDone{
		Delivery: hub.Delivery{Token: w.GetCompletionToken(), InstanceID: w.GetInstanceId(), TaskID: w.GetTaskId()},
		Result:   DecodeText(w.GetResult()), Failure: DecodeFailure(w.GetFailureDetails()), Pending: own && w.GetPending(),
	}
}

// EncodeFollowUp writes a turn that was carried out on the outcome of an activity.
func EncodeFollowUp(turn *hub.FollowUp) *wirepb.HubFollowUp {
	return &wirepb.HubFollowUp{Turn: EncodeTurn(&hub.OrchestrationDone{Result: turn.Result}), At: EncodeTime(turn.At)}
}

// DecodeFollowUp reads a turn that was carried out on the outcome of an activity.
func DecodeFollowUp(w *wirepb.HubFollowUp) (*hub.FollowUp, error) {
	done, _, err := DecodeTurn(w.GetTurn(), true)
	if err != nil {
		return nil, err
	}
	d := &decoder{own: true}
	return &hub.FollowUp{At: d.time("the time of a turn", w.GetAt()), Result: done.Result}, d.err
}

// EncodeHeartbeat writes a heartbeat of an activity, for a hub of ours.
func EncodeHeartbeat(token string, progress history.Text) *wirepb.ActivityResponse {
	return &wirepb.ActivityResponse{CompletionToken: token, Result: EncodeText(progress), Interim: true}
}
