package local_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// limited is a hub with small limits, and code that goes beyond them on demand.
func limited(t *testing.T, limits shard.Limits) *local.Hub {
	t.Helper()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "produce", func(_ context.Context, n int) (string, error) {
		return strings.Repeat("x", n), nil
	})
	perdure.AddOrchestrationNamed(reg, "consume", func(ctx *perdure.Context, n int) (int, error) {
		out, err := perdure.CallNamed[string](ctx, "produce", n).Await()
		return len(out), err
	})
	perdure.AddOrchestrationNamed(reg, "output", func(ctx *perdure.Context, n int) (string, error) {
		return strings.Repeat("x", n), nil
	})
	perdure.AddOrchestrationNamed(reg, "fan", func(ctx *perdure.Context, n int) (int, error) {
		tasks := make([]perdure.Awaitable, n)
		for i := range tasks {
			tasks[i] = perdure.CallNamed[string](ctx, "produce", 1)
		}
		return n, perdure.All(ctx, tasks...)
	})
	perdure.AddOrchestrationNamed(reg, "wait", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.NewEvent[string]("never").Wait(ctx).Await()
	})
	perdure.AddEntityFunc(reg, "loud", func(ctx *perdure.EntityContext) (any, error) {
		var n int
		if err := ctx.Input(&n); err != nil {
			return nil, err
		}
		for range n {
			if err := ctx.Signal(perdure.NewEntityID("quiet", "k"), "x", nil); err != nil {
				return nil, err
			}
		}
		return n, ctx.SetState(n)
	})
	h, err := local.New(local.Config{Store: s, Registry: reg, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return h
}

// around are a limit's neighbours, and far beyond it.
func around(limit int) []int { return []int{limit - 1, limit, limit + 1, 100 * limit} }

// TestT17_Requests: what a client sends beyond a limit is refused before it is
// accepted, and leaves nothing behind.
func TestT17_Requests(t *testing.T) {
	const payload, id = 1000, 100
	h := limited(t, shard.Limits{Payload: payload})
	ctx := wait(t, 30*time.Second)
	text := func(n int) history.Text { return history.Some(`"` + strings.Repeat("x", n-2) + `"`) }
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "target", Name: "wait"}); err != nil {
		t.Fatal(err)
	}
	surfaces := []struct {
		name  string
		limit int
		code  perdure.Code
		do    func(n int) error
	}{
		{"start: input", payload, perdure.ResourceExhausted, func(n int) error {
			_, err := h.Start(ctx, &hub.Start{Name: "wait", Input: text(n)})
			return err
		}},
		{"start: id", id, perdure.InvalidArgument, func(n int) error {
			_, err := h.Start(ctx, &hub.Start{InstanceID: strings.Repeat("i", n), Name: "wait"})
			return err
		}},
		{"start: event", payload, perdure.ResourceExhausted, func(n int) error {
			_, err := h.Start(ctx, &hub.Start{Name: "wait", Event: &hub.Raise{Name: "e", Data: text(n)}})
			return err
		}},
		{"raise: data", payload, perdure.ResourceExhausted, func(n int) error {
			return h.Raise(ctx, &hub.Raise{InstanceID: "target", Name: "e", Data: text(n)})
		}},
		{"signal: input", payload, perdure.ResourceExhausted, func(n int) error {
			return h.Signal(ctx, &hub.Signal{InstanceID: "@e@k", Operation: "op", Input: text(n)})
		}},
		{"signal: id", id, perdure.InvalidArgument, func(n int) error {
			return h.Signal(ctx, &hub.Signal{InstanceID: "@e@" + strings.Repeat("k", n-3), Operation: "op"})
		}},
		{"terminate: reason", payload, perdure.ResourceExhausted, func(n int) error {
			_, err := h.Control(ctx, &hub.Control{InstanceID: "target", Kind: hub.Suspend, Reason: text(n)})
			return err
		}},
	}
	for _, s := range surfaces {
		for _, n := range around(s.limit) {
			err := s.do(n)
			if over := n > s.limit; over != (err != nil) || over && perdure.CodeOf(err) != s.code {
				t.Errorf("%s of %d, limit %d: got %v, want refused=%v with %v", s.name, n, s.limit, err, over, s.code)
			}
		}
	}
}

