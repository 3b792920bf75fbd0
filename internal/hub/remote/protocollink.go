package remote

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// protocolLink is a connection of a worker to a hub that speaks the protocol only:
// items come by a stream, each outcome is a call.
type protocolLink struct {
	crew *crew
	hub  *protocolSide
	own  atomic.Bool // the hub is one of ours: it knows our own fields
}

// overProtocol works over a stream of work items until ctx ends, which is no error, or
// it breaks.
func (c *crew) overProtocol(ctx context.Context, h *protocolSide) error {
	if err := h.call(ctx, "connect worker", "", protocol+"Hello", &emptypb.Empty{}, &emptypb.Empty{}, patient); err != nil {
		return err
	}
	streaming, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	l := &protocolLink{crew: c, hub: h}
	l.own.Store(h.level > 0)
	s, err := l.open(streaming)
	if err != nil {
		return h.failure(err, "connect worker", "")
	}
	received := make(chan error, 1)
	silence := time.AfterFunc(maxSilence, func() { cancel(errSilent) })
	defer silence.Stop()
	go func() { received <- l.receive(s, silence) }()
	c.attach(each(l.send))
	select {
	case err = <-received:
		c.detach(nil)
	case <-ctx.Done():
		// Items that come from now on are given back; the end of the stream, which we
		// bring about, is none by loss.
		c.drain()
		c.detach(nil) // no more calls begin
		end := time.AfterFunc(farewell, c.stopTelling)
		defer end.Stop()
		c.calls.Wait()
		cancel(nil)
		<-received
		return nil
	}
	switch cause := context.Cause(streaming); {
	case cause != nil:
		return cause
	case errors.Is(err, io.EOF):
		return &perdure.Error{Code: perdure.Unavailable, Op: "work", Message: "the hub has ended the stream"}
	}
	return h.failure(err, "work", "")
}

// open asks for work items.
func (l *protocolLink) open(ctx context.Context) (grpc.ClientStream, error) {
	cfg := l.crew.cfg
	in := codec.EncodeWorker(&hub.Worker{
		Orchestrations: cfg.Orchestrations, Activities: cfg.Activities, Entities: cfg.Entities, Filters: filtersOf(cfg.Registry),
		StreamsHistory: true, Own: true,
	})
	in.Agents = descriptionsOf(cfg.Agents)
	ctx = metadata.AppendToOutgoingContext(l.hub.outgoing(ctx), "workerid", cfg.ID)
	s, err := l.hub.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, protocol+"GetWorkItems")
	if err != nil {
		return nil, err
	}
	if err := s.SendMsg(in); err != nil && err != io.EOF { // EOF: RecvMsg says why
		return nil, err
	}
	return s, s.CloseSend()
}

// receive takes items until the stream ends.
func (l *protocolLink) receive(s grpc.ClientStream, silence *time.Timer) error {
	for {
		item := &wirepb.WorkItem{}
		if err := s.RecvMsg(item); err != nil {
			return err
		}
		silence.Reset(maxSilence)
		if ping := item.GetHealthPing(); ping != nil {
			l.own.Store(ping.Level > 0)
			continue
		}
		work, err := codec.DecodeWork(item)
		if err != nil {
			l.crew.cfg.Logger.Error("a work item cannot be read", "err", err)
			continue
		}
		if work != nil {
			l.crew.take(work)
		}
	}
}

// send has a report sent by a call of its own, which outlives the stream.
func (l *protocolLink) send(r *report) {
	l.crew.calls.Go(func() {
		pause := againAfter
		for {
			err := l.tell(r)
			if !passes(err) || l.crew.telling.Err() != nil {
				if err != nil && r.heartbeat == nil {
					l.crew.cfg.Logger.Debug("the hub does not take an outcome", "err", err)
				}
				r.end(err)
				return
			}
			select {
			case <-l.hub.closed:
				r.end(err)
				return
			default:
			}
			sleep(l.crew.telling, l.hub.closed, jitter(pause))
			pause = min(2*pause, lastReconnect)
		}
	})
}

// tell makes the call of a report.
func (l *protocolLink) tell(r *report) error {
	ctx, own := l.crew.telling, l.own.Load()
	call := func(op, id, method string, in, out any) error {
		return l.hub.call(ctx, op, id, protocol+method, in, out, patient)
	}
	switch {
	case r.turn != nil && !own && (r.turn.Result.Diverged != nil || r.turn.Result.Unknown):
		// It is tried again later, perhaps by a worker with code that fits.
		l.crew.cfg.Logger.Warn("an orchestration cannot go on", "instance", r.turn.InstanceID, "unknown", r.turn.Result.Unknown, "diverged", r.turn.Result.Diverged)
		return call("abandon", r.turn.InstanceID, "AbandonTaskOrchestratorWorkItem",
			&wirepb.AbandonOrchestrationTaskRequest{CompletionToken: r.turn.Token}, &wirepb.AbandonOrchestrationTaskResponse{})
	case r.turn != nil:
		done := r.turn
		if !own {
			done = l.plain(done)
		}
		return call("complete turn", done.InstanceID, "CompleteOrchestratorTask", codec.EncodeTurn(done), &wirepb.CompleteTaskResponse{})
	case r.activity != nil:
		done := r.activity
		if done.Pending && !own {
			failed := *done
			failed.Pending, failed.Failure = false, perdure.FailureOf(l.hub.cannot("run activity", done.InstanceID, "completion of activities from elsewhere"))
			done = &failed
		}
		return call("complete activity", done.InstanceID, "CompleteActivityTask", codec.EncodeActivityDone(done), &wirepb.CompleteTaskResponse{})
	case r.entity != nil:
		done := r.entity
		if !own {
			done = l.plainBatch(done, r.before)
		}
		return call("complete batch", done.InstanceID, "CompleteEntityTask", codec.EncodeEntityDone(done), &wirepb.CompleteTaskResponse{})
	case r.heartbeat != nil:
		if !own {
			return nil // nobody listens
		}
		return call("heartbeat", "", "CompleteActivityTask", codec.EncodeHeartbeat(r.heartbeat.token, r.heartbeat.text()), &wirepb.CompleteTaskResponse{})
	case r.abandon != nil:
		return l.abandon(r, call)
	}
	return nil
}

// abandon gives an item back.
func (l *protocolLink) abandon(r *report, call func(op, id, method string, in, out any) error) error {
	token := r.abandon.Token
	switch r.kind {
	case ofActivity:
		return call("abandon", r.abandon.InstanceID, "AbandonTaskActivityWorkItem",
			&wirepb.AbandonActivityTaskRequest{CompletionToken: token}, &wirepb.AbandonActivityTaskResponse{})
	case ofBatch:
		return call("abandon", r.abandon.InstanceID, "AbandonTaskEntityWorkItem",
			&wirepb.AbandonEntityTaskRequest{CompletionToken: token}, &wirepb.AbandonEntityTaskResponse{})
	}
	return call("abandon", r.abandon.InstanceID, "AbandonTaskOrchestratorWorkItem",
		&wirepb.AbandonOrchestrationTaskRequest{CompletionToken: token}, &wirepb.AbandonOrchestrationTaskResponse{})
}
