package remote

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// ownSide is a Perdure server: all that package hub has, over our own service.
type ownSide struct{ *Hub }

// probe asks for our own service.
func (h *Hub) probe(ctx context.Context) (side, error) {
	own := ownSide{h}
	err := own.do(ctx, "connect", "", "Hello", &wirepb.HubAll{}, &wirepb.HubDone{}, patient)
	switch {
	case err == nil:
		return &own, nil
	case perdure.CodeOf(err) == perdure.Unimplemented:
		return h.probeProtocol(ctx)
	}
	return nil, err
}

func (h ownSide) do(ctx context.Context, op, id, method string, in, out any, again repeat) error {
	if a := hub.ActorOf(ctx); a != nil {
		ctx = wire.WithClaim(ctx, a)
	}
	return h.call(ctx, op, id, "/"+wire.OwnService+"/"+method, in, out, again)
}

// newRequestID makes the id, a GUID, of a request to which the caller has given none,
// so that it may be repeated.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Start implements hub.Commands.
func (h *ownSide) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	m, out := codec.EncodeStart(r), &wirepb.HubStarted{}
	named(&m.RequestId)
	if err := h.do(ctx, "start", r.InstanceID, "Start", m, out, patient); err != nil {
		return hub.Started{}, err
	}
	return hub.Started{InstanceID: out.InstanceId, ExecutionID: out.ExecutionId, Existing: out.Existing}, nil
}

func named(id *string) {
	if *id == "" {
		*id = newRequestID()
	}
}

// Raise implements hub.Commands.
func (h *ownSide) Raise(ctx context.Context, r *hub.Raise) error {
	m := codec.EncodeRaise(r)
	named(&m.RequestId)
	return h.do(ctx, "raise event", r.InstanceID, "Raise", m, &wirepb.HubDone{}, patient)
}

// Signal implements hub.Commands.
func (h *ownSide) Signal(ctx context.Context, r *hub.Signal) error {
	m := codec.EncodeSignal(r)
	named(&m.RequestId)
	return h.do(ctx, "signal", r.InstanceID, "Signal", m, &wirepb.HubDone{}, patient)
}

// Control implements hub.Commands.
func (h *ownSide) Control(ctx context.Context, r *hub.Control) (string, error) {
	m, out := codec.EncodeControl(r), &wirepb.HubControlled{}
	named(&m.RequestId)
	err := h.do(ctx, "control", r.InstanceID, "Control", m, out, patient)
	return out.InstanceId, err
}

// Purge implements hub.Commands.
func (h *ownSide) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	if r.Filter != nil && (r.Filter.Match != nil || len(r.Filter.Shards) > 0) {
		return hub.Purged{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "purge", Message: "a filter with code cannot be sent to another process: give ids"}
	}
	m, out := codec.EncodePurge(r), &wirepb.HubPurged{}
	named(&m.RequestId)
	err := h.do(ctx, "purge", "", "Purge", m, out, patient)
	return hub.Purged{Count: codec.NarrowInt(out.Count), Complete: out.Complete}, err
}

// Complete implements hub.Activities. The token makes it repeatable.
func (h *ownSide) Complete(ctx context.Context, token string, result history.Text, failure *history.Failure) error {
	m := &wirepb.HubComplete{Token: token, Result: codec.Optional(result), Failure: codec.EncodeFailure(failure)}
	return h.do(ctx, "complete activity", "", "Complete", m, &wirepb.HubDone{}, patient)
}

// Heartbeat implements hub.Activities.
func (h *ownSide) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	m := &wirepb.HubHeartbeat{Token: token, Progress: codec.Optional(progress)}
	return h.do(ctx, "heartbeat", "", "Heartbeat", m, &wirepb.HubDone{}, patient)
}

// Instance implements hub.Reads.
func (h *ownSide) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	return h.instance(ctx, "get", "Instance", &wirepb.HubGet{Id: id, Payloads: payloads}, patient)
}

