package responses_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/responses"
	"github.com/perdure/perdure/store/memory"
)

// server is a process that serves agents over a hub in memory. It can be killed
// and started again; its address stays the same.
type server struct {
	t       *testing.T
	url     string // of the API
	openai  openai.Client
	disk    memory.Disk
	clock   clock.Clock
	hub     *local.Hub
	agents  []*agent.Agent
	service *agent.Service

	mu      sync.Mutex // guards handler
	handler *responses.Handler
	stop    func()
}

// serve starts a server of agents.
func serve(t *testing.T, agents ...*agent.Agent) *server {
	t.Helper()
	return serveBy(t, clock.System(), agents...)
}

// serveBy is serve with a clock.
func serveBy(t *testing.T, c clock.Clock, agents ...*agent.Agent) *server {
	t.Helper()
	s := &server{t: t, clock: c, agents: agents}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		h := s.handler
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.start()
	t.Cleanup(func() { s.stop() })
	s.url = web.URL + "/v1"
	s.openai = openai.NewClient(option.WithBaseURL(s.url), option.WithAPIKey("none"))
	return s
}

func (s *server) start() {
	s.t.Helper()
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, s.agents...); err != nil {
		s.t.Fatal(err)
	}
	responses.Register(reg)
	list, err := agent.List(reg)
	if err != nil {
		s.t.Fatal(err)
	}
	kept, err := memory.Open(&s.disk)
	if err != nil {
		s.t.Fatal(err)
	}
	hub, err := local.New(local.Config{Store: kept, Registry: reg, Clock: s.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.hub = hub
	c := client.New(hub)
	s.service = agent.NewService(c)
	ctx, cancel := context.WithCancel(s.service.Context(context.Background()))
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	h := responses.New(responses.Config{Client: c, Service: s.service, Agents: list, Heartbeat: 20 * time.Millisecond})
	s.mu.Lock()
	s.handler = h
	s.mu.Unlock()
	s.stop = sync.OnceFunc(func() {
		h.Stop()
		cancel()
		<-done
	})
}

// kill cuts the power: what is not durable is lost.
func (s *server) kill() {
	s.disk.Crash()
	s.stop()
}

// restart kills the server and starts it again.
func (s *server) restart() {
	s.t.Helper()
	s.kill()
	s.start()
}

// do sends a request and returns the status and the decoded body.
func (s *server) do(method, path string, body any, headers ...string) (int, map[string]any) {
	s.t.Helper()
	status, text := s.text(method, path, body, headers...)
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		s.t.Fatalf("%s %s = %d %s: %v", method, path, status, text, err)
	}
	return status, m
}

// text sends a request and returns the status and the body. A body that is no
// string is sent as JSON.
func (s *server) text(method, path string, body any, headers ...string) (int, string) {
	s.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		text = string(data)
	}
	r, err := http.NewRequestWithContext(timely(s.t), method, s.url+path, strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// sent is an event of a stream.
type sent struct {
	Type     string `json:"type"`
	Sequence int64  `json:"sequence_number"`
	ItemID   string `json:"item_id"`
	Delta    string `json:"delta"`
	raw      string
}

// events reads the events of a body, and checks that their numbers rise.
func (s *server) events(body string) []sent {
	s.t.Helper()
	var list []sent
	last := int64(-1)
	for line := range strings.Lines(body) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok {
			continue
		}
		e := sent{raw: data}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			s.t.Fatalf("event %s: %v", data, err)
		}
		if e.Sequence <= last {
			s.t.Errorf("event %s comes after number %d", data, last)
		}
		last = e.Sequence
		list = append(list, e)
	}
	return list
}

// lines reads a stream line by line until f returns false, and leaves it.
func (s *server) lines(method, path string, body any, f func(line string) bool) {
	s.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(timely(s.t))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(string(data)))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
		if !f(scanner.Text()) {
			return
		}
	}
}

// timely returns a context that ends before a test hangs.
func timely(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
