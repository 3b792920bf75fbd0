package agent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/store/memory"
)

// TestFold lets more than a day pass after a turn: its response goes, what was
// said stays, and the conversation goes on.
func TestFold(t *testing.T) {
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, joker(newEndless())))
	first := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "a"})
	if r, err := n.Wait(ctxOf(t), first.Turn); err != nil || r.Text != "Re: 1" {
		t.Fatalf("Wait() = %+v, %v, want Re: 1", r, err)
	}
	pass(t, n, 24*time.Hour-time.Microsecond)
	if r, err := n.Wait(ctxOf(t), first.Turn); err != nil || r.Text != "Re: 1" {
		t.Errorf("Wait() a moment before the fold = %+v, %v, want Re: 1", r, err)
	}
	second := send(t, n, "k1", agent.Message{Text: "2", CorrelationID: "b"})
	if _, err := n.Wait(ctxOf(t), second.Turn); err != nil {
		t.Fatal(err)
	}
	pass(t, n, time.Microsecond)
	var gone *agent.UnavailableError
	if r, err := n.Wait(ctxOf(t), first.Turn); !errors.As(err, &gone) || gone.Turn != first.Turn || gone.Failed {
		t.Errorf("Wait() after the fold = %+v, %v, want that the result is gone", r, err)
	}
	if turn, err := n.Turn(ctxOf(t), first.Turn); !errors.As(err, &gone) || perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Turn() after the fold = %+v, %v, want that the result is gone", turn, err)
	}
	if r, err := n.Wait(ctxOf(t), second.Turn); err != nil || r.Text != "Re: 2" {
		t.Errorf("Wait() for the younger turn = %+v, %v, want Re: 2", r, err)
	}
	if again := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "a"}); !again.Duplicate || again.Turn != first.Turn {
		t.Errorf("Send() of the message again = %+v, want a duplicate of %s", again, first.Turn)
	}
	var frames []agent.Frame
	for f, err := range n.Stream(ctxOf(t), first.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	if len(frames) != 1 || frames[0].Type != agent.FrameEnd || frames[0].Status != "completed" {
		t.Errorf("Stream() after the fold = %+v, want the end only", frames)
	}
	if r := say(t, n, "k1", "3"); r.Text != "Re: 3" || r.Messages != 6 {
		t.Errorf("the next turn = %+v, want Re: 3 after 6 messages", r)
	}
	want := "user 1\nassistant Re: 1\nuser 2\nassistant Re: 2\nuser 3\nassistant Re: 3\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if got := leftovers(t, n, first.Turn); got != 0 {
		t.Errorf("%d rows are left of a folded turn after the deletion, want none", got)
	}
}
