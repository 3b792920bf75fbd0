package retention_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/examples/retention"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// archivist reads an article for each question and answers with the number of
// messages that it was given. It notes the longest request.
type archivist struct{ most int }

func (a *archivist) model() model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		size := 0
		for _, m := range r.Messages {
			size += len(m.Text())
			for _, c := range m.Contents {
				if f, ok := c.(*model.FunctionResult); ok {
					size += len(f.Result)
				}
			}
		}
		a.most = max(a.most, size)
		last := r.Messages[len(r.Messages)-1]
		step := modeltest.Call("read_article", retention.Article{Title: last.Text()})
		if last.Role == model.RoleTool {
			step = modeltest.Say(fmt.Sprintf("I have read it, and %d messages.", len(r.Messages)))
		}
		return step.Usage(model.Usage{InputTokenCount: int64(size) / 4, TotalTokenCount: int64(size) / 4})
	})
}

// summarizer counts what it is asked to summarise.
func summarizer() model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		return modeltest.Say(fmt.Sprintf("%d messages about scientists.", len(r.Messages)-1))
	})
}

func session(t *testing.T) agent.SessionID {
	t.Helper()
	id, err := agent.NewSessionID("Archivist", "k1")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestCompaction asks many questions: the requests stay short, begin with a summary,
// and the conversation stays whole.
func TestCompaction(t *testing.T) {
	const turns = 20
	a, reg := &archivist{}, perdure.NewRegistry()
	summed := 0
	m := a.model()
	watched := model.Func(func(ctx context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
		if strings.HasPrefix(r.Messages[0].Text(), "Summary of the conversation so far:") {
			summed++
		}
		return m.Generate(ctx, r)
	})
	if err := agent.Register(reg, retention.New(watched, summarizer())); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	for i := range turns {
		if _, err := env.Ask("Archivist", "k1", fmt.Sprintf("Scientist %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if summed == 0 || a.most > 20_000 { // an article has 4,000 bytes
		t.Errorf("%d requests began with a summary, and the longest had %d bytes; want some, and at most 5 articles", summed, a.most)
	}
	log, err := env.Agents().Messages(t.Context(), session(t), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, m := range log {
		for _, c := range m.Message.Contents {
			if f, ok := c.(*model.FunctionResult); ok && len(f.Result) > 4000 {
				whole++
			}
		}
	}
	if whole != turns {
		t.Errorf("the conversation has %d whole articles, want %d", whole, turns)
	}
}

// TestExpiry uses a session again after 20 days; it is gone 30 days later.
func TestExpiry(t *testing.T) {
	reg := perdure.NewRegistry()
	if err := retention.Register(reg, (&archivist{}).model()); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	for range 2 {
		if _, err := env.Ask("Archivist", "k1", "Marie Curie"); err != nil {
			t.Fatal(err)
		}
		env.Advance(20 * 24 * time.Hour)
	}
	if s, err := env.Agents().Session(t.Context(), session(t)); err != nil || s.Turns != 2 {
		t.Errorf("20 days after its use the session is %+v, %v, want it with 2 turns", s, err)
	}
	env.Advance(11 * 24 * time.Hour)
	if s, err := env.Agents().Session(t.Context(), session(t)); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("31 days after its use the session is %+v, %v, want none", s, err)
	}
}
