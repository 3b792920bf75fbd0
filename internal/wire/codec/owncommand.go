package codec

import (
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// The messages of our own service stand for the structs of package hub, one to one.
// Their texts are not mended: what is not UTF-8 cannot be sent, and is refused.

// EncodeStart gives a start to our own service.
func EncodeStart(r *hub.Start) *wirepb.HubStart {
	m := &wirepb.HubStart{
		RequestId: r.RequestID, InstanceId: r.InstanceID, Name: r.Name, Version: Optional(r.Version), Input: Optional(r.Input),
		ExecutionId: r.ExecutionID, StartAt: EncodeTime(r.StartAt), Tags: r.Tags, Trace: EncodeTrace(r.Trace), Fold: ownFold(r.Fold),
		OrGet: r.OrGet, Fork: encodeFork(r.Fork),
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
		RequestID: m.RequestId, InstanceID: m.InstanceId, Name: m.Name, Version: TextOf(m.Version), Input: TextOf(m.Input),
		ExecutionID: m.ExecutionId, StartAt: timeOf(m.StartAt), Tags: m.Tags, Trace: DecodeTrace(m.Trace), Fold: foldOf(m.Fold),
		OrGet: m.OrGet, Fork: decodeFork(m.Fork),
	}
	for _, s := range m.Replace {
		r.Replace = append(r.Replace, history.Status(s))
	}
	if m.Event != nil {
		r.Event = DecodeRaise(m.Event)
	}
	return r
}

func encodeFork(f *hub.Fork) *wirepb.HubFork {
	if f == nil {
		return nil
	}
	m := &wirepb.HubFork{Run: f.Run, Execution: f.Execution, To: int64(f.To), Rows: EncodeRows(f.Rows)}
	m.Asked = encodePoint(f.Asked)
	if p := f.Patch; p != nil {
		m.Patch = &wirepb.HubPatch{Event: int64(p.Event), Result: Optional(p.Result), Failure: EncodeFailure(p.Failure)}
	}
	return m
}

func decodeFork(m *wirepb.HubFork) *hub.Fork {
	if m == nil {
		return nil
	}
	f := &hub.Fork{Run: m.Run, Execution: m.Execution, To: NarrowInt(m.To), Rows: DecodeRows(m.Rows)}
	f.Asked = decodePoint(m.Asked)
	if p := m.Patch; p != nil {
		f.Patch = &hub.Patch{Event: NarrowInt(p.Event), Result: TextOf(p.Result), Failure: DecodeFailure(p.Failure)}
	}
	return f
}

func encodePoint(p *hub.Point) *wirepb.HubPoint {
	if p == nil {
		return nil
	}
	return &wirepb.HubPoint{To: int64(p.To), Execution: p.Execution}
}

func decodePoint(m *wirepb.HubPoint) *hub.Point {
	if m == nil {
		return nil
	}
	return &hub.Point{To: NarrowInt(m.To), Execution: m.Execution}
}

// EncodeRaise gives an event to our own service.
func EncodeRaise(r *hub.Raise) *wirepb.HubRaise {
	return &wirepb.HubRaise{RequestId: r.RequestID, InstanceId: r.InstanceID, Name: r.Name, Data: Optional(r.Data)}
}

// DecodeRaise is the reverse of EncodeRaise.
func DecodeRaise(m *wirepb.HubRaise) *hub.Raise {
	return &hub.Raise{RequestID: m.RequestId, InstanceID: m.InstanceId, Name: m.Name, Data: TextOf(m.Data)}
}

// EncodeSignal gives a signal to our own service.
func EncodeSignal(r *hub.Signal) *wirepb.HubSignal {
	return &wirepb.HubSignal{
		RequestId: r.RequestID, InstanceId: r.InstanceID, Operation: r.Operation, Input: Optional(r.Input),
		At: EncodeTime(r.At), Trace: EncodeTrace(r.Trace), Begins: r.Begins,
	}
}

// DecodeSignal is the reverse of EncodeSignal.
func DecodeSignal(m *wirepb.HubSignal) *hub.Signal {
	return &hub.Signal{
		RequestID: m.RequestId, InstanceID: m.InstanceId, Operation: m.Operation, Input: TextOf(m.Input),
		At: timeOf(m.At), Trace: DecodeTrace(m.Trace), Begins: m.Begins,
	}
}

// EncodeControl gives a change of course to our own service.
func EncodeControl(r *hub.Control) *wirepb.HubControl {
	m := &wirepb.HubControl{
		RequestId: r.RequestID, InstanceId: r.InstanceID, Kind: uint32(r.Kind), Reason: Optional(r.Reason),
		Recursive: r.Recursive, Input: Optional(r.Input), To: int64(r.To), Execution: r.Execution,
		NewId: r.NewID || r.As != "", // nodes that do not know As must not begin the old run anew
		As:    r.As, Version: Optional(r.Version),
		Session: r.Session,
	}
	m.Asked = encodePoint(r.Asked)
	if r.Tell != nil {
		m.Tell = &wirepb.HubTold{Name: r.Tell.Name, Data: Optional(r.Tell.Data)}
	}
	return m
}

// DecodeControl is the reverse of EncodeControl. A kind that is not known becomes
// one that no hub knows.
func DecodeControl(m *wirepb.HubControl) *hub.Control {
	r := &hub.Control{
		RequestID: m.RequestId, InstanceID: m.InstanceId, Kind: hub.ControlKind(Narrow8(m.Kind)), Reason: TextOf(m.Reason),
		Recursive: m.Recursive, NewID: m.NewId, Input: TextOf(m.Input), To: int(m.To), Execution: m.Execution,
		As: m.As, Version: TextOf(m.Version),
		Session: m.Session,
	}
	r.Asked = decodePoint(m.Asked)
	if m.Tell != nil {
		r.Tell = &hub.Told{Name: m.Tell.Name, Data: TextOf(m.Tell.Data)}
	}
	return r
}

// EncodePurge gives a purge to our own service.
func EncodePurge(r *hub.Purge) *wirepb.HubPurge {
	m := &wirepb.HubPurge{
		RequestId: r.RequestID, Ids: r.IDs, Recursive: r.Recursive, SkipLive: r.SkipLive,
		Timeout: EncodeDuration(r.Timeout), DryRun: r.DryRun, Force: r.Force,
	}
	if r.Filter != nil {
		m.Filter = EncodeQuery(r.Filter)
	}
	return m
}

// DecodePurge is the reverse of EncodePurge.
func DecodePurge(m *wirepb.HubPurge) *hub.Purge {
	r := &hub.Purge{
		RequestID: m.RequestId, IDs: m.Ids, Recursive: m.Recursive, SkipLive: m.SkipLive,
		Timeout: m.Timeout.AsDuration(), DryRun: m.DryRun, Force: m.Force,
	}
	if m.Filter != nil {
		q := DecodeQuery(m.Filter)
		r.Filter = &q
	}
	return r
}

// EncodeAsk gives a request to our own service.
func EncodeAsk(r *hub.Ask) *wirepb.HubAsk {
	return &wirepb.HubAsk{RequestId: r.RequestID, InstanceId: r.InstanceID, Name: r.Name, Input: Optional(r.Input), Begins: r.Begins}
}

// DecodeAsk is the reverse of EncodeAsk.
func DecodeAsk(m *wirepb.HubAsk) *hub.Ask {
	return &hub.Ask{RequestID: m.RequestId, InstanceID: m.InstanceId, Name: m.Name, Input: TextOf(m.Input), Begins: m.Begins}
}
