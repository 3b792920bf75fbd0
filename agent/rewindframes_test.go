package agent_test

import (
	"errors"
	"slices"
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

// TestAttemptsAfterRewind has the model of a turn asked again after rewinds, and again by
// itself: its attempts are counted from the newest rewind on.
func TestAttemptsAfterRewind(t *testing.T) {
	down := modeltest.Fail(&model.Error{Status: 503, Message: "down", Retryable: true})
	broken := modeltest.Fail(perdure.NonRetryable(errors.New("broken")))
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, broken, down, down, broken, modeltest.Say("Arr.")))))
	a := send(t, n, "k1", agent.Message{Text: "A joke."})
	waitFailed(t, n, a.Turn, "broken")
	var attempts []int
	seen := int64(0)
	for _, request := range []string{"first", "second"} {
		rewindLast(t, n, a.Turn, 0, request)
		for ctx := ctxOf(t); n.running(t, "k1") != "" && ctx.Err() == nil; n.clock.Advance(time.Minute) {
			idle(t, n)
		}
		for f, err := range n.Stream(ctxOf(t), a.Turn, seen) {
			if err != nil {
				t.Fatal(err)
			}
			if seen = f.Offset + 1; f.Type == agent.FrameReset {
				attempts = append(attempts, f.Attempt)
			}
		}
	}
	waitText(t, n, a.Turn, "Arr.")
	if diff := cmp.Diff([]int{0, 2, 3, 4, 0, 2}, attempts); diff != "" {
		t.Errorf("attempts of resets (-want +got):\n%s", diff)
	}
}

// TestDocumentWhileRewound reads the state document of a session whose last turn is being
// rewound: that shows nothing of what the turn gives up, not even to who waits for it.
func TestDocumentWhileRewound(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Hi."), modeltest.Say("Fine."), modeltest.Say("Better."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	say(t, n, "k1", "Hello.")
	a := send(t, n, "k1", agent.Message{Text: "How are you?"})
	waitText(t, n, a.Turn, "Fine.")
	idle(t, n)
	var shown []int
	n.before = func() error {
		for _, polled := range []string{"", a.CorrelationID} {
			shown = append(shown, len(document(t, n, "k1", agent.DocumentOptions{CorrelationID: polled}).Entries))
		}
		return nil
	}
	if _, err := n.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: 3}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(shown, []int{2, 2}) {
		t.Errorf("the document has %v entries while the turn is rewound, want those of the turn before it", shown)
	}
	waitText(t, n, a.Turn, "Better.")
}
