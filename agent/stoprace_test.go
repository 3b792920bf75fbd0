package agent_test

import (
	"fmt"
	"testing"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/store/memory"
)

// TestStopAtTheEnd stops turns at about the time at which their answers come: a
// turn whose answer is in the conversation ends as completed, any other as
// canceled, and all that is told of it agrees.
func TestStopAtTheEnd(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	for i := range 100 {
		key := fmt.Sprint("k", i)
		a := send(t, n, key, agent.Message{Text: "1"})
		asked := make(chan error, 1)
		go func() {
			_, err := n.StopTurn(ctxOf(t), a.Session, a.Turn)
			asked <- err
		}()
		r, err := n.Wait(ctxOf(t), a.Turn)
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
		want, status := "user 1\n", "canceled"
		if err == nil {
			want, status = "user 1\nassistant "+r.Text+"\n", "completed"
		} else if err := isCanceled(err); err != nil {
			t.Fatal(err)
		}
		if got := transcript(t, n, key); got != want {
			t.Errorf("transcript of a turn that is %s = %s, want %s", status, got, want)
		}
		if f := lastFrame(t, n, a.Turn); f.Status != status {
			t.Errorf("last frame = %+v, want %s", f, status)
		}
		if again, err := n.StopTurn(ctxOf(t), a.Session, a.Turn); err != nil {
			t.Errorf("StopTurn() = %q, %v, want no error", again, err)
		}
		if f := lastFrame(t, n, a.Turn); f.Status != status {
			t.Errorf("last frame after another stop = %+v, want %s", f, status)
		}
	}
}
