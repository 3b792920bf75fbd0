package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

func joker(m model.Model, tools ...agent.Tool) *agent.Agent {
	return &agent.Agent{Name: "Joker", Instructions: "You are good at telling jokes.", Model: m, Tools: tools}
}

func TestConversation(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("He was tide."), modeltest.Say("Arr."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	first := say(t, n, "k1", "A joke about a pirate.")
	second := say(t, n, "k1", "Another one.")
	if got, want := first.Text+"|"+second.Text, "He was tide.|Arr."; got != want {
		t.Errorf("answers = %q, want %q", got, want)
	}
	want := "user A joke about a pirate.\nassistant He was tide.\nuser Another one.\nassistant Arr.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
	asked := m.Requests()[1]
	if asked.Instructions != "You are good at telling jokes." || len(asked.Messages) != 3 {
		t.Errorf("second request = %q with %d messages, want the instructions and 3", asked.Instructions, len(asked.Messages))
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil { // the session has heard of the end
		t.Fatal(err)
	}
	s, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Turns != 2 || s.Messages != 4 || s.Running != "" || len(s.Queue) != 0 || s.Usage.TotalTokenCount == 0 {
		t.Errorf("Session() = %+v, want 2 turns, 4 messages, nothing running, some usage", s)
	}
	page, err := n.Sessions(ctxOf(t), "JOKER", nil, 10)
	if err != nil || len(page.Sessions) != 1 || page.Sessions[0].ID.Key != "k1" {
		t.Errorf("Sessions() = %+v, %v, want k1", page, err)
	}
}

func TestQueue(t *testing.T) {
	gate := make(chan struct{})
	m := modeltest.Script(t, modeltest.Say("one").Check(func(*model.Request) error { <-gate; return nil }), modeltest.Say("two"))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	first := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "a"})
	second := send(t, n, "k1", agent.Message{Text: "2", CorrelationID: "b"})
	again := send(t, n, "k1", agent.Message{Text: "2", CorrelationID: "b"})
	if again.Turn != second.Turn || first.Turn == second.Turn {
		t.Errorf("turns = %s, %s, %s, want the last two the same", first.Turn, second.Turn, again.Turn)
	}
	close(gate)
	if r, err := n.Wait(ctxOf(t), second.Turn); err != nil || r.Text != "two" {
		t.Errorf("Wait() = %+v, %v, want two", r, err)
	}
	if a := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "a"}); !a.Duplicate || a.Turn != first.Turn {
		t.Errorf("Send() of a message that was answered = %+v, want a duplicate", a)
	}
	_, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "other", CorrelationID: "a"})
	if perdure.CodeOf(err) != perdure.Conflict {
		t.Errorf("Send() of another message with the same id = %v, want a conflict", err)
	}
	if got, want := transcript(t, n, "k1"), "user 1\nassistant one\nuser 2\nassistant two\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

type city struct {
	City string `json:"city" jsonschema:"name of the city"`
}

func TestTools(t *testing.T) {
	effects := make(chan string, 2)
	both := make(chan struct{}, 2)
	weather := agent.NewTool("weather", "tells the weather", func(ctx context.Context, in city) (string, error) {
		effects <- perdure.Activity(ctx).EffectID + agent.CallOf(ctx).Session
		both <- struct{}{}
		for len(both) < 2 { // the other call runs at the same time
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			time.Sleep(time.Millisecond)
		}
		return "rain in " + in.City, nil
	})
	broken := agent.NewTool("broken", "fails", func(context.Context, int) (int, error) { return 0, errors.New("out of order") })
	m := modeltest.Script(t,
		modeltest.Call("weather", city{"Oslo"}).Then(modeltest.Call("weather", city{"Rome"})),
		modeltest.Call("weather", `{"city":7}`).Then(modeltest.Call("nothing", nil), modeltest.Call("broken", `{"Arg0":1}`)),
		modeltest.Say("Take an umbrella."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, weather, broken)))
	r := say(t, n, "k1", "Weather?")
	if r.Text != "Take an umbrella." || r.Steps != 3 || r.Messages != 9 {
		t.Errorf("response = %+v, want the text after 3 steps and 9 messages", r)
	}
	got := strings.Split(transcript(t, n, "k1"), "\n")
	want := []string{
		"user Weather?", `assistant weather({"city":"Oslo"}) weather({"city":"Rome"})`,
		`tool = "rain in Oslo"`, `tool = "rain in Rome"`,
		`assistant weather({"city":7}) nothing({}) broken({"Arg0":1})`,
	}
	if d := cmp.Diff(want, got[:5]); d != "" {
		t.Errorf("transcript (-want +got):\n%s", d)
	}
	for i, part := range []string{"do not fit", `no tool "nothing"`, "out of order"} {
		if !strings.Contains(got[5+i], part) {
			t.Errorf("result %d = %s, want %q in it", i, got[5+i], part)
		}
	}
	if a, b := <-effects, <-effects; a == b || !strings.HasSuffix(a, "@dafx-joker@k1") {
		t.Errorf("effects = %s, %s, want different ones of the session", a, b)
	}
}

