package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store/memory"
)

// prompts is a model that remembers what it was given, a line a message, and
// answers with the number of the call.
type prompts struct {
	mu   sync.Mutex // guards seen
	seen []string
}

func (m *prompts) Generate(_ context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		text := ""
		for _, message := range req.Messages {
			text += string(message.Role) + " " + message.Text() + toolText(message)
			for _, c := range message.Contents.Calls() {
				text += c.Name
			}
			text += "\n"
		}
		m.mu.Lock()
		m.seen = append(m.seen, text)
		n := len(m.seen)
		m.mu.Unlock()
		var c model.Content = &model.Text{Text: fmt.Sprint("answer ", n)}
		switch said := last(req); {
		case strings.HasPrefix(said.Text(), "Summarise"):
			c = &model.Text{Text: fmt.Sprintf("%d messages were said", len(req.Messages)-1)}
		case said.Text() == "look":
			c = calling(req, "look", `{}`)
		}
		yield(&model.Update{Contents: model.Contents{c, &model.UsageContent{Details: model.Usage{InputTokenCount: int64(len(text)), TotalTokenCount: int64(len(text))}}}}, nil)
	}
}

// lastSeen returns what the model was given last.
func (m *prompts) lastSeen() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen[len(m.seen)-1]
}

// TestCompaction has the view of the model made shorter in each of the ways, while
// the conversation stays whole and calls stay with their results.
func TestCompaction(t *testing.T) {
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return strings.Repeat("é", 50), nil }, agent.WithEffect(agent.Pure))
	for name, c := range map[string]struct {
		compaction agent.Compaction
		want       string // of the last prompt
	}{
		"window": {agent.Compaction{MaxMessages: 6, Keep: 4}, `user Earlier messages of this conversation were left out.
assistant look
tool "éééééééééééééééééééééééééééééééééééééééééééééééééé"
assistant answer 4
user three
`},
		"summary": {agent.Compaction{MaxMessages: 6, Keep: 4, Summarize: true}, `user Summary of the conversation so far:
3 messages were said
assistant look
tool "éééééééééééééééééééééééééééééééééééééééééééééééééé"
assistant answer 4
user three
`},
		"trim": {agent.Compaction{MaxTokens: 100, Keep: 1, TrimResults: 11}, `user one
assistant answer 1
user look
assistant look
tool "ééééé … (90 bytes were left out)"
assistant answer 3
user three
`},
	} {
		t.Run(name, func(t *testing.T) {
			m := &prompts{}
			a := joker(m, look)
			a.Compaction = &c.compaction
			disk := &memory.Disk{}
			n := begin(t, disk, registry(t, a))
			say(t, n, "k1", "one")
			say(t, n, "k1", "look")
			idle(t, n)
			disk.Crash() // what the view is, is durable
			n.stop()
			n = begin(t, disk, registry(t, a))
			say(t, n, "k1", "three")
			want := c.want
			if name != "trim" { // the third answer counts the call for the summary
				want = strings.ReplaceAll(want, "answer 4", "answer 3")
			}
			if diff := cmp.Diff(want, m.lastSeen()); diff != "" {
				t.Errorf("the last prompt (-want +got):\n%s", diff)
			}
			whole := conversation(t, n.Service, "k1")
			if !strings.HasPrefix(whole, "user one\nassistant answer 1\nuser look\nassistant look\n") || !strings.Contains(whole, strings.Repeat("é", 50)) {
				t.Errorf("the conversation is no longer whole:\n%s", whole)
			}
		})
	}
}

// TestSummaryFails has the model that summarises fail for good: the conversation
// goes on without a summary.
func TestSummaryFails(t *testing.T) {
	m := &prompts{}
	a := joker(m)
	a.Compaction = &agent.Compaction{MaxMessages: 6, Keep: 4, Summarize: true, Summarizer: modeltest.Script(t,
		modeltest.Fail(&model.Error{Provider: "script", Status: 400, Message: "too long"}))}
	n := begin(t, &memory.Disk{}, registry(t, a))
	for i := range 4 {
		say(t, n, "k1", fmt.Sprint("message ", i))
	}
	if got := m.lastSeen(); !strings.HasPrefix(got, "user Earlier messages of this conversation were left out.\n") {
		t.Errorf("the model was given\n%swant that something was left out", got)
	}
}