// TestT17_Results: what code produces beyond a limit fails once, for good, and
// the failure names the producer.
func TestT17_Results(t *testing.T) {
	const payload, actions = 1000, 50
	h := limited(t, shard.Limits{Payload: payload, TurnActions: actions})
	ctx := wait(t, 30*time.Second)
	for _, c := range []struct {
		name, want string
		limit      int
		size       func(n int) int // of what the payload holds, without quotes
	}{
		{"consume", `activity "produce"`, payload, func(n int) int { return n - 2 }},
		{"output", "its output", payload, func(n int) int { return n - 2 }},
		{"fan", "actions in one turn", actions, func(n int) int { return n }},
	} {
		for _, n := range around(c.limit) {
			id := fmt.Sprint(c.name, "-", n)
			_, err := h.Start(ctx, &hub.Start{InstanceID: id, Name: c.name, Input: history.Some(fmt.Sprint(c.size(n)))})
			if err != nil {
				t.Fatal(err)
			}
			in, err := h.WaitCompletion(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case n <= c.limit && in.Status != store.Completed:
				t.Errorf("%s of %d, limit %d: %+v, want completed", c.name, n, c.limit, in.Failure)
			case n > c.limit && (in.Status != store.Failed || !strings.Contains(in.Failure.Message, c.want)):
				t.Errorf("%s of %d, limit %d: status %d, %+v, want a failure that names %s", c.name, n, c.limit, in.Status, in.Failure, c.want)
			}
		}
	}
}

// TestT17_Batches: an operation that asks for too much fails, and leaves the state.
func TestT17_Batches(t *testing.T) {
	const actions = 50
	h := limited(t, shard.Limits{TurnActions: actions})
	ctx := wait(t, 30*time.Second)
	for _, n := range around(actions) {
		out, err := h.Ask(ctx, &hub.Ask{RequestID: fmt.Sprint(n), InstanceID: "@loud@k", Name: "op", Input: history.Some(fmt.Sprint(n))})
		switch {
		case n <= actions && err != nil:
			t.Errorf("an operation that signals %d times = %s, %v, want OK", n, out.S, err)
		case n > actions && (err == nil || !strings.Contains(err.Error(), "actions in one batch")):
			t.Errorf("an operation that signals %d times = %s, %v, want a failure that names the limit %d", n, out.S, err, actions)
		}
	}
	if e, err := h.Entity(ctx, "@loud@k"); err != nil || e.State.S != fmt.Sprint(actions) {
		t.Errorf("its state = %+v, %v, want %d", e, err, actions)
	}
}

// TestT17_Waiters: one instance takes so many waiting callers and no more.
func TestT17_Waiters(t *testing.T) {
	const limit = 20
	h := limited(t, shard.Limits{Waiters: limit})
	ctx, cancel := context.WithCancel(wait(t, 30*time.Second))
	defer cancel()
	codes := make(chan perdure.Code, 10*limit)
	for range 10 * limit {
		go func() {
			_, err := h.WaitCompletion(ctx, "nobody")
			codes <- perdure.CodeOf(err)
		}()
	}
	for range 9 * limit {
		if code := <-codes; code != perdure.ResourceExhausted {
			t.Fatalf("a wait beyond the limit ended with %v, want resource_exhausted", code)
		}
	}
	cancel()
	for range limit {
		if code := <-codes; code != perdure.Canceled {
			t.Errorf("a cancelled wait ended with %v, want canceled", code)
		}
	}
}

// TestT17_Queue: messages that nobody can take are bounded for one instance.
func TestT17_Queue(t *testing.T) {
	const limit = 100
	h := limited(t, shard.Limits{Queue: limit})
	ctx := wait(t, 30*time.Second)
	at := time.Now().Add(time.Hour)
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "later", Name: "wait", StartAt: at}); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for range 3 * limit {
		err := h.Raise(ctx, &hub.Raise{InstanceID: "later", Name: "e"})
		switch perdure.CodeOf(err) {
		case 0:
			accepted++
		case perdure.ResourceExhausted:
		default:
			t.Fatal(err)
		}
	}
	if accepted != limit {
		t.Errorf("%d events were accepted, want %d", accepted, limit)
	}
}
