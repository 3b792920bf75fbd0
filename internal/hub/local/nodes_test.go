package local_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestG15_Takeover: the runs of a node that is killed go on at the others within 10 s,
// each event is consumed once, and the activities that were lost run once more.
func TestG15_Takeover(t *testing.T) {
	var r ran
	inCluster(t, family(&r), func(c *cluster) {
		c.join("a", "b", "c")
		c.settled()
		const runs = 60
		for i := range runs {
			c.start(fmt.Sprint("w", i), "waits", fmt.Sprintf(`"w%d"`, i))
			c.start(fmt.Sprint("p", i), "parent", fmt.Sprintf(`"p%d"`, i))
			c.raise(fmt.Sprint("w", i), "go", `"1"`)
		}
		time.Sleep(time.Second) // the timers of p fall into the takeover
		died := time.Now()
		c.kill("b")
		for i := range runs {
			c.raise(fmt.Sprint("w", i), "go", `"2"`)
		}
		if took := time.Since(died); took > 10*time.Second {
			t.Errorf("runs of the killed node took events again after %v, want 10 s at most", took)
		}
		c.settled()
		for i := range runs {
			c.raise(fmt.Sprint("w", i), "go", `"3"`)
		}
		for i := range runs {
			if got, want := c.end(fmt.Sprint("w", i)), `"[1 2 3]"`; got != want {
				t.Errorf("run w%d = %s, want %s", i, got, want)
			}
			if got, want := c.end(fmt.Sprint("p", i)), fmt.Sprintf(`"p%d!1"`, i); got != want {
				t.Errorf("run p%d = %s, want %s", i, got, want)
			}
		}
	})
}

// TestG15_RefusedConnections: a node whose machine refuses connections, and which does not
// renew its leases, is taken over from before these have run out; one that renews them is
// not.
func TestG15_RefusedConnections(t *testing.T) {
	var r ran
	inCluster(t, family(&r), func(c *cluster) {
		c.join("a", "b", "c")
		c.settled()
		const runs = 30
		for i := range runs {
			c.start(fmt.Sprint("w", i), "waits", fmt.Sprintf(`"w%d"`, i))
		}
		before := c.shares()
		for _, n := range c.alive() {
			n.Refused("b", true)
		}
		time.Sleep(time.Minute) // it lives
		if diff := cmp.Diff(before, c.shares()); diff != "" {
			t.Errorf("shards have moved from a node that lives (-before +after):\n%s", diff)
		}
		for _, n := range c.alive() {
			n.Refused("b", false)
		}
		died := time.Now()
		buried := make(chan struct{})
		go func() { // it takes its time to see that it is dead
			defer close(buried)
			c.kill("b")
		}()
		time.Sleep(250 * time.Millisecond)
		for _, n := range c.alive() {
			n.Refused("b", true)
		}
		for i := range runs {
			c.raise(fmt.Sprint("w", i), "go", `"1"`)
		}
		took := time.Since(died)
		if took > 4500*time.Millisecond {
			t.Errorf("runs of the killed node took events again after %v, want 4.5 s at most", took)
		}
		<-buried
	})
}

// TestNodesComeAndGo: runs go on while nodes join and leave in order. No activity runs
// twice, since what ran in a node that gives its shard away is completed by it.
func TestNodesComeAndGo(t *testing.T) {
	var r ran
	inCluster(t, family(&r), func(c *cluster) {
		c.join("a")
		c.settled()
		const runs = 200
		begun := 0
		begin := func(n int) {
			for range n {
				c.start(fmt.Sprint("p", begun), "parent", fmt.Sprintf(`"p%d"`, begun))
				begun++
				time.Sleep(3 * time.Millisecond)
			}
		}
		begin(50)
		c.join("b")
		begin(50)
		c.settled()
		c.join("c")
		begin(50)
		c.settled()
		began := time.Now()
		c.leave("a")
		if took := time.Since(began); took > time.Second {
			t.Errorf("a node took %v to leave, want 1 s at most", took)
		}
		c.until(time.Second, "the shards of the node that left are held", func() bool {
			total := 0
			for _, n := range c.shares() {
				total += n
			}
			return total == store.Shards
		})
		begin(50)
		for i := range runs {
			if got, want := c.end(fmt.Sprint("p", i)), fmt.Sprintf(`"p%d!1"`, i); got != want {
				t.Errorf("run p%d = %s, want %s", i, got, want)
			}
			if n := r.count(fmt.Sprint("p", i)); n != 1 {
				t.Errorf("activity of run %d ran %d times, want once", i, n)
			}
		}
	})
}

