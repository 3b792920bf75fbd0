package modeltest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure/model"
)

// Server is an HTTP handler that serves a model as a provider would. It answers
//
//	POST .../chat/completions        as OpenAI and Azure OpenAI do
//	POST .../responses               as OpenAI does, also in the background
//	GET  .../responses/ID            of a response in the background; ?stream=true&starting_after=N
//	POST .../responses/ID/cancel
//	POST .../messages                as Anthropic does
//	GET  .../models
//	GET  /__ledger                   the [Entry] of each request to a model, as JSON lines
//
// An error of the model becomes an HTTP status, an error event, or, for
// [model.CodeStreamCut], a broken connection. It may be used concurrently.
type Server struct {
	model  model.Model
	ledger ledger
	limit  *serverLimit // nil = none
	jobs   jobs
	keep   int // newest requests that are kept; 0 = all

	mu       sync.Mutex // guards recorded
	recorded []Recorded
}

// Recorded is a request that a [Server] has received.
type Recorded struct {
	Method string
	Path   string
	Query  string
	Header http.Header
	Body   []byte
}

// ServerConfig configures a [Server]. The zero value is ready to use.
type ServerConfig struct {
	// Model is what is served: a script, the demo model, or any other. Required.
	Model model.Model
	// Requests is the number of requests to models that are served within Per,
	// evenly; further ones are refused with status 429, and every answer tells
	// in its headers what is left. 0 means no limit.
	Requests int
	// Per is the time of Requests; 0 means a minute.
	Per time.Duration
	// Keep is the number of newest requests that [Server.Requests] returns; 0
	// means all. The ledger has an entry for each in any case.
	Keep int
	// Ledger is a file for the ledger, each line on disk before the server goes
	// on; one that exists is replaced. Empty means none. [ReadLedger] reads it.
	Ledger string
}

// maxBody bounds a request, in bytes.
const maxBody = 64 << 20

// NewServer returns a handler that serves m: a script, the demo model, or any other.
func NewServer(m model.Model) *Server { return &Server{model: m} }

// New returns a handler; [Server.Close] ends it. The error lists every bad field.
func (cfg ServerConfig) New() (*Server, error) {
	var bad []error
	if cfg.Model == nil {
		bad = append(bad, errors.New("model server: Model is nil"))
	}
	if cfg.Requests < 0 || cfg.Per < 0 || cfg.Keep < 0 {
		bad = append(bad, fmt.Errorf("model server: Requests, Per or Keep is negative: %d, %v, %d", cfg.Requests, cfg.Per, cfg.Keep))
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	s := &Server{model: cfg.Model, keep: cfg.Keep}
	if cfg.Requests > 0 {
		s.limit = newServerLimit(cfg.Requests, cmp.Or(cfg.Per, time.Minute))
	}
	if cfg.Ledger != "" {
		file, err := os.OpenFile(cfg.Ledger, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
		if err != nil {
			return nil, fmt.Errorf("model server: ledger: %w", err)
		}
		s.ledger.file = file
	}
	return s, nil
}

// Close ends the responses in the background and waits for them, and closes the
// ledger's file. Requests that are still served have to be ended before, by the
// http.Server. The error is the first one in writing the ledger. It may be
// called more than once.
func (s *Server) Close() error {
	s.jobs.close()
	return s.ledger.close()
}

// Requests returns what has been received so far, oldest first; of a server with
// Keep, the newest of that.
func (s *Server) Requests() []Recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Recorded(nil), s.recorded...)
}

// Ledger returns what has been noted about each request to a model so far.
func (s *Server) Ledger() []Entry {
	entries, _ := s.ledger.all()
	return entries
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/__ledger" && r.Method == http.MethodGet {
		s.serveLedger(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.record(r, body)
	var p protocol
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/chat/completions"):
		p = &chatProtocol{}
	case strings.HasSuffix(path, "/responses"):
		p = &responsesProtocol{}
	case strings.Contains(path, "/responses/"):
		s.jobs.serve(w, r)
		return
	case strings.HasSuffix(path, "/messages"):
		p = &anthropicProtocol{}
	case strings.HasSuffix(path, "/models") && r.Method == http.MethodGet:
		s.serveModels(w)
		return
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	s.serve(w, r, p, body)
}

func (s *Server) record(r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorded = append(s.recorded, Recorded{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: bytes.Clone(body),
	})
	if over := len(s.recorded) - s.keep; s.keep > 0 && over > 0 {
		s.recorded = slices.Delete(s.recorded, 0, over)
	}
}

func (s *Server) serveModels(w http.ResponseWriter) {
	info := model.Describe(s.model)
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{
		map[string]any{"id": info.Model, "object": "model", "owned_by": info.Provider},
	}})
}

func (s *Server) serveLedger(w http.ResponseWriter) {
	entries, err := s.ledger.all()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	for _, e := range entries {
		json.NewEncoder(w).Encode(e)
	}
}

// protocol is one provider's form of requests and answers. A value serves one call.
type protocol interface {
	// decode reads the request and tells whether the answer is to be streamed.
	decode(body []byte) (req *model.Request, stream bool, err error)
	// update returns the events of a streamed answer for u.
	update(u *model.Update) []event
	// end returns the last events of a streamed answer.
	end(r *model.Response) []event
	// whole returns the answer in one piece.
	whole(r *model.Response) any
	// failure returns the description of an error, as body and as event.
	failure(e *model.Error) (body any, ev event)
}

// event is one server-sent event. Data is marshalled unless it is a string.
type event struct {
	name string
	data any
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, p protocol, body []byte) {
	req, stream, err := p.decode(body)
	name := ""
	if err == nil {
		name = req.Model
	}
	c := &call{server: s, protocol: p, req: req, w: w,
		number: s.ledger.open(r.URL.Path, name, cmp.Or(r.Header.Get("Idempotency-Key"), r.Header.Get("X-Client-Request-Id")), body)}
	if wait := s.limit.take(w.Header(), p); wait > 0 {
		c.fail(&model.Error{Status: http.StatusTooManyRequests, Code: "rate_limit_exceeded",
			Message: "too many requests", RetryAfter: wait})
		return
	}
	if err != nil {
		c.fail(&model.Error{Status: http.StatusBadRequest, Code: "invalid_request_error", Message: err.Error()})
		return
	}
	if rp, ok := p.(*responsesProtocol); ok && rp.background {
		s.jobs.start(c, rp, r, stream)
		return
	}
	if c.streaming = stream; stream {
		c.stream(r.Context())
		return
	}
	c.whole(r.Context())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b)
}

func writeEvents(w http.ResponseWriter, events []event) {
	var b bytes.Buffer
	for _, ev := range events {
		b.Write(ev.encode())
	}
	w.Write(b.Bytes())
	http.NewResponseController(w).Flush()
}

// encode writes the event as it goes over the wire.
func (ev event) encode() []byte {
	data, ok := ev.data.(string)
	if !ok {
		encoded, err := json.Marshal(ev.data)
		if err != nil {
			panic(err) // the events hold plain values only
		}
		data = string(encoded)
	}
	out := "data: " + data + "\n\n"
	if ev.name != "" {
		out = "event: " + ev.name + "\n" + out
	}
	return []byte(out)
}
