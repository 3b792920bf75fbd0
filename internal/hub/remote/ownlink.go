package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"google.golang.org/grpc"
)

const (
	// maxSilence is how long a hub may say nothing before its connection counts as
	// dead.
	maxSilence = 120 * time.Second
	// farewell is how long a worker that stops waits for what the hub has to say.
	farewell = 5 * time.Second
	// batchBytes is about how much is sent as one message, if there is more.
	batchBytes = 1 << 20
)

// ownLink is a connection of a worker to a hub that speaks our own service: one stream
// for the items and for what became of them.
type ownLink struct {
	crew   *crew
	stream grpc.ClientStream
	wake   chan struct{} // has room for one
	over   chan struct{} // closed when our side has ended

	mu      sync.Mutex // guards the rest
	sending bool       // somebody sends; true for ever after the end of our side, or a failure
	number  uint64     // of the last outcome that was sent
	waiting []*report
	sent    map[uint64]*report // not answered yet
	later   int                // refused for now, not in waiting yet
	drains  bool               // the hub is to be told
	closing bool               // our side ends when nothing waits
}

// overOwn works over a stream of our own service until ctx ends, which is no error, or
// it breaks.
func (c *crew) overOwn(ctx context.Context, h *ownSide) error {
	streaming, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	desc := &grpc.StreamDesc{StreamName: "Work", ServerStreams: true, ClientStreams: true}
	s, err := h.conn.NewStream(h.outgoing(streaming), desc, "/"+wire.OwnService+"/Work")
	if err != nil {
		return h.failure(err, "connect worker", "")
	}
	if err := s.SendMsg(&wirepb.HubFromWorker{Hello: c.hello()}); err != nil && err != io.EOF {
		return h.failure(err, "connect worker", "")
	}
	l := &ownLink{crew: c, stream: s, wake: make(chan struct{}, 1), over: make(chan struct{}), sent: map[uint64]*report{}}
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel(nil)
	received := make(chan error, 1)
	silence := time.AfterFunc(maxSilence, func() { cancel(errSilent) })
	defer silence.Stop()
	group.Go(func() { received <- l.receive(silence) })
	group.Go(func() { l.send(streaming) })
	c.attach(l)
	defer func() { c.detach(l.undelivered()) }()
	select {
	case err := <-received:
		return l.broken(streaming, h, err)
	case <-ctx.Done():
	}
	l.drain()
	c.drain()
	l.finish()
	end := time.AfterFunc(farewell, func() { cancel(errFarewell) })
	defer end.Stop()
	if err := <-received; !errors.Is(err, io.EOF) {
		return l.broken(streaming, h, err)
	}
	return nil
}

var (
	errSilent   = fmt.Errorf("the hub has said nothing for %v", maxSilence)
	errFarewell = errors.New("the hub does not say goodbye")
)

// broken is why a connection has ended.
func (l *ownLink) broken(ctx context.Context, h *ownSide, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) {
		return &perdure.Error{Code: perdure.Unavailable, Op: "work", Message: "the hub has ended the connection"}
	}
	return h.failure(err, "work", "")
}

// hello is what the worker says of itself.
func (c *crew) hello() *wirepb.HubHello {
	r := codec.EncodeWorker(&hub.Worker{Filters: filtersOf(c.cfg.Registry)})
	return &wirepb.HubHello{
		Worker: c.cfg.ID, Orchestrations: int32(c.cfg.Orchestrations), Activities: int32(c.cfg.Activities), Entities: int32(c.cfg.Entities),
		Filters: r.WorkItemFilters, Agents: descriptionsOf(c.cfg.Agents),
	}
}

// filtersOf says which items code takes.
func filtersOf(r *perdure.Registry) *hub.Filters {
	f := &hub.Filters{Entities: r.Entities()}
	for _, name := range r.Orchestrations() {
		f.Orchestrations = append(f.Orchestrations, hub.NameFilter{Name: name, Versions: r.OnlyVersions(name)})
	}
	for _, name := range r.Activities() {
		f.Activities = append(f.Activities, hub.NameFilter{Name: name})
	}
	return f
}

// add implements outlet.
func (l *ownLink) add(r *report) {
	l.mu.Lock()
	l.waiting = append(l.waiting, r)
	l.mu.Unlock()
}

// ring implements outlet.
func (l *ownLink) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// send sends what nobody else sends, until our side of the stream ends, or ctx.
func (l *ownLink) send(ctx context.Context) {
	for {
		l.flush()
		select {
		case <-l.wake:
		case <-l.over:
			return
		case <-ctx.Done():
			return
		}
	}
}

