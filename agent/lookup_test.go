package agent_test

import (
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// TestTurn looks turns up while they run, wait and have ended.
func TestTurn(t *testing.T) {
	started, gate := make(chan struct{}), make(chan struct{})
	hold := func(*model.Request) error { close(started); <-gate; return nil }
	m := modeltest.Script(t, modeltest.Say("One.").Check(hold), modeltest.Say("Two."), modeltest.Fail(&model.Error{Status: 401, Message: "who are you"}))
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, joker(m)))
	options := agent.TurnOptions{Metadata: map[string]string{"a": "b"}}
	one := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "c1", Options: options})
	<-started
	two := send(t, n, "k1", agent.Message{Text: "2", CorrelationID: "c2", Options: options})
	if err := n.Known(ctxOf(t), session(t, "k1"), two.Turn, 1<<40); err != nil {
		t.Fatal(err)
	}
	check := func(turn, status, text string, first int64) *agent.Turn {
		t.Helper()
		got, err := n.Turn(ctxOf(t), turn)
		if err != nil {
			t.Fatalf("Turn(%s) = %v", turn, err)
		}
		if got.ID != turn || got.Session != session(t, "k1") || got.Status != status || got.First != first || got.Created.IsZero() ||
			len(got.Messages) != 1 || got.Messages[0].Text() != text || !cmp.Equal(got.Options.Metadata, options.Metadata) ||
			got.Ended.IsZero() == (status != agent.TurnRunning && status != agent.TurnQueued) {
			t.Errorf("Turn(%s) = %+v, want %s from %d on", turn, got, status, first)
		}
		return got
	}
	check(one.Turn, agent.TurnRunning, "1", 0)
	check(two.Turn, agent.TurnQueued, "2", 0)
	frames, err := n.Frames(ctxOf(t), one.Turn, 0)
	for ctx := ctxOf(t); err == nil && len(frames) == 0 && ctx.Err() == nil; { // the step is told beside its work
		runtime.Gosched()
		frames, err = n.Frames(ctx, one.Turn, 0)
	}
	if err != nil || len(frames) != 1 || frames[0].Type != agent.FrameStep {
		t.Errorf("Frames() = %+v, %v, want the step that runs", frames, err)
	}
	close(gate)
	for _, turn := range []string{one.Turn, two.Turn} {
		if _, err := n.Wait(ctxOf(t), turn); err != nil {
			t.Fatal(err)
		}
	}
	three := send(t, n, "k1", agent.Message{Text: "3", CorrelationID: "c3", Options: options})
	if _, err := n.Wait(ctxOf(t), three.Turn); err == nil {
		t.Error("the third turn has not failed")
	}
	for range 2 {
		if got := check(two.Turn, agent.TurnCompleted, "2", 2); got.Response.Text != "Two." {
			t.Errorf("Turn(%s).Response = %+v, want Two.", two.Turn, got.Response)
		}
		if got := check(three.Turn, agent.TurnFailed, "3", 4); got.Failure == nil {
			t.Errorf("Turn(%s).Failure = nil", three.Turn)
		}
		frames, err = n.Frames(ctxOf(t), one.Turn, 1)
		if err != nil || len(frames) != 2 || frames[0].Delta != "One." || frames[1].Type != agent.FrameEnd {
			t.Errorf("Frames() = %+v, %v, want One. and the end", frames, err)
		}
		disk.Crash()
		n.stop()
		n = begin(t, disk, registry(t, joker(m)))
	}
	for _, id := range []string{"dafx-joker~k1~0000000000000000", "dafx-joker~none~0000000000000000", "none"} {
		if _, err := n.Turn(ctxOf(t), id); perdure.CodeOf(err) != perdure.NotFound {
			t.Errorf("Turn(%s) = %v, want NotFound", id, err)
		}
	}
}

// TestImportLeavesCallsOpen imports a conversation that ends in a call: the next
// message answers it, and only it.
func TestImportLeavesCallsOpen(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("It rains."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	call := func(id string) *model.FunctionCall {
		return &model.FunctionCall{CallID: id, Name: "f", Arguments: "{}"}
	}
	past := []*model.Message{
		model.UserText("Weather?"),
		{Role: model.RoleAssistant, Contents: model.Contents{call("c1"), call("c2")}},
		model.ToolResult("c1", "sun"),
	}
	if err := n.Import(ctxOf(t), session(t, "k1"), past); err != nil {
		t.Fatal(err)
	}
	answer := func(id string) (*agent.Response, error) {
		return ask(t, n, "k1", agent.Message{Contents: model.Contents{&model.FunctionResult{CallID: id, Result: []byte(`"rain"`)}}})
	}
	if r, err := answer("c1"); err == nil {
		t.Errorf("a result for a call that has one = %+v, want an error", r)
	}
	if r, err := answer("c2"); err != nil || r.Text != "It rains." {
		t.Errorf("a result for the call that is open = %+v, %v, want It rains.", r, err)
	}
}
