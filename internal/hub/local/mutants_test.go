//go:build faults

package local_test

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestMutants plants one mistake after the other and demands that its check
// finds it, and finds nothing without it.
func TestMutants(t *testing.T) {
	checks := []struct {
		mutant fault.Mutation
		check  func(t *testing.T) error
	}{
		{fault.ReadBeforeSync, checkReads},
		{fault.RequestRowLost, checkRequests},
		{fault.EventLostOnPark, checkParked},
		{fault.EarlyUnlockForgotten, checkEarlyUnlock},
		{fault.StaleCompletionAccepted, checkStale},
		{fault.TimerByNodeClock, checkTimers},
		{fault.EpochOutsideWrite, checkZombie},
		{fault.RenewalAfterTakeover, checkOneHolder},
		{fault.HeldItemRerun, checkMove},
		{fault.TimerByNodeClock, func(t *testing.T) (err error) {
			for range 4 { // it does no harm now and then, by the order in which the nodes start
				err = cmp.Or(err, checkStoreClock(t, 0))
			}
			return err
		}},
		{fault.EarlyTurnAcked, checkEarlyCrash},
		{fault.EarlyTurnUnstored, checkEarlySlow},
		{fault.EarlyTurnUnstored, checkEarlyLost},
		{fault.FollowUpUnchecked, checkFollowUpNot},
	}
	for _, c := range checks {
		t.Run(string(c.mutant), func(t *testing.T) {
			if err := c.check(t); err != nil {
				t.Errorf("without the mutant: %v", err)
			}
			fault.SetMutant(c.mutant, true)
			defer fault.SetMutant(c.mutant, false)
			if err := c.check(t); err == nil {
				t.Error("the mutant was not noticed")
			}
		})
	}
}

// hubOn runs a hub over the disk until the function that it returns is called.
func hubOn(t *testing.T, disk *memory.Disk, reg *perdure.Registry) (*local.Hub, func()) {
	t.Helper()
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, func() {
		cancel()
		<-done
		s.Close()
	}
}

// checkReads lets a read run against a start that is not durable, cuts the
// power, and looks whether what was read is still there.
func checkReads(t *testing.T) error {
	disk := &memory.Disk{}
	h, stop := hubOn(t, disk, registry(t))
	defer stop()
	ctx := wait(t, 10*time.Second)
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "first", Name: "chain", Input: history.Some(`"x"`)}); err != nil {
		return err
	}
	if _, err := h.WaitCompletion(ctx, "first"); err != nil {
		return err
	}
	disk.Manual(true)
	go h.Start(ctx, &hub.Start{InstanceID: "a", Name: "chain", Input: history.Some(`"x"`)})
	seen := false
	for end := time.Now().Add(time.Second); !seen && time.Now().Before(end); {
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, err := h.Instance(short, "a", false)
		cancel()
		seen = err == nil
	}
	disk.Crash()
	disk.Manual(false)
	s, err := memory.Open(disk)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Instance(t.Context(), "a"); seen && err != nil {
		return fmt.Errorf("a read showed an instance that the power cut has taken: %w", err)
	}
	return nil
}

// checkRequests repeats a start by its request id after a purge.
func checkRequests(t *testing.T) error {
	h, stop := hubOn(t, &memory.Disk{}, registry(t))
	defer stop()
	ctx := wait(t, 10*time.Second)
	start := &hub.Start{RequestID: "r", InstanceID: "a", Name: "chain", Input: history.Some(`"x"`)}
	if _, err := h.Start(ctx, start); err != nil {
		return err
	}
	if _, err := h.WaitCompletion(ctx, "a"); err != nil {
		return err
	}
	if _, err := h.Purge(ctx, &hub.Purge{IDs: []string{"a"}}); err != nil {
		return err
	}
	if _, err := h.Start(ctx, start); err != nil {
		return fmt.Errorf("the repeated start was refused: %w", err)
	}
	if _, err := h.Instance(ctx, "a", false); perdure.CodeOf(err) != perdure.NotFound {
		return fmt.Errorf("the repeated start ran again: %v", err)
	}
	return nil
}

