package local_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

// Early turns: a worker of ours has the turn before what it takes is durable. See
// docs/decisions/0022.

// TestG03_EarlyTurns cuts the power, loses the worker, and has turns take long.
func TestG03_EarlyTurns(t *testing.T) {
	for name, check := range map[string]func(*testing.T) error{
		"crash": checkEarlyCrash, "slow": checkEarlySlow, "lost": checkEarlyLost, "full": checkEarlyFull,
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEarlyCommits counts the commits of a sequence of five activities: a message for
// a worker of ours and the turn that it causes have one, for others two.
func TestEarlyCommits(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "echo", echo)
	perdure.AddOrchestrationNamed(reg, "sequence", func(ctx *perdure.Context, _ string) (string, error) {
		for range 5 {
			if _, err := perdure.CallNamed[string](ctx, "echo", "x").Await(); err != nil {
				return "", err
			}
		}
		return "done", nil
	})
	for own, want := range map[bool]int64{true: 6, false: 12} {
		s, err := memory.Open(&memory.Disk{})
		if err != nil {
			t.Fatal(err)
		}
		h, stop := run(t, s, perdure.NewRegistry())
		ctx := wait(t, time.Minute)
		leave, err := hubtest.Serve(ctx, h, &hub.Worker{Own: own}, reg, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		least := int64(1 << 30) // on a busy machine a turn may take its 20 ms
		for range 20 {
			before := commitsOf(t, s)
			st, err := h.Start(ctx, &hub.Start{Name: "sequence"})
			if err == nil {
				_, err = h.WaitCompletion(ctx, st.InstanceID)
			}
			if err != nil {
				t.Fatal(err)
			}
			least = min(least, commitsOf(t, s)-before)
		}
		if least != want {
			t.Errorf("a sequence at a worker with Own = %v takes %d commits, want %d", own, least, want)
		}
		leave()
		stop()
	}
}

func commitsOf(t *testing.T, s *memory.Hub) int64 {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats.Commits
}

// early is a run "a" that waits for events, at a worker of ours.
type early struct {
	t      *testing.T
	ctx    context.Context
	disk   *memory.Disk
	hub    *local.Hub
	worker hub.Stream
	stop   func()
}

// newEarly begins the run; its first turn was early, and is durable.
func newEarly(t *testing.T) *early {
	e := &early{t: t, ctx: wait(t, time.Minute), disk: &memory.Disk{}}
	e.open()
	started := make(chan error, 1)
	go func() {
		_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: "a", Name: "run"})
		started <- err
	}()
	w := e.next(e.worker)
	if err := errors.Join(e.does(w), <-started); err != nil {
		t.Fatal(err)
	}
	return e
}

// open opens the hub and connects a worker of ours.
func (e *early) open() {
	e.t.Helper()
	s, err := memory.Open(e.disk)
	if err != nil {
		e.t.Fatal(err)
	}
	if e.hub, err = local.New(local.Config{Store: s, Registry: perdure.NewRegistry()}); err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.hub.Run(ctx) }()
	e.stop = func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, memory.ErrCrashed) {
			e.t.Errorf("Run() = %v", err)
		}
		s.Close() // it was cut off
	}
	e.worker = e.connect(true)
}

func (e *early) connect(own bool) hub.Stream {
	e.t.Helper()
	s, err := e.hub.Connect(e.ctx, &hub.Worker{Own: own, Follows: own})
	if err != nil {
		e.t.Fatal(err)
	}
	asked, cancel := context.WithCancel(e.ctx)
	cancel()
	if w, _ := s.Next(asked); w != nil {
		e.t.Fatalf("Next() = %+v before there was work", w)
	}
	return s
}