// WaitStart implements hub.Waits.
func (h *ownSide) WaitStart(ctx context.Context, id string) (*hub.Instance, error) {
	return h.instance(ctx, "wait for the start", "WaitStart", &wirepb.HubGet{Id: id}, forever)
}

// WaitCompletion implements hub.Waits.
func (h *ownSide) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	return h.instance(ctx, "wait for the end", "WaitCompletion", &wirepb.HubGet{Id: id}, forever)
}

func (h *ownSide) instance(ctx context.Context, op, method string, m *wirepb.HubGet, again repeat) (*hub.Instance, error) {
	out := &wirepb.HubInstance{}
	if err := h.do(ctx, op, m.Id, method, m, out, again); err != nil {
		return nil, err
	}
	return codec.DecodeInstance(out), nil
}

// History implements hub.Reads.
func (h *ownSide) History(ctx context.Context, id, execution string) ([]*history.Event, error) {
	var events []*history.Event
	err := h.read(ctx, "read history", id, "History", &wirepb.HubGet{Id: id, Execution: execution}, func(s grpc.ClientStream) error {
		events = nil
		for {
			chunk := &wirepb.HubEvents{}
			if err := s.RecvMsg(chunk); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			for _, b := range chunk.Events {
				e, err := history.Decode(b)
				if err != nil {
					return &perdure.Error{Code: perdure.Internal, Op: "read history", Instance: id, Message: "an event is damaged", Cause: err}
				}
				events = append(events, e)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// read opens a stream of answers, which ends when receive returns.
func (h *ownSide) read(ctx context.Context, op, id, method string, in any, receive func(grpc.ClientStream) error) error {
	return h.attempt(ctx, op, id, patient, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s, err := open(ctx, h.conn, method, in)
		if err != nil {
			return err
		}
		return receive(s)
	})
}

// open sends a request whose answers are a stream, which ends with ctx.
func open(ctx context.Context, conn *grpc.ClientConn, method string, in any) (grpc.ClientStream, error) {
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+wire.OwnService+"/"+method)
	if err != nil {
		return nil, err
	}
	if err := s.SendMsg(in); err != nil && err != io.EOF { // EOF: RecvMsg says why
		return nil, err
	}
	return s, s.CloseSend()
}

// Counts implements hub.Reads.
func (h *ownSide) Counts(ctx context.Context) ([]store.Count, error) {
	out := &wirepb.HubCounts{}
	if err := h.do(ctx, "count", "", "Counts", &wirepb.HubAll{}, out, patient); err != nil {
		return nil, err
	}
	return codec.DecodeCounts(out), nil
}

// Entity implements hub.Reads.
func (h *ownSide) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	out := &wirepb.HubEntity{}
	if err := h.do(ctx, "get entity", id, "Entity", &wirepb.HubGet{Id: id}, out, patient); err != nil {
		return nil, err
	}
	return codec.DecodeOwnEntity(out), nil
}

// Ask implements hub.Waits. The request id makes it repeatable: a repeat finds the
// answer.
func (h *ownSide) Ask(ctx context.Context, r *hub.Ask) (history.Text, error) {
	m, out := codec.EncodeAsk(r), &wirepb.HubAnswer{}
	named(&m.RequestId)
	if err := h.do(ctx, "ask", r.InstanceID, "Ask", m, out, forever); err != nil {
		return history.Text{}, err
	}
	if out.Failure != nil {
		return history.Text{}, perdure.FailureError(codec.DecodeFailure(out.Failure))
	}
	return codec.TextOf(out.Result), nil
}

// Position implements hub.Waits.
func (h *ownSide) Position(ctx context.Context) (store.Position, error) {
	out := &wirepb.HubPosition{}
	err := h.do(ctx, "read the change feed", "", "Position", &wirepb.HubAll{}, out, patient)
	return store.Position(out.Position), err
}

// Changes implements hub.Waits.
func (h *ownSide) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	in, out := &wirepb.HubPosition{Position: []byte(p), Limit: int64(limit)}, &wirepb.HubChanges{}
	if err := h.do(ctx, "read the change feed", "", "Changes", in, out, forever); err != nil {
		return nil, "", false, err
	}
	return codec.DecodeChanges(out), store.Position(out.Next), out.Reset_, nil
}

// ReadRows implements hub.Rows.
func (h *ownSide) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	out := &wirepb.HubRows{}
	if err := h.do(ctx, "read rows", q.Owner, "ReadRows", codec.EncodeRowQuery(&q), out, patient); err != nil {
		return nil, nil, err
	}
	return codec.DecodeRows(out.Rows), out.Next, nil
}

