package peer_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/store"
)

// TestNodeComesBack has a node be cut off until the others take it for lost, and come
// back: a worker that was connected to it by way of another node gets its items at once.
func TestNodeComesBack(t *testing.T) {
	inBubble(t, func(*perdure.Registry) {}, func(t *testing.T, ctx context.Context, c *cluster) {
		reg := perdure.NewRegistry()
		perdure.AddActivityNamed(reg, "act", func(context.Context, string) (string, error) { return "x", nil })
		perdure.AddOrchestrationNamed(reg, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "act", "").Await()
		})
		a, lost := c.node("a"), c.node("c")
		leave, err := hubtest.Serve(ctx, front{a.Hub, c.idle}, &hub.Worker{Own: true, ID: "w"}, reg, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		work := func(when string, within time.Duration) {
			t.Helper()
			began := time.Now()
			for i := range 10 {
				id := c.at("c", fmt.Sprint("run", when, i, "-"))
				start(t, ctx, a, id, "run", "")
				if in, err := a.WaitCompletion(ctx, id); err != nil || in.Status != store.Completed {
					t.Errorf("WaitCompletion(%s) = %+v, %v, want it completed", id, in, err)
				}
			}
			if took := time.Since(began); took > within {
				t.Errorf("%s: ten runs at the node took %v, want %v at most", when, took, within)
			}
		}
		work("before", 5*time.Second)
		lost.line.fail(store.ErrUnavailable)
		c.wires.set("c", nil)
		c.until("the others have its shards", func() bool {
			for s := range store.Shards {
				_, _, here, _ := a.near.Holder(store.Shard(s))
				if _, _, there, _ := c.node("b").near.Holder(store.Shard(s)); !here && !there {
					return false
				}
			}
			return true
		})
		lost.line.fail(nil)
		c.wires.set("c", lost.Hub)
		c.settled()
		time.Sleep(time.Second) // the others have met it
		work("after", 5*time.Second)
	})
}

// TestGivenUpWhileOneHasJustCome has a node give its shards up, and take them again, when
// a worker of a node that has only just come, and that it does not know of yet, has
// activities of them: these are not run again.
func TestGivenUpWhileOneHasJustCome(t *testing.T) {
	inBubble(t, func(*perdure.Registry) {}, func(t *testing.T, ctx context.Context, c *cluster) {
		const n = 6
		var runs atomic.Int64
		free := make(chan struct{})
		end := sync.OnceFunc(func() { close(free) })
		defer end()
		reg := perdure.NewRegistry()
		perdure.AddActivityNamed(reg, "long", func(context.Context, string) (string, error) {
			runs.Add(1)
			<-free
			return "x", nil
		})
		perdure.AddOrchestrationNamed(reg, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "long", "").Await()
		})
		a := c.node("a")
		time.Sleep(20 * time.Second) // what is known to change is looked at more often
		beats := a.line.beats.Load()
		c.until("a has just said that it lives", func() bool { return a.line.beats.Load() > beats })
		c.join("d")
		d := c.node("d")
		leave, err := hubtest.Serve(ctx, front{d.Hub, c.idle}, &hub.Worker{Own: true, ID: "w"}, reg, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]string, n)
		for i := range ids {
			ids[i] = c.at("a", fmt.Sprint("run", i, "-"))
			start(t, ctx, a, ids[i], "run", "")
		}
		c.until("all activities run", func() bool { return runs.Load() == n })
		a.line.refuse.Store(true) // the next commit, which has it give up all shards
		start(t, ctx, a, c.at("a", "next"), "run", "")
		time.Sleep(20 * time.Second)
		end()
		for _, id := range ids {
			if in, err := a.WaitCompletion(ctx, id); err != nil || in.Status != store.Completed {
				t.Errorf("WaitCompletion(%s) = %+v, %v, want it completed", id, in, err)
			}
		}
		if got := runs.Load(); got != n+1 {
			t.Errorf("the activities ran %d times, want each of %d once", got, n+1)
		}
		leave()
	})
}
