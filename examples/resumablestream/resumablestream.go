// Package resumablestream reads what an agent says while it says it, by a reader
// that may be cut off at any word and goes on from there: in another process, after
// a crash of the server, or a day later. It needs no broker: the stream lies beside
// the turn, and every frame has an offset.
//
//	go run ./examples/serve resumablestream
//	curl -N -H 'Accept: text/event-stream' --json '{"message":"Plan three days in Kyoto."}' \
//	  http://127.0.0.1:8080/api/v1/agents/TravelPlanner/sessions/trip/messages
//
// The first event names the path of the stream, every other one has an id. Cut the
// stream off with Ctrl-C; path and newest id take it up again:
//
//	curl -N -H 'Last-Event-ID: 40' \
//	  http://127.0.0.1:8080/api/v1/agents/TravelPlanner/sessions/trip/turns/TURN/stream
package resumablestream

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// NewPlanner returns the agent.
func NewPlanner(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name: "TravelPlanner", Description: "Plans trips.", Model: m,
		Instructions: "You plan trips, day by day, with one sight in the morning and one in the afternoon.",
	}
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error { return agent.Register(reg, NewPlanner(m)) }

// Reader reads the answer of a turn. Its fields are all that a reader has to keep
// to go on elsewhere; they survive as JSON. The zero Offset is the beginning.
type Reader struct {
	Turn   string  `json:"turn"`
	Offset int64   `json:"offset"` // of the frame that is read next
	Words  []Words `json:"words"`
	Ended  bool    `json:"ended"`
}

// Words are a piece of the answer.
type Words struct {
	Offset int64  `json:"offset"` // of their frame
	Text   string `json:"text"`
}

// Read reads until the answer is whole, or ctx or the connection ends: then it
// returns an error, and reads on when it is called again. show is called after each
// frame.
func (r *Reader) Read(ctx context.Context, agents *agent.Service, show func(r *Reader)) error {
	for frame, err := range agents.Stream(ctx, r.Turn, r.Offset) {
		if err != nil {
			return err
		}
		r.take(frame)
		show(r)
	}
	if !r.Ended {
		return errors.New("the stream was left")
	}
	return nil
}

// take adds a frame to what was read.
func (r *Reader) take(f agent.Frame) {
	r.Offset = f.Offset + 1
	switch f.Type {
	case agent.FrameText:
		r.Words = append(r.Words, Words{Offset: f.Offset, Text: f.Delta})
	case agent.FrameReset:
		// The model is asked again, as its process died or its provider failed, or the
		// turn was rewound: what was said from there on is void, wherever it was seen.
		r.Words = slices.DeleteFunc(r.Words, func(w Words) bool { return w.Offset >= *f.ToOffset })
		r.Ended = false
	case agent.FrameEnd:
		r.Ended = true
	}
}

// Text returns what was said so far.
func (r *Reader) Text() string {
	var b strings.Builder
	for _, w := range r.Words {
		b.WriteString(w.Text)
	}
	return b.String()
}
