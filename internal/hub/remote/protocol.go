package remote

import (
	"context"
	"io"
	"strconv"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// protocolSide is a hub that speaks the Durable Task protocol only.
type protocolSide struct {
	*Hub
	// level is that of our own additions to the protocol: a hub of ours keeps request
	// ids. 0 = it is none of ours.
	level int
}

const protocol = "/" + wire.ServiceName + "/"

// probeProtocol finds out whether the far side speaks the protocol.
func (h *Hub) probeProtocol(ctx context.Context) (side, error) {
	var headers metadata.MD
	err := h.attempt(ctx, "connect", "", patient, func(ctx context.Context) error {
		return h.conn.Invoke(ctx, protocol+"Hello", &emptypb.Empty{}, &emptypb.Empty{}, grpc.Header(&headers))
	})
	if perdure.CodeOf(err) == perdure.Unimplemented {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "connect",
			Message: "at " + h.cfg.Target.Addr + " there is no hub: neither Perdure's nor one that speaks the Durable Task protocol"}
	}
	if err != nil {
		return nil, err
	}
	p := &protocolSide{Hub: h}
	if values := headers.Get("perdure-level"); len(values) > 0 {
		p.level, _ = strconv.Atoi(values[0]) // what is no number is no level
	}
	return p, nil
}

// cannot is the error of what the protocol has not.
func (h *protocolSide) cannot(op, id, what string) error {
	return &perdure.Error{Code: perdure.Unimplemented, Op: op, Instance: id,
		Message: "the hub " + h.cfg.Target.String() + " speaks the Durable Task protocol only, which has no " + what}
}

// change carries out a call that changes something. It is repeated only if the hub
// knows a repeat by its request id, of which one is made if there is none.
func (h *protocolSide) change(ctx context.Context, op, id, method string, requestID *string, given string, in, out any) error {
	switch {
	case h.level > 0:
		if *requestID = given; given == "" {
			*requestID = newRequestID()
		}
		return h.call(ctx, op, id, protocol+method, in, out, patient)
	case given != "":
		return h.cannot(op, id, "request ids")
	}
	return h.call(ctx, op, id, protocol+method, in, out, once)
}

// readable refuses texts that are not UTF-8, which the messages of the protocol would
// mend.
func readable(op, id string, texts ...history.Text) error {
	for _, t := range texts {
		if !utf8.ValidString(t.S) {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: id, Message: "a text of it is not UTF-8"}
		}
	}
	return nil
}

// Start implements hub.Commands.
func (h *protocolSide) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	switch {
	case r.Event != nil:
		return hub.Started{}, h.cannot("start", r.InstanceID, "start with an event")
	case r.Fold != nil:
		return hub.Started{}, h.cannot("start", r.InstanceID, "fold")
	case r.Fork != nil:
		return hub.Started{}, h.cannot("fork", r.InstanceID, "forks")
	}
	if err := readable("start", r.InstanceID, r.Input, r.Version); err != nil {
		return hub.Started{}, err
	}
	m := &wirepb.CreateInstanceRequest{
		InstanceId: r.InstanceID, Name: r.Name, Version: codec.EncodeText(r.Version), Input: codec.EncodeText(r.Input),
		ScheduledStartTimestamp: codec.EncodeTime(r.StartAt), ExecutionId: codec.EncodeText(history.NoneIfEmpty(r.ExecutionID)),
		Tags: r.Tags, ParentTraceContext: codec.EncodeTrace(r.Trace),
	}
	if len(r.Replace) > 0 {
		m.OrchestrationIdReusePolicy = &wirepb.OrchestrationIdReusePolicy{}
		for _, s := range r.Replace {
			m.OrchestrationIdReusePolicy.ReplaceableStatus = append(m.OrchestrationIdReusePolicy.ReplaceableStatus, wirepb.OrchestrationStatus(s))
		}
	}
	out := &wirepb.CreateInstanceResponse{}
	err := h.change(ctx, "start", r.InstanceID, "StartInstance", &m.RequestId, r.RequestID, m, out)
	started := hub.Started{InstanceID: out.InstanceId}
	if r.OrGet && perdure.CodeOf(err) == perdure.AlreadyExists {
		started, err = hub.Started{InstanceID: r.InstanceID, Existing: true}, nil
	}
	if err != nil {
		return hub.Started{}, err
	}
	// The answer does not tell the execution. The instance may be gone since.
	i, err := h.Instance(ctx, started.InstanceID, false)
	if err == nil {
		started.ExecutionID = i.Execution
	} else if perdure.CodeOf(err) != perdure.NotFound {
		return started, err
	}
	return started, nil
}

// Raise implements hub.Commands.
func (h *protocolSide) Raise(ctx context.Context, r *hub.Raise) error {
	if err := readable("raise event", r.InstanceID, r.Data); err != nil {
		return err
	}
	m := &wirepb.RaiseEventRequest{InstanceId: r.InstanceID, Name: r.Name, Input: codec.EncodeText(r.Data)}
	return h.change(ctx, "raise event", r.InstanceID, "RaiseEvent", &m.RequestId, r.RequestID, m, &wirepb.RaiseEventResponse{})
}

