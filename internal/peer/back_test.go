package peer_test

import (
	"context"
	"fmt"
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
