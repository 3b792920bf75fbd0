package wire

import (
	"context"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// OwnService is the name of the service of our own clients and workers, which is
// package hub over the wire: see hub.proto.
const OwnService = "perdure.hub.v1.Hub"

// The most that one answer of our own service has, roughly: a page of rows or of
// instances is cut, a history comes in chunks.
const (
	ownPageBytes  = 16 << 20
	ownChunkBytes = 1 << 20
)

// ownDesc describes our own service.
func (s *Service) ownDesc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: OwnService,
		HandlerType: (*any)(nil),
		Metadata:    "perdure/hub.proto",
		Methods: []grpc.MethodDesc{
			own(s, "Hello", func(context.Context, hub.Hub, *wirepb.HubAll) (*wirepb.HubDone, error) { return &wirepb.HubDone{}, nil }),
			own(s, "Start", func(ctx context.Context, h hub.Hub, m *wirepb.HubStart) (*wirepb.HubStarted, error) {
				s, err := h.Start(ctx, codec.DecodeStart(m))
				return &wirepb.HubStarted{InstanceId: s.InstanceID, ExecutionId: s.ExecutionID, Existing: s.Existing}, err
			}),
			own(s, "Raise", func(ctx context.Context, h hub.Hub, m *wirepb.HubRaise) (*wirepb.HubDone, error) {
				return &wirepb.HubDone{}, h.Raise(ctx, codec.DecodeRaise(m))
			}),
			own(s, "Signal", func(ctx context.Context, h hub.Hub, m *wirepb.HubSignal) (*wirepb.HubDone, error) {
				return &wirepb.HubDone{}, h.Signal(ctx, codec.DecodeSignal(m))
			}),
			own(s, "Control", func(ctx context.Context, h hub.Hub, m *wirepb.HubControl) (*wirepb.HubControlled, error) {
				id, err := h.Control(ctx, codec.DecodeControl(m))
				return &wirepb.HubControlled{InstanceId: id}, err
			}),
			own(s, "Purge", func(ctx context.Context, h hub.Hub, m *wirepb.HubPurge) (*wirepb.HubPurged, error) {
				p, err := h.Purge(ctx, codec.DecodePurge(m))
				return &wirepb.HubPurged{Count: int64(p.Count), Complete: p.Complete}, err
			}),
			own(s, "Complete", func(ctx context.Context, h hub.Hub, m *wirepb.HubComplete) (*wirepb.HubDone, error) {
				return &wirepb.HubDone{}, h.Complete(ctx, m.Token, codec.TextOf(m.Result), codec.DecodeFailure(m.Failure))
			}),
			own(s, "Heartbeat", func(ctx context.Context, h hub.Hub, m *wirepb.HubHeartbeat) (*wirepb.HubDone, error) {
				return &wirepb.HubDone{}, h.Heartbeat(ctx, m.Token, codec.TextOf(m.Progress))
			}),
			own(s, "Instance", func(ctx context.Context, h hub.Hub, m *wirepb.HubGet) (*wirepb.HubInstance, error) {
				return ownInstance(h.Instance(ctx, m.Id, m.Payloads))
			}),
			own(s, "WaitStart", func(ctx context.Context, h hub.Hub, m *wirepb.HubGet) (*wirepb.HubInstance, error) {
				return ownInstance(h.WaitStart(ctx, m.Id))
			}),
			own(s, "WaitCompletion", func(ctx context.Context, h hub.Hub, m *wirepb.HubGet) (*wirepb.HubInstance, error) {
				return ownInstance(h.WaitCompletion(ctx, m.Id))
			}),
			own(s, "Entity", func(ctx context.Context, h hub.Hub, m *wirepb.HubGet) (*wirepb.HubEntity, error) {
				e, err := h.Entity(ctx, m.Id)
				if err != nil {
					return nil, err
				}
				return codec.EncodeOwnEntity(e), nil
			}),
			own(s, "List", ownList),
			own(s, "Counts", func(ctx context.Context, h hub.Hub, _ *wirepb.HubAll) (*wirepb.HubCounts, error) {
				counts, err := h.Counts(ctx)
				return codec.EncodeCounts(counts), err
			}),
			own(s, "Ask", ownAsk),
			own(s, "Position", func(ctx context.Context, h hub.Hub, _ *wirepb.HubAll) (*wirepb.HubPosition, error) {
				p, err := h.Position(ctx)
				return &wirepb.HubPosition{Position: []byte(p)}, err
			}),
			own(s, "Changes", func(ctx context.Context, h hub.Hub, m *wirepb.HubPosition) (*wirepb.HubChanges, error) {
				changes, next, reset, err := h.Changes(ctx, store.Position(m.Position), codec.NarrowInt(m.Limit))
				return codec.EncodeChanges(changes, next, reset), err
			}),
			own(s, "ReadRows", ownReadRows),
			own(s, "WriteRows", func(ctx context.Context, h hub.Hub, m *wirepb.HubWriteRows) (*wirepb.HubDone, error) {
				if claimed(ctx) == nil { // workers write rows as they work: that is no act of a person
					ctx = hub.WithActor(ctx, nil)
				}
				return &wirepb.HubDone{}, h.WriteRows(ctx, codec.DecodeWriteRows(m))
			}),
			own(s, "Ended", keep(ownEnded)),
			own(s, "Entities", keep(ownEntities)),
			own(s, "CleanEntities", keep(ownClean)),
			own(s, "TerminateNow", keep(ownTerminate)),
		},
		Streams: []grpc.StreamDesc{
			ownStream(s, "History", ownEvents),
			ownStream(s, "WatchRows", ownWatchRows),
			{StreamName: "Work", Handler: ownWorkHandler(s), ServerStreams: true, ClientStreams: true},
		},
	}
}

