package agent_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// heard returns the text of a turn as a reader from offset has it at the end.
func heard(t *testing.T, n *node, turn string, offset int64) string {
	t.Helper()
	return listen(t, n, turn, offset, nil)
}

// listen goes on with the frames that a reader has.
func listen(t *testing.T, n *node, turn string, offset int64, have []agent.Frame) string {
	t.Helper()
	last := offset - 1
	for f, err := range n.Stream(ctxOf(t), turn, offset) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Offset <= last {
			t.Errorf("frame %d follows frame %d", f.Offset, last)
		}
		last = f.Offset
		have = keep(have, f)
	}
	return text(have)
}

// keep does what a reader does with a frame.
func keep(have []agent.Frame, f agent.Frame) []agent.Frame {
	if f.Type == agent.FrameReset {
		for len(have) > 0 && have[len(have)-1].Offset >= *f.ToOffset {
			have = have[:len(have)-1]
		}
	}
	return append(have, f)
}

func text(frames []agent.Frame) string {
	var b strings.Builder
	for _, f := range frames {
		b.WriteString(f.Delta)
	}
	return b.String()
}

func TestStreamOfTools(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Let me see. ").Then(modeltest.Call("look", nil)), modeltest.Say("There it is."))
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "Where?"})
	var types []string
	var frames []agent.Frame
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != agent.FrameText {
			types = append(types, string(f.Type))
		}
		frames = append(frames, f)
	}
	if got, want := strings.Join(types, " "), "step tool_call tool_result step end"; got != want {
		t.Errorf("frames = %s, want %s", got, want)
	}
	for i, f := range frames { // any offset resumes
		if got, want := heard(t, n, a.Turn, f.Offset), text(frames[i:]); got != want {
			t.Errorf("stream from %d = %q, want %q", f.Offset, got, want)
		}
	}
}

// slow is a model whose answers wait at a gate after their first word, once.
type slow struct {
	mu    sync.Mutex
	gate  chan struct{} // nil = no wait
	calls []string      // last message of each request
}

// asked returns the last messages of the requests so far.
func (m *slow) asked() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

func (m *slow) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		last := req.Messages[len(req.Messages)-1]
		m.mu.Lock()
		m.calls = append(m.calls, line(last))
		gate := m.gate
		m.mu.Unlock()
		if last.Role == model.RoleUser {
			yield(&model.Update{Contents: model.Contents{&model.FunctionCall{CallID: "c1", Name: "look", Arguments: "{}"}}}, nil)
			return
		}
		if !yield(&model.Update{Contents: model.Contents{&model.Text{Text: "There "}}}, nil) {
			return
		}
		if gate != nil {
			select {
			case <-gate:
			case <-ctx.Done():
				yield(nil, context.Cause(ctx))
				return
			}
		}
		yield(&model.Update{Contents: model.Contents{&model.Text{Text: "it is."}}}, nil)
	}
}

// TestPowerCutInAnswer cuts the power in the middle of an answer: the turn goes
// on at the step that was interrupted, and a reader who comes back has one
// coherent answer.
func TestPowerCutInAnswer(t *testing.T) {
	m := &slow{gate: make(chan struct{})}
	var looked atomic.Int32
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { looked.Add(1); return "here", nil }, agent.WithEffect(agent.Pure))
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "Where?"})
	var have []agent.Frame
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, f)
		if f.Delta == "There " {
			break
		}
	}
	disk.Crash()
	n.stop()
	m.gate = nil

	n = begin(t, disk, registry(t, joker(m, look)))
	r, err := n.Wait(ctxOf(t), a.Turn)
	if err != nil || r.Text != "There it is." {
		t.Fatalf("Wait() = %+v, %v, want There it is.", r, err)
	}
	resumed := listen(t, n, a.Turn, have[len(have)-1].Offset+1, have)
	if whole := heard(t, n, a.Turn, 0); resumed != "There it is." || whole != resumed {
		t.Errorf("streams = %q and %q, want There it is.", resumed, whole)
	}
	want := []string{"user Where?", `tool = "here"`, `tool = "here"`}
	if fmt.Sprint(m.asked()) != fmt.Sprint(want) || looked.Load() != 1 {
		t.Errorf("model calls = %q and %d tool calls, want %q and 1", m.asked(), looked.Load(), want)
	}
	if got, want := transcript(t, n, "k1"), "user Where?\nassistant look({})\ntool = \"here\"\nassistant There it is.\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestDiskFullInAnswer fills the disk in the middle of an answer: it waits for
