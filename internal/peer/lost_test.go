package peer_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// inBubble runs a test with three nodes in a bubble, by links and by letters.
func inBubble(t *testing.T, code func(*perdure.Registry), f func(t *testing.T, ctx context.Context, c *cluster)) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("cut=%t", cut), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, &memory.Disk{}, func(string) *perdure.Registry {
					r := perdure.NewRegistry()
					code(r)
					return r
				})
				c.wires.cut = cut
				c.join("a", "b", "c")
				c.settled()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				f(t, ctx, c)
				c.close()
			})
		})
	}
}

// at returns an id that begins with a text and whose shard a node holds.
func (c *cluster) at(node, begins string) string {
	for i := range 100_000 {
		id := fmt.Sprint(begins, i)
		if _, _, here, _ := c.node(node).near.Holder(store.ShardOf(id)); here {
			return id
		}
	}
	c.t.Fatalf("node %s holds nothing", node)
	return ""
}

func start(t *testing.T, ctx context.Context, h hub.Hub, id, name, input string) {
	t.Helper()
	if _, err := h.Start(ctx, &hub.Start{InstanceID: id, Name: name, Input: history.NoneIfEmpty(input)}); err != nil {
		t.Fatalf("Start(%s) = %v", id, err)
	}
}

// follows registers a run that waits for an event, an activity and an entity, and
// answers questions.
func follows(r *perdure.Registry) {
	perdure.AddActivityNamed(r, "step", func(ctx context.Context, in string) (string, error) { return in + "!", nil })
	perdure.AddOrchestrationNamed(r, "follows", func(ctx *perdure.Context, _ string) (string, error) {
		v, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		return perdure.CallNamed[string](ctx, "step", v).Await()
	})
	perdure.AddEntityFunc(r, "slow", func(ctx *perdure.EntityContext) (any, error) {
		if ctx.Operation() == "later" {
			return nil, ctx.SetState(ctx.Defer())
		}
		var token string
		if err := ctx.State(&token); err != nil {
			return nil, err
		}
		return nil, ctx.ResolveReply(token, "answer")
	})
}

// TestFollow has waits, a question and a watch at one node go on when the node that
// holds their instance leaves, and when it is lost.
func TestFollow(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%t", lost), func(t *testing.T) {
			inBubble(t, follows, func(t *testing.T, ctx context.Context, c *cluster) {
				a := c.node("a")
				id := c.at("c", "run")
				start(t, ctx, a, id, "follows", "")
				watched, err := a.WatchRows(ctx, rowKind, id)
				if err != nil {
					t.Fatal(err)
				}
				waited := make(chan string, 1)
				go func() {
					in, err := a.WaitCompletion(ctx, id)
					if err != nil {
						waited <- err.Error()
						return
					}
					waited <- in.Output.S
				}()
				entity := c.at("c", "@slow@k")
				asked := make(chan string, 1)
				go func() {
					answer, err := a.Ask(ctx, &hub.Ask{InstanceID: entity, Name: "later"})
					if err != nil {
						asked <- err.Error()
						return
					}
					asked <- answer.S
				}()
				time.Sleep(time.Second) // they wait at c
				began := time.Now()
				if got := len(a.Unreached()) > 0; got != c.wires.cut {
					t.Errorf("Unreached() = %v, want some: %t", a.Unreached(), c.wires.cut)
				}
				if lost {
					c.kill("c")
				} else {
					c.leave("c")
				}
				if err := a.Raise(ctx, &hub.Raise{InstanceID: id, Name: "go", Data: history.Some(`"x"`)}); err != nil {
					t.Errorf("Raise() after the node has gone = %v", err)
				}
				if got := <-waited; got != `"x!"` {
					t.Errorf("WaitCompletion() = %s, want x!", got)
				}
				if err := a.Signal(ctx, &hub.Signal{InstanceID: entity, Operation: "reply"}); err != nil {
					t.Errorf("Signal() after the node has gone = %v", err)
				}
				if got := <-asked; got != `"answer"` {
					t.Errorf("Ask() = %s, want the answer", got)
				}
				if d := time.Since(began); d > 10*time.Second || !lost && d > 2*time.Second {
					t.Errorf("it took %v, want 10s after a loss and 1s or two otherwise", d)
				}
				<-watched // it may have missed something on the way
				if err := a.WriteRows(ctx, &hub.WriteRows{Owner: id, Rows: []store.Row{{Kind: rowKind, Key: []byte("k"), Value: []byte("v")}}}); err != nil {
					t.Fatal(err)
				}
				if _, open := <-watched; !open {
					t.Error("the watch has ended, want that it follows the shard")
				}
			})
		})
	}
}