// own describes a method of one request and one answer.
func own[In, Out any, I message[In], O message[Out]](s *Service, name string, do func(context.Context, hub.Hub, *In) (*Out, error)) grpc.MethodDesc {
	return unaryOf[In, Out, I, O](s, OwnService, name, inHub(func(_ *Service, c *call, in *In) (*Out, error) { return do(c.ctx, c.hub, in) }))
}

// ownStream describes a method of one request and many answers.
func ownStream[In, Out any, I message[In]](s *Service, name string, do func(context.Context, hub.Hub, *In, func(*Out) error) error) grpc.StreamDesc {
	return grpc.StreamDesc{StreamName: name, ServerStreams: true, Handler: serverStream[In, I](s, func(_ *Service, c *call, in *In, stream grpc.ServerStream) error {
		return do(c.ctx, c.hub, in, func(out *Out) error { return stream.SendMsg(out) })
	})}
}

// ownWorkHandler serves a worker of ours.
func ownWorkHandler(s *Service) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		c, err := s.open(stream.Context())
		if err == nil {
			err = s.ownWork(c, stream)
		}
		return s.status(stream.Context(), "/"+OwnService+"/Work", err)
	}
}

func ownInstance(i *hub.Instance, err error) (*wirepb.HubInstance, error) {
	if err != nil {
		return nil, err
	}
	return codec.EncodeInstance(i), nil
}

// ownAsk answers with what was asked for, or with the failure of who was asked.
func ownAsk(ctx context.Context, h hub.Hub, m *wirepb.HubAsk) (*wirepb.HubAnswer, error) {
	answer, err := h.Ask(ctx, codec.DecodeAsk(m))
	if failed, ok := err.(*perdure.StepError); ok {
		return &wirepb.HubAnswer{Failure: codec.EncodeFailure(perdure.FailureOf(failed))}, nil
	}
	return &wirepb.HubAnswer{Result: codec.Optional(answer)}, err
}

// ownList answers a page, shorter than asked for if it would have too many bytes.
func ownList(ctx context.Context, h hub.Hub, m *wirepb.HubQuery) (*wirepb.HubPage, error) {
	q := codec.DecodeQuery(m)
	for {
		p, err := h.List(ctx, q)
		if err != nil {
			return nil, err
		}
		bytes := 0
		for _, i := range p.Items {
			bytes += len(i.Input.S) + len(i.Output.S) + len(i.CustomStatus.S) + 1024
		}
		if bytes <= ownPageBytes || len(p.Items) < 2 {
			return codec.EncodePage(&p), nil
		}
		q.Limit = max(1, len(p.Items)/2)
	}
}

