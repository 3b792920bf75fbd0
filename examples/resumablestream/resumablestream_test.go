package resumablestream_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/resumablestream"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// dictated is a model that says the words that the test hands out, until "".
type dictated chan string

func (m dictated) Generate(ctx context.Context, _ *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		for {
			select {
			case word := <-m:
				if word == "" || !yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: word}}}, nil) {
					return
				}
			case <-ctx.Done():
				yield(nil, context.Cause(ctx))
				return
			}
		}
	}
}

func (m dictated) say(words ...string) {
	for _, w := range words {
		m <- w
	}
}

// begin has the planner begin to answer and returns a reader of its answer.
func begin(t *testing.T) (*perduretest.Env, dictated, *resumablestream.Reader) {
	t.Helper()
	m, reg := make(dictated), perdure.NewRegistry()
	if err := resumablestream.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	id, err := agent.NewSessionID("TravelPlanner", "trip")
	if err != nil {
		t.Fatal(err)
	}
	a, err := env.Agents().Send(env.Context(), id, agent.Message{Text: "Plan a day in Kyoto."})
	if err != nil {
		t.Fatal(err)
	}
	return env, m, &resumablestream.Reader{Turn: a.Turn}
}

// readUntil reads until the reader has this text, and is then cut off.
func readUntil(t *testing.T, env *perduretest.Env, r *resumablestream.Reader, text string) {
	t.Helper()
	ctx, cut := context.WithCancel(env.Context())
	defer cut()
	err := r.Read(ctx, env.Agents(), func(r *resumablestream.Reader) {
		if r.Text() == text {
			cut()
		}
	})
	if err == nil || r.Text() != text {
		t.Fatalf("Read() = %v with %q, want to be cut off at %q", err, r.Text(), text)
	}
}

// moved returns the reader as another process gets it.
func moved(t *testing.T, r *resumablestream.Reader) *resumablestream.Reader {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	other := &resumablestream.Reader{}
	if err := json.Unmarshal(text, other); err != nil {
		t.Fatal(err)
	}
	return other
}

// TestResume cuts the reader off; another one goes on behind the last word. Later a
// third reads all of it.
func TestResume(t *testing.T) {
	env, m, r := begin(t)
	m.say("Morning: ", "a shrine. ")
	readUntil(t, env, r, "Morning: a shrine. ")
	m.say("Afternoon: ", "a garden.", "")
	fresh := &resumablestream.Reader{Turn: r.Turn}
	for _, r := range []*resumablestream.Reader{moved(t, r), fresh} {
		if err := r.Read(env.Context(), env.Agents(), func(*resumablestream.Reader) {}); err != nil {
			t.Fatal(err)
		}
		if want := "Morning: a shrine. Afternoon: a garden."; r.Text() != want {
			t.Errorf("Text() = %q, want %q", r.Text(), want)
		}
	}
}

// TestServerCrash crashes the server in the middle of the answer. The model is
// asked again and says something else: nothing of its first attempt remains.
func TestServerCrash(t *testing.T) {
	env, m, r := begin(t)
	m.say("Morning: ", "a shrine. ")
	readUntil(t, env, r, "Morning: a shrine. ")
	env.Crash()
	m.say("Stay ", "in bed.", "")
	r = moved(t, r)
	if err := r.Read(env.Context(), env.Agents(), func(*resumablestream.Reader) {}); err != nil {
		t.Fatal(err)
	}
	if want := "Stay in bed."; r.Text() != want {
		t.Errorf("Text() = %q, want %q", r.Text(), want)
	}
}

// TestRewind has a turn rewound to before its first step, of two, when the reader has all
// of it: nothing of either remains.
func TestRewind(t *testing.T) {
	const first, second = "Let me look. ", "Stay in bed."
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "rain", nil }, agent.WithEffect(agent.Pure))
	planner := resumablestream.NewPlanner(modeltest.Script(t,
		modeltest.Say(first).Then(modeltest.Call("look", nil)), modeltest.Say(second), modeltest.Say("A walk.")))
	planner.Tools = append(planner.Tools, look)
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, planner); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	r := &resumablestream.Reader{Turn: env.Tell("TravelPlanner", "trip", agent.Message{Text: "Plan a day in Kyoto."})}
	for i, want := range []string{first + second, "A walk."} {
		if i > 0 {
			env.Settle()
			if _, err := env.Agents().RewindTo(env.Context(), r.Turn, client.RewindPoint{Event: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Read(env.Context(), env.Agents(), func(*resumablestream.Reader) {}); err != nil {
			t.Fatal(err)
		}
		if r.Text() != want || !r.Ended {
			t.Errorf("Text() = %q, ended %v, want %q", r.Text(), r.Ended, want)
		}
	}
}
