package local_test

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// space empties the disk and waits until the hub has seen it.
func (s *stage) space() {
	s.t.Helper()
	s.disk.Fill(false)
	s.clock.Advance(time.Second)
	s.idle()
}

// counting adds an orchestration that counts its events until "end".
func (s *stage) counting() {
	perdure.AddOrchestrationNamed(s.reg, "count", func(ctx *perdure.Context, in string) (int, error) {
		for n := 0; ; n++ {
			if v, err := perdure.NewEvent[string]("go").Wait(ctx).Await(); err != nil || v == "end" {
				return n, err
			}
		}
	})
}

func (s *stage) raise(ctx context.Context, id, request, v string) error {
	return s.Raise(ctx, &hub.Raise{RequestID: request, InstanceID: id, Name: "go", Data: history.Some(`"` + v + `"`)})
}

// TestRefusedEventIsGone: an event that was refused for lack of space has no
// effect, and one when it is sent again, whether or not its receiver has code.
func TestRefusedEventIsGone(t *testing.T) {
	s := newStage(t)
	s.open()
	s.start("x", "count") // no code serves it
	s.idle()
	s.disk.Fill(true)
	if err := s.raise(s.ctx, "x", "r", "1"); perdure.CodeOf(err) != perdure.NoSpace {
		t.Fatalf("Raise() = %v, want no_space", err)
	}
	s.space()
	if err := s.raise(s.ctx, "x", "r", "1"); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.counting()
	s.open()
	if err := s.raise(s.ctx, "x", "", "end"); err != nil {
		t.Fatal(err)
	}
	in, err := s.WaitCompletion(s.ctx, "x")
	if err != nil || in.Output.S != "1" {
		t.Errorf("WaitCompletion() = %+v, %v, want one event", in, err)
	}
}

// TestSlowTurnWithoutSpace: a turn that takes long goes on after a write to its
// instance was refused for lack of space.
func TestSlowTurnWithoutSpace(t *testing.T) {
	s := newStage(t)
	gate := make(chan struct{})
	perdure.AddOrchestrationNamed(s.reg, "slow", func(ctx *perdure.Context, in string) (string, error) { <-gate; return in, nil })
	s.open()
	s.start("x", "slow")
	s.disk.Fill(true)
	err := s.WriteRows(s.ctx, &hub.WriteRows{Owner: "x", Rows: []store.Row{{Kind: 200, Key: []byte("k"), Value: []byte("x")}}})
	if perdure.CodeOf(err) != perdure.NoSpace {
		t.Fatalf("WriteRows() = %v, want no_space", err)
	}
	s.disk.Fill(false)
	close(gate)
	s.clock.Advance(time.Second)
	if in, err := s.WaitCompletion(s.ctx, "x"); err != nil || in.Status != store.Completed {
		t.Errorf("WaitCompletion() = %+v, %v, want it completed", in, err)
	}
}

// TestPurgeWithoutSpace: a purge is carried out on a full disk, also while
// something else waits for space.
func TestPurgeWithoutSpace(t *testing.T) {
	s := newStage(t)
	gate := make(chan struct{})
	perdure.AddActivityNamed(s.reg, "slow", func(context.Context, string) (string, error) { <-gate; return "done", nil })
	perdure.AddOrchestrationNamed(s.reg, "behind", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "slow", in).Await()
	})
	s.open()
	s.start("old", "end")
	s.start("open", "behind")
	s.disk.Fill(true)
	close(gate)
	s.until("pressure", func() bool {
		_, err := s.Start(s.ctx, &hub.Start{InstanceID: "new", Name: "end", Input: history.Some(`"x"`)})
		return perdure.CodeOf(err) == perdure.NoSpace
	})
	if done, err := s.Purge(s.ctx, &hub.Purge{IDs: []string{"old"}}); err != nil || done.Count != 1 {
		t.Errorf("Purge() on a full disk = %+v, %v, want one purged", done, err)
	}
	s.space()
	if in, err := s.WaitCompletion(s.ctx, "open"); err != nil || in.Output.S != `"done"` {
		t.Errorf("WaitCompletion() = %+v, %v, want done", in, err)
	}
}

// TestStopWithoutSpace: a hub ends in time though what is to be written waits
// for space.
func TestStopWithoutSpace(t *testing.T) {
	s := newStage(t)
	s.lim.Drain = 50 * time.Millisecond
	gate := make(chan struct{})
	perdure.AddActivityNamed(s.reg, "slow", func(context.Context, string) (string, error) { <-gate; return "done", nil })
	perdure.AddOrchestrationNamed(s.reg, "behind", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "slow", in).Await()
	})
	s.open()
	s.start("open", "behind")
	s.disk.Fill(true)
	close(gate)
	s.ends()
}

// TestStopAmongEndlessWork: a hub ends in time though its orchestrations never
// come to rest.
func TestStopAmongEndlessWork(t *testing.T) {
	s := newStage(t)
	s.lim.Drain = 50 * time.Millisecond
	perdure.AddOrchestrationNamed(s.reg, "endless", func(ctx *perdure.Context, in string) (string, error) {
		return "", perdure.ContinueAsNew(ctx, in)
	})
	s.open()
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		s.start(id, "endless")
	}
	s.ends()
}

// ends demands that the hub ends when it is asked to.
func (s *stage) ends() {
	s.t.Helper()
	s.cancel()
	select {
	case <-s.done:
	case <-s.ctx.Done():
		s.t.Errorf("Run() does not return")
		s.disk.Crash()
		<-s.done
	}
}
