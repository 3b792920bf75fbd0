package local_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

func echo(_ context.Context, in string) (string, error) { return in + "!", nil }

func chain(ctx *perdure.Context, in string) (string, error) {
	for range 5 {
		out, err := perdure.Call(ctx, echo, in).Await()
		if err != nil {
			return "", err
		}
		in = out
	}
	return in, nil
}

func registry(t *testing.T) *perdure.Registry {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, chain)
	perdure.AddActivity(reg, echo)
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	return reg
}

// run starts a hub over s and returns it with a function that stops it.
func run(t *testing.T, s store.Store, reg *perdure.Registry) (*local.Hub, func()) {
	t.Helper()
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	}
}

func TestChain(t *testing.T) {
	disk := &memory.Disk{}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h, stop := run(t, s, registry(t))
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	st, err := h.Start(ctx, &hub.Start{Name: "chain", Input: history.Some(`"x"`)})
	if err != nil {
		t.Fatal(err)
	}
	in, err := h.WaitCompletion(ctx, st.InstanceID)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := in.Output.S, `"x!!!!!"`; got != want || in.Status != store.Completed {
		t.Errorf("output = %s (%v), want %s", got, in.Status, want)
	}
	events, err := h.History(ctx, st.InstanceID, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := history.Script(events); !strings.HasPrefix(got, "-1 orchestratorStarted\n0 executionStarted") || len(events) != 18 {
		t.Errorf("%d events, want 18 in the shape of the protocol:\n%s", len(events), got)
	}
	in, err = h.Instance(ctx, st.InstanceID, true)
	if err != nil {
		t.Fatal(err)
	}
	if in.Input.S != `"x"` || in.Version != 6 {
		t.Errorf("Instance() = %+v, want input and 6 commits", in)
	}
}

// TestGoexit: code that ends its goroutine fails its step and holds up nothing.
func TestGoexit(t *testing.T) {
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	reg := registry(t)
	perdure.AddActivityNamed(reg, "exits", func(context.Context, string) (string, error) { runtime.Goexit(); return "", nil })
	perdure.AddOrchestrationNamed(reg, "calls", func(ctx *perdure.Context, in string) (string, error) {
		_, err := perdure.CallNamed[string](ctx, "exits", in).Await()
		return fmt.Sprint(err), nil
	})
	perdure.AddEntityFunc(reg, "exits", func(*perdure.EntityContext) (any, error) { runtime.Goexit(); return nil, nil })
	h, stop := run(t, s, reg)
	defer stop()
	ctx := wait(t, 10*time.Second)
	if err := h.Signal(ctx, &hub.Signal{InstanceID: "@exits@a", Operation: "op"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want string }{{"calls", "Goexit"}, {"chain", "x!!!!!"}} {
		if _, err := h.Start(ctx, &hub.Start{InstanceID: c.name, Name: c.name, Input: history.Some(`"x"`)}); err != nil {
			t.Fatal(err)
		}
		in, err := h.WaitCompletion(ctx, c.name)
		if err != nil || !strings.Contains(in.Output.S, c.want) {
			t.Errorf("%s = %+v, %v, want an output with %q", c.name, in, err, c.want)
		}
	}
}

// TestTerminateBlocked: a run whose turn never ends is reported, and can be ended.
func TestTerminateBlocked(t *testing.T) {
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	reg := registry(t)
	perdure.AddOrchestrationNamed(reg, "blocks", func(*perdure.Context, string) (string, error) { <-release; return "", nil })
	h, stop := run(t, s, reg)
	defer stop()
	defer close(release)
	ctx := wait(t, 20*time.Second)
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "b", Name: "blocks"}); err != nil {
		t.Fatal(err)
	}
	for phase := store.NoPhase; phase != store.Stuck; { // it takes two seconds
		at, err := h.Position(ctx)
		if err != nil {
			t.Fatal(err)
		}
		in, err := h.Instance(ctx, "b", false)
		if err != nil {
			t.Fatal(err)
		}
		if phase = in.Phase; phase == store.Stuck {
			break
		}
		if _, _, _, err := h.Changes(ctx, at, 10); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Control(ctx, &hub.Control{InstanceID: "b", Kind: hub.Terminate, Reason: history.Some(`"enough"`)}); err != nil {
		t.Fatal(err)
	}
	in, err := h.WaitCompletion(ctx, "b")
	if err != nil || in.Status != store.Terminated || in.Output.S != `"enough"` {
		t.Errorf("after terminate: %+v, %v, want terminated", in, err)
	}
}
