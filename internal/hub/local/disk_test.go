package local_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

func wait(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// TestT03_FailedSync: after a failed sync nothing is acknowledged, the hub ends
// with the error, and what was acknowledged before is there for the next one.
func TestT03_FailedSync(t *testing.T) {
	disk := &memory.Disk{}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: registry(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := wait(t, 10*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	start := func(id string) error {
		_, err := h.Start(ctx, &hub.Start{InstanceID: id, Name: "chain", Input: history.Some(`"x"`)})
		return err
	}
	if err := start("good"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WaitCompletion(ctx, "good"); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is broken")
	disk.FailNext(broken)
	for _, id := range []string{"bad", "late"} {
		if err := start(id); perdure.CodeOf(err) != perdure.Unavailable {
			t.Errorf("Start(%s) on a failed disk = %v, want unavailable", id, err)
		}
	}
	if err := <-ended; !errors.Is(err, broken) {
		t.Errorf("Run() = %v, want %v", err, broken)
	}
	if _, err := h.Instance(ctx, "good", false); err == nil {
		t.Log("reads of a failed hub may be answered: what they show was durable")
	}
	disk.Crash()
	again, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h2, stop := run(t, again, registry(t))
	defer stop()
	in, err := h2.Instance(ctx, "good", true)
	if err != nil || in.Output.S != `"x!!!!!"` {
		t.Errorf("after recovery: %+v, %v, want the finished run", in, err)
	}
}

// TestT03_FullDisk: without space calls get a typed error and change nothing,
// reads work, and everything goes on by itself once there is space.
func TestT03_FullDisk(t *testing.T) {
	disk := &memory.Disk{}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	reg := registry(t)
	gate := make(chan struct{})
	perdure.AddActivityNamed(reg, "slow", func(context.Context, string) (string, error) { <-gate; return "done", nil })
	perdure.AddOrchestrationNamed(reg, "behind", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "slow", in).Await()
	})
	h, stop := run(t, s, reg)
	defer stop()
	ctx := wait(t, 20*time.Second)
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "open", Name: "behind", Input: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	disk.Fill(true)
	refused := func(id string) {
		t.Helper()
		_, err := h.Start(ctx, &hub.Start{InstanceID: id, Name: "chain", Input: history.Some(`"x"`)})
		if perdure.CodeOf(err) != perdure.NoSpace {
			t.Errorf("Start(%s) on a full disk = %v, want no_space", id, err)
		}
	}
	refused("one")
	close(gate) // the result of the activity cannot be written now
	refused("two")
	if in, err := h.Instance(ctx, "open", false); err != nil || in.Status.Terminal() {
		t.Errorf("Instance() on a full disk = %+v, %v, want the open run", in, err)
	}
	disk.Fill(false)
	in, err := h.WaitCompletion(ctx, "open")
	if err != nil || in.Output.S != `"done"` {
		t.Errorf("after there was space again: %+v, %v, want done", in, err)
	}
	for _, id := range []string{"one", "two"} {
		if _, err := h.Instance(ctx, id, false); perdure.CodeOf(err) != perdure.NotFound {
			t.Errorf("Instance(%s) = %v, want not_found: its start was refused", id, err)
		}
		if _, err := h.Start(ctx, &hub.Start{InstanceID: id, Name: "chain", Input: history.Some(`"x"`)}); err != nil {
			t.Errorf("Start(%s) with space = %v", id, err)
		}
	}
}