const rowKind store.RowKind = 200

// TestCallsWhileNodesComeAndGo starts runs and raises events at one node while others are
// lost, come and leave: each call counts once.
func TestCallsWhileNodesComeAndGo(t *testing.T) {
	var ran sync.Map
	code := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "count", func(_ context.Context, id string) (string, error) {
			n, _ := ran.LoadOrStore(id, new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
			return id, nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, id string) (int, error) {
			events := perdure.NewEvent[int]("go")
			sum := 0
			for range 3 {
				v, err := events.Wait(ctx).Await()
				if err != nil {
					return 0, err
				}
				sum += v
			}
			if _, err := perdure.CallNamed[string](ctx, "count", id).Await(); err != nil {
				return 0, err
			}
			return sum, nil
		})
	}
	inBubble(t, code, func(t *testing.T, ctx context.Context, c *cluster) {
		const n = 30
		a := c.node("a")
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() {
				id := fmt.Sprintf("%s-%d", t.Name(), i)
				id = strings.ReplaceAll(id, "/", ".")
				req := &hub.Start{RequestID: "s" + id, InstanceID: id, Name: "run", Input: history.Some(fmt.Sprintf("%q", id))}
				if _, err := a.Start(ctx, req); err != nil {
					t.Errorf("Start() = %v", err)
					return
				}
				for k := range 3 {
					time.Sleep(time.Duration(i) * 200 * time.Millisecond)
					r := &hub.Raise{RequestID: fmt.Sprint("r", k), InstanceID: id, Name: "go", Data: history.Some(fmt.Sprint(1 << (4 * k)))}
					if err := a.Raise(ctx, r); err != nil {
						t.Errorf("Raise() = %v", err)
					}
				}
				in, err := a.WaitCompletion(ctx, id)
				if err != nil || in.Output.S != "273" {
					t.Errorf("WaitCompletion(%s) = %+v, %v, want each event once: 273", id, in, err)
				}
			})
		}
		time.Sleep(2 * time.Second)
		c.kill("c")
		time.Sleep(3 * time.Second)
		c.join("d")
		time.Sleep(6 * time.Second)
		c.leave("b")
		group.Wait()
	})
	ran.Range(func(id, n any) bool {
		if got := n.(*atomic.Int64).Load(); got != 1 {
			t.Logf("the activity of %v ran %d times: a lost node may have run it", id, got)
		}
		return true
	})
}

// TestWorkerOutlivesNode has a worker work on activities while the node that has given
// them to it is lost, or leaves: it completes them at its own node, and they run once.
func TestWorkerOutlivesNode(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("lost=%t", lost), func(t *testing.T) {
			inBubble(t, func(*perdure.Registry) {}, func(t *testing.T, ctx context.Context, c *cluster) {
				const n = 6
				var runs atomic.Int64
				free := make(chan struct{})
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
				leave, err := hubtest.Serve(ctx, front{a.Hub, c.idle}, &hub.Worker{Own: true, ID: "w"}, reg, clock.System())
				if err != nil {
					t.Fatal(err)
				}
				ids := make([]string, n)
				for i := range ids {
					ids[i] = c.at([]string{"a", "b", "c"}[i%3], fmt.Sprint("run", i, "-"))
					start(t, ctx, a, ids[i], "run", "")
				}
				c.until("all activities run", func() bool { return runs.Load() == n })
				if lost {
					c.kill("c")
				} else {
					c.leave("c")
				}
				time.Sleep(20 * time.Second) // others hold the shards
				close(free)
				for _, id := range ids {
					in, err := a.WaitCompletion(ctx, id)
					if err != nil || in.Status != store.Completed {
						t.Errorf("WaitCompletion(%s) = %+v, %v, want it completed", id, in, err)
					}
				}
				if got := runs.Load(); got != n {
					t.Errorf("the activities ran %d times, want each of %d once", got, n)
				}
				leave()
			})
		})
	}
}

