package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// stub is a hub with fixed instances that notes the commands it gets. Methods
// that are not written here must not be called.
type stub struct {
	hub.Hub
	mu        sync.Mutex // guards got
	got       []any
	fail      error
	instances map[string]*hub.Instance
	events    []*history.Event
	entity    *hub.Entity
	feed      chan store.Change
	ended     chan struct{} // closed = WaitCompletion returns
}

func (s *stub) note(command any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, command)
	return s.fail
}

func (s *stub) commands() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

func (s *stub) Start(_ context.Context, r *hub.Start) (hub.Started, error) {
	id := r.InstanceID
	if id == "" {
		id = "made"
	}
	return hub.Started{InstanceID: id, ExecutionID: "e1", Existing: r.OrGet}, s.note(r)
}
func (s *stub) Raise(_ context.Context, r *hub.Raise) error   { return s.note(r) }
func (s *stub) Signal(_ context.Context, r *hub.Signal) error { return s.note(r) }

// ReadRows finds none: nobody is known to have done anything.
func (s *stub) ReadRows(context.Context, store.RowQuery) ([]store.Row, []byte, error) {
	return nil, nil, nil
}
func (s *stub) Control(_ context.Context, r *hub.Control) (string, error) {
	return r.InstanceID, s.note(r)
}
func (s *stub) Purge(_ context.Context, r *hub.Purge) (hub.Purged, error) {
	return hub.Purged{Count: len(r.IDs), Complete: true}, s.note(r)
}
func (s *stub) Ask(_ context.Context, r *hub.Ask) (history.Text, error) {
	return history.Some(`{"answer":42}`), s.note(r)
}
func (s *stub) Complete(_ context.Context, token string, result history.Text, f *history.Failure) error {
	return s.note(completion{token, result, f})
}
func (s *stub) Heartbeat(_ context.Context, token string, progress history.Text) error {
	return s.note(completion{token, progress, nil})
}

type completion struct {
	Token   string
	Text    history.Text
	Failure *history.Failure
}

func (s *stub) Instance(_ context.Context, id string, payloads bool) (*hub.Instance, error) {
	i, ok := s.instances[id]
	if !ok {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "get", Instance: id, Message: "no such instance"}
	}
	c := *i
	if !payloads {
		c.Input, c.Output = history.Text{}, history.Text{}
	}
	return &c, nil
}
func (s *stub) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	select {
	case <-s.ended:
		return s.Instance(ctx, id, true)
	case <-ctx.Done():
		return nil, &perdure.Error{Code: perdure.DeadlineExceeded, Op: "wait", Instance: id, Cause: context.Cause(ctx)}
	}
}
func (s *stub) History(_ context.Context, id, _ string) ([]*history.Event, error) {
	if _, ok := s.instances[id]; !ok {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "read history", Instance: id, Message: "no such instance"}
	}
	return s.events, nil
}
func (s *stub) List(_ context.Context, q store.Query) (hub.Page, error) {
	var page hub.Page
	for _, id := range []string{"order/1%", "order-2", "turn"} {
		i := s.instances[id]
		if i == nil || i.Kind != q.Kind || q.Match != nil && !q.Match(&i.Record) {
			continue
		}
		page.Items = append(page.Items, i)
	}
	page.Scanned = 3
	return page, s.fail
}
func (s *stub) Counts(context.Context) ([]store.Count, error) {
	return []store.Count{
		{Name: "Order", Status: store.Running, Phase: store.WaitingEvent, N: 2},
		{Name: "Order", Status: store.Completed, N: 5},
		{Name: "Pay", Status: store.Completed, N: 1},
		{Kind: store.Entity, Name: "counter", N: 7},
	}, s.fail
}
func (s *stub) Entity(_ context.Context, id string) (*hub.Entity, error) {
	if s.entity == nil || s.entity.ID != id {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "get", Instance: id, Message: "no such entity"}
	}
	return s.entity, nil
}
func (s *stub) Position(context.Context) (store.Position, error) { return "p1", nil }
func (s *stub) Changes(ctx context.Context, p store.Position, _ int) ([]store.Change, store.Position, bool, error) {
	if p == "old" {
		return nil, "p1", true, nil
	}
	select {
	case c := <-s.feed:
		return []store.Change{c}, p + "+", false, nil
	case <-ctx.Done():
		return nil, p, false, &perdure.Error{Code: perdure.Canceled, Cause: ctx.Err()}
	}
}

// noon is the time of all fixed instances.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture returns a stub with one run that waits, one that failed and an agent
// turn.
func fixture() *stub {
	record := func(id, name string, status store.Status, phase store.Phase) store.Record {
		return store.Record{ID: id, Incarnation: [16]byte{1, 2}, Version: 7, Name: name, Created: noon,
			Root: id, Execution: "e1", Status: status, Phase: phase, Tags: map[string]string{"team": "pay"}}
	}
	waiting := &hub.Instance{Record: record("order/1%", "Order", store.Running, store.WaitingEvent),
		Started: noon.Add(time.Second), Updated: noon.Add(2 * time.Second), Input: history.Some(`{"n":1}`),
		CustomStatus: history.Some("half <done>"), WaitName: "Approval", Pending: hub.Pending{Events: 1, Timers: 1},
		NextFireAt: noon.Add(24 * time.Hour), HistoryEvents: 3, HistoryBytes: 120}
	waiting.PhaseSince = noon.Add(2 * time.Second)
	failed := &hub.Instance{Record: record("order-2", "Order", store.Failed, store.NoPhase), Started: noon.Add(time.Second),
		Failure: &history.Failure{Type: "StepError", Message: "charge: 429", Inner: &history.Failure{Type: "http", Message: "429"}}}
	failed.Record.Completed = noon.Add(5 * time.Second)
	turn := &hub.Instance{Record: record("turn", "dafx-joker", store.Completed, store.NoPhase)}
	turn.Agent = "joker"
	return &stub{
		instances: map[string]*hub.Instance{"order/1%": waiting, "order-2": failed, "turn": turn},
		feed:      make(chan store.Change), ended: make(chan struct{}),
		entity: &hub.Entity{ID: "@counter@A b", Modified: noon, Queue: 1, LockedBy: "order-2", State: history.Some("3")},
	}
}

// serve starts an API over the stub and returns its address.
func serve(t *testing.T, h hub.Hub, change func(*httpapi.Config)) string {
	t.Helper()
	cfg := httpapi.Config{Hub: h, Info: httpapi.Info{Version: "v0", Hub: "default"},
		Orchestrations: func() []string { return []string{"ContentApproval", "Order", "perdure.schedule"} }}
	if change != nil {
		change(&cfg)
	}
	api := httpapi.New(cfg)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	t.Cleanup(api.Stop)
	return server.URL
}

// answer is what a request came back with.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request; headers are name and value in turn.
func do(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(data)}
}

// serveHandler starts a server for a handler and returns its address.
func serveHandler(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}
