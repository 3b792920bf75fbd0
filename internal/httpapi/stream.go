package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/store"
)

const (
	maxTopics    = 16
	maxStreams   = 4096
	changesLimit = 1000            // changes read at once
	countsEvery  = time.Second     // between frames of counts
	workersEvery = 2 * time.Second // between looks at the workers
	turnBuffer   = 256             // frames of turns that wait for the client
)

// hello is the first frame of a stream, and the frame after a reset.
type hello struct {
	Position string `json:"position"`
}

// frame tells which runs of a topic changed.
type frame struct {
	Topic  string `json:"topic"`
	Upsert []*run `json:"upsert"`
	Gone   []gone `json:"gone"`
}

// gone is a row that was purged or no longer matches.
type gone struct {
	ID         string `json:"id"`
	RowVersion uint64 `json:"row_version"`
}

// listFrame tells what a screen shows of the runs that match: rows that the client holds or
// that are few, and of the others how many.
type listFrame struct {
	Topic  string `json:"topic"`
	Upsert []*run `json:"upsert"`
	Gone   []gone `json:"gone"` // held by the client
	// Unseen is how many runs have begun that are not in Upsert. With a filter it is how
	// many changes of runs were not looked at: some of these may match.
	Unseen int `json:"unseen"`
}

// countsFrame tells the counts by status and phase.
type countsFrame struct {
	Topic string     `json:"topic"`
	Items []runCount `json:"items"`
}

// inboxFrame tells which decisions are open.
type inboxFrame struct {
	Topic string `json:"topic"`
	// Whole says that Upsert is all that is open, as in the first frame: what is not in
	// it is not.
	Whole  bool            `json:"whole"`
	Upsert []*decisionView `json:"upsert"`
	Gone   []gone          `json:"gone"` // no longer open
}

// sessionsFrame tells which sessions of an agent changed.
type sessionsFrame struct {
	Topic  string     `json:"topic"`
	Upsert []*session `json:"upsert"`
	Gone   []gone     `json:"gone"`
}

// entitiesFrame tells which entities changed.
type entitiesFrame struct {
	Topic  string    `json:"topic"`
	Upsert []*entity `json:"upsert"`
	Gone   []gone    `json:"gone"`
}

// turnFrame goes on with the stream of a turn.
type turnFrame struct {
	Topic  string        `json:"topic"`
	Turn   string        `json:"turn"`
	Frames []agent.Frame `json:"frames"`
	// Next is the offset from which to go on after a reconnection.
	Next  int64    `json:"next"`
	Ended bool     `json:"ended"` // nothing follows
	Error *problem `json:"error,omitempty"`
}

// workersFrame tells which workers there are.
type workersFrame struct {
	Topic string `json:"topic"`
	workersPage
}

// stream sends changes as they become durable until the client leaves or the
// server stops.
func (a *API) stream(w http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "topics*", "since", "held")
	if err != nil {
		return nil, err
	}
	topics, err := a.topics(q.Values["topics"])
	if err != nil {
		return nil, err
	}
	held, err := heldParam(q.Get("held"))
	if err != nil {
		return nil, err
	}
	since := q.Get("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		since = last
	}
	position, err := a.startPosition(r.Context(), since)
	if err != nil {
		return nil, err
	}
	if a.streams.Add(1) > maxStreams {
		a.streams.Add(-1)
		return nil, &perdure.Error{Code: perdure.ResourceExhausted, Op: "stream",
			Message: fmt.Sprintf("%d streams are open, which is the limit", maxStreams)}
	}
	defer a.endStream()
	ctx, cancel := a.untilStop(r.Context())
	defer cancel()
	s := &streamer{api: a, w: w, topics: topics, position: position, viewer: viewerOf(topics, held)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if err := s.run(ctx); err != nil && ctx.Err() == nil {
		a.Logger.Warn("stream ended", "err", err)
	}
	return nil, nil
}

// endStream forgets a stream, and with the last one what streams share.
func (a *API) endStream() {
	if a.streams.Add(-1) == 0 {
		a.rows.empty()
		a.counts.empty()
	}
}

// untilStop returns a context that ends with ctx or when the server stops. The
// cancel function must be called and waits for its goroutine.
func (a *API) untilStop(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-a.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-done }
}

func (a *API) startPosition(ctx context.Context, since string) (store.Position, error) {
	if since == "" {
		return a.Hub.Position(ctx)
	}
	raw, err := cursor(values{map[string][]string{"cursor": {since}}})
	if err != nil {
		return "", invalid("since is not a position", "take it from as_of of a list or the id of a frame")
	}
	return store.Position(raw), nil
}