// TestRations has workers with few places get the items of all nodes, and never more at
// a time than they have places.
func TestRations(t *testing.T) {
	for _, places := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(places), func(t *testing.T) {
			inBubble(t, func(*perdure.Registry) {}, func(t *testing.T, ctx context.Context, c *cluster) {
				var now, most atomic.Int64
				reg := perdure.NewRegistry()
				perdure.AddActivityNamed(reg, "act", func(context.Context, string) (string, error) {
					n := now.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(50 * time.Millisecond)
					now.Add(-1)
					return "x", nil
				})
				perdure.AddOrchestrationNamed(reg, "run", func(ctx *perdure.Context, n int) (string, error) {
					var all []perdure.Awaitable
					for range n {
						all = append(all, perdure.CallNamed[string](ctx, "act", ""))
					}
					return "", perdure.All(ctx, all...)
				})
				a := c.node("a")
				began := time.Now()
				leave, err := hubtest.Serve(ctx, front{a.Hub, c.idle}, &hub.Worker{Own: true, Activities: places}, reg, clock.System())
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for i := range 9 {
					ids = append(ids, c.at([]string{"a", "b", "c"}[i%3], fmt.Sprint("run", i, "-")))
					start(t, ctx, a, ids[i], "run", "10")
				}
				for _, id := range ids {
					if _, err := a.WaitCompletion(ctx, id); err != nil {
						t.Fatal(err)
					}
				}
				leave()
				if got := most.Load(); got > int64(places) {
					t.Errorf("the worker had %d activities at a time, want at most %d", got, places)
				}
				work := 90 * 50 * time.Millisecond / time.Duration(places)
				t.Logf("%v for %v of work", time.Since(began), work)
				if d := time.Since(began); d > 3*work+5*time.Second {
					t.Errorf("it took %v, want not much more than the %v that the work takes", d, work)
				}
			})
		})
	}
}

// TestNoStorm has 500 workers connected to three nodes, one of which is lost with its
// workers, which come to the others. It counts the calls between nodes.
func TestNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 500
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		c := newCluster(t, &memory.Disk{}, func(string) *perdure.Registry { return perdure.NewRegistry() })
		c.join("a", "b", "c")
		c.settled()
		reg := perdure.NewRegistry()
		perdure.AddOrchestrationNamed(reg, "run", func(*perdure.Context, string) (string, error) { return "x", nil })
		var leave []func()
		connect := func(node string) {
			stop, err := hubtest.Serve(ctx, front{c.node(node).Hub, c.idle}, &hub.Worker{Own: true}, reg, clock.System())
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, stop)
		}
		calls := func(what string, most int64, f func()) {
			t.Helper()
			before := c.wires.calls.Load()
			f()
			got := c.wires.calls.Load() - before
			t.Logf("%s: %d calls between nodes", what, got)
			if got > most {
				t.Errorf("%s: %d calls between nodes, want at most %d", what, got, most)
			}
		}
		calls("500 workers come", 8*workers, func() {
			for i := range workers {
				connect([]string{"a", "b", "c"}[i%3])
			}
			time.Sleep(10 * time.Second)
		})
		calls("a minute without work", 5*workers, func() { time.Sleep(time.Minute) })
		calls("a node is lost, and its workers go to the others", 6*workers, func() {
			c.kill("c")
			for i := range workers / 3 {
				connect([]string{"a", "b"}[i%2])
			}
			time.Sleep(20 * time.Second)
		})
		calls("a minute after it", 4*workers, func() { time.Sleep(time.Minute) })
		for i := range 20 {
			id := fmt.Sprint("run", i)
			start(t, ctx, c.node("a"), id, "run", "")
			if _, err := c.node("b").WaitCompletion(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		for _, stop := range leave {
			stop()
		}
		c.close()
	})
}
