package responses

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// follow waits for the end of a response, and tells its events, all from the
// first, on the way.
func (s *segment) follow(ctx context.Context, tell func(event)) (*object, error) {
	t := s.translator(tell)
	s.begin(t, tell)
	started := func() {
		tell(event{Type: eventInProgress, Sequence: sequenceInProgress, Response: s.initial(t, statusInProgress)})
	}
	if s.turn.Folded {
		started()
		if err := s.soFar(ctx, t); err != nil {
			return nil, err
		}
	} else {
		begin := sync.OnceFunc(started)
		for f, err := range s.Service.Stream(ctx, s.turn.ID, 0) {
			if err != nil {
				return nil, err
			}
			begin()
			if t.frame(f); t.ended != "" {
				break
			}
		}
	}
	if t.ended == "" {
		return nil, context.Cause(ctx)
	}
	o, err := s.result(ctx, t)
	if err != nil {
		return nil, err
	}
	tell(event{Type: lastEvent(o.Status), Sequence: t.sequence, Response: o})
	return o, nil
}

// begin tells the events before the first frame. They do not depend on when they
// are told.
func (s *segment) begin(t *translator, tell func(event)) {
	status := statusInProgress
	if s.asked.Background {
		status = statusQueued
	}
	tell(event{Type: eventCreated, Sequence: sequenceCreated, Response: s.initial(t, status)})
	if s.asked.Background {
		tell(event{Type: eventQueued, Sequence: sequenceQueued, Response: s.initial(t, status)})
	}
}

// initial is the response before it has said anything.
func (s *segment) initial(t *translator, status string) *object {
	o := s.view(&translator{segment: t.segment})
	o.Status = status
	return o
}

// stream answers with the events after one, -1 = all, as server-sent events.
func (s *segment) stream(w http.ResponseWriter, r *http.Request, after int64) {
	running, stop := s.untilStop(r.Context())
	defer stop()
	ctx, cancel := context.WithCancel(running)
	defer cancel()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := &eventWriter{w: w, last: after}
	out.flush()
	events := make(chan event)
	ended := make(chan error, 1)
	go func() {
		defer close(events)
		_, err := s.follow(ctx, func(e event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
		ended <- err
	}()
	out.pump(events, s.Heartbeat, cancel)
	if err := <-ended; err != nil && !out.gone {
		out.fail(s.Handler, r, running, err)
	}
}

// eventWriter writes server-sent events until the client is gone.
type eventWriter struct {
	w    http.ResponseWriter
	last int64 // number of the last event that the client has
	gone bool
}

// pump sends events until there are no more, with comments while there are none.
// When the client is gone it cancels what makes them.
func (o *eventWriter) pump(events <-chan event, heartbeat time.Duration, cancel func()) {
	idle := time.NewTicker(heartbeat)
	defer idle.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			if e.Sequence > o.last {
				o.send(e)
				idle.Reset(heartbeat)
			}
		case <-idle.C:
			o.write(": alive\n\n")
		}
		if o.gone {
			cancel()
			for range events { // the maker ends
			}
			return
		}
	}
}

func (o *eventWriter) send(e event) {
	o.last = e.Sequence
	o.write("event: " + e.Type + "\ndata: " + string(marshal(e)) + "\n\n")
}

// fail tells why the stream ends before the response does. The event has the
// number of the last one, after which the stream can be taken up.
func (o *eventWriter) fail(h *Handler, r *http.Request, running context.Context, err error) {
	e := event{Type: eventError, Sequence: max(o.last, 0), Code: some(typeServer)}
	switch {
	case errors.Is(context.Cause(running), errStopping):
		e.Code, e.Message = some("server_stopping"), "The server stops; the response goes on. Stream it again with starting_after."
	case running.Err() != nil:
		return // the client is gone
	default:
		p := problemOf(err)
		e.Message = p.Message
		h.Logger.Error("stream ended", "path", r.URL.EscapedPath(), "err", err)
	}
	o.send(e)
}

func (o *eventWriter) write(text string) {
	if o.gone {
		return
	}
	if _, err := o.w.Write([]byte(text)); err != nil {
		o.gone = true
		return
	}
	o.flush()
}

func (o *eventWriter) flush() { o.gone = o.gone || http.NewResponseController(o.w).Flush() != nil }

// wait answers with the response when it has ended, or as it is when the server
// stops first.
func (s *segment) wait(r *http.Request) (*object, error) {
	ctx, stop := s.untilStop(r.Context())
	defer stop()
	o, err := s.follow(ctx, func(event) {})
	if err != nil && errors.Is(context.Cause(ctx), errStopping) {
		return s.now(r.Context())
	}
	return o, err
}
