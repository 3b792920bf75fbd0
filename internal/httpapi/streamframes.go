package httpapi

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/store"
)

// runsFrame returns a [frame] as JSON, put together of rows that are encoded already.
func (s *streamer) runsFrame(ctx context.Context, t *topic, changes []store.Change) (json.RawMessage, error) {
	name, err := marshal(t.text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`{"topic":`)
	b.Write(name)
	b.WriteString(`,"upsert":[`)
	left, first := []gone{}, true
	for _, c := range changes {
		r, err := s.row(ctx, c)
		if err != nil {
			return nil, err
		}
		if r.instance == nil || t.match != nil && !t.match(r.instance) {
			left = append(left, gone{c.ID, c.Version})
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		b.Write(r.encoded)
		first = false
	}
	encoded, err := marshal(left)
	b.WriteString(`],"gone":`)
	b.Write(encoded)
	b.WriteByte('}')
	return b.Bytes(), err
}

// listFrame returns a [listFrame] as JSON, or nil if there is nothing to tell.
func (s *streamer) listFrame(ctx context.Context, t *topic, changes []store.Change, unseen int) (any, error) {
	f := struct {
		listFrame
		Upsert []json.RawMessage `json:"upsert"`
	}{listFrame{Topic: t.text, Gone: []gone{}, Unseen: unseen}, []json.RawMessage{}}
	for _, c := range changes {
		r, err := s.row(ctx, c)
		switch {
		case err != nil:
			return nil, err
		case r.instance != nil && t.match(r.instance):
			f.Upsert = append(f.Upsert, r.encoded)
			s.api.ticker.hold(s.viewer, c.ID)
		case s.viewer.marks[idMarkOf(c.ID)]:
			f.Gone = append(f.Gone, gone{c.ID, c.Version})
		}
	}
	if len(f.Upsert)+len(f.Gone)+unseen == 0 {
		return nil, nil
	}
	return f, nil
}

func (s *streamer) entitiesFrame(ctx context.Context, t *topic, changes []store.Change) (any, error) {
	f := entitiesFrame{Topic: t.text, Upsert: []*entity{}, Gone: []gone{}}
	for _, c := range changes {
		r, err := s.row(ctx, c)
		if err != nil {
			return nil, err
		}
		if r.instance == nil {
			f.Gone = append(f.Gone, gone{c.ID, c.Version})
		} else {
			f.Upsert = append(f.Upsert, viewEntity(r.instance))
		}
	}
	return f, nil
}

func (s *streamer) sessionsFrame(ctx context.Context, t *topic, changes []store.Change) (any, error) {
	f := sessionsFrame{Topic: t.text, Upsert: []*session{}, Gone: []gone{}}
	for _, c := range changes {
		id, err := agent.NewSessionID(t.id, c.ID[len(t.prefix):])
		if err != nil {
			continue
		}
		found, err := s.api.Agents.Service.Session(ctx, id)
		switch {
		case c.Gone || perdure.CodeOf(err) == perdure.NotFound:
			f.Gone = append(f.Gone, gone{c.ID, c.Version})
		case err != nil:
			return nil, err
		default:
			v, err := s.api.viewSession(ctx, found)
			if err != nil {
				return nil, err
			}
			v.RowVersion = c.Version
			f.Upsert = append(f.Upsert, v)
		}
	}
	return f, nil
}

// tellInbox tells which decisions are open, if that was asked for: first all, then what
// has changed.
func (s *streamer) tellInbox(ctx context.Context) error {
	if !s.wants["inbox"] {
		return nil
	}
	service := s.api.Agents.Service
	if s.asked == nil { // watched before it is read, so that nothing is missed
		asked, err := service.WatchDecisions(ctx)
		if err != nil {
			return err
		}
		s.asked = asked
	}
	if s.open == nil {
		s.open = service.Open()
	}
	changed, closed, err := s.open.Read(ctx)
	if err != nil {
		return err
	}
	f := inboxFrame{Topic: "inbox", Whole: !s.told, Upsert: viewDecisions(ctx, changed), Gone: []gone{}}
	for _, id := range closed {
		f.Gone = append(f.Gone, gone{ID: id})
	}
	if s.told && len(f.Upsert)+len(f.Gone) == 0 {
		return nil
	}
	s.told = true
	return s.send("inbox", f)
}

// tellTurns tells the frames of turns that have come.
func (s *streamer) tellTurns(first spoken) error {
	var order []*topic
	frames := map[*topic]*turnFrame{}
	for f, more := first, true; more; {
		told := frames[f.topic]
		if told == nil {
			told = &turnFrame{Topic: f.topic.text, Turn: f.topic.id, Frames: []agent.Frame{}, Next: f.topic.offset}
			frames[f.topic], order = told, append(order, f.topic)
		}
		if f.err != nil {
			told.Error = problemOf(f.err)
		} else {
			told.Frames = append(told.Frames, f.frame)
			told.Next = f.frame.Offset + 1
			f.topic.offset = told.Next
		}
		told.Ended = told.Ended || f.ended
		select {
		case f = <-s.turns:
		default:
			more = false
		}
	}
	for _, t := range order {
		encoded, err := marshal(frames[t])
		if err != nil {
			return err
		}
		s.frames.WriteString("event: turn\ndata: " + string(encoded) + "\n\n")
	}
	return nil
}

// tellWorkers tells which workers there are, if that was asked for and is not what was
// told last.
func (s *streamer) tellWorkers(ctx context.Context) error {
	if !s.wants["workers"] {
		return nil
	}
	page, err := s.api.workersNow(ctx)
	if err != nil {
		return err
	}
	f := workersFrame{Topic: "workers", workersPage: *page}
	encoded, err := marshal(f)
	if err != nil || string(encoded) == s.workers {
		return err
	}
	s.workers = string(encoded)
	return s.send("workers", f)
}
