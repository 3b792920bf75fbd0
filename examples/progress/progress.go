// Package progress has a workflow tell what it does while it does it. It emits
// events of its own, which are numbered and kept in the status of the run, the
// newest ones: whoever reads the status, once or as it changes, sees those that it
// has missed. What an agent says can be read word by word while it says it, as an
// event names the turn.
//
//	url=http://127.0.0.1:8080/api
//	curl -N "$url/v1/stream?topics=run:tides" &
//	curl --json '{"topic":"tides","chapters":3}' "$url/workflow/WriteStory/run?runId=tides"
//	curl -N "$url/v1/agents/StoryWriter/sessions/tides/turns/TURN/stream"
//
// In Go, [Follow] yields the events and agent.Service.Stream the words.
package progress

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
)

type Story struct {
	Topic    string `json:"topic"`
	Chapters int    `json:"chapters"`
}

// Event is what the workflow tells. Number counts the events of a run from 1: a
// reader knows what it has seen, and what it has missed for good.
type Event struct {
	Number  int    `json:"number"`
	Kind    string `json:"kind"` // "writing" or "written"
	Chapter int    `json:"chapter"`
	Turn    string `json:"turn,omitempty"`  // that writes it
	Words   int    `json:"words,omitempty"` // that were written
}

// feed is the status of a run.
type feed struct {
	Events []Event `json:"events"`
}

// kept is how many events the status holds: it is rewritten with each of them.
const kept = 20

// emit tells an event. It is durable together with what the orchestration does
// next, and is not told again by a replay.
func (f *feed) emit(ctx *perdure.Context, e Event) {
	if e.Number = 1; len(f.Events) > 0 {
		e.Number = f.Events[len(f.Events)-1].Number + 1
	}
	f.Events = append(f.Events, e)
	f.Events = f.Events[max(len(f.Events)-kept, 0):]
	ctx.SetCustomStatus(f)
}

// WriteStory has an agent write a story, one chapter after the other.
func WriteStory(ctx *perdure.Context, s Story) (string, error) {
	var f feed
	writer := agent.Named("StoryWriter")
	session := agent.InSession(ctx.InstanceID()) // a turn of a session is known before it begins
	chapters := make([]string, s.Chapters)
	for i := range chapters {
		prompt := fmt.Sprintf("Write chapter %d of %d of a story about %s.", i+1, s.Chapters, s.Topic)
		chapter := writer.Run(ctx, prompt, session)
		f.emit(ctx, Event{Kind: "writing", Chapter: i + 1, Turn: chapter.Turn()})
		var err error
		if chapters[i], err = chapter.Text(); err != nil {
			return "", err
		}
		f.emit(ctx, Event{Kind: "written", Chapter: i + 1, Words: len(strings.Fields(chapters[i]))})
	}
	return strings.Join(chapters, "\n\n"), nil
}

// Follow yields the events of a run after the one with this number, 0 = all that
// are kept, and those to come, until it has ended.
func Follow(ctx context.Context, c *client.Client, run string, after int) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for i, err := range c.Watch(ctx, run) {
			var f feed
			if err == nil && i.CustomStatus != nil {
				err = json.Unmarshal(i.CustomStatus, &f)
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range f.Events {
				if e.Number <= after {
					continue
				}
				if after = e.Number; !yield(e, nil) {
					return
				}
			}
		}
	}
}

// NewWriter returns the agent that writes.
func NewWriter(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name:         "StoryWriter",
		Description:  "Writes stories.",
		Instructions: "You write stories for children. Answer with the chapter alone.",
		Model:        m,
	}
}

// Register makes the workflow and its agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, WriteStory)
	return agent.Register(reg, NewWriter(m))
}
