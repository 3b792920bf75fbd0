package wire_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// scripted is a hub that hands out what a test tells it to, and writes down what
// comes back.
type scripted struct {
	hub.Hub
	work   chan *hub.Work
	closed chan struct{} // the hub ends
	ends   chan bool     // what streams were closed with

	mu        sync.Mutex // guards what follows
	workers   []hub.Worker
	turns     []*hub.OrchestrationDone
	acts      []*hub.ActivityDone
	batches   []*hub.EntityDone
	abandoned []hub.Delivery
	beats     []string
	refuse    error // completions are answered with it
}

func newScripted() *scripted {
	return &scripted{work: make(chan *hub.Work, 100), closed: make(chan struct{}), ends: make(chan bool, 100)}
}

// Open implements wire.Hubs, with Create and Delete.
func (h *scripted) Open(context.Context, string) (hub.Hub, error) { return h, nil }
func (h *scripted) Create(context.Context, string, bool) error    { return nil }
func (h *scripted) Delete(context.Context, string) error          { return nil }
func (h *scripted) Connect(_ context.Context, w *hub.Worker) (hub.Stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.workers = append(h.workers, *w)
	return scriptedStream{h}, nil
}

func (h *scripted) CompleteOrchestration(_ context.Context, done *hub.OrchestrationDone) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turns = append(h.turns, done)
	return h.refuse
}

func (h *scripted) CompleteActivity(_ context.Context, done *hub.ActivityDone) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, done)
	return h.refuse
}

func (h *scripted) CompleteEntity(_ context.Context, done *hub.EntityDone) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.batches = append(h.batches, done)
	return h.refuse
}

func (h *scripted) Abandon(_ context.Context, d hub.Delivery) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandoned = append(h.abandoned, d)
	return nil
}

func (h *scripted) Heartbeat(_ context.Context, token string, progress history.Text) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beats = append(h.beats, token+":"+progress.S)
	return nil
}

// look reads what was written down.
func look[T any](h *scripted, what *T) T {
	h.mu.Lock()
	defer h.mu.Unlock()
	return *what
}

type scriptedStream struct{ h *scripted }

func (s scriptedStream) Next(ctx context.Context) (*hub.Work, error) {
	select {
	case w := <-s.h.work:
		return w, nil
	case <-s.h.closed:
		return nil, &perdure.Error{Code: perdure.Unavailable, Message: "the hub has ended"}
	case <-ctx.Done():
		return nil, &perdure.Error{Code: perdure.Canceled, Message: "the stream has ended"}
	}
}

func (s scriptedStream) Close(lost bool) { s.h.ends <- lost }

// serveScripted serves a scripted hub.
func serveScripted(t *testing.T, options ...option) (*scripted, *server) {
	t.Helper()
	h := newScripted()
	cfg := wire.Config{Hubs: h}
	for _, o := range options {
		o(nil, &cfg)
	}
	return h, serveHubs(t, cfg)
}

// items is a stream of work items, as a worker has it.
type items struct {
	s      *server
	stream grpc.ClientStream
	cancel context.CancelFunc
}

// connect opens a stream and reads its first message, a ping.
func (s *server) connect(in *wirepb.GetWorkItemsRequest, pairs ...string) *items {
	s.t.Helper()
	return s.connectOn(s.conn, in, pairs...)
}

func (s *server) connectOn(conn *grpc.ClientConn, in *wirepb.GetWorkItemsRequest, pairs ...string) *items {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.with(pairs...))
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/TaskHubSidecarService/GetWorkItems")
	if err == nil {
		err = stream.SendMsg(in)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	w := &items{s: s, stream: stream, cancel: cancel}
	s.t.Cleanup(cancel)
	if first := w.next(); first.GetHealthPing() == nil {
		s.t.Fatalf("the first message = %v, want a ping", first)
	}
	return w
}

// next returns the next message.
func (w *items) next() *wirepb.WorkItem {
	w.s.t.Helper()
	item, err := w.receive()
	if err != nil {
		w.s.t.Fatalf("GetWorkItems() = %v", err)
	}
	return item
}

func (w *items) receive() (*wirepb.WorkItem, error) {
	item := &wirepb.WorkItem{}
	return item, w.stream.RecvMsg(item)
}

// item returns the next message that is no ping.
func (w *items) item() *wirepb.WorkItem {
	w.s.t.Helper()
	for {
		if item := w.next(); item.GetHealthPing() == nil {
			return item
		}
	}
}

// dialCut dials a connection and returns what cuts it.
func (s *server) dialCut() (*grpc.ClientConn, func()) {
	s.t.Helper()
	var mu sync.Mutex
	var raw net.Conn
	conn, err := grpc.NewClient("passthrough:///"+s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			mu.Lock()
			defer mu.Unlock()
			raw = c
			return c, err
		}))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn, func() {
		mu.Lock()
		defer mu.Unlock()
		raw.Close()
	}
}
