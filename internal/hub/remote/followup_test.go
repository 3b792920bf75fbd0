package remote_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// counting counts the outcomes that a hub takes.
type counting struct {
	*local.Hub
	turns, followUps atomic.Int64
	told             chan struct{} // has a value for the outcome of an activity, if there is room
}

// Tell implements hub.Outcomes.
func (h *counting) Tell(o hub.Outcome, told func(error)) {
	h.Hub.Tell(o, func(err error) {
		switch {
		case err != nil:
		case o.Orchestration != nil && !o.Orchestration.NeedHistory:
			h.turns.Add(1)
		case o.Activity != nil:
			select {
			case h.told <- struct{}{}:
			default:
			}
			if o.Activity.FollowUp != nil && o.Activity.FollowUp.Taken {
				h.followUps.Add(1)
			}
		}
		told(err)
	})
}

// following has a worker over the wire run code for a hub.
func following(t *testing.T, reg *perdure.Registry) (*counting, func()) {
	t.Helper()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- near.Run(ctx) }()
	h := &counting{Hub: near, told: make(chan struct{}, 1)}
	addr, stopServer := serve(t, h, "")
	link := dial(t, addr)
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: link, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	working, stopWorker := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	go func() { worked <- worker.Run(working) }()
	return h, func() {
		stopWorker()
		err := errors.Join(<-worked, link.Close())
		stopServer()
		cancel()
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

// endOf starts a run and returns what it ends with.
func endOf(t *testing.T, h hub.Hub, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	st, err := h.Start(ctx, &hub.Start{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	in, err := h.WaitCompletion(ctx, st.InstanceID)
	if err != nil {
		t.Fatal(err)
	}
	return in.Output.S
}

// TestFollowUps counts what a sequence costs: a worker that has a run warm goes on with
// it after each activity without being given the turn.
func TestFollowUps(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "next", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	perdure.AddOrchestrationNamed(reg, "sequence", func(ctx *perdure.Context, _ string) (n int, err error) {
		began := ctx.Now()
		for range 5 {
			if n, err = perdure.CallNamed[int](ctx, "next", n).Await(); err != nil {
				return 0, err
			}
			if ctx.Now().Before(began) {
				return 0, errors.New("time goes back")
			}
			began = ctx.Now()
		}
		return n, nil
	})
	h, stop := following(t, reg)
	defer stop()
	var turns, followUps int64
	for range 100 { // on a busy machine a turn may take too long to follow
		turns, followUps = h.turns.Load(), h.followUps.Load()
		if got := endOf(t, h, "sequence"); got != "5" {
			t.Fatalf("the run ends with %s, want 5", got)
		}
		if turns, followUps = h.turns.Load()-turns, h.followUps.Load()-followUps; turns == 1 && followUps == 5 {
			return
		}
	}
	t.Errorf("a sequence of five activities takes %d turns and %d follow-ups, want 1 and 5", turns, followUps)
}

// TestSlowFollowUp has the turn after an activity take long: the outcome is told before
// it ends.
func TestSlowFollowUp(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var ran atomic.Int64
	release := make(chan struct{})
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "act", func(context.Context, string) (string, error) { ran.Add(1); return "paid", nil })
	perdure.AddOrchestrationNamed(reg, "run", func(ctx *perdure.Context, _ string) (string, error) {
		out, err := perdure.CallNamed[string](ctx, "act", "").Await()
		<-release
		return out, err
	})
	h, stop := following(t, reg)
	defer stop()
	told := make(chan struct{})
	go func() {
		defer close(told)
		<-h.told
		close(release)
	}()
	if got := endOf(t, h, "run"); got != `"paid"` || ran.Load() != 1 {
		t.Errorf("the run ends with %s after %d runs of its activity, want \"paid\" after one", got, ran.Load())
	}
	<-told
	if n := h.followUps.Load(); n != 0 {
		t.Errorf("%d follow-ups count, want none", n)
	}
}

// TestBrokenFollowUp has the code of a turn end its goroutine, or not fit, when its worker
// carries it out by itself: the outcome counts, and the turn is given.
func TestBrokenFollowUp(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var ran, broke atomic.Int64
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "act", func(context.Context, string) (string, error) { ran.Add(1); return "paid", nil })
	perdure.AddOrchestrationNamed(reg, "run", func(ctx *perdure.Context, _ string) (string, error) {
		out, err := perdure.CallNamed[string](ctx, "act", "").Await()
		if broke.Add(1) == 1 {
			runtime.Goexit()
		}
		return out, err
	})
	h, stop := following(t, reg)
	defer stop()
	if got := endOf(t, h, "run"); got != `"paid"` || ran.Load() != 1 {
		t.Errorf("the run ends with %s after %d runs of its activity, want \"paid\" after one", got, ran.Load())
	}
	st, err := h.List(t.Context(), store.Query{Limit: 10})
	if err != nil || len(st.Items) != 1 {
		t.Fatalf("List() = %d runs, %v", len(st.Items), err)
	}
	events, err := h.History(t.Context(), st.Items[0].ID, "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if _, ok := e.Body.(*history.TaskCompleted); ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the history has %d outcomes, want 1", n)
	}
}
