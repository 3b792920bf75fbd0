package wire

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

const (
	// ownHistory is how many bytes of history a worker of ours is sent with an item;
	// longer ones it reads itself.
	ownHistory = 8 << 20
	// ownBatchBytes is about how much is sent as one message, if there are several.
	ownBatchBytes = 1 << 20
	// ownUntold is how many outcomes are taken before the worker has read what became
	// of earlier ones.
	ownUntold = 4096
)

// ownWorker is a connected worker of ours. The goroutine of its handler fetches items
// from the hub and sends; one reads outcomes.
type ownWorker struct {
	hub     hub.Hub
	workers hub.Workers
	from    grpc.ServerStream
	items   hub.Batched
	waiting []ownItem     // fetched and to be sent; the handler's
	leaves  atomic.Bool   // no more items are to be fetched
	untold  chan struct{} // holds a value for each outcome whose answer was not sent
	wake    chan struct{} // has room for one

	mu   sync.Mutex // guards the rest
	told wirepb.HubToWorker
	over bool  // nothing more comes
	err  error // why, if by an error
}

// ownItem is a work item with about its size.
type ownItem struct {
	item *wirepb.WorkItem
	size int
}

// ownWork serves a worker of ours until one side ends it.
func (s *Service) ownWork(c *call, stream grpc.ServerStream) error {
	workers, ok := c.hub.(hub.Workers)
	if !ok {
		return unimplemented("workers outside of its process")
	}
	first := &wirepb.HubFromWorker{}
	if err := stream.RecvMsg(first); err != nil {
		return malformed(err)
	}
	worker, err := ownHello(first.GetHello())
	if err != nil {
		return err
	}
	_, worker.Follows = workers.(hub.Outcomes) // others are told outcomes out of order
	worker.Client, worker.Address = clip(sdk(c.ctx), maxSDK), addressOf(c.ctx)
	items, err := workers.Connect(c.ctx, worker)
	if err != nil {
		return err
	}
	defer s.announce(c, first.Hello.Agents)()
	fetching, stop := context.WithCancel(c.ctx)
	defer stop()
	w := &ownWorker{
		hub: c.hub, workers: workers, from: stream, items: batched(fetching, items),
		untold: make(chan struct{}, ownUntold), wake: make(chan struct{}, 1),
	}
	err = w.serve(c.ctx, s.cfg.Ping)
	items.Close(lost(c.ctx, err))
	return err
}

// announce passes on which agents a worker serves, and returns what is to be called
// when it is gone. Others than ours do not say it.
func (s *Service) announce(c *call, agents []*wirepb.AgentDescription) (gone func()) {
	if c.own && len(agents) > 0 && s.cfg.Announce != nil {
		return s.cfg.Announce(c.ctx, c.name, agents)
	}
	return func() {}
}

// ownHello reads what a worker of ours says of itself.
func ownHello(m *wirepb.HubHello) (*hub.Worker, error) {
	if m == nil {
		return nil, invalid("connect", "", "the first message of a worker is its hello")
	}
	w, err := codec.DecodeWorker(&wirepb.GetWorkItemsRequest{
		MaxConcurrentOrchestrationWorkItems: m.Orchestrations, MaxConcurrentActivityWorkItems: m.Activities,
		MaxConcurrentEntityWorkItems: m.Entities, WorkItemFilters: m.Filters,
	}, "", m.Worker)
	if err != nil {
		return nil, err
	}
	w.Own, w.MaxHistory, w.StreamsHistory = true, ownHistory, true
	return w, nil
}

