package wire

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// workStream is a connected worker.
type workStream struct {
	s       *Service
	c       *call
	workers hub.Workers
	worker  *hub.Worker
	stream  grpc.ServerStream
	plain   bool      // the worker knows no rewinds
	sent    []turnKey // of turns that may still be completed in parts
}

// getWorkItems sends a worker its items until one of the two goes.
func (s *Service) getWorkItems(c *call, in *wirepb.GetWorkItemsRequest, stream grpc.ServerStream) error {
	workers, ok := c.hub.(hub.Workers)
	if !ok {
		return unimplemented("workers outside of its process")
	}
	worker, err := codec.DecodeWorker(in, sdk(c.ctx), header(c.ctx, keyWorker))
	if err != nil {
		return err
	}
	worker.Client, worker.Address = clip(sdk(c.ctx), maxSDK), addressOf(c.ctx)
	connected, err := workers.Connect(c.ctx, worker)
	if err != nil {
		return err
	}
	s.announce(c, in.GetAgents())
	w := &workStream{s: s, c: c, workers: workers, worker: worker, stream: stream, plain: knowsNoRewind(c.ctx)}
	err = w.serve(connected)
	connected.Close(lost(c.ctx, err))
	s.turns.drop(c.name, w.sent)
	return err
}

// lost reports whether a stream that has ended with err was lost with its worker: not
// one that we have ended, nor one that the worker has. UNAVAILABLE is what sending
// ends with when the connection breaks.
func lost(ctx context.Context, err error) bool {
	broken := status.Code(err) == codes.Unavailable
	return (broken || ctx.Err() != nil) && connectionLost(ctx, broken)
}

// serve sends items and pings until the stream or the hub ends. The end of the hub
// ends the stream in order, so that its worker connects anew.
func (w *workStream) serve(connected hub.Stream) error {
	ctx, cancel := context.WithCancel(w.c.ctx)
	items := make(chan *hub.Work)
	ended := make(chan error, 1)
	var fetching sync.WaitGroup
	fetching.Go(func() {
		for {
			work, err := connected.Next(ctx)
			if err != nil {
				ended <- err
				return
			}
			select {
			case items <- work:
			case <-ctx.Done():
				ended <- ctx.Err()
				return
			}
		}
	})
	defer fetching.Wait()
	defer cancel()
	silence := w.s.cfg.Clock.NewTimer(w.s.cfg.Ping)
	defer silence.Stop()
	err := w.ping() // at once: .NET counts a stream that ends before its first message as broken
	for err == nil {
		select {
		case work := <-items:
			err = w.send(ctx, work)
		case <-silence.C():
			err = w.ping()
		case err := <-ended:
			if perdure.CodeOf(err) == perdure.Unavailable {
				return nil
			}
			return err
		}
		silence.Reset(w.s.cfg.Ping)
	}
	return err
}

func (w *workStream) ping() error {
	ping := &wirepb.HealthPing{}
	if w.worker.Own {
		ping.Level = Level
	}
	return w.stream.SendMsg(&wirepb.WorkItem{Request: &wirepb.WorkItem_HealthPing{HealthPing: ping}})
}

// send sends an item. What the worker could not receive is settled in its place:
// such a message would end its stream, again and again.
func (w *workStream) send(ctx context.Context, work *hub.Work) error {
	if w.plain && work.Orchestration != nil && !w.withoutRewinds(ctx, work) {
		return nil
	}
	item := codec.EncodeWork(work, w.worker.Own)
	if w.worker.MaxHistory > 0 && proto.Size(item) > codec.MaxItem {
		if work = w.shrink(ctx, work); work == nil {
			return nil
		}
		item = codec.EncodeWork(work, w.worker.Own)
	}
	if work.Orchestration != nil {
		w.remember(work)
	}
	return w.stream.SendMsg(item)
}

// remember makes it possible to complete a turn in parts. Keys of turns that have
// been completed are forgotten now and then.
func (w *workStream) remember(work *hub.Work) {
	key := turnKey{w.c.name, work.Token}
	if len(w.sent) == cap(w.sent) {
		w.sent = w.s.turns.stillOpen(w.sent)
	}
	w.sent = append(w.sent, key)
	w.s.turns.add(key)
}