// TestCompactionRepeats keeps the view of a long conversation short, turn after
// turn, and also within a turn of many steps.
func TestCompactionRepeats(t *testing.T) {
	m := &prompts{}
	a := joker(m)
	a.Compaction = &agent.Compaction{MaxMessages: 12, Keep: 5, Summarize: true}
	n := begin(t, &memory.Disk{}, registry(t, a))
	for i := range 30 {
		say(t, n, "k1", fmt.Sprint("message ", i))
		if got := strings.Count(m.lastSeen(), "\n"); got > 13 {
			t.Fatalf("turn %d was given %d messages, want at most 13", i, got)
		}
	}
	if !strings.Contains(m.lastSeen(), "Summary of the conversation") || !strings.Contains(m.lastSeen(), "message 29") {
		t.Errorf("the last prompt is\n%s\nwant a summary and the newest message", m.lastSeen())
	}

	steps := &prompts{}
	long := named("Long", behaving(func(_ context.Context, req *model.Request) model.Content {
		for range steps.Generate(t.Context(), req) {
			break
		}
		if len(steps.seen) > 40 {
			return saying("done")
		}
		return &model.FunctionCall{CallID: fmt.Sprint("c", len(steps.seen)), Name: "noop", Arguments: "{}"}
	}), pureTool("noop"))
	long.MaxSteps = 100
	long.Compaction = &agent.Compaction{MaxMessages: 12, Keep: 5}
	n = begin(t, &memory.Disk{}, registry(t, long))
	id, err := agent.NewSessionID("Long", "k1")
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := n.Send(ctxOf(t), id, agent.Message{Text: "go"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := n.Wait(ctxOf(t), accepted.Turn); err != nil || r.Text != "done" {
		t.Fatalf("Wait() = %+v, %v, want done", r, err)
	}
	for i, seen := range steps.seen {
		lines := strings.Split(strings.TrimSuffix(seen, "\n"), "\n")
		for j, line := range lines {
			if strings.HasPrefix(line, "tool ") && lines[j-1] != "assistant noop" || strings.Contains(line, "given up") {
				t.Fatalf("step %d parts a call from its result:\n%s", i, seen)
			}
		}
		if len(lines) > 14 {
			t.Fatalf("step %d was given %d messages, want at most 14", i, len(lines))
		}
	}
}

// TestContextProviders adds instructions, messages and state, once for each turn.
func TestContextProviders(t *testing.T) {
	m := &prompts{}
	asked := 0
	a := joker(m, pureTool("look"))
	a.Context = []agent.ContextProvider{
		agent.ContextFunc(func(_ context.Context, turn agent.TurnInfo) (agent.Addition, error) {
			asked++
			if asked == 1 {
				return agent.Addition{}, errors.New("not yet") // is tried again
			}
			return agent.Addition{
				Messages: []*model.Message{model.UserText(fmt.Sprintf("memory of %s after %d turns: %s", turn.Messages[0].Text(), turn.Turns, turn.State["mood"]))},
				State:    map[string]json.RawMessage{"mood": json.RawMessage(fmt.Sprintf(`"turn %d"`, turn.Turns))},
			}, nil
		}),
		agent.ContextFunc(func(context.Context, agent.TurnInfo) (agent.Addition, error) {
			return agent.Addition{Instructions: "Be kind."}, nil
		}),
	}
	n := begin(t, &memory.Disk{}, registry(t, a))
	accepted := send(t, n, "k1", agent.Message{Text: "look"})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := n.Wait(ctxOf(t), accepted.Turn); err != nil {
			t.Error(err)
		}
	}()
	skip(t, n, done)
	if want := "user memory of look after 0 turns: \nuser look\nassistant look\ntool \"done\"\n"; m.lastSeen() != want {
		t.Errorf("the prompt is\n%swant\n%s", m.lastSeen(), want)
	}
	if asked != 2 {
		t.Errorf("the provider was asked %d times in a turn of two steps, want 2, one of which failed", asked)
	}
	say(t, n, "k1", "again")
	if want := "assistant answer 2\nuser memory of again after 1 turns: \"turn 0\"\nuser again\n"; !strings.HasSuffix(m.lastSeen(), want) {
		t.Errorf("the prompt is\n%swant it to end with\n%s", m.lastSeen(), want)
	}
	if c := conversation(t, n.Service, "k1"); strings.Contains(c, "memory") {
		t.Errorf("the conversation keeps what the provider gave:\n%s", c)
	}
}

// elsewhere keeps conversations in a map.
type elsewhere struct {
	mu    sync.Mutex // guards the fields below
	kept  map[string][]*model.Message
	turns map[string]bool
}

func (h *elsewhere) Load(_ context.Context, turn agent.TurnInfo) ([]*model.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*model.Message(nil), h.kept[turn.Session]...), nil
}

func (h *elsewhere) Save(_ context.Context, turn agent.TurnInfo, messages []*model.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.turns[turn.Turn] { // may be told twice
		h.turns[turn.Turn] = true
		h.kept[turn.Session] = append(h.kept[turn.Session], messages...)
	}
	return nil
}