// slow is code with an activity that runs until the test lets it end.
func slow(r *ran, gate <-chan struct{}) func(string) *perdure.Registry {
	return func(string) *perdure.Registry {
		reg := perdure.NewRegistry()
		perdure.AddActivityNamed(reg, "slow", func(ctx context.Context, in string) (string, error) {
			r.add(in)
			<-gate
			return in + "!", nil
		})
		perdure.AddOrchestrationNamed(reg, "calls", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallNamed[string](ctx, "slow", in).Await()
		})
		return reg
	}
}

// TestRule20_RunningActivitiesMove: activities that run in a node whose shards go to
// another one are adopted by that, and not run again.
func TestRule20_RunningActivitiesMove(t *testing.T) {
	if err := checkMove(t); err != nil {
		t.Error(err)
	}
}

func checkMove(t *testing.T) (err error) {
	var r ran
	gate := make(chan struct{})
	inCluster(t, slow(&r, gate), func(c *cluster) {
		c.lim.Drain = time.Minute
		gate := make(chan struct{})
		c.code = slow(&r, gate)
		c.join("a")
		c.settled()
		const runs = 40
		c.startCalls(runs)
		c.join("b")
		c.settled()
		time.Sleep(10 * time.Second)
		go func() { c.leave("a") }() // it stays until its activities have ended
		c.until(5*time.Second, "all shards are held by b", func() bool { return c.shares()["b"] == store.Shards })
		time.Sleep(10 * time.Second)
		close(gate)
		for i := range runs {
			if got, want := c.end(fmt.Sprint("s", i)), fmt.Sprintf(`"s%d!"`, i); got != want && err == nil {
				err = fmt.Errorf("run s%d = %s, want %s", i, got, want)
			}
			if n := r.count(fmt.Sprint("s", i)); n != 1 && err == nil {
				err = fmt.Errorf("activity of run %d ran %d times, want once", i, n)
			}
		}
		c.until(time.Minute, "a has left", func() bool { return len(c.alive()) == 1 })
	})
	return err
}

// TestSharedOutInTakeover: a node that has to give shards away in the middle of taking
// them over still takes the others over.
func TestSharedOutInTakeover(t *testing.T) {
	inCluster(t, nil, func(c *cluster) {
		c.code = func(node string) *perdure.Registry {
			reg := perdure.NewRegistry()
			perdure.AddActivityNamed(reg, "elsewhere", func(ctx context.Context, in string) (string, error) {
				if node == "old" {
					<-ctx.Done()
				}
				return in, ctx.Err()
			})
			perdure.AddOrchestrationNamed(reg, "calls", func(ctx *perdure.Context, in string) (string, error) {
				return perdure.CallNamed[string](ctx, "elsewhere", in).Await()
			})
			if node != "old" {
				perdure.AddOrchestrationNamed(reg, "new-code", func(ctx *perdure.Context, _ string) (string, error) {
					return perdure.NewEvent[string]("go").Wait(ctx).Await()
				})
			}
			return reg
		}
		c.join("old")
		c.settled()
		const runs = 300
		for i := range runs {
			c.start(fmt.Sprint("r", i), "new-code", `""`)
			c.raise(fmt.Sprint("r", i), "go", fmt.Sprintf(`"r%d"`, i)) // waits in its inbox
			c.start(fmt.Sprint("w", i), "calls", `""`)                 // has work
		}
		c.leave("old")
		reached, gate := make(chan struct{}), make(chan struct{})
		stop := sync.OnceFunc(func() { close(reached); <-gate })
		c.reading = func(s store.Shard) {
			if s == 120 { // soon come those that are given away
				stop()
			}
		}
		c.join("a")
		<-reached
		c.reading = nil
		c.join("b")
		time.Sleep(2 * time.Second) // b asks for its share
		close(gate)
		c.settled()
		c.until(time.Minute, "all runs have ended, without anybody asking for them", func() bool {
			for i := range runs {
				for _, kind := range []string{"r", "w"} {
					rec, err := c.store.Instance(c.ctx, fmt.Sprint(kind, i))
					if err != nil || rec.Status != store.Completed {
						return false
					}
				}
			}
			return true
		})
	})
}

