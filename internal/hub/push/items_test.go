package push_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/internal/signing"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store/memory"
)

var key = signing.Key("0123456789abcdef")

// itemsHarness runs local hubs whose workers are called over HTTP.
type itemsHarness struct{ disk *memory.Disk }

// Start implements hubtest.Harness.
func (h itemsHarness) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	near, stop := startLocal(t, h.disk, reg, c)
	p := &pushed{Hub: near, t: t, pending: map[string]*pending{}}
	return p, func() {
		stop()
		p.all.Wait()
	}
}

// startLocal runs a local hub.
func startLocal(t testing.TB, disk *memory.Disk, reg *perdure.Registry, c clock.Clock) (*local.Hub, func()) {
	t.Helper()
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: reg, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- near.Run(ctx) }()
	return near, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

// pushed is a hub whose workers are sites: what tests say that became of an item is the
// answer of the request with it.
type pushed struct {
	*local.Hub
	t   testing.TB
	all sync.WaitGroup

	mu      sync.Mutex
	pending map[string]*pending // by token
}

// pending is a request that is not answered.
type pending struct {
	item   *hub.Work
	answer chan *wirepb.HubOutcome
	result chan error // of the hub
}

// site is a worker at a URL, and the stream that tests see of it.
type site struct {
	hub    *pushed
	as     hub.Worker
	items  chan *hub.Work
	cancel context.CancelFunc // ends the caller
	ended  chan struct{}      // the caller has ended
	gone   chan struct{}      // the hub has ended its stream
	asked  chan struct{}      // the hub knows of the worker
	wanted chan struct{}      // the test has asked for items: before, the hub is not
	got    chan struct{}      // receives for each request with an item

	mu    sync.Mutex
	taken map[string]bool // by the test
	lost  map[string]bool
	abort chan struct{} // closed when the site crashes
	want  sync.Once
}

// Connect implements hub.Workers.
func (h *pushed) Connect(ctx context.Context, w *hub.Worker) (hub.Stream, error) {
	if w.Orchestrations < 0 || w.Activities < 0 || w.Entities < 0 || w.MaxHistory < 0 {
		return h.Hub.Connect(ctx, w)
	}
	calling, cancel := context.WithCancel(context.Background())
	s := &site{hub: h, as: *w, items: make(chan *hub.Work, 10_000), cancel: cancel, ended: make(chan struct{}), gone: make(chan struct{}),
		asked: make(chan struct{}), wanted: make(chan struct{}), got: make(chan struct{}, 10_000), taken: map[string]bool{}, lost: map[string]bool{}, abort: make(chan struct{})}
	server := httptest.NewServer(s)
	transport := &http.Transport{}
	caller := push.New(push.Config{Hub: stand{h, s}, Worker: push.Worker{Name: w.ID, URL: server.URL, Key: key}, Transport: transport,
		FirstPause: time.Millisecond, MaxPause: 5 * time.Millisecond})
	h.all.Add(1)
	go func() {
		defer h.all.Done()
		defer close(s.ended)
		defer server.Close() // waits for the requests
		defer transport.CloseIdleConnections()
		caller.Run(calling)
	}()
	select {
	case <-s.asked:
		return s, nil
	case <-ctx.Done():
		cancel()
		return nil, context.Cause(ctx)
	}
}

// stand is the hub as the caller sees it: tests say what the worker is like, and are
// told what became of their outcomes.
type stand struct {
	*pushed
	site *site
}

// Connect implements hub.Workers.
func (h stand) Connect(ctx context.Context, _ *hub.Worker) (hub.Stream, error) {
	s, err := h.pushed.Hub.Connect(ctx, &h.site.as)
	if err != nil {
		return nil, err
	}
	select {
	case <-h.site.asked:
	default:
		close(h.site.asked)
	}
	return &asking{Stream: s, site: h.site}, nil
}

// asking is the hub's stream, which tells when it was asked and that it has ended.
type asking struct {
	hub.Stream
	site *site
	sent bool // the last item that was returned is on its way
}

// Next implements hub.Stream.
func (a *asking) Next(ctx context.Context) (*hub.Work, error) {
	select {
	case <-a.site.wanted:
	case <-ctx.Done():
	}
	if a.sent { // requests overtake each other, tests want an order
		select {
		case <-a.site.got:
		case <-ctx.Done():
		}
	}
	w, err := a.Stream.Next(ctx)
	a.sent = err == nil && w.Cancel == nil
	if err != nil && ctx.Err() == nil {
		close(a.site.gone)
		a.site.cancel()
	}
	return w, err
}

// CompleteOrchestration implements hub.Workers.
func (h stand) CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error {
	return h.result(done.Token, h.Hub.CompleteOrchestration(ctx, done))
}

// CompleteActivity implements hub.Workers.
func (h stand) CompleteActivity(ctx context.Context, done *hub.ActivityDone) error {
	return h.result(done.Token, h.Hub.CompleteActivity(ctx, done))
}

// CompleteEntity implements hub.Workers.
func (h stand) CompleteEntity(ctx context.Context, done *hub.EntityDone) error {
	return h.result(done.Token, h.Hub.CompleteEntity(ctx, done))
}

// Abandon implements hub.Workers.
func (h stand) Abandon(ctx context.Context, d hub.Delivery) error {
	err := h.result(d.Token, h.Hub.Abandon(ctx, d))
	if d.Lost {
		h.site.mu.Lock()
		h.site.lost[d.Token] = true
		h.site.mu.Unlock()
	}
	return err
}

func (h stand) result(token string, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.pending[token]; p != nil {
		p.result <- err
		delete(h.pending, token)
	}
	return err
}