// TestHistoryElsewhere keeps a conversation in another store, also when the
// process is dropped at any commit.
func TestHistoryElsewhere(t *testing.T) {
	var h *elsewhere
	var m *prompts
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: offsets,
		Varies: true, // the model counts its calls
		Register: func(reg *perdure.Registry) {
			h = &elsewhere{kept: map[string][]*model.Message{"@dafx-joker@k1": {model.UserText("before")}}, turns: map[string]bool{}}
			m = &prompts{}
			a := joker(m)
			a.History = h
			if err := agent.Register(reg, a); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			agents := agent.NewService(e.Client())
			for _, text := range []string{"one", "two"} {
				a, err := agents.Send(t.Context(), session(t, "k1"), agent.Message{Text: text, CorrelationID: text})
				if err == nil {
					_, err = agents.Wait(t.Context(), a.Turn)
				}
				if err != nil {
					t.Error(err)
				}
			}
			if got := strings.Count(m.lastSeen(), "\n"); got != 4 || !strings.HasPrefix(m.lastSeen(), "user before\nuser one\n") {
				t.Errorf("the last prompt is\n%s\nwant the four messages", m.lastSeen())
			}
			if got := len(h.kept["@dafx-joker@k1"]); got != 5 {
				t.Errorf("%d messages are kept elsewhere, want 5", got)
			}
		},
	})
	if done.Commits < 8 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
}

// TestTurnIncarnation resets a session: whoever keeps its conversation can tell the
// one after from the one before.
func TestTurnIncarnation(t *testing.T) {
	var seen []string
	a := joker(parrot())
	a.Context = []agent.ContextProvider{agent.ContextFunc(func(_ context.Context, turn agent.TurnInfo) (agent.Addition, error) {
		seen = append(seen, turn.Incarnation)
		return agent.Addition{}, nil
	})}
	reg := registry(t, a)
	perdure.AddOrchestrationNamed(reg, "Outside", func(ctx *perdure.Context, _ string) (string, error) { return a.Run(ctx, "four").Text() })
	n := begin(t, &memory.Disk{}, reg)
	say(t, n, "k1", "one")
	say(t, n, "k1", "two")
	if err := n.Reset(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	say(t, n, "k1", "three")
	started, err := n.client.Start(ctxOf(t), "Outside", "", client.StartOptions{})
	if err == nil {
		_, err = n.client.WaitCompletion(ctxOf(t), started.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 4 || seen[0] == "" || seen[0] != seen[1] || seen[2] == "" || seen[2] == seen[0] || seen[3] != "" {
		t.Errorf("incarnations = %q, want two of the first conversation, one of the second, and none outside of sessions", seen)
	}
}

// TestMiddleware checks requests, answers and calls of tools.
func TestMiddleware(t *testing.T) {
	m := modeltest.Script(t, modeltest.Call("pay", `{"Amount":5}`).Then(modeltest.Call("pay", `{"Amount":500}`)), modeltest.Say("The secret is 42."))
	paid := 0
	pay := agent.NewTool("pay", "pays", func(_ context.Context, in struct{ Amount int }) (string, error) {
		paid += in.Amount
		return "paid", nil
	})
	a := joker(m, pay)
	order := ""
	a.Middleware = []agent.Middleware{
		{Tool: func(ctx context.Context, call agent.ToolCall, arguments string, next agent.ToolFunc) (any, error) {
			if strings.Contains(arguments, "500") {
				return nil, fmt.Errorf("%s of more than 100 is forbidden", call.Tool)
			}
			return next(ctx, arguments)
		}},
		{Model: func(next model.Model) model.Model {
			return model.Func(func(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
				order += "outer "
				return func(yield func(*model.Update, error) bool) {
					for u, err := range next.Generate(ctx, req) {
						if u != nil && strings.Contains(u.Text(), "42") {
							copied := *u
							copied.Contents = model.Contents{&model.Text{Text: "hidden."}}
							u = &copied
						}
						if !yield(u, err) {
							return
						}
					}
				}
			})
		}},
		{Model: func(next model.Model) model.Model {
			return model.Func(func(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
				order += "inner "
				return next.Generate(ctx, req)
			})
		}},
	}
	n := begin(t, &memory.Disk{}, registry(t, a))
	if r := say(t, n, "k1", "Pay."); r.Text != "The secret is hidden." {
		t.Errorf("answer = %q, want it without the secret", r.Text)
	}
	if paid != 5 || order != "outer inner outer inner " {
		t.Errorf("paid %d in the order %q, want 5 and the outer first", paid, order)
	}
	if got := toolText(m.Requests()[1].Messages[3]); got != "pay of more than 100 is forbidden" {
		t.Errorf("the model was told %q, want why it was forbidden", got)
	}
}