func (e *early) next(s hub.Stream) *hub.Work {
	e.t.Helper()
	w, err := s.Next(e.ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	return w
}

// does completes a turn.
func (e *early) does(w *hub.Work, actions ...engine.Action) error {
	return completes(e.ctx, e.hub, w, actions...)
}

func completes(ctx context.Context, h hub.Workers, w *hub.Work, actions ...engine.Action) error {
	return h.CompleteOrchestration(ctx, &hub.OrchestrationDone{
		Delivery: hub.Delivery{Token: w.Token}, Result: engine.TurnResult{Actions: actions},
	})
}

// raise raises an event; its answer comes over the channel.
func (e *early) raise(ctx context.Context, name string) <-chan error {
	answer := make(chan error, 1)
	h := e.hub
	go func() { answer <- h.Raise(ctx, &hub.Raise{InstanceID: "a", Name: name}) }()
	return answer
}

// crash cuts the power and opens the hub anew.
func (e *early) crash() {
	e.disk.Crash()
	e.disk.Manual(false)
	e.stop()
	e.open()
}

// given are the events of a turn, those before it in brackets.
func given(w *hub.Work) string {
	var b strings.Builder
	for i, list := range [...][][]byte{w.Orchestration.Past, w.Orchestration.New} {
		for _, data := range list {
			e, err := history.Decode(data)
			if err != nil {
				return err.Error()
			}
			if r, ok := e.Body.(*history.EventRaised); ok {
				fmt.Fprintf(&b, [...]string{"[%s]", "%s "}[i], r.Name)
			}
		}
	}
	return strings.TrimSpace(b.String())
}

// checkEarlyCrash cuts the power while a turn is out whose event is not durable: nobody
// was told that it is, it is gone with the turn, and what the worker says of that turn
// does not count.
func checkEarlyCrash(t *testing.T) error {
	e := newEarly(t)
	defer func() { e.stop() }()
	e.disk.Manual(true)
	raised := e.raise(e.ctx, "one")
	old := e.next(e.worker)
	if got := given(old); got != "one" || !old.Orchestration.Warm {
		return fmt.Errorf("the turn has %q and is warm = %v, want the event for warm code", got, old.Orchestration.Warm)
	}
	completed, near := make(chan error, 1), e.hub
	go func() { completed <- completes(e.ctx, near, old) }()
	e.crash()
	answer := <-raised
	if err := <-completed; err == nil {
		return errors.New("the outcome of the turn was accepted before it was durable")
	}
	if err := e.does(old); perdure.CodeOf(err) != perdure.NotFound {
		return fmt.Errorf("the outcome of a turn that the power cut has taken: %v, want NotFound", err)
	}
	raised = e.raise(e.ctx, "two")
	w := e.next(e.worker)
	if got := given(w); got != "two" || w.Orchestration.Warm {
		if answer != nil {
			return fmt.Errorf("after the power cut the turn has %q and is warm = %v, want the second event and the history", got, w.Orchestration.Warm)
		}
	} else if answer == nil {
		return errors.New("an event was acknowledged, and the power cut has taken it")
	}
	return errors.Join(e.does(w), <-raised)
}

// checkEarlySlow has a turn take longer than 20 ms: its event is stored first.
func checkEarlySlow(t *testing.T) error {
	e := newEarly(t)
	defer func() { e.stop() }()
	ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
	defer cancel()
	raised := e.raise(ctx, "one")
	old := e.next(e.worker)
	if err := <-raised; err != nil {
		return fmt.Errorf("an event whose turn takes long: %w", err)
	}
	later := e.raise(ctx, "two") // what comes then is stored too
	if err := <-later; err != nil {
		return fmt.Errorf("an event that comes while a turn takes long: %w", err)
	}
	e.crash()
	w := e.next(e.worker)
	if got := given(w); got != "one two" {
		return fmt.Errorf("the turn after the power cut has %q, want both events", got)
	}
	if err := e.does(old); perdure.CodeOf(err) != perdure.NotFound {
		return fmt.Errorf("the outcome of the turn before the power cut: %v, want NotFound", err)
	}
	return e.does(w)
}

// checkEarlyLost takes the worker away that has an early turn: another one, which may keep
// what it gets, has it when its event is durable.
func checkEarlyLost(t *testing.T) error {
	e := newEarly(t)
	defer func() { e.stop() }()
	e.disk.Manual(true)
	raised := e.raise(e.ctx, "one")
	e.next(e.worker)
	other := e.connect(false)
	e.worker.Close(false) // a loss would be counted first
	ctx, cancel := context.WithTimeout(e.ctx, 100*time.Millisecond)
	defer cancel()
	if w, err := other.Next(ctx); err == nil {
		e.disk.Manual(false)
		return fmt.Errorf("another worker has the turn with %q before its event is durable", given(w))
	}
	e.disk.Manual(false)
	e.disk.Sync()
	if err := <-raised; err != nil {
		return err
	}
	w := e.next(other)
	if got := given(w); got != "one" {
		return fmt.Errorf("the turn has %q, want the event", got)
	}
	return e.does(w)
}

// checkEarlyFull has the disk become full while an early turn is out: event and turn
// are refused, and the worker gets the history the next time, without them.
func checkEarlyFull(t *testing.T) error {
	e := newEarly(t)
	defer func() { e.stop() }()
	raised := e.raise(e.ctx, "one")
	old := e.next(e.worker)
	e.disk.Fill(true)
	if err := e.does(old); perdure.CodeOf(err) != perdure.NoSpace {
		return fmt.Errorf("completing a turn on a full disk: %v, want NoSpace", err)
	}
	answer := <-raised
	e.disk.Fill(false)
	var err error
	for again := e.raise(e.ctx, "two"); ; again = e.raise(e.ctx, "two") { // until the hub has seen that there is space
		if perdure.CodeOf(answer) != perdure.NoSpace {
			return fmt.Errorf("raising an event on a full disk: %v, want NoSpace", answer)
		}
		done := make(chan *hub.Work, 1)
		ctx, cancel := context.WithCancel(e.ctx)
		go func() {
			w, _ := e.worker.Next(ctx)
			done <- w
		}()
		select {
		case err = <-again:
			cancel()
			<-done
			if perdure.CodeOf(err) == perdure.NoSpace {
				continue
			}
			return fmt.Errorf("raising an event once there is space: %v", err)
		case w := <-done:
			cancel()
			if got := given(w); got != "two" || w.Orchestration.Warm {
				return fmt.Errorf("the turn after it has %q and is warm = %v, want the second event and the history", got, w.Orchestration.Warm)
			}
			if err := e.does(old); perdure.CodeOf(err) != perdure.NotFound {
				return fmt.Errorf("the outcome of the turn that was refused: %v, want NotFound", err)
			}
			return errors.Join(e.does(w), <-again)
		}
	}
}
