package local_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// hold starts an instance under a disk that waits, with one commit of it on its
// way: what is posted then is taken together.
func (s *stage) hold(id string) {
	s.t.Helper()
	s.disk.Manual(true)
	rec, err := s.store.Instance(s.ctx, id)
	if err != nil {
		s.t.Fatal(err)
	}
	s.WriteRows(posted(), &hub.WriteRows{Owner: id, Rows: []store.Row{{Kind: 200, Key: []byte("hold"), Value: []byte("x")}}})
	s.until("hold", func() bool {
		now, err := s.store.Instance(s.ctx, id)
		return err == nil && now.Version > rec.Version
	})
}

func (s *stage) release() {
	s.disk.Manual(false)
	s.disk.Sync()
}

// TestConditionsOfOneBatch: of two writes that demand the same state of a row
// one is refused, also if both wait for the same commit.
func TestConditionsOfOneBatch(t *testing.T) {
	s := newStage(t)
	s.open()
	s.start("x", "wait")
	s.hold("x")
	answer := func(v string) *hub.WriteRows {
		return &hub.WriteRows{
			RequestID: v, Owner: "x", Rows: []store.Row{{Kind: 200, Key: []byte("answer"), Value: []byte(v)}},
			If: []hub.RowCondition{{Kind: 200, Key: []byte("answer")}},
		}
	}
	s.WriteRows(posted(), answer("yes"))
	s.WriteRows(posted(), answer("no"))
	s.release()
	s.idle()
	if err := s.WriteRows(s.ctx, answer("yes")); err != nil {
		t.Errorf("WriteRows(yes) again = %v, want no error: it was the first", err)
	}
	if err := s.WriteRows(s.ctx, answer("no")); perdure.CodeOf(err) != perdure.Conflict {
		t.Errorf("WriteRows(no) again = %v, want a conflict: it came second", err)
	}
}

// TestRefusedChildAmongEvents: a parent hears that its child's id is taken, also
// if the refused start comes together with an event for the one that has it.
func TestRefusedChildAmongEvents(t *testing.T) {
	s := newStage(t)
	perdure.AddOrchestrationNamed(s.reg, "parent", func(ctx *perdure.Context, in string) (string, error) {
		_, err := perdure.CallOrchestrationNamed[string](ctx, "end", in, perdure.WithID("x")).Await()
		return "", err
	})
	perdure.AddOrchestrationNamed(s.reg, "twice", func(ctx *perdure.Context, in string) (string, error) {
		e := perdure.NewEvent[string]("go")
		if _, err := e.Wait(ctx).Await(); err != nil {
			return "", err
		}
		return e.Wait(ctx).Await()
	})
	s.open()
	s.start("x", "twice")
	s.disk.Manual(true)
	s.Start(posted(), &hub.Start{InstanceID: "p", Name: "parent", Input: history.Some(`"x"`)})
	s.until("parent", func() bool { _, err := s.store.Instance(s.ctx, "p"); return err == nil })
	s.hold("x")
	s.Raise(posted(), &hub.Raise{InstanceID: "x", Name: "go", Data: history.Some(`"1"`)})
	s.release()
	in, err := s.WaitCompletion(s.ctx, "p")
	if err != nil || in.Status != store.Failed {
		t.Errorf("WaitCompletion(parent) = %+v, %v, want a failure", in, err)
	}
}

// TestReplaceWithoutCode: what an orchestration has to say at its end is said
// also if the code of the one that replaces it is missing.
func TestReplaceWithoutCode(t *testing.T) {
	s := newStage(t)
	perdure.AddEntityFunc(s.reg, "e", func(ctx *perdure.EntityContext) (any, error) { return 1, ctx.SetState(1) })
	perdure.AddOrchestrationNamed(s.reg, "locks", func(ctx *perdure.Context, in string) (string, error) {
		unlock, err := perdure.Lock(ctx, perdure.NewEntityID("e", "a"))
		if err != nil {
			return "", err
		}
		defer unlock()
		return perdure.NewEvent[string]("go").Wait(ctx).Await()
	})
	s.open()
	s.start("x", "locks")
	s.idle()
	if e, err := s.Entity(s.ctx, "@e@a"); err != nil || e.LockedBy != "x" {
		t.Fatalf("Entity() = %+v, %v, want it locked by x", e, err)
	}
	live := []history.Status{history.StatusRunning, history.StatusTerminated}
	if _, err := s.Start(s.ctx, &hub.Start{InstanceID: "x", Name: "missing", Replace: live, Input: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(s.ctx, &hub.Ask{InstanceID: "@e@a", Name: "op"}); err != nil {
		t.Errorf("Ask() = %v, want an answer: its holder was replaced", err)
	}
}

// TestAskNobody: an Ask with a request id is told when there is nobody to ask.
func TestAskNobody(t *testing.T) {
	s := newStage(t)
	s.open()
	_, err := s.Ask(s.ctx, &hub.Ask{RequestID: "r", InstanceID: "nobody", Name: "op"})
	if perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Ask(nobody) = %v, want not_found", err)
	}
}

// TestPurgeRefusedAmongWrites: what waits behind a purge that is refused is
// carried out.
func TestPurgeRefusedAmongWrites(t *testing.T) {
	s := newStage(t)
	s.open()
	s.start("x", "wait")
	s.hold("x")
	s.Purge(posted(), &hub.Purge{IDs: []string{"x"}})
	s.WriteRows(posted(), &hub.WriteRows{Owner: "x", Rows: []store.Row{{Kind: 200, Key: []byte("late"), Value: []byte("x")}}})
	s.release()
	s.idle()
	rows, _, err := s.ReadRows(s.ctx, store.RowQuery{Kind: 200, Owner: "x", Prefix: []byte("late")})
	if err != nil || len(rows) != 1 {
		t.Errorf("ReadRows() = %v, %v, want the row", rows, err)
	}
}

// TestTwoParents: of two parents that start a child under one id at the same
// time one gets its result, the other hears that the id is taken.
func TestTwoParents(t *testing.T) {
	s := newStage(t)
	perdure.AddOrchestrationNamed(s.reg, "parent", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "end", in, perdure.WithID("x")).Await()
	})
	s.open()
	s.start("other", "wait")
	s.disk.Manual(true) // a group on its way gathers the next one
	for _, id := range []string{"g1", "g2"} {
		s.Start(posted(), &hub.Start{InstanceID: id, Name: "wait", Input: history.Some(`"x"`)})
		s.until(id, func() bool { _, err := s.store.Instance(s.ctx, id); return err == nil })
	}
	for _, id := range []string{"p1", "p2"} {
		s.Start(posted(), &hub.Start{InstanceID: id, Name: "parent", Input: history.Some(`"` + id + `"`)})
	}
	s.release()
	for _, want := range []struct {
		id     string
		status store.Status
	}{{"p1", store.Completed}, {"p2", store.Failed}} {
		in, err := s.WaitCompletion(s.ctx, want.id)
		if err != nil || in.Status != want.status {
			t.Errorf("WaitCompletion(%s) = %+v, %v, want status %d", want.id, in, err, want.status)
		}
	}
	if in, err := s.Instance(s.ctx, "x", true); err != nil || in.Parent != "p1" || in.Output.S != `"p1"` {
		t.Errorf("Instance(x) = %+v, %v, want the child of p1", in, err)
	}
}
