package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
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
	viewer   *viewer

	turns chan spoken
	logs  chan logged
	asked <-chan struct{} // decisions have changed; nil = they are not watched

	open      *agent.Open     // the decisions that the client knows to be open
	told      bool            // the inbox, as a whole
	counted   time.Time       // when counts were sent last
	uncounted bool            // something changed since
	number    uint64          // of the newest tick
	frames    bytes.Buffer    // that are not sent yet
	wants     map[string]bool // kinds of topics
	workers   string          // what was sent last
	lastSent  time.Time
}

// sharedRow is an instance as it was after a change, or later. It is read and encoded once
// for all streams that tell of it.
type sharedRow struct {
	instance *hub.Instance // nil = it is gone
	encoded  []byte        // as JSON, as in lists; nil if instance is
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
	s.wants, s.turns = map[string]bool{}, make(chan spoken, turnBuffer)
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
		readers.Go(func() { s.api.ticker.follow(ctx, s.viewer, position) })
	}
	s.uncounted, s.number = s.wants["counts"], s.api.ticker.numbers.Add(1)
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
		if err := s.flush(); err != nil {
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
	if err := s.tellCounts(ctx, countsEvery); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
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
	case n := <-s.viewer.own:
		return s.tellTick(ctx, n)
	case <-s.viewer.rung:
		return s.tellTick(ctx, s.viewer.take())
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
		s.frames.WriteString(": alive\n\n")
	}
	return nil
}

// tellTick tells of changes, and counts that have not been told for a while.
func (s *streamer) tellTick(ctx context.Context, n tick) error {
	switch {
	case n.err != nil && ctx.Err() != nil:
		return nil
	case n.err != nil:
		return n.err
	}
	s.position, s.number = n.next, n.number
	if n.reset {
		s.uncounted = s.wants["counts"]
		return s.send("reset", hello{cursorText([]byte(n.next))})
	}
	s.uncounted = s.uncounted || n.skipped > 0 && s.wants["counts"]
	if err := s.sendChanges(ctx, n); err != nil {
		return err
	}
	return s.tellCounts(ctx, countsEvery/2) // in one packet with the changes
}

// sendChanges sends one frame for each topic that the changes concern.
func (s *streamer) sendChanges(ctx context.Context, n tick) error {
	newest := map[string]store.Change{}
	var order []string
	for _, c := range n.look {
		if _, seen := newest[c.ID]; !seen {
			order = append(order, c.ID)
		}
		newest[c.ID] = c
		s.uncounted = s.uncounted || s.wants["counts"] && !isEntity(c.ID)
	}
	for i := range s.topics {
		t := &s.topics[i]
		var concerned []store.Change
		for _, id := range order {
			if t.concerns(id) {
				concerned = append(concerned, newest[id])
			}
		}
		unseen := t.unseen(n)
		if len(concerned) == 0 && unseen == 0 {
			continue
		}
		var body any
		var err error
		switch t.kind {
		case "list":
			body, err = s.listFrame(ctx, t, concerned, unseen)
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
		if body == nil {
			continue
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
	case "list", "runs":
		return !isEntity(id)
	case "sessions", "entities":
		return strings.HasPrefix(id, t.prefix)
	}
	return false
}

// unseen is how many runs of a list are not told one by one; see [listFrame].
func (t *topic) unseen(n tick) int {
	switch {
	case t.kind != "list":
		return 0
	case t.whole:
		return n.begun
	}
	return n.skipped
}

// row returns the instance that changed, without instance if it is gone.
func (s *streamer) row(ctx context.Context, c store.Change) (*sharedRow, error) {
	if c.Gone {
		return &sharedRow{}, nil
	}
	return s.api.rows.get(ctx, c, func(ctx context.Context, c store.Change) (*sharedRow, error) {
		i, err := s.api.Hub.Instance(ctx, c.ID, false)
		if perdure.CodeOf(err) == perdure.NotFound {
			return &sharedRow{}, nil
		}
		if err != nil {
			return nil, err
		}
		encoded, err := marshal(viewRow(i))
		return &sharedRow{i, encoded}, err
	})
}

// tellCounts tells the counts if something has changed, unless that was done within a time.
func (s *streamer) tellCounts(ctx context.Context, within time.Duration) error {
	if !s.uncounted || time.Since(s.counted) < within {
		return nil
	}
	encoded, err := s.api.counts.get(ctx, s.number, func(ctx context.Context, _ uint64) (json.RawMessage, error) {
		counts, err := s.api.Hub.Counts(ctx)
		if err != nil {
			return nil, err
		}
		counts = slices.DeleteFunc(counts, func(c store.Count) bool { return isTurn(c.Name) })
		return marshal(countsFrame{Topic: "counts", Items: sum(counts, []string{"status", "phase"})})
	})
	if err != nil {
		return err
	}
	s.uncounted, s.counted = false, time.Now()
	return s.send("counts", encoded)
}

// send adds a frame with the position after it.
func (s *streamer) send(event string, data any) error {
	encoded, ok := data.(json.RawMessage)
	if !ok {
		var err error
		if encoded, err = marshal(data); err != nil {
			return err
		}
	}
	fmt.Fprintf(&s.frames, "id: %s\nevent: %s\ndata: %s\n\n", cursorText([]byte(s.position)), event, encoded)
	return nil
}

// flush sends what was added.
func (s *streamer) flush() error {
	if s.frames.Len() == 0 {
		return nil
	}
	s.lastSent = time.Now()
	defer s.frames.Reset()
	if _, err := s.w.Write(s.frames.Bytes()); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}
