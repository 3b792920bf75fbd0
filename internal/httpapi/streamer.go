package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// streamer is one open stream. What it tells comes from goroutines that read the
// change feed and turns; they wait until what they have read was sent, so that a slow
// client holds nothing but itself.
type streamer struct {
	api      *API
	w        http.ResponseWriter
	topics   []topic
	position store.Position

	feed  chan news
	turns chan spoken
	logs  chan logged
	asked <-chan struct{} // decisions have changed; nil = they are not watched

	open      *agent.Open     // the decisions that the client knows to be open
	told      bool            // the inbox, as a whole
	counted   time.Time       // when counts were sent last
	uncounted bool            // something changed since
	wants     map[string]bool // kinds of topics
	workers   string          // what was sent last
	lastSent  time.Time
}

// news is an answer of the change feed.
type news struct {
	changes []store.Change
	next    store.Position
	reset   bool
	err     error
}

// spoken is a frame of a turn, or the end of its stream.
type spoken struct {
	topic *topic
	frame agent.Frame
	ended bool
	err   error
}

// run sends frames until ctx ends or the client is gone.
func (s *streamer) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	s.wants, s.feed, s.turns = map[string]bool{}, make(chan news), make(chan spoken, turnBuffer)
	s.logs = make(chan logged)
	fed := false
	for i := range s.topics {
		t := &s.topics[i]
		s.wants[t.kind] = true
		fed = fed || t.fed()
		if t.kind == "turn" {
			readers.Go(func() { s.readTurn(ctx, t) })
		}
		if t.kind == "logs" {
			readers.Go(func() { s.readLogs(ctx, t) })
		}
	}
	if fed {
		position := s.position
		readers.Go(func() { s.readFeed(ctx, position) })
	}
	s.uncounted = s.wants["counts"]
	if err := s.send("hello", hello{cursorText([]byte(s.position))}); err != nil {
		return err
	}
	if err := s.tellInbox(ctx); err != nil {
		return err
	}
	if err := s.tellWorkers(ctx); err != nil {
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

// readFeed hands on what the change feed tells.
func (s *streamer) readFeed(ctx context.Context, position store.Position) {
	for {
		var n news
		n.changes, n.next, n.reset, n.err = s.api.Hub.Changes(ctx, position, changesLimit)
		select {
		case s.feed <- n:
		case <-ctx.Done():
			return
		}
		if n.err != nil {
			return
		}
		position = n.next
	}
}

// readTurn hands on the frames of a turn.
func (s *streamer) readTurn(ctx context.Context, t *topic) {
	tell := func(f spoken) bool {
		f.topic = t
		select {
		case s.turns <- f:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for f, err := range s.api.Agents.Service.Stream(ctx, t.id, t.offset) {
		if err != nil {
			tell(spoken{ended: true, err: err})
			return
		}
		if !tell(spoken{frame: f, ended: f.Type == agent.FrameEnd}) {
			return
		}
	}
}

// step waits for something to tell and tells it, or sends a comment.
func (s *streamer) step(ctx context.Context) error {
	if s.uncounted && time.Since(s.counted) >= countsEvery {
		if err := s.sendCounts(ctx); err != nil {
			return err
		}
	}
	patience := s.api.Heartbeat - time.Since(s.lastSent)
	if s.uncounted {
		patience = min(patience, countsEvery-time.Since(s.counted))
	}
	if s.wants["workers"] {
		patience = min(patience, workersEvery)
	}
	waiting := time.NewTimer(max(patience, 0))
	defer waiting.Stop()
	select {
	case n := <-s.feed:
		return s.tellNews(ctx, n)
	case f := <-s.turns:
		return s.tellTurns(f)
	case l := <-s.logs:
		return s.tellLogs(l)
	case _, watched := <-s.asked:
		if !watched {
			s.asked = nil
		}
		return s.tellInbox(ctx)
	case <-ctx.Done():
		return nil
	case <-waiting.C:
	}
	if err := s.tellWorkers(ctx); err != nil {
		return err
	}
	if time.Since(s.lastSent) >= s.api.Heartbeat {
		return s.write(": alive\n\n")
	}
	return nil
}

func (s *streamer) tellNews(ctx context.Context, n news) error {
	switch {
	case n.err != nil && ctx.Err() != nil:
		return nil
	case n.err != nil:
		return n.err
	}
	s.position = n.next
	if n.reset {
		s.uncounted = s.wants["counts"]
		return s.send("reset", hello{cursorText([]byte(n.next))})
	}
	return s.sendChanges(ctx, n.changes)
}

// sendChanges sends one frame for each topic that the changes concern.
func (s *streamer) sendChanges(ctx context.Context, changes []store.Change) error {
	newest := map[string]store.Change{}
	var order []string
	for _, c := range changes {
		if _, seen := newest[c.ID]; !seen {
			order = append(order, c.ID)
		}
		newest[c.ID] = c
		s.uncounted = s.uncounted || s.wants["counts"] && !strings.HasPrefix(c.ID, "@")
	}
	for i := range s.topics {
		t := &s.topics[i]
		var concerned []store.Change
		for _, id := range order {
			if t.concerns(id) {
				concerned = append(concerned, newest[id])
			}
		}
		if len(concerned) == 0 {
			continue
		}
		var body any
		var err error
		switch t.kind {
		case "sessions":
			body, err = s.sessionsFrame(ctx, t, concerned)
		case "entities":
			body, err = s.entitiesFrame(ctx, t, concerned)
		default:
			body, err = s.runsFrame(ctx, t, concerned)
		}
		if err != nil {
			return err
		}
		if err := s.send(t.kind, body); err != nil {
			return err
		}
	}
	return nil
}

// concerns reports whether a change of an instance is told under the topic.
func (t *topic) concerns(id string) bool {
	switch t.kind {
	case "run":
		return t.id == id
	case "runs":
		return !strings.HasPrefix(id, "@")
	case "sessions", "entities":
		return strings.HasPrefix(id, t.prefix)
	}
	return false
}

// row returns the instance that changed, without instance if it is gone.
func (s *streamer) row(ctx context.Context, c store.Change) (*sharedRow, error) {
	if c.Gone {
		return &sharedRow{}, nil
	}
	return s.api.rows.get(ctx, c, func(ctx context.Context, c store.Change) (*hub.Instance, error) {
		return s.api.Hub.Instance(ctx, c.ID, false)
	})
}

func (s *streamer) sendCounts(ctx context.Context) error {
	counts, err := s.api.Hub.Counts(ctx)
	if err != nil {
		return err
	}
	counts = slices.DeleteFunc(counts, func(c store.Count) bool { return isTurn(c.Name) })
	s.uncounted, s.counted = false, time.Now()
	return s.send("counts", countsFrame{Topic: "counts", Items: sum(counts, []string{"status", "phase"})})
}

// send writes one frame with the position after it.
func (s *streamer) send(event string, data any) error {
	encoded, ok := data.(json.RawMessage)
	if !ok {
		var err error
		if encoded, err = marshal(data); err != nil {
			return err
		}
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