func TestBoundedLoop(t *testing.T) {
	m := modeltest.Script(t, modeltest.Call("again", nil), modeltest.Call("again", nil), modeltest.Say("I am back."))
	a := joker(m, agent.NewTool("again", "does nothing", func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }))
	a.MaxSteps = 2
	n := begin(t, &memory.Disk{}, registry(t, a))
	accepted := send(t, n, "k1", agent.Message{Text: "Go on for ever."})
	_, err := n.Wait(ctxOf(t), accepted.Turn)
	if err == nil || !strings.Contains(err.Error(), "2 model steps, which is the limit") {
		t.Errorf("Wait() = %v, want the limit", err)
	}
	last := agent.Frame{}
	for f, err := range n.Stream(ctxOf(t), accepted.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		last = f
	}
	if last.Type != agent.FrameEnd || last.Status != "failed" {
		t.Errorf("last frame = %+v, want a failed end", last)
	}
	if r := say(t, n, "k1", "And now?"); r.Text != "I am back." {
		t.Errorf("answer after a failed turn = %q, want I am back.", r.Text)
	}
}

func TestModelRetry(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Half of ").Then(modeltest.RateLimit(7*time.Second)), modeltest.Say("The whole."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	began := n.clock.Now()
	a := send(t, n, "k1", agent.Message{Text: "Joke."})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r, err := n.Wait(ctxOf(t), a.Turn); err != nil || r.Text != "The whole." {
			t.Errorf("Wait() = %+v, %v, want The whole.", r, err)
		}
	}()
	skip(t, n, done)
	if waited := n.clock.Now().Sub(began); waited < 7*time.Second || waited > time.Minute {
		t.Errorf("the retry came after %v, want 7 s", waited)
	}
	if got, want := heard(t, n, a.Turn, 0), "The whole."; got != want {
		t.Errorf("stream = %q, want %q", got, want)
	}
}

func TestModelFailure(t *testing.T) {
	m := modeltest.Script(t, modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"}))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	a := send(t, n, "k1", agent.Message{Text: "Joke."})
	var step *perdure.StepError
	if _, err := n.Wait(ctxOf(t), a.Turn); !errors.As(err, &step) || !strings.Contains(step.Message, "who are you") {
		t.Errorf("Wait() = %v, want the provider's error after one attempt", err)
	}
	if got, want := transcript(t, n, "k1"), "user Joke.\n"; got != want {
		t.Errorf("transcript = %q, want the user's message %q", got, want)
	}
}

// TestTerminatedTurn shows that a session goes on when its turn was ended from
// outside, between a tool call and its result.
func TestTerminatedTurn(t *testing.T) {
	entered := make(chan struct{})
	stuck := agent.NewTool("stuck", "hangs", func(ctx context.Context, _ struct{}) (string, error) {
		close(entered)
		<-ctx.Done()
		return "", ctx.Err()
	})
	m := modeltest.Script(t, modeltest.Call("stuck", nil), modeltest.Say("On we go.").Check(func(r *model.Request) error {
		for _, m := range r.Messages {
			if strings.Contains(line(m), "given up") {
				return nil
			}
		}
		return fmt.Errorf("the call has no result")
	}))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, stuck)))
	a := send(t, n, "k1", agent.Message{Text: "Hang."})
	<-entered
	if err := n.client.Terminate(ctxOf(t), a.Turn, client.Ending{}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("Wait() = %v, want terminated", err)
	}
	if r := say(t, n, "k1", "Still there?"); r.Text != "On we go." {
		t.Errorf("answer = %q, want On we go.", r.Text)
	}
	if got := transcript(t, n, "k1"); got != "user Hang.\nassistant stuck({})\nuser Still there?\nassistant On we go.\n" {
		t.Errorf("transcript = %s", got)
	}
}

func TestWindow(t *testing.T) {
	var sizes []int
	steps := make([]modeltest.Step, 12)
	for i := range steps {
		steps[i] = modeltest.Say("yes").Check(func(r *model.Request) error {
			sizes = append(sizes, len(r.Messages))
			if r.Messages[0].Role != model.RoleUser {
				return fmt.Errorf("the view begins with a message of %s", r.Messages[0].Role)
			}
			return nil
		})
	}
	a := joker(modeltest.Script(t, steps...))
	a.Window = 4
	n := begin(t, &memory.Disk{}, registry(t, a))
	for range steps {
		say(t, n, "k1", "ok?")
	}
	if got, want := fmt.Sprint(sizes), "[1 3 5 5 5 5 5 5 5 5 5 5]"; got != want {
		t.Errorf("messages in the requests = %s, want %s", got, want)
	}
}

// TestClientOf is outside of a worker: there is no hub.
func TestClientOf(t *testing.T) {
	if c, err := agent.ClientOf(t.Context()); c != nil || perdure.CodeOf(err) != perdure.Internal {
		t.Errorf("ClientOf() = %v, %v, want none", c, err)
	}
}
