package local_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// stage is a hub over a disk and a clock that the test moves.
type stage struct {
	*local.Hub
	t     *testing.T
	ctx   context.Context
	disk  *memory.Disk
	store store.Store
	clock *clock.Virtual
	reg   *perdure.Registry
	lim   shard.Limits
	kill  func() // cuts the power

	cancel context.CancelFunc
	done   chan struct{}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "wait", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.NewEvent[string]("go").Wait(ctx).Await()
	})
	perdure.AddOrchestrationNamed(reg, "end", func(ctx *perdure.Context, in string) (string, error) { return in, nil })
	return &stage{
		t: t, ctx: wait(t, 10*time.Second), disk: &memory.Disk{}, clock: clock.NewVirtual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), reg: reg,
	}
}

// open starts the hub, with commands that are there before it; it ends with the
// test, or with the power.
func (s *stage) open(before ...func()) {
	s.t.Helper()
	opened, err := memory.Open(s.disk)
	if err != nil {
		s.t.Fatal(err)
	}
	s.store = opened
	if s.Hub, err = local.New(local.Config{Store: opened, Registry: s.reg, Clock: s.clock, Limits: s.lim}); err != nil {
		s.t.Fatal(err)
	}
	for _, f := range before {
		f()
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.ctx))
	done := make(chan struct{})
	h := s.Hub
	go func() { defer close(done); h.Run(ctx) }()
	s.cancel, s.done = cancel, done
	s.kill = func() { s.disk.Crash(); cancel(); <-done }
	s.t.Cleanup(func() { s.disk.Manual(false); s.disk.Sync(); cancel(); <-done })
	s.idle()
}

// posted is a context for commands that are only to be handed over: nobody waits for
// their answers, and nobody has given them up.
func posted() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return unwaited{ctx}
}

type unwaited struct{ context.Context }

// Err implements context.Context.
func (unwaited) Err() error { return nil }

func (s *stage) start(id, name string) {
	s.t.Helper()
	if _, err := s.Start(s.ctx, &hub.Start{InstanceID: id, Name: name, Input: history.Some(`"x"`)}); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for something that happens by itself.
func (s *stage) until(what string, holds func() bool) {
	s.t.Helper()
	for !holds() {
		if s.ctx.Err() != nil {
			s.t.Fatalf("%s: not within the time", what)
		}
		runtime.Gosched()
	}
}

func (s *stage) idle() {
	s.t.Helper()
	if _, err := s.Idle(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

// TestStartDuringPurge: a start that comes while a purge is being written is
// carried out when the purge is durable.
func TestStartDuringPurge(t *testing.T) {
	s := newStage(t)
	s.open()
	s.start("x", "end")
	if _, err := s.WaitCompletion(s.ctx, "x"); err != nil {
		t.Fatal(err)
	}
	s.disk.Manual(true)
	s.Purge(posted(), &hub.Purge{IDs: []string{"x"}})
	s.until("purge", func() bool { _, err := s.store.Instance(s.ctx, "x"); return err != nil })
	s.Start(posted(), &hub.Start{InstanceID: "x", Name: "end", Input: history.Some(`"again"`)})
	s.disk.Manual(false)
	s.disk.Sync()
	in, err := s.WaitCompletion(s.ctx, "x")
	if err != nil || in.Output.S != `"again"` {
		t.Errorf("WaitCompletion() = %+v, %v, want the second run", in, err)
	}
}

// gated adds an entity whose operation waits until the gate opens, and tells
// how often it was carried out.
func (s *stage) gated() (gate, entered chan struct{}) {
	gate, entered = make(chan struct{}), make(chan struct{}, 10)
	perdure.AddEntityFunc(s.reg, "slow", func(ctx *perdure.EntityContext) (any, error) {
		entered <- struct{}{}
		<-gate
		n := 0
		if err := ctx.State(&n); err != nil {
			return nil, err
		}
		return n + 1, ctx.SetState(n + 1)
	})
	return gate, entered
}

// TestSlowOperationOnce: an operation that takes long is carried out once.
func TestSlowOperationOnce(t *testing.T) {
	s := newStage(t)
	gate, _ := s.gated()
	s.open()
	if err := s.Signal(s.ctx, &hub.Signal{InstanceID: "@slow@a", Operation: "op"}); err != nil {
		t.Fatal(err)
	}
	close(gate)
	s.idle()
	e, err := s.Entity(s.ctx, "@slow@a")
	if err != nil || e.State.S != "1" {
		t.Errorf("Entity() = %+v, %v, want the state 1", e, err)
	}
}

// TestBlockedOperationAnswered: the first operation of an entity is answered
// however long it takes, also after it was reported as blocked.
func TestBlockedOperationAnswered(t *testing.T) {
	s := newStage(t)
	gate, entered := s.gated()
	s.open()
	answer := make(chan error, 1)
	go func() {
		out, err := s.Ask(s.ctx, &hub.Ask{InstanceID: "@slow@a", Name: "op"})
		if err == nil && out.S != "1" {
			t.Errorf("Ask() = %s, want 1", out.S)
		}
		answer <- err
	}()
	<-entered
	s.until("kept", func() bool { _, err := s.store.Instance(s.ctx, "@slow@a"); return err == nil })
	s.until("blocked", func() bool {
		s.clock.Advance(time.Second)
		rec, err := s.store.Instance(s.ctx, "@slow@a")
		return err != nil || rec.Version > 1
	})
	close(gate)
	if err := <-answer; err != nil {
		t.Errorf("Ask() = %v, want an answer", err)
	}
}

// TestSlowTurnAtTheEnd: the code of a turn that the hub's end has overtaken is
// unloaded, with its deferred calls.
func TestSlowTurnAtTheEnd(t *testing.T) {
	s := newStage(t)
	gate, unloaded := make(chan struct{}), make(chan struct{})
	perdure.AddOrchestrationNamed(s.reg, "slow", func(ctx *perdure.Context, in string) (string, error) {
		defer close(unloaded)
		<-gate
		return perdure.NewEvent[string]("go").Wait(ctx).Await()
	})
	s.open()
	s.start("x", "slow")
	s.cancel()
	<-s.done
	close(gate)
	select {
	case <-unloaded:
	case <-s.ctx.Done():
		t.Error("the code of the turn is still there")
	}
}
