package hubtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// A run that fails gives its locks back, and needs them again once it is rewound.

// relocking registers, beside lockers, orchestrations that fail in a critical
// section until they are allowed to go on.
func relocking(allowed *atomic.Bool, runs *probe) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		lockers(r)
		perdure.AddActivityNamed(r, "good", func(context.Context, string) (string, error) {
			runs.note("good")
			return "", nil
		})
		perdure.AddActivityNamed(r, "maybe", func(context.Context, string) (string, error) {
			runs.note("maybe")
			if !allowed.Load() {
				return "", errors.New("not yet")
			}
			return "", nil
		})
		perdure.AddOrchestrationNamed(r, "careful", func(ctx *perdure.Context, _ string) (string, error) {
			unlock, err := perdure.Lock(ctx, entity("a"), entity("b"))
			if err != nil {
				return "", err
			}
			defer unlock()
			for _, step := range []string{"good", "maybe"} {
				if _, err := perdure.CallNamed[string](ctx, step, "").Await(); err != nil {
					return "", err
				}
			}
			if _, err := perdure.CallEntity[int](ctx, entity("b"), "deposit", 1).Await(); err != nil {
				return "", err
			}
			_, err = perdure.NewEvent[string]("end").Wait(ctx).Await()
			return "done", err
		})
		perdure.AddOrchestrationNamed(r, "hasty", func(ctx *perdure.Context, _ string) (string, error) {
			unlock, err := perdure.Lock(ctx, entity("a"), entity("b"))
			if err != nil {
				return "", err
			}
			defer unlock()
			if !allowed.Load() {
				return "", errors.New("not yet")
			}
			_, err = perdure.NewEvent[string]("end").Wait(ctx).Await()
			return "done", err
		})
	}
}

// takesOver has another orchestration hold the accounts while the failed run is
// rewound, which then waits.
func (e *env) takesOver(id string) {
	e.t.Helper()
	e.free("a")
	e.free("b")
	e.start("hold", "h", `["a","b"]`, replace(history.StatusCompleted))
	e.lockedBy("b", "h")
	e.control(hub.Rewind, id)
	e.lockedBy("a", "h")
	e.status(id, store.Running)
	e.raise("h", "end", `"done"`)
	e.completes("h", `"done"`)
}

func rewindLocked(t *testing.T, s suite) {
	for _, down := range []bool{false, true} {
		var allowed atomic.Bool
		var runs probe
		code := relocking(&allowed, &runs)
		e := s.open(t, code)
		e.start("careful", "r", "")
		e.fails("r")
		runs.check(t, "activities before the rewind", "good", "maybe")
		for range 2 { // it fails again, and is rewound again
			e.takesOver("r")
			e.fails("r")
		}
		allowed.Store(true)
		e.start("hold", "h", `["b"]`, replace(history.StatusCompleted))
		e.lockedBy("b", "h")
		e.control(hub.Rewind, "r")
		e.lockedBy("a", "r")
		e.raise("r", "end", `""`) // must wait as well
		e.settle()
		if down {
			e.restart(code)
			e.settle()
		}
		runs.check(t, "activities while another holds a lock", "good", "maybe", "maybe", "maybe")
		e.raise("h", "end", `"done"`)
		e.completes("h", `"done"`)
		e.completes("r", `"done"`)
		runs.check(t, "activities", "good", "maybe", "maybe", "maybe", "maybe")
		e.state("@account@b", `{"Balance":1}`)
		e.free("a")
		e.free("b")
	}
}

// rewindGranted rewinds a run that failed in the very turn in which it got its
// locks: that grant is void.
func rewindGranted(t *testing.T, s suite) {
	var allowed atomic.Bool
	e := s.open(t, relocking(&allowed, new(probe)))
	e.start("hasty", "r", "")
	e.fails("r")
	allowed.Store(true)
	e.takesOver("r")
	e.lockedBy("a", "r")
	e.lockedBy("b", "r")
	e.raise("r", "end", `""`)
	e.completes("r", `"done"`)
	e.free("a")
	e.free("b")
}