// answered answers the request with an item; false = it is not open.
func (h *pushed) answered(ctx context.Context, token string, o *wirepb.HubOutcome) (error, bool) {
	h.mu.Lock()
	p := h.pending[token]
	h.mu.Unlock()
	if p == nil || (o.GetActivity() != nil) != (p.item.Activity != nil) && o.GetAbandoned() == "" {
		return nil, false
	}
	select {
	case p.answer <- o:
	default:
		return nil, false // it was answered
	}
	select {
	case err := <-p.result:
		return err, true
	case <-ctx.Done():
		return context.Cause(ctx), true
	}
}

// CompleteOrchestration implements hub.Workers.
func (h *pushed) CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error {
	o := &wirepb.HubOutcome{What: &wirepb.HubOutcome_Orchestration{Orchestration: codec.EncodeTurn(done)}}
	if err, ok := h.answered(ctx, done.Token, o); ok {
		return err
	}
	return h.Hub.CompleteOrchestration(ctx, done)
}

// CompleteActivity implements hub.Workers.
func (h *pushed) CompleteActivity(ctx context.Context, done *hub.ActivityDone) error {
	o := &wirepb.HubOutcome{What: &wirepb.HubOutcome_Activity{Activity: codec.EncodeActivityDone(done)}}
	if err, ok := h.answered(ctx, done.Token, o); ok {
		return err
	}
	return h.Hub.CompleteActivity(ctx, done)
}

// CompleteEntity implements hub.Workers.
func (h *pushed) CompleteEntity(ctx context.Context, done *hub.EntityDone) error {
	o := &wirepb.HubOutcome{What: &wirepb.HubOutcome_Entity{Entity: codec.EncodeEntityDone(done)}}
	if err, ok := h.answered(ctx, done.Token, o); ok {
		return err
	}
	return h.Hub.CompleteEntity(ctx, done)
}

// Abandon implements hub.Workers.
func (h *pushed) Abandon(ctx context.Context, d hub.Delivery) error {
	if err, ok := h.answered(ctx, d.Token, &wirepb.HubOutcome{What: &wirepb.HubOutcome_Abandoned{Abandoned: d.Token}}); ok {
		return err
	}
	return h.Hub.Abandon(ctx, d)
}

// ServeHTTP takes an item, and answers when the test has done it.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = signing.Check([]signing.Key{key}, r.Header, time.Now(), body)
	}
	in := &wirepb.HubPush{}
	if err == nil {
		err = proto.Unmarshal(body, in)
	}
	if err != nil {
		s.hub.t.Errorf("a request is not one of the hub's: %v", err)
		return
	}
	if in.Item == nil {
		_, _ = protodelim.MarshalTo(w, &wirepb.HubPushed{Hello: &wirepb.HubHello{Worker: "site"}})
		return
	}
	work, err := codec.DecodeWork(in.Item)
	if err != nil {
		s.hub.t.Errorf("an item cannot be read: %v", err)
		return
	}
	p := &pending{item: work, answer: make(chan *wirepb.HubOutcome, 1), result: make(chan error, 1)}
	s.hub.mu.Lock()
	s.hub.pending[work.Token] = p
	s.hub.mu.Unlock()
	s.items <- work
	s.got <- struct{}{}
	select {
	case o := <-p.answer:
		_, _ = protodelim.MarshalTo(w, &wirepb.HubPushed{Outcome: o})
	case <-r.Context().Done():
		s.hub.mu.Lock()
		delete(s.hub.pending, work.Token)
		s.hub.mu.Unlock()
		if work.Activity != nil && s.as.Own {
			s.items <- &hub.Work{Token: work.Token, Cancel: &hub.CancelWork{Reason: "the request has ended"}}
		}
	case <-s.abort:
		s.mu.Lock()
		taken := s.taken[work.Token]
		s.mu.Unlock()
		if taken {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	}
}

// Next implements hub.Stream.
func (s *site) Next(ctx context.Context) (*hub.Work, error) {
	s.want.Do(func() { close(s.wanted) })
	for {
		select {
		case w := <-s.items:
			s.mu.Lock()
			s.taken[w.Token] = true
			s.mu.Unlock()
			return w, nil
		default:
		}
		select {
		case w := <-s.items:
			s.items <- w
		case <-s.gone:
			return nil, &perdure.Error{Code: perdure.Unavailable, Message: "the hub has ended"}
		case <-s.ended:
			return nil, &perdure.Error{Code: perdure.Unavailable, Message: "the stream was closed"}
		case <-ctx.Done():
			return nil, &perdure.Error{Code: perdure.Canceled, Message: "given up", Cause: ctx.Err()}
		}
	}
}

// Close implements hub.Stream.
func (s *site) Close(lost bool) {
	if lost {
		s.crash()
	}
	s.cancel()
	<-s.ended
}

// crash has the site end all requests whose items the test has taken, and waits until
// the hub has heard of it.
func (s *site) crash() {
	s.mu.Lock()
	waits := map[string]bool{}
	s.hub.mu.Lock()
	for token := range s.taken {
		if s.hub.pending[token] != nil {
			waits[token] = true
		}
	}
	s.hub.mu.Unlock()
	close(s.abort)
	s.mu.Unlock()
	for {
		s.mu.Lock()
		n := 0
		for token := range waits {
			if s.lost[token] {
				n++
			}
		}
		s.mu.Unlock()
		select {
		case <-s.ended:
			return
		case <-time.After(time.Millisecond):
		}
		if n == len(waits) {
			return
		}
	}
}

// TestItems checks the exchange: what workers are handed, and what becomes of it.
func TestItems(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.RunBut(t, func(*testing.T) hubtest.Harness { return itemsHarness{&memory.Disk{}} },
		"RemoteItems/W06Unread") // what is sent was fetched
}