// Signal implements hub.Commands. The protocol's own request id makes it repeatable.
func (h *protocolSide) Signal(ctx context.Context, r *hub.Signal) error {
	if err := readable("signal", r.InstanceID, r.Input); err != nil {
		return err
	}
	m := &wirepb.SignalEntityRequest{
		InstanceId: r.InstanceID, Name: r.Operation, Input: codec.EncodeText(r.Input), RequestId: r.RequestID,
		ScheduledTime: codec.EncodeTime(r.At), ParentTraceContext: codec.EncodeTrace(r.Trace),
	}
	again := once
	if h.level > 0 {
		again = patient
	}
	if m.RequestId == "" {
		m.RequestId = newRequestID()
	}
	return h.call(ctx, "signal", r.InstanceID, protocol+"SignalEntity", m, &wirepb.SignalEntityResponse{}, again)
}

// Control implements hub.Commands.
func (h *protocolSide) Control(ctx context.Context, r *hub.Control) (string, error) {
	const op = "control"
	id, reason := r.InstanceID, codec.EncodeText(r.Reason)
	if err := readable(op, id, r.Reason); err != nil {
		return "", err
	}
	switch r.Kind {
	case hub.Suspend:
		m := &wirepb.SuspendRequest{InstanceId: id, Reason: reason}
		return id, h.change(ctx, op, id, "SuspendInstance", &m.RequestId, r.RequestID, m, &wirepb.SuspendResponse{})
	case hub.Resume:
		m := &wirepb.ResumeRequest{InstanceId: id, Reason: reason}
		return id, h.change(ctx, op, id, "ResumeInstance", &m.RequestId, r.RequestID, m, &wirepb.ResumeResponse{})
	case hub.Terminate:
		m := &wirepb.TerminateRequest{InstanceId: id, Output: reason, Recursive: r.Recursive}
		return id, h.change(ctx, op, id, "TerminateInstance", &m.RequestId, r.RequestID, m, &wirepb.TerminateResponse{})
	case hub.Rewind:
		if h.level == 0 && (r.To != 0 || r.Execution != "") {
			return "", h.cannot("rewind", id, "a rewind to an event: rewind to before the failure")
		}
		if r.Session != "" || r.Tell != nil {
			return "", h.cannot("rewind", id, "the rewind of a session's turn: send the message again")
		}
		m := &wirepb.RewindInstanceRequest{InstanceId: id, Reason: reason, To: int32(r.To), Execution: r.Execution}
		if r.Asked != nil {
			m.Asked = &wirepb.RewindAsked{To: int32(r.Asked.To), Execution: r.Asked.Execution}
		}
		return id, h.change(ctx, op, id, "RewindInstance", &m.RequestId, r.RequestID, m, &wirepb.RewindInstanceResponse{})
	case hub.Restart:
		switch {
		case r.Input.Set:
			return "", h.cannot("restart", id, "restart with another input")
		case r.Version.Set:
			return "", h.cannot("restart", id, "restart with another version")
		case r.As != "":
			return "", h.cannot("restart", id, "restart under an id of one's own: restart it under a new id")
		}
		m, out := &wirepb.RestartInstanceRequest{InstanceId: id, RestartWithNewInstanceId: r.NewID}, &wirepb.RestartInstanceResponse{}
		err := h.change(ctx, op, id, "RestartInstance", &m.RequestId, r.RequestID, m, out)
		return out.InstanceId, err
	case hub.Cancel:
		return "", h.cannot("cancel", id, "cancellation of runs: terminate it")
	}
	return "", &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: id, Message: "there is no such kind of control"}
}

// Complete implements hub.Activities.
func (h *protocolSide) Complete(ctx context.Context, token string, result history.Text, failure *history.Failure) error {
	if h.level == 0 {
		return h.cannot("complete activity", "", "completion of activities from elsewhere")
	}
	m := codec.EncodeActivityDone(&hub.ActivityDone{Delivery: hub.Delivery{Token: token}, Result: result, Failure: failure})
	return h.call(ctx, "complete activity", "", protocol+"CompleteActivityTask", m, &wirepb.CompleteTaskResponse{}, patient)
}

// Heartbeat implements hub.Activities.
func (h *protocolSide) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	if h.level == 0 {
		return h.cannot("heartbeat", "", "heartbeats of activities")
	}
	m := codec.EncodeHeartbeat(token, progress)
	return h.call(ctx, "heartbeat", "", protocol+"CompleteActivityTask", m, &wirepb.CompleteTaskResponse{}, patient)
}

func notFound(op, id string) error {
	return &perdure.Error{Code: perdure.NotFound, Op: op, Instance: id, Message: "there is no such instance"}
}

func isEntity(id string) bool { return len(id) > 0 && id[0] == '@' }