// flush implements outlet.
func (l *ownLink) flush() {
	l.mu.Lock()
	if l.sending {
		l.mu.Unlock()
		return // who does sends this too
	}
	l.sending = true
	l.mu.Unlock()
	for {
		m, end := l.next()
		switch {
		case end:
			_ = l.stream.CloseSend() // it never fails
			close(l.over)
			return
		case m == nil:
			return
		case l.stream.SendMsg(m) != nil:
			return // receive hears why
		}
	}
}

// next returns the next message, nil if there is none now, after which nobody sends;
// end says that there will be none.
func (l *ownLink) next() (m *wirepb.HubFromWorker, end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 && !l.drains {
		if l.closing && len(l.sent) == 0 && l.later == 0 {
			return nil, true
		}
		l.sending = false
		return nil, false
	}
	m = &wirepb.HubFromWorker{Draining: l.drains}
	l.drains = false
	size, n := 0, 0
	for ; n < len(l.waiting) && size < batchBytes; n++ {
		l.number++
		o, bytes := outcomeOf(l.waiting[n])
		o.Number = l.number
		l.sent[l.number] = l.waiting[n]
		m.Outcomes = append(m.Outcomes, o)
		size += bytes
	}
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	return m, false
}

// receive takes what the hub sends until the stream ends.
func (l *ownLink) receive(silence *time.Timer) error {
	for {
		m := &wirepb.HubToWorker{}
		if err := l.stream.RecvMsg(m); err != nil {
			return err
		}
		silence.Reset(maxSilence)
		for _, n := range m.Followed {
			l.followed(n)
		}
		for _, n := range m.Accepted {
			if r := l.answered(n); r != nil {
				r.end(nil)
			}
		}
		for _, refused := range m.Refused {
			if r := l.answered(refused.Number); r != nil {
				l.refused(r, codec.DecodeOwnError(refused.Error))
			}
		}
		for _, item := range m.Items {
			work, err := codec.DecodeWork(item)
			if err != nil {
				l.crew.cfg.Logger.Error("a work item cannot be read", "err", err)
				l.add(&report{abandon: &hub.Delivery{Token: item.CompletionToken}})
				l.ring()
				continue
			}
			if work != nil {
				l.crew.take(work)
			}
		}
		if len(m.Accepted)+len(m.Refused) > 0 {
			l.ring() // our side may end now
		}
	}
}

// answered returns the report that the hub has answered.
func (l *ownLink) answered(number uint64) *report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.sent[number]
	delete(l.sent, number)
	return r
}

// followed notes that the hub has taken the follow-up of a report, which it accepts.
func (l *ownLink) followed(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.sent[number]; r != nil && r.followUp != nil {
		r.followUp.Taken = true
	}
}

// refused ends a report with an error, or has it sent again if the error will pass.
func (l *ownLink) refused(r *report, err error) {
	if !passes(err) {
		if r.heartbeat == nil {
			l.crew.cfg.Logger.Debug("the hub does not take an outcome", "err", err)
		}
		r.end(err)
		return
	}
	r.follow(false) // it comes too late by then
	l.mu.Lock()
	l.later++
	l.mu.Unlock()
	time.AfterFunc(jitter(againAfter), func() {
		l.mu.Lock()
		l.later--
		l.mu.Unlock()
		l.crew.report(r)
	})
}

// againAfter is about when an outcome is told again that could not be taken.
const againAfter = time.Second

// passes reports whether the hub may take later what it has refused with err.
func passes(err error) bool {
	switch perdure.CodeOf(err) {
	case perdure.Unavailable, perdure.NoSpace, perdure.ResourceExhausted, perdure.DeadlineExceeded, perdure.Canceled:
		return true
	}
	return false
}

// drain tells the hub that the worker takes no more items.
func (l *ownLink) drain() {
	l.mu.Lock()
	l.drains = true
	l.mu.Unlock()
	l.ring()
}

// finish ends our side once all was told and answered.
func (l *ownLink) finish() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.ring()
}

// undelivered returns the reports of which it is not known whether the hub has them,
// in order.
func (l *ownLink) undelivered() []*report {
	l.mu.Lock()
	defer l.mu.Unlock()
	numbers := make([]uint64, 0, len(l.sent))
	for n := range l.sent {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var list []*report
	for _, n := range numbers {
		list = append(list, l.sent[n])
	}
	list = append(list, l.waiting...)
	for _, r := range list {
		r.follow(false)
	}
	l.sent, l.waiting = map[uint64]*report{}, nil
	return list
}