// serve sends what there is to be sent until the worker has ended its side and was
// told all, or something fails.
func (w *ownWorker) serve(ctx context.Context, ping time.Duration) error {
	go w.receive(ctx) // it ends with the stream, when this handler has returned
	silence := time.NewTimer(0)
	defer silence.Stop()
	for {
		w.fetch()
		m, over, err := w.next()
		if m == nil && over {
			return err
		}
		if m == nil {
			select {
			case <-w.wake:
				continue
			case <-w.items.Ready():
				continue
			case <-silence.C:
				m = &wirepb.HubToWorker{Alive: true}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if err := w.from.SendMsg(m); err != nil {
			return err
		}
		for range len(m.Accepted) + len(m.Refused) {
			<-w.untold
		}
		silence.Reset(ping)
	}
}

// fetch takes the items that are ready from the hub.
func (w *ownWorker) fetch() {
	if w.leaves.Load() {
		return // what is there is given back when the stream is closed
	}
	list, err := w.items.Take()
	if err != nil {
		w.leaves.Store(true)
		w.end(err)
	}
	for _, work := range list {
		w.waiting = append(w.waiting, ownItem{codec.EncodeWork(work, true), ownSize(work)})
	}
}

// next returns what is to be sent now, nil if nothing is, and whether and why
// nothing more comes after it.
func (w *ownWorker) next() (m *wirepb.HubToWorker, over bool, err error) {
	w.mu.Lock()
	accepted, refused, followed := w.told.Accepted, w.told.Refused, w.told.Followed
	w.told.Accepted, w.told.Refused, w.told.Followed = nil, nil, nil
	over, err = w.over, w.err
	w.mu.Unlock()
	if len(w.waiting)+len(accepted)+len(refused) == 0 {
		return nil, over, err
	}
	m = &wirepb.HubToWorker{Accepted: accepted, Refused: refused, Followed: followed}
	size, n := 0, 0
	for ; n < len(w.waiting) && (n == 0 || size+w.waiting[n].size <= ownBatchBytes); n++ {
		m.Items = append(m.Items, w.waiting[n].item)
		size += w.waiting[n].size
	}
	if w.waiting = w.waiting[n:]; len(w.waiting) == 0 {
		w.waiting = nil
	}
	return m, false, nil
}

// end says that nothing more comes, and why if by an error.
func (w *ownWorker) end(err error) {
	w.mu.Lock()
	if !w.over {
		w.over, w.err = true, err
	}
	w.mu.Unlock()
	w.ring()
}

func (w *ownWorker) ring() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// ownSize is about how many bytes an item has on the wire.
func ownSize(work *hub.Work) int {
	const rest = 256
	size := rest
	switch {
	case work.Orchestration != nil:
		for _, events := range [...][][]byte{work.Orchestration.Past, work.Orchestration.New} {
			for _, e := range events {
				size += len(e)
			}
		}
	case work.Activity != nil:
		size += len(work.Activity.Input.S)
	case work.Entity != nil:
		size += len(work.Entity.State.S)
		for _, e := range work.Entity.Operations {
			size += len(e)
		}
	}
	return size
}

// receive takes outcomes until the worker ends its side, or the stream breaks.
func (w *ownWorker) receive(ctx context.Context) {
	var untaken sync.WaitGroup // outcomes that the hub has not answered
	for {
		m := &wirepb.HubFromWorker{}
		err := w.from.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			w.leaves.Store(true)
			untaken.Wait()
			w.end(nil)
			return
		}
		if err != nil {
			w.end(err)
			return
		}
		if m.Draining {
			w.leaves.Store(true)
		}
		for _, o := range m.Outcomes {
			select {
			case w.untold <- struct{}{}:
			case <-ctx.Done():
				return
			}
			untaken.Add(1)
			w.take(ctx, o, func(followed bool, err error) {
				w.tell(o.Number, followed, err)
				untaken.Done()
			})
		}
	}
}

// take gives an outcome to the hub, which says by told what becomes of it: nil once it
// is durable, and whether its follow-up is.
func (w *ownWorker) take(ctx context.Context, o *wirepb.HubOutcome, told func(followed bool, err error)) {
	var out hub.Outcome
	var err error
	switch m := o.What.(type) {
	case *wirepb.HubOutcome_Orchestration:
		out.Orchestration, _, err = codec.DecodeTurn(m.Orchestration, true)
	case *wirepb.HubOutcome_Activity:
		out.Activity = codec.DecodeActivityDone(m.Activity, true)
		if o.FollowUp != nil {
			out.Activity.FollowUp, err = codec.DecodeFollowUp(o.FollowUp)
		}
	case *wirepb.HubOutcome_Entity:
		out.Entity, _, err = codec.DecodeEntityDone(m.Entity, true)
	case *wirepb.HubOutcome_Abandoned:
		out.Abandoned = &hub.Delivery{Token: m.Abandoned}
	case *wirepb.HubOutcome_Heartbeat:
		go func() { told(false, w.hub.Heartbeat(ctx, m.Heartbeat.GetToken(), codec.TextOf(m.Heartbeat.Progress))) }()
		return
	default:
		err = invalid("complete", "", "this hub does not know outcomes of this kind")
	}
	if err != nil {
		told(false, err)
		return
	}
	outcomes(ctx, w.workers, out, func(err error) {
		told(err == nil && out.Activity != nil && out.Activity.FollowUp != nil && out.Activity.FollowUp.Taken, err)
	})
}

// tell has the worker told what became of an outcome.
func (w *ownWorker) tell(number uint64, followed bool, err error) {
	var refusal *wirepb.HubRefusal
	if err != nil {
		refusal = &wirepb.HubRefusal{Number: number, Error: codec.EncodeOwnError(err)}
	}
	w.mu.Lock()
	if refusal == nil {
		w.told.Accepted = append(w.told.Accepted, number)
		if followed {
			w.told.Followed = append(w.told.Followed, number)
		}
	} else {
		w.told.Refused = append(w.told.Refused, refusal)
	}
	w.mu.Unlock()
	w.ring()
}
