package local_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// mixed is code for a worker: a run with activities, an entity and a child.
func mixed(acts *atomic.Int64) *perdure.Registry {
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "act", func(_ context.Context, in int) (int, error) {
		acts.Add(1)
		return in + 1, nil
	})
	perdure.AddEntityFunc(reg, "sum", func(ctx *perdure.EntityContext) (any, error) {
		var n, in int
		if err := ctx.State(&n); err != nil {
			return nil, err
		}
		if err := ctx.Input(&in); err != nil {
			return nil, err
		}
		return n + in, ctx.SetState(n + in)
	})
	perdure.AddOrchestrationNamed(reg, "child", func(ctx *perdure.Context, in int) (int, error) {
		return perdure.CallNamed[int](ctx, "act", in).Await()
	})
	perdure.AddOrchestrationNamed(reg, "mixed", func(ctx *perdure.Context, in int) (string, error) {
		first, second := perdure.CallNamed[int](ctx, "act", in), perdure.CallNamed[int](ctx, "act", in)
		a, err := first.Await()
		if err != nil {
			return "", err
		}
		b, err := second.Await()
		if err != nil {
			return "", err
		}
		sum, err := perdure.CallEntity[int](ctx, perdure.NewEntityID("sum", "k"), "add", a+b).Await()
		if err != nil {
			return "", err
		}
		c, err := perdure.CallOrchestrationNamed[int](ctx, "child", sum).Await()
		return fmt.Sprint(a, b, sum, c), err
	})
	return reg
}

// TestWorkerCrashes cuts the power at every group of a run that a worker outside of
// the hub carries out, and has another hub and worker go on.
func TestWorkerCrashes(t *testing.T) {
	for _, w := range []hub.Worker{{Own: true}, {}} {
		for _, durable := range []bool{false, true} {
			crashed := true
			for n := 1; crashed && n < 100; n++ {
				if crashed = workerCrash(t, w, n, durable); t.Failed() {
					t.Fatalf("own %t, crash at group %d, durable %t", w.Own, n, durable)
				}
			}
			if crashed {
				t.Error("the run does not end")
			}
		}
	}
}

// workerCrash reports whether the hub came to the group at which it is to crash.
func workerCrash(t *testing.T, w hub.Worker, n int, durable bool) (crashed bool) {
	t.Helper()
	ctx := wait(t, 30*time.Second)
	disk := &memory.Disk{}
	var hit atomic.Bool
	disk.OnGroup(func(e memory.GroupEvent) memory.Verdict {
		if e.N == n && e.Durable == durable && hit.CompareAndSwap(false, true) {
			return memory.CrashNow
		}
		return memory.Proceed
	})
	var acts atomic.Int64
	for ctx.Err() == nil {
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		h, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		run, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- h.Run(run); stop() }()
		leave, err := hubtest.Serve(run, h, &w, mixed(&acts), clock.System())
		if err == nil {
			_, err = h.Start(run, &hub.Start{InstanceID: "a", Name: "mixed", Input: history.Some("1"), RequestID: "s"})
			var in *hub.Instance
			if err == nil {
				if in, err = h.WaitCompletion(run, "a"); err == nil {
					judgeMixed(t, ctx, h, in)
				}
			}
			leave()
		}
		stop()
		if <-ended == nil && err == nil {
			break
		}
		s.Close()
	}
	if got := acts.Load(); got < 3 || got > 5 {
		t.Errorf("activities ran %d times, want each once, and again what ran when the power was cut", got)
	}
	return hit.Load()
}

