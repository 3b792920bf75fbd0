package responses

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// retrieve answers with a response as it is, or with its stream.
func (h *Handler) retrieve(w http.ResponseWriter, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	how, err := h.readRetrieval(w, r)
	if err != nil {
		return nil, err
	}
	s, err := h.find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if how.Stream {
		s.stream(w, r, how.after)
		return nil, nil
	}
	return s.now(r.Context())
}

// retrieval is how a response is to be returned.
type retrieval struct {
	Stream bool  `json:"stream"`
	after  int64 // number of the event after which the stream begins; -1 = all
}

// readRetrieval reads the query, and the body: OpenAI's SDK for Go says there
// that it wants the stream.
func (h *Handler) readRetrieval(w http.ResponseWriter, r *http.Request) (retrieval, error) {
	how := retrieval{after: -1}
	q := r.URL.Query()
	switch q.Get("stream") {
	case "true", "1":
		how.Stream = true
	case "false", "0":
	case "":
		if err := h.decode(w, r, &how); err != nil {
			return how, err
		}
	default:
		return how, invalid("stream", "stream is %s, must be true or false.", shown(q.Get("stream")))
	}
	text := q.Get("starting_after")
	if text == "" {
		return how, nil
	}
	if !how.Stream {
		return how, invalid("starting_after", "starting_after belongs to stream=true.")
	}
	var err error
	if how.after, err = strconv.ParseInt(text, 10, 64); err != nil || how.after < 0 {
		return how, invalid("starting_after", "starting_after is %s, must be the sequence_number of an event.", shown(text))
	}
	return how, nil
}

// cancelPatience bounds the wait for a response that was told to end: tools have
// some seconds to do so.
const cancelPatience = 20 * time.Second

// cancel has a response end, and answers with it. One that has ended is left as
// it is.
func (h *Handler) cancel(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	s, err := h.find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	o, err := s.now(r.Context())
	if err != nil || o.Status != statusQueued && o.Status != statusInProgress {
		return o, err
	}
	stopped, err := h.Service.StopTurn(r.Context(), s.turn.Session, s.turn.ID)
	if err != nil {
		return nil, err
	}
	if stopped == "" && s.turn.Status == "queued" {
		return nil, &problem{status: http.StatusConflict, Type: typeInvalid, Code: "response_queued",
			Message: "The response waits for another one of its conversation: cancel that first."}
	}
	ctx, cancel := context.WithTimeout(r.Context(), cancelPatience)
	defer cancel()
	if o, err = s.follow(ctx, func(event) {}); err != nil && ctx.Err() != nil && r.Context().Err() == nil {
		return s.now(r.Context())
	}
	return o, err
}

// deletion is the answer to a deletion.
type deletion struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

// remove deletes a response that has ended. What was said stays in the
// conversation while that has other responses.
func (h *Handler) remove(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	s, err := h.find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	o, err := s.now(r.Context())
	if err != nil {
		return nil, err
	}
	if o.Status == statusQueued || o.Status == statusInProgress {
		return nil, &problem{status: http.StatusConflict, Type: typeInvalid, Code: "response_in_progress",
			Message: "The response has not ended: cancel it first."}
	}
	at, err := h.Client.Hub(r.Context())
	if err != nil {
		return nil, err
	}
	err = at.WriteRows(r.Context(), &hub.WriteRows{Owner: s.turn.ID, Rows: []store.Row{{
		Kind: rowDeleted, Owner: s.turn.ID, Key: deletedKey(id), Value: []byte{1},
	}}})
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		return nil, err
	}
	return deletion{ID: id.String(), Object: "response", Deleted: true}, nil
}