// WriteRows implements hub.Rows.
func (h *ownSide) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	m := codec.EncodeWriteRows(r)
	named(&m.RequestId)
	return h.do(ctx, "write rows", r.Owner, "WriteRows", m, &wirepb.HubDone{}, patient)
}

// WatchRows implements hub.Rows. The watch ends with the connection too.
func (h *ownSide) WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error) {
	conn, free, err := h.waits.take()
	if err != nil {
		return nil, err
	}
	var s grpc.ClientStream
	watching, cancel := context.WithCancel(ctx)
	in := &wirepb.HubRowQuery{Kind: uint32(kind), Owner: owner}
	err = h.attempt(ctx, "watch rows", owner, patient, func(context.Context) (err error) {
		if s, err = open(h.outgoing(watching), conn, "WatchRows", in); err != nil {
			return err
		}
		return s.RecvMsg(&wirepb.HubDone{})
	})
	if err != nil {
		cancel()
		free()
		return nil, err
	}
	written := make(chan struct{}, 1)
	go func() {
		defer free()
		defer cancel()
		defer close(written)
		for s.RecvMsg(&wirepb.HubDone{}) == nil {
			select {
			case written <- struct{}{}:
			default:
			}
		}
	}()
	return written, nil
}

// Ended implements hub.Upkeep.
func (h *ownSide) Ended(ctx context.Context, q *hub.EndedQuery) ([]string, string, error) {
	out := &wirepb.HubEnded{}
	err := h.do(ctx, "list what has ended", "", "Ended", codec.EncodeEndedQuery(q), out, patient)
	return out.Ids, out.Next, err
}

// Entities implements hub.Upkeep.
func (h *ownSide) Entities(ctx context.Context, q *hub.EntityQuery) ([]*hub.Entity, string, error) {
	out := &wirepb.HubEntities{}
	err := h.do(ctx, "list entities", "", "Entities", codec.EncodeEntityQuery(q), out, patient)
	var list []*hub.Entity
	for _, e := range out.Entities {
		list = append(list, codec.DecodeOwnEntity(e))
	}
	return list, out.Next, err
}

// CleanEntities implements hub.Upkeep.
func (h *ownSide) CleanEntities(ctx context.Context, r *hub.CleanEntities) (hub.Cleaned, error) {
	out := &wirepb.HubCleaned{}
	err := h.do(ctx, "clean entities", "", "CleanEntities", &wirepb.HubClean{Empty: r.Empty, Locks: r.Locks, After: r.After}, out, patient)
	return hub.Cleaned{Removed: codec.NarrowInt(out.Removed), Released: codec.NarrowInt(out.Released), Next: out.Next}, err
}

// TerminateNow implements hub.Upkeep. What has ended by an attempt of which nothing
// was heard counts as left alone.
func (h *ownSide) TerminateNow(ctx context.Context, ids []string, reason history.Text) ([]string, error) {
	out := &wirepb.HubLeft{}
	err := h.do(ctx, "terminate", "", "TerminateNow", &wirepb.HubTerminate{Ids: ids, Reason: codec.Optional(reason)}, out, once)
	return out.Ids, err
}
