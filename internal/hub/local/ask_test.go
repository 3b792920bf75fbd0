package local_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// answering adds an entity that answers and, if told to, is gone.
func (s *stage) answering() {
	perdure.AddEntityFunc(s.reg, "e", func(ctx *perdure.EntityContext) (any, error) {
		if ctx.Operation() == "end" {
			ctx.DeleteState()
			return "ended", nil
		}
		return "kept", ctx.SetState(1)
	})
}

// TestAnswerAfterDurability: whoever asks again gets no answer that a crash
// could still take back.
func TestAnswerAfterDurability(t *testing.T) {
	s := newStage(t)
	s.answering()
	s.open()
	s.start("x", "end")
	ask := &hub.Ask{RequestID: "r", InstanceID: "@e@a", Name: "op"}
	s.disk.Manual(true)
	s.Ask(posted(), ask)
	s.until("visible", func() bool { _, err := s.store.Instance(s.ctx, "@e@a"); return err == nil })
	again := make(chan error, 1)
	go func() {
		_, err := s.Ask(s.ctx, ask)
		again <- err
	}()
	for range 1000 { // the loop goes round
		s.Raise(s.ctx, &hub.Raise{InstanceID: "nobody", Name: "go"})
	}
	s.kill()
	if err := <-again; err == nil {
		t.Error("Ask() again was answered before the answer was durable")
	}
}

// TestAskAgainAfterTheEnd: the answer is there for a day, also when who gave it
// is no more.
func TestAskAgainAfterTheEnd(t *testing.T) {
	s := newStage(t)
	s.answering()
	s.open()
	for _, c := range []struct{ op, want string }{{"op", `"kept"`}, {"end", `"ended"`}} {
		for range 2 {
			out, err := s.Ask(s.ctx, &hub.Ask{RequestID: c.op, InstanceID: "@e@a", Name: c.op})
			if err != nil || out.S != c.want {
				t.Errorf("Ask(%s) = %s, %v, want %s", c.op, out.S, err, c.want)
			}
		}
	}
	s.clock.Advance(24*time.Hour + 20*time.Minute)
	s.idle()
	s.until("swept", func() bool {
		rows, _, err := s.ReadRows(s.ctx, store.RowQuery{Kind: 4, Owner: "@e@a"})
		s.clock.Advance(time.Minute)
		return err == nil && len(rows) == 0
	})
}

// TestStaleMessageBeforeStart: a start is carried out though a message for an
// earlier instance of its id was left in the inbox.
func TestStaleMessageBeforeStart(t *testing.T) {
	s := newStage(t)
	perdure.AddOrchestrationNamed(s.reg, "sender", func(ctx *perdure.Context, in string) (string, error) {
		return "", perdure.NewEvent[string]("go").Send(ctx, "x", "late")
	})
	s.open()
	s.disk.Manual(true)
	s.Start(posted(), &hub.Start{InstanceID: "s", Name: "sender", Input: history.Some(`"x"`)})
	s.until("sent", func() bool { _, err := s.store.Instance(s.ctx, "s"); return err == nil })
	s.disk.Sync() // and nothing after it
	s.kill()
	s.disk.Manual(false)
	s.open(func() {
		s.Start(posted(), &hub.Start{InstanceID: "x", Name: "end", Input: history.Some(`"x"`)})
	})
	if _, err := s.WaitCompletion(s.ctx, "x"); err != nil {
		t.Errorf("WaitCompletion() = %v, want the run", err)
	}
}