// space and is not asked for again.
func TestDiskFullInAnswer(t *testing.T) {
	m := &slow{gate: make(chan struct{})}
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "Where?"})
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Delta == "There " {
			break
		}
	}
	disk.Fill(true)
	close(m.gate)
	_, err := n.Send(ctxOf(t), session(t, "k2"), agent.Message{Text: "Me too."})
	if perdure.CodeOf(err) != perdure.NoSpace {
		t.Errorf("Send() to a full disk = %v, want no_space", err)
	}
	<-n.full
	disk.Fill(false)
	n.clock.Advance(time.Minute) // the hub asks the disk again
	if r, err := n.Wait(ctxOf(t), a.Turn); err != nil || r.Text != "There it is." || len(m.asked()) != 2 {
		t.Errorf("Wait() = %+v, %v after %d model calls, want There it is. after 2", r, err, len(m.asked()))
	}
}

// TestPowerCutAtEachGroup cuts the power right before and right after each group
// of commits of two turns in a row.
func TestPowerCutAtEachGroup(t *testing.T) {
	want := "user 1\nassistant look({})\ntool = \"here\"\nassistant There it is.\n"
	want += strings.Replace(want, "1", "2", 1)
	cut := 0
	for at := 1; ; at++ {
		if at > 200 {
			t.Fatal("the scenario does not end")
		}
		hit := false
		disk := &memory.Disk{}
		moment := 0
		disk.OnGroup(func(memory.GroupEvent) memory.Verdict {
			if moment++; moment == at {
				hit = true
				return memory.CrashNow
			}
			return memory.Proceed
		})
		m := &slow{}
		var looked atomic.Int32
		look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { looked.Add(1); return "here", nil }, agent.WithEffect(agent.Pure))
		n := begin(t, disk, registry(t, joker(m, look)))
		err := twoTurns(t, n)
		if err == nil {
			_, err = n.hub.Idle(ctxOf(t)) // the session has heard of the end
		}
		if err != nil {
			n.stop()
			disk.OnGroup(nil)
			n = begin(t, disk, registry(t, joker(m, look)))
			if err := twoTurns(t, n); err != nil {
				t.Fatalf("cut at %d: %v", at, err)
			}
		}
		if got := transcript(t, n, "k1"); got != want {
			t.Errorf("cut at %d: transcript = %s, want %s", at, got, want)
		}
		if len(m.asked())+int(looked.Load()) > 6+1 {
			t.Errorf("cut at %d: %d model and %d tool calls, want at most one more than 4 and 2", at, len(m.asked()), looked.Load())
		}
		for _, id := range []string{"a", "b"} {
			if got := heard(t, n, session(t, "k1").Turn(id), 0); got != "There it is." {
				t.Errorf("cut at %d: stream of %s = %q, want There it is.", at, id, got)
			}
		}
		n.stop()
		if !hit {
			break
		}
		cut++
	}
	if cut < 20 {
		t.Errorf("the power was cut %d times, want at least 20", cut)
	}
}

// twoTurns says two things, each with its id, and waits for the answers.
func twoTurns(t *testing.T, n *node) error {
	for i, id := range []string{"a", "b"} {
		a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: fmt.Sprint(i + 1), CorrelationID: id})
		if err != nil {
			return err
		}
		if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
			return err
		}
	}
	return nil
}

// TestStreamOfManySteps reads a stream whose frames are rows of few frames each:
// nothing of it is passed over.
func TestStreamOfManySteps(t *testing.T) {
	const steps = 150
	a := joker(behaving(func(_ context.Context, req *model.Request) model.Content {
		if len(req.Messages) > 2*steps {
			return saying("done")
		}
		return calling(req, "noop", `{}`)
	}), pureTool("noop"))
	a.MaxSteps = steps + 1
	n := begin(t, &memory.Disk{}, registry(t, a))
	r := say(t, n, "k1", "go")
	results, text, last := 0, "", agent.Frame{}
	for f, err := range n.Stream(ctxOf(t), r.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if last = f; f.Type == agent.FrameToolResult {
			results++
		}
		text += f.Delta
	}
	if results != steps || text != "done" || last.Type != agent.FrameEnd || last.Status != "completed" {
		t.Errorf("the stream has %d results, the text %q and ends with %+v, want %d, done and that the turn is completed", results, text, last, steps)
	}
}