// ownReadRows answers a page of rows, shorter than asked for if it would have too
// many bytes.
func ownReadRows(ctx context.Context, h hub.Hub, m *wirepb.HubRowQuery) (*wirepb.HubRows, error) {
	q := codec.DecodeRowQuery(m)
	if caller := access.From(ctx); q.Kind == hub.RowSecret && (caller == nil || caller.Role.Rights&access.Node == 0) {
		return nil, &perdure.Error{Code: perdure.PermissionDenied, Op: "read rows", Instance: q.Owner, Message: "rows of this kind have secrets"}
	}
	for {
		rows, next, err := h.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		bytes := 0
		for i := range rows {
			bytes += len(rows[i].Key) + len(rows[i].Value)
		}
		if bytes <= ownPageBytes || len(rows) < 2 {
			return &wirepb.HubRows{Rows: codec.EncodeRows(rows), Next: next}, nil
		}
		q.Limit = max(1, len(rows)/2)
	}
}

func ownEvents(ctx context.Context, h hub.Hub, m *wirepb.HubGet, send func(*wirepb.HubEvents) error) error {
	events, err := h.History(ctx, m.Id, m.Execution)
	if err != nil {
		return err
	}
	return codec.EncodeEvents(events, ownChunkBytes, send)
}

// ownWatchRows tells of rows that were written until the watch ends.
func ownWatchRows(ctx context.Context, h hub.Hub, m *wirepb.HubRowQuery, send func(*wirepb.HubDone) error) error {
	written, err := h.WatchRows(ctx, store.RowKind(codec.Narrow16(m.Kind)), m.Owner)
	if err != nil {
		return err
	}
	if err := send(&wirepb.HubDone{}); err != nil {
		return err
	}
	for range written {
		if err := send(&wirepb.HubDone{}); err != nil {
			return err
		}
	}
	return nil
}

// keep has a hub do what it need not be able to do.
func keep[In, Out any](do func(context.Context, hub.Upkeep, In) (Out, error)) func(context.Context, hub.Hub, In) (Out, error) {
	return func(ctx context.Context, h hub.Hub, in In) (Out, error) {
		u, ok := h.(hub.Upkeep)
		if !ok {
			var none Out
			return none, &perdure.Error{Code: perdure.Unimplemented, Op: "keep up", Message: "this hub cannot do that"}
		}
		return do(ctx, u, in)
	}
}

func ownEnded(ctx context.Context, h hub.Upkeep, m *wirepb.HubEndedQuery) (*wirepb.HubEnded, error) {
	ids, next, err := h.Ended(ctx, codec.DecodeEndedQuery(m))
	return &wirepb.HubEnded{Ids: ids, Next: next}, err
}

func ownEntities(ctx context.Context, h hub.Upkeep, m *wirepb.HubEntityQuery) (*wirepb.HubEntities, error) {
	list, next, err := h.Entities(ctx, codec.DecodeEntityQuery(m))
	out := &wirepb.HubEntities{Next: next}
	for _, e := range list {
		out.Entities = append(out.Entities, codec.EncodeOwnEntity(e))
	}
	return out, err
}

func ownClean(ctx context.Context, h hub.Upkeep, m *wirepb.HubClean) (*wirepb.HubCleaned, error) {
	c, err := h.CleanEntities(ctx, &hub.CleanEntities{Empty: m.Empty, Locks: m.Locks, After: m.After})
	return &wirepb.HubCleaned{Removed: int64(c.Removed), Released: int64(c.Released), Next: c.Next}, err
}

func ownTerminate(ctx context.Context, h hub.Upkeep, m *wirepb.HubTerminate) (*wirepb.HubLeft, error) {
	reason := codec.TextOf(m.Reason)
	left, err := h.TerminateNow(ctx, m.Ids, reason)
	return &wirepb.HubLeft{Ids: left}, err
}
