package codec

import (
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// Messages of our own service and what they stand for. Both sides of the service use
// them: Encode and Decode of a type stand side by side.

// EncodeStart gives a start to our own service.
func EncodeStart(r *hub.Start) *wirepb.HubStart {
	m := &wirepb.HubStart{
		RequestId: r.RequestID, InstanceId: r.InstanceID, Name: r.Name, Version: optional(r.Version), Input: optional(r.Input),
		ExecutionId: r.ExecutionID, StartAt: ownTime(r.StartAt), Tags: r.Tags, Trace: ownTrace(r.Trace), Fold: ownFold(r.Fold),
		OrGet: r.OrGet,
	}
	for _, s := range r.Replace {
		m.Replace = append(m.Replace, int32(s))
	}
	if r.Event != nil {
		m.Event = EncodeRaise(r.Event)
	}
	return m
}

// DecodeStart is the reverse of EncodeStart.
func DecodeStart(m *wirepb.HubStart) *hub.Start {
	r := &hub.Start{
		RequestID: m.RequestId, InstanceID: m.InstanceId, Name: m.Name, Version: textOf(m.Version), Input: textOf(m.Input),
		ExecutionID: m.ExecutionId, StartAt: timeOf(m.StartAt), Tags: m.Tags, Trace: traceOf(m.Trace), Fold: foldOf(m.Fold),
		OrGet: m.OrGet,
	}
	for _, s := range m.Replace {
		r.Replace = append(r.Replace, history.Status(s))
	}
	if m.Event != nil {
		r.Event = DecodeRaise(m.Event)
	}
	return r
}

// EncodeRaise gives an event to our own service.
func EncodeRaise(r *hub.Raise) *wirepb.HubRaise {
	return &wirepb.HubRaise{RequestId: r.RequestID, InstanceId: r.InstanceID, Name: r.Name, Data: optional(r.Data)}
}

// DecodeRaise is the reverse of EncodeRaise.
func DecodeRaise(m *wirepb.HubRaise) *hub.Raise {
	return &hub.Raise{RequestID: m.RequestId, InstanceID: m.InstanceId, Name: m.Name, Data: textOf(m.Data)}
}

// EncodeSignal gives a signal to our own service.
func EncodeSignal(r *hub.Signal) *wirepb.HubSignal {
	return &wirepb.HubSignal{
		RequestId: r.RequestID, InstanceId: r.InstanceID, Operation: r.Operation, Input: optional(r.Input),
		At: ownTime(r.At), Trace: ownTrace(r.Trace),
	}
}

// DecodeSignal is the reverse of EncodeSignal.
func DecodeSignal(m *wirepb.HubSignal) *hub.Signal {
	return &hub.Signal{
		RequestID: m.RequestId, InstanceID: m.InstanceId, Operation: m.Operation, Input: textOf(m.Input),
		At: timeOf(m.At), Trace: traceOf(m.Trace),
	}
}

// EncodeControl gives a change of course to our own service.
func EncodeControl(r *hub.Control) *wirepb.HubControl {
	return &wirepb.HubControl{
		RequestId: r.RequestID, InstanceId: r.InstanceID, Kind: uint32(r.Kind), Reason: optional(r.Reason),
		Recursive: r.Recursive, NewId: r.NewID, Input: optional(r.Input),
	}
}

// DecodeControl is the reverse of EncodeControl. A kind that is not known becomes
// one that no hub knows.
func DecodeControl(m *wirepb.HubControl) *hub.Control {
	return &hub.Control{
		RequestID: m.RequestId, InstanceID: m.InstanceId, Kind: hub.ControlKind(narrow8(m.Kind)), Reason: textOf(m.Reason),
		Recursive: m.Recursive, NewID: m.NewId, Input: textOf(m.Input),
	}
}

// EncodePurge gives a purge to our own service.
func EncodePurge(r *hub.Purge) *wirepb.HubPurge {
	m := &wirepb.HubPurge{
		RequestId: r.RequestID, Ids: r.IDs, Recursive: r.Recursive, Timeout: ownDuration(r.Timeout), DryRun: r.DryRun,
	}
	if r.Filter != nil {
		m.Filter = EncodeQuery(r.Filter)
	}
	return m
}

// DecodePurge is the reverse of EncodePurge.
func DecodePurge(m *wirepb.HubPurge) *hub.Purge {
	r := &hub.Purge{
		RequestID: m.RequestId, IDs: m.Ids, Recursive: m.Recursive, Timeout: m.Timeout.AsDuration(), DryRun: m.DryRun,
	}
	if m.Filter != nil {
		q := DecodeQuery(m.Filter)
		r.Filter = &q
	}
	return r
}

// EncodeAsk gives a request to our own service.
func EncodeAsk(r *hub.Ask) *wirepb.HubAsk {
	return &wirepb.HubAsk{RequestId: r.RequestID, InstanceId: r.InstanceID, Name: r.Name, Input: optional(r.Input)}
}

// DecodeAsk is the reverse of EncodeAsk.
func DecodeAsk(m *wirepb.HubAsk) *hub.Ask {
	return &hub.Ask{RequestID: m.RequestId, InstanceID: m.InstanceId, Name: m.Name, Input: textOf(m.Input)}
}
