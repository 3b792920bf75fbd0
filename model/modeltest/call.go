package modeltest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/perdure/perdure/model"
)

// call is a request that is being served.
type call struct {
	server   *Server
	protocol protocol
	req      *model.Request
	w        http.ResponseWriter
	number   int // in the ledger
	// streaming says that the answer is to be streamed, started that it has begun.
	streaming, started bool
	all                model.Collector
}

func (c *call) whole(ctx context.Context) {
	for u, err := range c.server.model.Generate(ctx, c.req) {
		if err != nil {
			c.end(ctx, err)
			return
		}
		c.all.Add(u)
	}
	r := c.all.Response()
	c.bill(OutcomeAnswered, http.StatusOK, r, r.Usage())
	writeJSON(c.w, http.StatusOK, c.protocol.whole(r))
}

// stream sends each update as soon as it is there. The status is decided by what
// comes first: an update or an error.
func (c *call) stream(ctx context.Context) {
	for u, err := range c.server.model.Generate(ctx, c.req) {
		if err != nil {
			c.end(ctx, err)
			return
		}
		c.all.Add(u)
		c.send(c.protocol.update(u))
	}
	r := c.all.Response()
	c.bill(OutcomeAnswered, http.StatusOK, r, r.Usage())
	c.send(c.protocol.end(r))
}

func (c *call) send(events []event) {
	if !c.started {
		c.started = true
		c.w.Header().Set("Content-Type", "text/event-stream")
		c.w.Header().Set("X-Request-Id", "req_test")
		c.w.WriteHeader(http.StatusOK)
	}
	writeEvents(c.w, events)
}

// end answers a call that failed.
func (c *call) end(ctx context.Context, err error) {
	e := asError(err)
	switch {
	case ctx.Err() != nil:
		c.billPart(OutcomeLeft)
		panic(http.ErrAbortHandler)
	case e.Code == model.CodeStreamCut:
		c.billPart(OutcomeCut)
		if c.streaming {
			c.send(nil)
		}
		panic(http.ErrAbortHandler) // closes the connection without an end
	case !c.started:
		c.fail(e)
	default:
		c.billPart(OutcomeFailed)
		_, ev := c.protocol.failure(e)
		c.send([]event{ev})
	}
}

// fail answers with the error's status and the headers that describe its retry.
func (c *call) fail(e *model.Error) {
	h := c.w.Header()
	if e.RetryAfter > 0 {
		if e.RetryAfter%time.Second == 0 {
			h.Set("Retry-After", strconv.FormatInt(int64(e.RetryAfter/time.Second), 10))
		} else {
			h.Set("Retry-After-Ms", strconv.FormatInt((e.RetryAfter+time.Millisecond-1).Milliseconds(), 10))
		}
	}
	status := e.Status
	if status < 400 {
		status = http.StatusInternalServerError
	}
	c.server.ledger.change(c.number, func(entry *Entry) { entry.Outcome, entry.Status = OutcomeFailed, status })
	h.Set("X-Request-Id", "req_test")
	body, _ := c.protocol.failure(e)
	writeJSON(c.w, status, body)
}

// billPart notes an answer that did not come to its end, billed by its words.
func (c *call) billPart(outcome string) {
	r := c.all.Response()
	status := 0
	if c.started {
		status = http.StatusOK
	}
	c.bill(outcome, status, r, model.Usage{InputTokenCount: countInput(c.req), OutputTokenCount: countOutput(r)})
}

func (c *call) bill(outcome string, status int, r *model.Response, u model.Usage) {
	c.server.ledger.change(c.number, func(e *Entry) {
		e.Outcome, e.Status, e.ResponseID = outcome, status, r.ID
		e.InputTokens, e.OutputTokens, e.CachedTokens = u.InputTokenCount, u.OutputTokenCount, u.CachedInputTokenCount
	})
}

func asError(err error) *model.Error {
	var e *model.Error
	if errors.As(err, &e) {
		return e
	}
	return &model.Error{Status: http.StatusInternalServerError, Code: "server_error", Message: err.Error()}
}