// TestLostWithItsNode: an activity that was adopted from a node that then dies is run
// by whoever holds its shard.
func TestLostWithItsNode(t *testing.T) {
	var r ran
	inCluster(t, nil, func(c *cluster) {
		first, second := make(chan struct{}), make(chan struct{})
		close(second)
		c.code = func(node string) *perdure.Registry {
			if node == "a" {
				return slow(&r, first)(node)
			}
			return slow(&r, second)(node)
		}
		c.lim.Drain = time.Millisecond
		c.join("a")
		c.settled()
		const runs = 40
		c.startCalls(runs)
		c.join("b")
		c.settled()
		c.kill("a")
		for i := range runs {
			if got, want := c.end(fmt.Sprint("s", i)), fmt.Sprintf(`"s%d!"`, i); got != want {
				t.Errorf("run s%d = %s, want %s", i, got, want)
			}
			if n := r.count(fmt.Sprint("s", i)); n != 2 {
				t.Errorf("activity of run %d ran %d times, want twice", i, n)
			}
		}
		close(first)
	})
}

// TestG06_Zombie: what a node writes that was frozen in the middle of a commit, until
// after another one has taken its shards over, is refused, and its calls are not
// answered as if it had been done.
func TestG06_Zombie(t *testing.T) {
	if err := checkZombie(t); err != nil {
		t.Error(err)
	}
}

func checkZombie(t *testing.T) (err error) {
	note := func(format string, a ...any) {
		if err == nil {
			err = fmt.Errorf(format, a...)
		}
	}
	var r ran
	inCluster(t, family(&r), func(c *cluster) {
		c.join("a")
		c.settled()
		a := c.alive()[0]
		defer func() {
			a.stop()
			if e := <-a.done; e != nil {
				note("Run() of the zombie = %v, want nil", e)
			}
		}()
		const runs = 20
		for i := range runs {
			c.start(fmt.Sprint("w", i), "waits", fmt.Sprintf(`"w%d"`, i))
		}
		a.line.hold()
		type answer struct {
			id  string
			err error
		}
		answers := make(chan answer, runs)
		for i := range runs {
			id := fmt.Sprint("w", i)
			go func() {
				answers <- answer{id, a.Raise(c.ctx, &hub.Raise{InstanceID: id, Name: "go", Data: history.Some(`"zombie"`)})}
			}()
			synctest.Wait() // the first is on its way to the store when its node freezes
		}
		c.remove("a")
		c.join("b")
		c.settled()
		for i := runs / 2; i < runs; i++ { // the others are as the zombie knows them
			c.raise(fmt.Sprint("w", i), "go", `"1"`)
		}
		a.line.release()
		landed := 0
		for range runs {
			if got := <-answers; got.err == nil {
				landed++
			}
		}
		if landed > 0 {
			note("%d of %d commits of the zombie were acknowledged after the takeover", landed, runs)
		}
		for i := range runs / 2 {
			c.raise(fmt.Sprint("w", i), "go", `"1"`)
		}
		for _, event := range []string{`"2"`, `"3"`} {
			for i := range runs {
				c.raise(fmt.Sprint("w", i), "go", event)
			}
		}
		for i := range runs {
			if got, e := c.output(fmt.Sprint("w", i)); got != `"[1 2 3]"` || e != nil {
				note("run w%d = %s, %v, want 1, 2 and 3", i, got, e)
			}
		}
	})
	return err
}

// TestStoreRestarts: a node survives that its store does not answer for a while, also in
// the middle of a commit: calls end with Unavailable, or go on; what was acknowledged
// is there, no event is consumed twice, and activities that ran meanwhile are not run
// again.
func TestStoreRestarts(t *testing.T) {
	for _, away := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 20 * time.Second} {
		t.Run(away.String(), func(t *testing.T) {
			var r ran
			inCluster(t, family(&r), func(c *cluster) {
				c.join("a", "b")
				c.settled()
				const runs = 40
				for i := range runs {
					c.start(fmt.Sprint("w", i), "waits", fmt.Sprintf(`"w%d"`, i))
					c.start(fmt.Sprint("p", i), "parent", fmt.Sprintf(`"p%d"`, i))
				}
				for _, event := range []string{`"1"`, `"2"`, `"3"`} {
					time.AfterFunc(2*time.Millisecond, func() { c.disk.Cut(true) })
					time.AfterFunc(away, func() { c.disk.Cut(false) })
					for i := range runs {
						c.raise(fmt.Sprint("w", i), "go", event)
						time.Sleep(time.Millisecond)
					}
				}
				c.finish(runs)
				for i := range runs {
					for _, act := range []string{fmt.Sprint("p", i), fmt.Sprintf("w%d1", i), fmt.Sprintf("w%d3", i)} {
						if n := r.count(act); n != 1 {
							t.Errorf("activity %s ran %d times, want once", act, n)
						}
					}
				}
			})
		})
	}
}

