package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

const (
	maxTopics    = 16
	maxStreams   = 4096
	changesLimit = 1000        // changes read at once
	countsEvery  = time.Second // between frames of counts
)

// topic is what a stream tells about.
type topic struct {
	text  string // as the client wrote it
	kind  string // runs, run or counts
	id    string // of a run
	match func(*hub.Instance) bool
}

// hello is the first frame of a stream, and the frame after a reset.
type hello struct {
	Position string `json:"position"`
}

// frame tells which rows of a topic changed.
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

// countsFrame tells the counts by status and phase.
type countsFrame struct {
	Topic string     `json:"topic"`
	Items []runCount `json:"items"`
}

// stream sends changes as they become durable until the client leaves or the
// server stops.
func (a *API) stream(w http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "topics*", "since")
	if err != nil {
		return nil, err
	}
	topics, err := a.topics(q.Values["topics"])
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
	defer a.streams.Add(-1)
	ctx, cancel := a.untilStop(r.Context())
	defer cancel()
	s := &streamer{api: a, w: w, topics: topics, position: position}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if err := s.run(ctx); err != nil && ctx.Err() == nil {
		a.Logger.Warn("stream ended", "err", err)
	}
	return nil, nil
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

// topics parses the topics of a stream: runs:<filter>, run:<id>, counts.
func (a *API) topics(texts []string) ([]topic, error) {
	if len(texts) == 0 || len(texts) > maxTopics {
		return nil, invalid(fmt.Sprintf("a stream has 1 to %d topics", maxTopics), "add ?topics=runs: or topics=run:<id>; repeat topics for more")
	}
	var topics []topic
	for _, text := range texts {
		kind, rest, _ := strings.Cut(text, ":")
		t := topic{text: text, kind: kind}
		switch kind {
		case "counts":
		case "run":
			if err := checkRunID(rest); err != nil {
				return nil, err
			}
			t.id = rest
		case "runs":
			selection, err := client.Select(rest, a.Now())
			if err != nil {
				return nil, err
			}
			t.match = selection.Matches
		default:
			return nil, invalid("no topic "+shown(kind), "known are runs:<filter>, run:<id>, counts")
		}
		topics = append(topics, t)
	}
	return topics, nil
}

// streamer is one open stream.
type streamer struct {
	api      *API
	w        http.ResponseWriter
	topics   []topic
	position store.Position

	counted    time.Time // when counts were sent last
	uncounted  bool      // something changed since
	lastSent   time.Time
	wantCounts bool
}

// run sends frames until ctx ends or the client is gone.
func (s *streamer) run(ctx context.Context) error {
	for _, t := range s.topics {
		s.wantCounts = s.wantCounts || t.kind == "counts"
	}
	s.uncounted = s.wantCounts
	if err := s.send("hello", hello{cursorText([]byte(s.position))}); err != nil {
		return err
	}
	for ctx.Err() == nil {
		began := time.Now()
		if err := s.step(ctx); err != nil {
			return err
		}
		// Changes that come quickly go together in one frame.
		pause := time.NewTimer(s.api.Batch - time.Since(began))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
	return nil
}

// step waits for changes and sends them, or a comment if there are none.
func (s *streamer) step(ctx context.Context) error {
	if s.uncounted && time.Since(s.counted) >= countsEvery {
		if err := s.sendCounts(ctx); err != nil {
			return err
		}
	}
	patience := s.api.Heartbeat
	if s.uncounted {
		patience = min(patience, countsEvery-time.Since(s.counted))
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	changes, next, reset, err := s.api.Hub.Changes(waiting, s.position, changesLimit)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && waiting.Err() != nil:
		if time.Since(s.lastSent) >= s.api.Heartbeat {
			return s.write(": alive\n\n")
		}
		return nil
	case err != nil:
		return err
	case reset:
		s.position = next
		s.uncounted = s.wantCounts
		return s.send("reset", hello{cursorText([]byte(next))})
	}
	s.position = next
	return s.sendChanges(ctx, changes)
}

// sendChanges sends one frame for each topic that the changes concern.
func (s *streamer) sendChanges(ctx context.Context, changes []store.Change) error {
	newest := map[string]store.Change{}
	var order []string
	for _, c := range changes {
		if strings.HasPrefix(c.ID, "@") {
			continue // entities have no topic yet
		}
		if _, seen := newest[c.ID]; !seen {
			order = append(order, c.ID)
		}
		newest[c.ID] = c
	}
	s.uncounted = s.uncounted || s.wantCounts && len(order) > 0
	rows := map[string]*hub.Instance{}
	for _, t := range s.topics {
		f := frame{Topic: t.text, Upsert: []*run{}, Gone: []gone{}}
		for _, id := range order {
			if t.kind == "counts" || t.kind == "run" && t.id != id {
				continue
			}
			i, err := s.row(ctx, rows, newest[id])
			if err != nil {
				return err
			}
			if i == nil || t.match != nil && !t.match(i) {
				f.Gone = append(f.Gone, gone{ID: id, RowVersion: newest[id].Version})
			} else {
				f.Upsert = append(f.Upsert, viewRow(i))
			}
		}
		if len(f.Upsert)+len(f.Gone) == 0 {
			continue
		}
		if err := s.send(t.kind, f); err != nil {
			return err
		}
	}
	return nil
}

// row returns the instance that changed, nil if it is gone.
func (s *streamer) row(ctx context.Context, rows map[string]*hub.Instance, c store.Change) (*hub.Instance, error) {
	if i, ok := rows[c.ID]; ok || c.Gone {
		return i, nil
	}
	i, err := s.api.Hub.Instance(ctx, c.ID, false)
	if perdure.CodeOf(err) == perdure.NotFound {
		i, err = nil, nil
	}
	if err == nil {
		rows[c.ID] = i
	}
	return i, err
}

func (s *streamer) sendCounts(ctx context.Context) error {
	counts, err := s.api.Hub.Counts(ctx)
	if err != nil {
		return err
	}
	s.uncounted, s.counted = false, time.Now()
	return s.send("counts", countsFrame{Topic: "counts", Items: sum(counts, []string{"status", "phase"})})
}

// send writes one frame with the position after it.
func (s *streamer) send(event string, data any) error {
	encoded, err := marshal(data)
	if err != nil {
		return err
	}
	return s.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", cursorText([]byte(s.position)), event, encoded))
}

func (s *streamer) write(text string) error {
	s.lastSent = time.Now()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}