// Instance implements hub.Reads.
func (h *protocolSide) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	if isEntity(id) {
		e, err := h.Entity(ctx, id)
		if err != nil {
			return nil, err
		}
		return entityInstance(e), nil
	}
	out := &wirepb.GetInstanceResponse{}
	in := &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: payloads}
	if err := h.call(ctx, "get", id, protocol+"GetInstance", in, out, patient); err != nil {
		return nil, err
	}
	if !out.Exists {
		return nil, notFound("get", id)
	}
	return codec.DecodeState(out.OrchestrationState)
}

// entityInstance is what is shown of an entity among instances.
func entityInstance(e *hub.Entity) *hub.Instance {
	i := &hub.Instance{Record: store.Record{ID: e.ID, Kind: store.Entity, Root: e.ID}, Updated: e.Modified}
	if name, err := perdure.ParseEntityID(e.ID); err == nil {
		i.Name = name.Name
	}
	return i
}

// History implements hub.Reads.
func (h *protocolSide) History(ctx context.Context, id, execution string) ([]*history.Event, error) {
	return h.events(ctx, id, execution, false)
}

// events reads a history, for its own sake or to carry out a turn.
func (h *protocolSide) events(ctx context.Context, id, execution string, turn bool) ([]*history.Event, error) {
	in := &wirepb.StreamInstanceHistoryRequest{InstanceId: id, ExecutionId: codec.EncodeText(history.NoneIfEmpty(execution)), ForWorkItemProcessing: turn}
	var events []*history.Event
	err := h.attempt(ctx, "read history", id, patient, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		events = nil
		s, err := h.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, protocol+"StreamInstanceHistory")
		if err != nil {
			return err
		}
		if err := s.SendMsg(in); err != nil && err != io.EOF { // EOF: RecvMsg says why
			return err
		}
		_ = s.CloseSend() // it never fails
		for {
			chunk := &wirepb.HistoryChunk{}
			if err := s.RecvMsg(chunk); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			part, err := decodeEvents(chunk.Events)
			if err != nil {
				return &perdure.Error{Code: perdure.Internal, Op: "read history", Instance: id, Message: "an event is damaged", Cause: err}
			}
			events = append(events, part...)
		}
	})
	if err == nil && len(events) == 0 && !turn {
		return nil, notFound("read history", id)
	}
	return events, err
}

// Entity implements hub.Reads.
func (h *protocolSide) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	out := &wirepb.GetEntityResponse{}
	in := &wirepb.GetEntityRequest{InstanceId: id, IncludeState: true}
	if err := h.call(ctx, "get entity", id, protocol+"GetEntity", in, out, patient); err != nil {
		return nil, err
	}
	if !out.Exists {
		return nil, notFound("get entity", id)
	}
	return codec.DecodeEntity(out.Entity)
}

// WaitStart implements hub.Waits.
func (h *protocolSide) WaitStart(ctx context.Context, id string) (*hub.Instance, error) {
	return h.wait(ctx, "wait for the start", id, "WaitForInstanceStart", false)
}

// WaitCompletion implements hub.Waits.
func (h *protocolSide) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	return h.wait(ctx, "wait for the end", id, "WaitForInstanceCompletion", true)
}

// wait waits as long as ctx allows, through ends of single calls. Hubs that tell of an
// instance which does not exist, instead of waiting for it, are asked again.
func (h *protocolSide) wait(ctx context.Context, op, id, method string, payloads bool) (*hub.Instance, error) {
	in := &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: payloads}
	for {
		out := &wirepb.GetInstanceResponse{}
		err := h.call(ctx, op, id, protocol+method, in, out, forever)
		switch {
		case err == nil && out.Exists:
			return codec.DecodeState(out.OrchestrationState)
		case err != nil && perdure.CodeOf(err) != perdure.NotFound:
			return nil, err
		}
		sleep(ctx, h.closed, jitter(lastPause))
		if ctx.Err() != nil {
			return nil, ended(ctx, op, id)
		}
	}
}

// Ask implements hub.Waits.
func (h *protocolSide) Ask(_ context.Context, r *hub.Ask) (history.Text, error) {
	return history.Text{}, h.cannot("ask", r.InstanceID, "requests that are answered")
}

// Position implements hub.Waits.
func (h *protocolSide) Position(context.Context) (store.Position, error) {
	return "", h.cannot("read the change feed", "", "change feed")
}

// Changes implements hub.Waits.
func (h *protocolSide) Changes(context.Context, store.Position, int) ([]store.Change, store.Position, bool, error) {
	return nil, "", false, h.cannot("read the change feed", "", "change feed")
}

// ReadRows implements hub.Rows.
func (h *protocolSide) ReadRows(_ context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	return nil, nil, h.cannot("read rows", q.Owner, "rows")
}

// WriteRows implements hub.Rows.
func (h *protocolSide) WriteRows(_ context.Context, r *hub.WriteRows) error {
	return h.cannot("write rows", r.Owner, "rows")
}

// WatchRows implements hub.Rows.
func (h *protocolSide) WatchRows(_ context.Context, _ store.RowKind, owner string) (<-chan struct{}, error) {
	return nil, h.cannot("watch rows", owner, "rows")
}
