package local_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestRewindOwnError: a run that failed by its own code, not by a step, can be
// rewound: its last turn is tried again with what it was given, recorded outcomes
// are kept, and code that is mended by then goes on.
func TestRewindOwnError(t *testing.T) {
	var runs atomic.Int32
	code := func(mended bool) *perdure.Registry {
		reg := perdure.NewRegistry()
		perdure.AddActivityNamed(reg, "paid", func(context.Context, string) (string, error) {
			runs.Add(1)
			return "result", nil
		})
		perdure.AddOrchestrationNamed(reg, "late", func(ctx *perdure.Context, in string) (string, error) {
			out, err := perdure.CallNamed[string](ctx, "paid", in).Await()
			if err != nil || !mended {
				return "", errors.Join(errors.New("the code is wrong"), err)
			}
			return out, nil
		})
		perdure.AddOrchestrationNamed(reg, "early", func(_ *perdure.Context, in string) (string, error) {
			if !mended {
				return "", errors.New("the code is wrong")
			}
			return in, nil
		})
		return reg
	}
	disk := &memory.Disk{}
	ctx := wait(t, 20*time.Second)
	open := func(mended bool) (hub.Hub, func()) {
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		h, stop := run(t, s, code(mended))
		return h, func() { stop(); s.Close() }
	}
	h, stop := open(false)
	for _, name := range []string{"late", "early"} {
		if _, err := h.Start(ctx, &hub.Start{InstanceID: name, Name: name, Input: history.Some(`"result"`)}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // with the same code it fails again, and is not stuck
			in, err := h.WaitCompletion(ctx, name)
			if err != nil || in.Status != store.Failed {
				t.Fatalf("%s = %+v, %v, want failed", name, in, err)
			}
			if _, err := h.Control(ctx, &hub.Control{InstanceID: name, Kind: hub.Rewind}); err != nil {
				t.Fatal(err)
			}
		}
		if in, err := h.WaitCompletion(ctx, name); err != nil || in.Status != store.Failed {
			t.Fatalf("%s = %+v, %v, want failed", name, in, err)
		}
	}
	stop()
	h, stop = open(true)
	defer func() { stop() }()
	for _, name := range []string{"late", "early"} {
		if _, err := h.Control(ctx, &hub.Control{InstanceID: name, Kind: hub.Rewind}); err != nil {
			t.Fatal(err)
		}
		in, err := h.WaitCompletion(ctx, name)
		if err != nil || in.Status != store.Completed || in.Output.S != `"result"` {
			events, _ := h.History(ctx, name, "")
			t.Errorf("%s with mended code = %+v, %v, want completed\n%s", name, in, err, history.Script(events))
		}
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("the activity ran %d times, want once: its outcome was recorded", n)
	}
}