// checkParked raises an event to a run whose code does not fit, and lets fitting
// code have it after a restart.
func checkParked(t *testing.T) error {
	code := func(fits bool) *perdure.Registry {
		reg := registry(t)
		perdure.AddOrchestrationNamed(reg, "changing", func(ctx *perdure.Context, in string) (string, error) {
			if fits {
				ctx.Timer(time.Hour)
			}
			return perdure.NewEvent[string]("go").Wait(ctx).Await()
		})
		return reg
	}
	disk := &memory.Disk{}
	ctx := wait(t, 10*time.Second)
	h, stop := hubOn(t, disk, code(true))
	_, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "changing"})
	stop()
	if err != nil {
		return err
	}
	h, stop = hubOn(t, disk, code(false))
	err = h.Raise(ctx, &hub.Raise{InstanceID: "a", Name: "go", Data: history.Some(`"y"`)})
	stop()
	if err != nil {
		return err
	}
	h, stop = hubOn(t, disk, code(true))
	defer stop()
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	in, err := h.WaitCompletion(short, "a")
	if err != nil || in.Status != store.Completed {
		return fmt.Errorf("the event raised while parked was not delivered: %+v, %v", in, err)
	}
	return nil
}

// checkEarlyUnlock lets an unlock overtake the request that it belongs to.
func checkEarlyUnlock(*testing.T) error {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ent := &engine.Entity{ID: "@e@k"}
	take := func(body history.Body) {
		m := &engine.Message{Event: &history.Event{ID: -1, Time: now, Body: body}}
		ent.Apply(&engine.EntityStep{Now: now, Plan: ent.Plan([]*engine.Message{m}, false, now)})
	}
	take(&history.EntityUnlockSent{CriticalSectionID: "s", ParentInstanceID: history.Some("p")})
	take(&history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@e@k"}, ParentInstanceID: history.Some("p")})
	if ent.Lock != nil {
		return fmt.Errorf("the lock of a section that was left before it was entered is held: %+v", ent.Lock)
	}
	return nil
}

// checkStale completes an activity by a token that a newer delivery has voided.
func checkStale(t *testing.T) error {
	tokens := make(chan string, 10)
	reg := registry(t)
	perdure.AddActivityNamed(reg, "person", func(ctx context.Context, in string) (string, error) {
		tokens <- perdure.Activity(ctx).Token
		<-ctx.Done()
		return "", ctx.Err()
	})
	perdure.AddOrchestrationNamed(reg, "asks", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "person", in).Await()
	})
	disk := &memory.Disk{}
	ctx := wait(t, 10*time.Second)
	h, stop := hubOn(t, disk, reg)
	_, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "asks", Input: history.Some(`"x"`)})
	old := <-tokens
	stop()
	if err != nil {
		return err
	}
	h, stop = hubOn(t, disk, reg)
	defer stop()
	<-tokens // it runs again, as another delivery
	if err := h.Complete(ctx, old, history.Some(`"late"`), nil); perdure.CodeOf(err) != perdure.NotFound {
		return fmt.Errorf("a completion by an old token was accepted: %v", err)
	}
	return nil
}

// checkTimers lets one of two timers fire by a clock that is behind the machine's.
func checkTimers(t *testing.T) error {
	begin := time.Now().Add(-24 * time.Hour).UTC()
	c := &clocked{disk: &memory.Disk{}, clock: clock.NewVirtual(begin)}
	c.open(t)
	defer func() { c.stop() }()
	ctx := wait(t, 10*time.Second)
	c.sleep(t, ctx, "soon", begin.Add(time.Second))
	c.sleep(t, ctx, "later", begin.Add(time.Minute))
	c.idle(t, ctx)
	c.clock.Advance(time.Second)
	c.idle(t, ctx)
	c.woken(t, ctx, "soon", begin.Add(time.Second))
	if in, err := c.hub.Instance(ctx, "later", false); err != nil || in.Status.Terminal() {
		return fmt.Errorf("a timer of a minute has fired after a second: %+v, %v", in, err)
	}
	return nil
}
