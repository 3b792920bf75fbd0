package auto

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// DefaultPace is the time that the demo model takes for a word.
const DefaultPace = 30 * time.Millisecond

// DemoNote stands at the head of every text that the demo model writes.
const DemoNote = "(Offline demo model: no API key was found.) "

// DemoConfig configures a [Demo]. The zero value is ready to use.
type DemoConfig struct {
	// Pace is the time between two words; 0 means DefaultPace, a negative
	// value means no wait at all.
	Pace time.Duration
}

// Demo is a model that needs no provider: it answers at once, offline, from a
// few rules, and says so in every answer. It tells jokes, writes short articles,
// compares what it is given, calls tools that the prompt names, and fills in
// JSON schemas. Equal requests get equal answers. It may be used concurrently.
type Demo struct {
	pace time.Duration
}

// NewDemo returns a demo model.
func NewDemo(cfg DemoConfig) *Demo {
	pace := cfg.Pace
	switch {
	case pace == 0:
		pace = DefaultPace
	case pace < 0:
		pace = 0
	}
	return &Demo{pace: pace}
}

// Describe names the model.
func (d *Demo) Describe() model.Info { return model.Info{Provider: "demo", Model: "offline-demo"} }

// Generate answers req, word by word. It fails only when ctx ends.
func (d *Demo) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		a := newAsk(req)
		id := fmt.Sprintf("demo-%016x", a.seed)
		call := a.toolCall()
		finish, outputTokens := model.FinishStop, 0
		if call != nil {
			finish, outputTokens = model.FinishToolCalls, len(strings.Fields(call.Arguments))+1
			if err := d.wait(ctx); err != nil {
				yield(nil, err)
				return
			}
			if !yield(update(id, call), nil) {
				return
			}
		} else {
			words, limited := limit(splitWords(a.answer()), req.MaxOutputTokens)
			if limited {
				finish = model.FinishLength
			}
			outputTokens = len(words)
			for _, word := range words {
				if err := d.wait(ctx); err != nil {
					yield(nil, err)
					return
				}
				if !yield(update(id, &model.Text{Text: word}), nil) {
					return
				}
			}
		}
		yield(lastUpdate(id, finish, a.inputTokens(), int64(outputTokens)), nil)
	}
}

// wait lets the time of one word pass.
func (d *Demo) wait(ctx context.Context) error {
	if d.pace == 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d.pace)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

func update(id string, c model.Content) *model.Update {
	return &model.Update{
		ResponseID: id, MessageID: id, Role: model.RoleAssistant, Contents: model.Contents{c},
	}
}

func lastUpdate(id, finish string, in, out int64) *model.Update {
	u := update(id, &model.UsageContent{Details: model.Usage{
		InputTokenCount: in, OutputTokenCount: out, TotalTokenCount: in + out,
	}})
	u.FinishReason = finish
	u.AdditionalProperties = model.Properties{model.PropertyModel: json.RawMessage(`"offline-demo"`)}
	return u
}

// splitWords cuts s into words with the space that follows them.
func splitWords(s string) []string {
	var words []string
	start, inSpace := 0, false
	for i, r := range s {
		space := r == ' ' || r == '\n'
		if inSpace && !space {
			words = append(words, s[start:i])
			start = i
		}
		inSpace = space
	}
	return append(words, s[start:])
}

func limit(words []string, most *int) (_ []string, limited bool) {
	if most == nil || *most <= 0 || len(words) <= *most {
		return words, false
	}
	return words[:*most], true
}

// ask is a request as the demo model understands it.
type ask struct {
	req *model.Request
	// prompt is the newest text of the user.
	prompt string
	// earlier are the texts of the user before it, oldest first.
	earlier []string
	// results are the tool results that came after the prompt.
	results []*model.FunctionResult
	// called are the tools that were called after the prompt.
	called map[string]bool
	seed   uint64
}

func newAsk(req *model.Request) *ask {
	a := &ask{req: req, called: map[string]bool{}}
	h := fnv.New64a()
	h.Write([]byte(req.Instructions))
	for _, m := range req.Messages {
		a.read(m)
		fmt.Fprintf(h, "\x00%s\x00%s", m.Role, m.Text())
		for _, r := range a.results {
			h.Write(r.Result)
		}
	}
	a.seed = h.Sum64()
	return a
}

func (a *ask) read(m *model.Message) {
	if m.Role == model.RoleUser {
		if a.prompt != "" {
			a.earlier = append(a.earlier, a.prompt)
		}
		a.prompt = m.Text()
		a.results = nil
		clear(a.called)
	}
	for _, c := range m.Contents {
		switch c := c.(type) {
		case *model.FunctionCall:
			a.called[c.Name] = true
		case *model.FunctionResult:
			a.results = append(a.results, c)
		}
	}
}

// random returns the random numbers of this request: the same each time.
func (a *ask) random() *rand.Rand { return rand.New(rand.NewPCG(a.seed, 1)) }

// inputTokens estimates the size of the request by its words.
func (a *ask) inputTokens() int64 {
	n := len(strings.Fields(a.req.Instructions))
	for _, m := range a.req.Messages {
		n += len(strings.Fields(m.Text())) + 1
	}
	return int64(n)
}
