package local_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// sleeper waits for a time and returns when it woke, in microseconds.
func sleeper(ctx *perdure.Context, until int64) (int64, error) {
	ctx.TimerUntil(time.UnixMicro(until)).Await()
	return ctx.Now().UnixMicro(), nil
}

// clocked is a hub with a clock that the test moves.
type clocked struct {
	disk  *memory.Disk
	clock *clock.Virtual
	hub   *local.Hub
	stop  func()
}

func (c *clocked) open(t *testing.T) {
	t.Helper()
	s, err := memory.Open(c.disk)
	if err != nil {
		t.Fatal(err)
	}
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, sleeper)
	c.hub, err = local.New(local.Config{Store: s, Registry: reg, Clock: c.clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.hub.Run(ctx) }()
	c.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func (c *clocked) sleep(t *testing.T, ctx context.Context, id string, until time.Time) {
	t.Helper()
	_, err := c.hub.Start(ctx, &hub.Start{InstanceID: id, Name: "sleeper", Input: history.Some(strconv.FormatInt(until.UnixMicro(), 10))})
	if err != nil {
		t.Fatal(err)
	}
}

// idle waits until nothing moves by itself, and returns when time is to act.
func (c *clocked) idle(t *testing.T, ctx context.Context) time.Time {
	t.Helper()
	next, err := c.hub.Idle(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// woken checks that a sleeper has ended, not before its time.
func (c *clocked) woken(t *testing.T, ctx context.Context, id string, due time.Time) {
	t.Helper()
	in, err := c.hub.Instance(ctx, id, true)
	if err != nil || in.Status != store.Completed {
		t.Errorf("%s has not woken: %+v, %v", id, in, err)
		return
	}
	at, _ := strconv.ParseInt(in.Output.S, 10, 64)
	if got := time.UnixMicro(at); got.Before(due.Truncate(time.Microsecond)) {
		t.Errorf("%s woke at %v, before %v", id, got, due)
	}
}

// TestT14_Timers: many timers at one instant all fire, none early; those due
// while the hub is down fire when it is back; a clock that steps back neither
// loses nor repeats one.
func TestT14_Timers(t *testing.T) {
	n := 2000
	if os.Getenv("PERDURE_SOAK") != "" {
		n = 100_000
	}
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := &clocked{disk: &memory.Disk{}, clock: clock.NewVirtual(begin)}
	c.open(t)
	ctx := wait(t, 5*time.Minute)
	same, down, far := begin.Add(time.Hour), begin.Add(2*time.Hour), begin.Add(3*365*24*time.Hour)
	for i := range n {
		c.sleep(t, ctx, fmt.Sprint("same-", i), same)
	}
	c.sleep(t, ctx, "down", down)
	c.sleep(t, ctx, "far", far)
	c.sleep(t, ctx, "short", begin.Add(time.Microsecond))
	c.sleep(t, ctx, "past", begin.Add(-time.Hour))
	if next := c.idle(t, ctx); !next.Equal(begin.Add(time.Microsecond)) {
		t.Errorf("the next timer is due at %v, want a microsecond after the start", next)
	}
	c.clock.Advance(time.Microsecond)
	c.idle(t, ctx)
	c.woken(t, ctx, "short", begin.Add(time.Microsecond))
	c.woken(t, ctx, "past", begin.Add(-time.Hour))

	c.clock.Advance(same.Sub(c.clock.Now()) - time.Microsecond)
	c.idle(t, ctx)
	if in, err := c.hub.Instance(ctx, "same-0", false); err != nil || in.Status != store.Running {
		t.Fatalf("a microsecond before its time same-0 is %+v, %v, want running", in, err)
	}
	c.clock.Advance(time.Microsecond)
	c.idle(t, ctx)
	for i := range n {
		c.woken(t, ctx, fmt.Sprint("same-", i), same)
	}
	c.stop()
	c.clock.Advance(24 * time.Hour)
	c.open(t)
	defer func() { c.stop() }()
	c.idle(t, ctx)
	c.woken(t, ctx, "down", down)

	c.clock.Advance(far.Sub(c.clock.Now()))
	c.idle(t, ctx)
	c.woken(t, ctx, "far", far)
	for _, id := range []string{"same-0", "down", "far"} {
		events, err := c.hub.History(ctx, id, "")
		if err != nil {
			t.Fatal(err)
		}
		fired := 0
		for _, e := range events {
			if _, ok := e.Body.(*history.TimerFired); ok {
				fired++
			}
		}
		if fired != 1 {
			t.Errorf("%s: its timer fired %d times, want once", id, fired)
		}
	}
}

// TestT14_ClockStepsBack: a clock that jumps into the past keeps the times of a
// history in order, and timers wait for the new clock.
func TestT14_ClockStepsBack(t *testing.T) {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := &clocked{disk: &memory.Disk{}, clock: clock.NewVirtual(begin)}
	c.open(t)
	ctx := wait(t, time.Minute)
	due := begin.Add(time.Hour)
	c.sleep(t, ctx, "a", due)
	c.idle(t, ctx)
	c.stop()
	c.clock = clock.NewVirtual(begin.Add(-10 * 365 * 24 * time.Hour))
	c.open(t)
	defer func() { c.stop() }()
	c.idle(t, ctx)
	if in, err := c.hub.Instance(ctx, "a", false); err != nil || in.Status != store.Running {
		t.Fatalf("after the clock stepped back: %+v, %v, want running", in, err)
	}
	c.clock.Advance(due.Sub(c.clock.Now()))
	c.idle(t, ctx)
	c.woken(t, ctx, "a", due)
	events, err := c.hub.History(ctx, "a", "")
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(events); i++ {
		if events[i].Time.Before(events[i-1].Time) {
			t.Errorf("event %d is from %v, before the one that precedes it (%v)", i, events[i].Time, events[i-1].Time)
		}
	}
}
