package local_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// parents returns a registry with runs that have a child: one waits for it, one
// gives it up when it hears of it, one only starts it.
func parents() *perdure.Registry {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "waits", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "child", "x", perdure.WithID("c")).Await()
	})
	perdure.AddOrchestrationNamed(reg, "gives up", func(ctx *perdure.Context, _ string) (string, error) {
		task := perdure.CallOrchestrationNamed[string](ctx, "child", "x", perdure.WithID("c"))
		perdure.Any(ctx, task, perdure.NewEvent[string]("enough").Wait(ctx))
		task.Cancel()
		_, err := task.Await()
		return perdure.CodeOf(err).String(), nil
	})
	return reg
}

// serve starts a hub over a disk and returns it with a function that stops it.
func serve(t *testing.T, disk *memory.Disk, reg *perdure.Registry) (*local.Hub, func()) {
	t.Helper()
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h, stop := run(t, s, reg)
	return h, func() { stop(); s.Close() }
}

// TestChildBeforeItsWorker: a child that nobody serves at first begins when
// somebody does.
func TestChildBeforeItsWorker(t *testing.T) {
	disk := &memory.Disk{}
	ctx := wait(t, 20*time.Second)
	h, stop := serve(t, disk, parents())
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "p", Name: "waits", Input: history.Some(`""`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Idle(ctx); err != nil {
		t.Fatal(err)
	}
	stop()
	reg := parents()
	perdure.AddOrchestrationNamed(reg, "child", func(_ *perdure.Context, in string) (string, error) { return in + "!", nil })
	h, stop = serve(t, disk, reg)
	defer stop()
	if i, err := h.WaitCompletion(ctx, "p"); err != nil || i.Output.S != `"x!"` {
		t.Errorf("WaitCompletion() = %+v, %v, want x!", i, err)
	}
}

// TestGiveUpUnservedChild: a child that nobody serves ends when its parent gives it
// up, also after a restart.
func TestGiveUpUnservedChild(t *testing.T) {
	for _, restart := range []bool{false, true} {
		disk := &memory.Disk{}
		ctx := wait(t, 20*time.Second)
		h, stop := serve(t, disk, parents())
		if _, err := h.Start(ctx, &hub.Start{InstanceID: "p", Name: "gives up", Input: history.Some(`""`)}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Idle(ctx); err != nil {
			t.Fatal(err)
		}
		if restart {
			stop()
			h, stop = serve(t, disk, parents())
		}
		if err := h.Raise(ctx, &hub.Raise{InstanceID: "p", Name: "enough", Data: history.Some(`""`)}); err != nil {
			t.Fatal(err)
		}
		if i, err := h.WaitCompletion(ctx, "c"); err != nil || i.Status != store.Terminated {
			t.Errorf("restart %t: WaitCompletion() = %+v, %v, want the child terminated", restart, i, err)
		}
		stop()
	}
}
