package agent_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// endless is a model that never finishes its answer to a message that begins with
// "hang": it says "Half " and waits until nobody wants the rest. To all others it
// says what it was told in the turn.
type endless struct{ ended chan error }

func newEndless() *endless { return &endless{ended: make(chan error, 1000)} }

func (m *endless) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		last := req.Messages[len(req.Messages)-1].Text()
		if !strings.HasPrefix(last, "hang") {
			yield(&model.Update{Contents: model.Contents{&model.Text{Text: "Re: " + last}}}, nil)
			return
		}
		if !yield(&model.Update{Contents: model.Contents{&model.Text{Text: "Half "}}}, nil) {
			return
		}
		<-ctx.Done()
		m.ended <- context.Cause(ctx)
		yield(nil, context.Cause(ctx))
	}
}

// hears waits until a turn has said something or has ended.
func hears(t *testing.T, n *node, turn string) error {
	t.Helper()
	for f, err := range n.Stream(ctxOf(t), turn, 0) {
		if err != nil {
			return err
		}
		if f.Delta != "" {
			break
		}
	}
	return nil
}

// lastFrame returns how the stream of a turn ends.
func lastFrame(t *testing.T, n *node, turn string) agent.Frame {
	t.Helper()
	var last agent.Frame
	for f, err := range n.Stream(ctxOf(t), turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		last = f
	}
	return last
}

// TestStop stops a turn in the middle of a call of the model. The clock stands
// still: no timer is needed for it.
func TestStop(t *testing.T) {
	m := newEndless()
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Stop() of no session = %v, want not_found", err)
	}
	a := send(t, n, "k1", agent.Message{Text: "hang 1"})
	b := send(t, n, "k1", agent.Message{Text: "2"})
	if err := hears(t, n, a.Turn); err != nil {
		t.Fatal(err)
	}
	if turn, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil || turn != a.Turn {
		t.Errorf("Stop() = %q, %v, want %q", turn, err, a.Turn)
	}
	<-m.ended // the call of the model
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if f := lastFrame(t, n, a.Turn); f.Type != agent.FrameEnd || f.Status != "canceled" {
		t.Errorf("last frame = %+v, want the end of a canceled turn", f)
	}
	if i, err := n.hub.Instance(ctxOf(t), a.Turn, false); err != nil || i.Status != store.Canceled {
		t.Errorf("the run of the stopped turn = %+v, %v, want it canceled", i, err)
	}
	if r, err := n.Wait(ctxOf(t), b.Turn); err != nil || r.Text != "Re: 2" {
		t.Errorf("Wait() for the next = %+v, %v, want Re: 2", r, err)
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	if turn, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil || turn != "" {
		t.Errorf("Stop() of an idle session = %q, %v, want none", turn, err)
	}
	if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || s.Turns != 2 || s.Failed != 0 || s.Running != "" {
		t.Errorf("Session() = %+v, %v, want 2 turns, none failed", s, err)
	}
	if got, want := transcript(t, n, "k1"), "user hang 1\nuser 2\nassistant Re: 2\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestStopInTool stops a turn while a tool runs: the calls get results, and the
// other call's outcome is kept.
func TestStopInTool(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	stuck := agent.NewTool("stuck", "hangs", func(ctx context.Context, _ struct{}) (string, error) {
		close(entered)
		<-ctx.Done()
		close(left)
		return "", ctx.Err()
	}, agent.WithEffect(agent.Pure))
	m := modeltest.Script(t, modeltest.Call("stuck", nil).Then(modeltest.Call("nothing", nil)), modeltest.Say("On we go.").Check(func(r *model.Request) error {
		if n := len(r.Messages); n != 5 {
			return fmt.Errorf("the model is given %d messages, want 5", n)
		}
		return nil
	}))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, stuck)))
	a := send(t, n, "k1", agent.Message{Text: "Hang."})
	<-entered
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	<-left
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if r := say(t, n, "k1", "Still there?"); r.Text != "On we go." {
		t.Errorf("answer = %q, want On we go.", r.Text)
	}
	if got := transcript(t, n, "k1"); !strings.Contains(got, "tool = ") || !strings.Contains(got, "was stopped") {
		t.Errorf("transcript = %s, want a result that says that the turn was stopped", got)
	}
}

// eachCut plays a scenario again and again, with the power cut at one moment more
// each time: right before and right after each group of commits. The scenario is
// played again after the cut and must then succeed.
func eachCut(t *testing.T, agents func() *agent.Agent, scenario func(n *node) error, check func(n *node, at int)) (cuts int) {
	t.Helper()
	return eachCutTold(t, agents, func(n *node, _ bool) error { return scenario(n) }, check)
}

// eachCutTold is eachCut for a scenario that is told when it is played again.
func eachCutTold(t *testing.T, agents func() *agent.Agent, scenario func(n *node, again bool) error, check func(n *node, at int)) (cuts int) {
	t.Helper()
	cut := 0
	for at := 1; ; at++ {
		if at > 300 {
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
		n := begin(t, disk, registry(t, agents()))
		err := scenario(n, false)
		if err == nil {
			_, err = n.hub.Idle(ctxOf(t))
		}
		if err != nil {
			n.stop()
			disk.OnGroup(nil)
			n = begin(t, disk, registry(t, agents()))
			if err := scenario(n, true); err != nil {
				t.Fatalf("cut at %d: %v", at, err)
			}
			if _, err := n.hub.Idle(ctxOf(t)); err != nil {
				t.Fatal(err)
			}
		}
		check(n, at)
		n.stop()
		if !hit {
			break
		}
		cut++
	}
	if cut < 10 {
		t.Errorf("the power was cut %d times, want at least 10", cut)
	}
	return cut
}

// isCanceled returns nil if err says that a turn was stopped.
func isCanceled(err error) error {
	var step *perdure.StepError
	if errors.As(err, &step) && perdure.CodeOf(err) == perdure.Canceled {
		return nil
	}
	return fmt.Errorf("Wait() = %w, want canceled", err)
}

// TestPowerCutInStop cuts the power at each moment of a turn that is stopped and
// of the one that follows it.
func TestPowerCutInStop(t *testing.T) {
	eachCut(t, func() *agent.Agent { return joker(newEndless()) }, func(n *node) error {
		id := session(t, "k1")
		for _, m := range []agent.Message{{Text: "hang 1", CorrelationID: "a"}, {Text: "2", CorrelationID: "b"}} {
			if _, err := n.Send(ctxOf(t), id, m); err != nil {
				return err
			}
		}
		if err := hears(t, n, id.Turn("a")); err != nil {
			return err
		}
		if _, err := n.StopTurn(ctxOf(t), id, id.Turn("a")); err != nil {
			return err
		}
		if _, err := n.Wait(ctxOf(t), id.Turn("a")); isCanceled(err) != nil {
			return isCanceled(err)
		}
		r, err := n.Wait(ctxOf(t), id.Turn("b"))
		if err == nil && r.Text != "Re: 2" {
			t.Errorf("answer = %q, want Re: 2", r.Text)
		}
		return err
	}, func(n *node, at int) {
		if got, want := transcript(t, n, "k1"), "user hang 1\nuser 2\nassistant Re: 2\n"; got != want {
			t.Errorf("cut at %d: transcript = %s, want %s", at, got, want)
		}
		if f := lastFrame(t, n, session(t, "k1").Turn("a")); f.Status != "canceled" {
			t.Errorf("cut at %d: last frame = %+v, want canceled", at, f)
		}
	})
}
