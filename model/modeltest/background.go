package modeltest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/perdure/perdure/model"
)

// jobs are the responses in the background of a server.
type jobs struct {
	wg sync.WaitGroup // the goroutines that produce them

	mu     sync.Mutex // guards the fields below
	byID   map[string]*job
	closed bool
}

// job is one response in the background. It goes on when its caller leaves.
type job struct {
	cancel context.CancelCauseFunc

	mu       sync.Mutex // guards the fields below
	protocol *responsesProtocol
	response object   // as it is now
	events   [][]byte // encoded; the index is the sequence number
	done     bool
	changed  chan struct{} // closed at each change, and replaced
}

// errCanceled is the cause of a response that was canceled by its route.
var errCanceled = errors.New("the response was canceled")

// start begins a response and answers with its present state, or with its stream.
func (js *jobs) start(c *call, p *responsesProtocol, r *http.Request, stream bool) {
	ctx, cancel := context.WithCancelCause(context.Background())
	j := &job{cancel: cancel, protocol: p, changed: make(chan struct{})}
	js.mu.Lock()
	if js.closed {
		js.mu.Unlock()
		cancel(nil)
		c.fail(&model.Error{Status: http.StatusServiceUnavailable, Message: "the server is closing"})
		return
	}
	if js.byID == nil {
		js.byID = map[string]*job{}
	}
	p.id = "resp_background_" + strconv.Itoa(c.number)
	js.byID[p.id] = j
	j.change(func() (object, []event) {
		queued := p.response("queued", nil)
		return queued, []event{p.event("response.created", object{"response": queued})}
	})
	js.wg.Go(func() {
		defer cancel(nil)
		j.produce(ctx, c)
	})
	js.mu.Unlock()
	if stream {
		j.stream(r.Context(), c.w, 0)
		return
	}
	j.answer(c.w)
}

// close cancels what is produced and waits for its end.
func (js *jobs) close() {
	js.mu.Lock()
	js.closed = true
	for _, j := range js.byID {
		j.cancel(errCanceled)
	}
	js.mu.Unlock()
	js.wg.Wait()
}

// serve answers the routes of a response: GET, DELETE and POST .../cancel.
func (js *jobs) serve(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Path[strings.LastIndex(r.URL.Path, "/responses/")+len("/responses/"):]
	id, isCancel := strings.CutSuffix(id, "/cancel")
	js.mu.Lock()
	j := js.byID[id]
	if j != nil && r.Method == http.MethodDelete {
		delete(js.byID, id)
	}
	js.mu.Unlock()
	switch {
	case j == nil:
		writeJSON(w, http.StatusNotFound, object{"error": object{"message": "no response with the id " + id,
			"type": "invalid_request_error", "code": "response_not_found", "param": nil}})
	case r.Method == http.MethodPost && isCancel:
		j.cancel(errCanceled)
		j.wait(r.Context())
		j.answer(w)
	case r.Method == http.MethodDelete && !isCancel:
		j.cancel(errCanceled)
		writeJSON(w, http.StatusOK, object{"id": id, "object": "response", "deleted": true})
	case r.Method == http.MethodGet && !isCancel && r.URL.Query().Get("stream") == "true":
		from := 0
		if after, err := strconv.Atoi(r.URL.Query().Get("starting_after")); err == nil {
			from = max(after+1, 0)
		}
		j.stream(r.Context(), w, from)
	case r.Method == http.MethodGet && !isCancel:
		j.answer(w)
	default:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

// produce has the model answer. The ledger notes it like any other call.
func (j *job) produce(ctx context.Context, c *call) {
	p := j.protocol
	for u, err := range c.server.model.Generate(ctx, c.req) {
		switch {
		case err != nil && ctx.Err() != nil:
			c.billPart(OutcomeLeft)
			j.change(func() (object, []event) { return p.response("cancelled", nil), nil })
			return
		case err != nil:
			c.billPart(OutcomeFailed)
			j.change(func() (object, []event) { return p.failed(asError(err)) })
			return
		}
		c.all.Add(u)
		j.change(func() (object, []event) {
			events := p.update(u)
			return p.response("in_progress", nil), events
		})
	}
	r := c.all.Response()
	c.bill(OutcomeAnswered, http.StatusOK, r, r.Usage())
	j.change(func() (object, []event) {
		events := p.end(r)
		return p.response(responsesStatus(r.FinishReason), r), events
	})
}

// change moves the response on. It is done unless it is queued or in progress.
func (j *job) change(next func() (object, []event)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	response, events := next()
	for _, ev := range events {
		j.events = append(j.events, ev.encode())
	}
	j.response = response
	j.done = response["status"] != "queued" && response["status"] != "in_progress"
	close(j.changed)
	j.changed = make(chan struct{})
}

// answer writes the response as it is now.
func (j *job) answer(w http.ResponseWriter) {
	j.mu.Lock()
	b, err := json.Marshal(j.response)
	j.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, json.RawMessage(b))
}

// stream sends the events from a sequence number on, those to come included.
func (j *job) stream(ctx context.Context, w http.ResponseWriter, from int) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	for {
		j.mu.Lock()
		events, done, changed := j.events[min(from, len(j.events)):], j.done, j.changed
		j.mu.Unlock()
		for _, ev := range events {
			w.Write(ev)
		}
		from += len(events)
		http.NewResponseController(w).Flush()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// wait returns when the response is done or ctx ends.
func (j *job) wait(ctx context.Context) {
	for {
		j.mu.Lock()
		done, changed := j.done, j.changed
		j.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
