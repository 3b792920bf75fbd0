package modeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure/model"
)

// Server is an HTTP handler that serves a model as a provider would. It answers
//
//	POST .../chat/completions   as OpenAI and Azure OpenAI do
//	POST .../responses          as OpenAI does; nothing is stored
//	POST .../messages           as Anthropic does
//	GET  .../models
//
// each with and without streaming. An error of the model becomes an HTTP status,
// an error event, or, for [model.CodeStreamCut], a broken connection. It may be
// used concurrently.
type Server struct {
	model model.Model

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

// maxBody bounds a request, in bytes.
const maxBody = 64 << 20

// NewServer returns a handler that serves m: a script, the demo model, or any other.
func NewServer(m model.Model) *Server { return &Server{model: m} }

// Requests returns what has been received so far, oldest first.
func (s *Server) Requests() []Recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Recorded(nil), s.recorded...)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	s.serve(r.Context(), w, p, body)
}

func (s *Server) record(r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorded = append(s.recorded, Recorded{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: bytes.Clone(body),
	})
}

func (s *Server) serveModels(w http.ResponseWriter) {
	info := model.Describe(s.model)
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{
		map[string]any{"id": info.Model, "object": "model", "owned_by": info.Provider},
	}})
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

func (s *Server) serve(ctx context.Context, w http.ResponseWriter, p protocol, body []byte) {
	req, stream, err := p.decode(body)
	if err != nil {
		fail(w, p, &model.Error{Status: http.StatusBadRequest, Code: "invalid_request_error", Message: err.Error()})
		return
	}
	if !stream {
		r, err := model.Collect(s.model.Generate(ctx, req))
		if err != nil {
			fail(w, p, asError(err))
			return
		}
		writeJSON(w, http.StatusOK, p.whole(r))
		return
	}
	s.stream(ctx, w, p, req)
}

// stream sends each update as soon as it is there. The status is decided by what
// comes first: an update or an error.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, p protocol, req *model.Request) {
	var all model.Collector
	started := false
	send := func(events []event) {
		if !started {
			started = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("X-Request-Id", "req_test")
			w.WriteHeader(http.StatusOK)
		}
		writeEvents(w, events)
	}
	for u, err := range s.model.Generate(ctx, req) {
		if err != nil {
			e := asError(err)
			if e.Code == model.CodeStreamCut {
				send(nil)
				panic(http.ErrAbortHandler) // closes the connection without an end
			}
			if !started {
				fail(w, p, e)
				return
			}
			_, ev := p.failure(e)
			send([]event{ev})
			return
		}
		all.Add(u)
		send(p.update(u))
	}
	send(p.end(all.Response()))
}

func asError(err error) *model.Error {
	var e *model.Error
	if errors.As(err, &e) {
		return e
	}
	return &model.Error{Status: http.StatusInternalServerError, Code: "server_error", Message: err.Error()}
}

// fail answers with the error's status and the headers that describe its retry.
func fail(w http.ResponseWriter, p protocol, e *model.Error) {
	if e.Code == model.CodeStreamCut {
		panic(http.ErrAbortHandler)
	}
	if e.RetryAfter > 0 {
		h := w.Header()
		if e.RetryAfter%time.Second == 0 {
			h.Set("Retry-After", strconv.FormatInt(int64(e.RetryAfter/time.Second), 10))
		} else {
			h.Set("Retry-After-Ms", strconv.FormatInt(e.RetryAfter.Milliseconds(), 10))
		}
	}
	status := e.Status
	if status < 400 {
		status = http.StatusInternalServerError
	}
	w.Header().Set("X-Request-Id", "req_test")
	body, _ := p.failure(e)
	writeJSON(w, status, body)
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
		if ev.name != "" {
			b.WriteString("event: " + ev.name + "\n")
		}
		data, ok := ev.data.(string)
		if !ok {
			encoded, err := json.Marshal(ev.data)
			if err != nil {
				panic(err) // the events hold plain values only
			}
			data = string(encoded)
		}
		b.WriteString("data: " + data + "\n\n")
	}
	w.Write(b.Bytes())
	http.NewResponseController(w).Flush()
}