// finish checks the ends of runs "waits" and "parent".
func (c *cluster) finish(runs int) {
	c.t.Helper()
	for i := range runs {
		if got, want := c.end(fmt.Sprint("w", i)), `"[1 2 3]"`; got != want {
			c.t.Errorf("run w%d = %s, want %s", i, got, want)
		}
		if got, want := c.end(fmt.Sprint("p", i)), fmt.Sprintf(`"p%d!1"`, i); got != want {
			c.t.Errorf("run p%d = %s, want %s", i, got, want)
		}
	}
}

// TestRule3_AmbiguousCommit: connections break in the middle of commits, of which some
// are kept and some are lost. Nothing is lost or done twice.
func TestRule3_AmbiguousCommit(t *testing.T) {
	for _, verdict := range []memory.Verdict{memory.CutLost, memory.CutKept} {
		t.Run(fmt.Sprint(verdict), func(t *testing.T) {
			var r ran
			inCluster(t, family(&r), func(c *cluster) {
				c.join("a", "b")
				c.settled()
				var groups, cuts atomic.Int64
				c.disk.OnGroup(func(e memory.GroupEvent) memory.Verdict {
					if !e.Durable && groups.Add(1)%7 == 0 {
						cuts.Add(1)
						return verdict
					}
					return memory.Proceed
				})
				const runs = 30
				for i := range runs {
					c.start(fmt.Sprint("w", i), "waits", fmt.Sprintf(`"w%d"`, i))
					c.start(fmt.Sprint("p", i), "parent", fmt.Sprintf(`"p%d"`, i))
				}
				for _, event := range []string{`"1"`, `"2"`, `"3"`} {
					for i := range runs {
						c.raise(fmt.Sprint("w", i), "go", event)
					}
				}
				c.finish(runs)
				if n := cuts.Load(); n < 20 {
					t.Errorf("%d commits were cut, want 20 at least", n)
				}
			})
		})
	}
}

// TestOneHolder: at no moment two nodes believe that they hold a shard, while nodes
// join, leave, are killed and cut off.
func TestOneHolder(t *testing.T) {
	if err := checkOneHolder(t); err != nil {
		t.Error(err)
	}
}

func checkOneHolder(t *testing.T) (err error) {
	var r ran
	inCluster(t, family(&r), func(c *cluster) {
		look := func(all []*clusterNode) {
			for s := range store.Shards {
				var holder, other string
				for _, n := range all {
					if _, _, here, _ := n.Holder(store.Shard(s)); here {
						holder, other = n.name, holder
					}
				}
				if other != "" && err == nil {
					err = fmt.Errorf("shard %d is held by %s and %s", s, holder, other)
				}
			}
		}
		watch := func(d time.Duration, more ...*clusterNode) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				look(append(c.alive(), more...))
			}
		}
		c.join("a", "b")
		watch(3 * time.Second)
		c.join("c")
		watch(3 * time.Second)
		frozen := c.remove("b")
		frozen.line.hold()
		watch(9*time.Second, frozen)
		frozen.line.release()
		watch(3*time.Second, frozen)
		c.mu.Lock()
		c.nodes["b"] = frozen
		c.mu.Unlock()
		watch(3 * time.Second)
		c.leave("a")
		watch(3 * time.Second)
		c.kill("c")
		watch(8 * time.Second)
		if got, want := c.shares(), (map[string]int{"b": store.Shards}); fmt.Sprint(got) != fmt.Sprint(want) && err == nil {
			err = fmt.Errorf("shares = %v, want %v", got, want)
		}
	})
	return err
}