func judgeMixed(t *testing.T, ctx context.Context, h *local.Hub, in *hub.Instance) {
	t.Helper()
	if want := `"2 2 4 5"`; in.Status != store.Completed || in.Output.S != want {
		t.Errorf("run ended %v with %s and %v, want %s", in.Status, in.Output.S, in.Failure, want)
	}
	events, err := h.History(ctx, "a", "")
	if err != nil {
		t.Error(err)
		return
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(history.Script(events), "\n") {
		line, _, _ = strings.Cut(line, " result")
		if strings.Contains(line, "ompleted") && seen[line] {
			t.Errorf("the history has it twice: %s", line)
		}
		seen[line] = true
	}
}

// TestManyWait: much work that waits for a worker waits outside of the memory, and
// goes out when there is one, also after a restart.
func TestManyWait(t *testing.T) {
	n := 5000
	if os.Getenv("PERDURE_SOAK") != "" {
		n = 100_000
	}
	disk := &memory.Disk{}
	ctx := wait(t, 5*time.Minute)
	h, stop := serve(t, disk, perdure.NewRegistry())
	each(n, func(i int) {
		if _, err := h.Start(ctx, &hub.Start{InstanceID: fmt.Sprint(i), Name: "run", Input: history.Some(strings.Repeat("x", 100))}); err != nil {
			t.Error(err)
		}
		if i%2 == 0 {
			if err := h.Signal(ctx, &hub.Signal{InstanceID: fmt.Sprint("@e@", i), Operation: "op"}); err != nil {
				t.Error(err)
			}
		}
	})
	for _, restart := range []bool{false, true} {
		if restart {
			stop()
			h, stop = serve(t, disk, perdure.NewRegistry())
		}
		if _, err := h.Idle(ctx); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s, err := h.Connect(ctx, &hub.Worker{Orchestrations: 10, Entities: 10})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(ctx); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("the first of %d items came after %v", n, d)
		}
		s.Close(false)
	}
	drain(t, ctx, h, n, n/2)
	if err := h.Signal(ctx, &hub.Signal{InstanceID: "@e@last", Operation: "op"}); err != nil {
		t.Error(err)
	}
	stop()
}

// each calls f for all numbers below n, many at a time.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		}()
	}
	wg.Wait()
}

// drain carries out so many runs of a turn each, and batches, with workers.
func drain(t *testing.T, ctx context.Context, h *local.Hub, runs, batches int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	done := make(chan struct{})
	for range 8 {
		s, err := h.Connect(ctx, &hub.Worker{Orchestrations: 8, Entities: 8})
		if err != nil {
			t.Fatal(err)
		}
		context.AfterFunc(ctx, func() { s.Close(false) })
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				w, err := s.Next(ctx)
				if err != nil {
					return
				}
				id := ""
				if o := w.Orchestration; o != nil {
					id = o.InstanceID
					err = h.CompleteOrchestration(ctx, &hub.OrchestrationDone{Delivery: hub.Delivery{Token: w.Token}, Result: engine.TurnResult{
						Actions: []engine.Action{{ID: 1, Do: &engine.Complete{Status: history.StatusCompleted}}},
					}})
				} else {
					id = w.Entity.InstanceID
					err = h.CompleteEntity(ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: w.Token}, Result: engine.EntityResult{
						State: history.Some("1"), Results: make([]engine.OperationResult, len(w.Entity.Operations)),
					}})
				}
				if err != nil {
					t.Errorf("completing %s: %v", id, err)
				}
				mu.Lock()
				if seen[id] {
					t.Errorf("%s was given out twice", id)
				}
				if seen[id] = true; len(seen) == runs+batches {
					close(done)
				}
				mu.Unlock()
			}
		}()
		defer s.Close(false)
	}
	select {
	case <-done:
	case <-ctx.Done():
		mu.Lock()
		t.Errorf("%d of %d items were given out", len(seen), runs+batches)
		mu.Unlock()
	}
}

// BenchmarkSequence compares sequences of five activities in the hub's process with
// such at a worker of ours, and at one of others, with 128 in flight.
func BenchmarkSequence(b *testing.B) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, chain)
	perdure.AddActivity(reg, echo)
	for _, name := range []string{"here", "own", "other"} {
		b.Run(name, func(b *testing.B) {
			s, err := memory.Open(&memory.Disk{})
			if err != nil {
				b.Fatal(err)
			}
			here := reg
			if name != "here" {
				here = perdure.NewRegistry()
			}
			h, err := local.New(local.Config{Store: s, Registry: here})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- h.Run(ctx) }()
			if name != "here" {
				leave, err := hubtest.Serve(ctx, h, &hub.Worker{Own: name == "own", Orchestrations: 128, Activities: 128}, reg, clock.System())
				if err != nil {
					b.Fatal(err)
				}
				defer leave()
			}
			b.SetParallelism(64) // of two processors
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					st, err := h.Start(ctx, &hub.Start{Name: "chain", Input: history.Some(`"x"`)})
					if err == nil {
						_, err = h.WaitCompletion(ctx, st.InstanceID)
					}
					if err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			cancel()
			<-done
		})
	}
}
