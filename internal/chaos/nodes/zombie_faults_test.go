//go:build faults

package nodes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/internal/fault"
)

// zombies has a cluster in which each node but the last stops at a point, with all its
// threads, while clients work. The last takes their shards over, then they go on. It
// returns what is wrong.
func zombies(t *testing.T, mutant fault.Mutation, points ...fault.Point) (wrong []string) {
	t.Helper()
	c := startCluster(t, 0, "")
	for i, p := range points {
		c.join(i, fmt.Sprintf("%s=stop#%d,%s", p, 3+rand.IntN(10), mutant))
	}
	c.join(len(points), string(mutant))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	load := &ledger.Load{Ledger: ledger.New(), Hubs: c.hubs, Prefix: "zombie-", Lanes: 8, Seed: rand.Uint64()}
	loading, enough := context.WithCancel(ctx)
	defer enough()
	var running sync.WaitGroup
	running.Go(func() { load.Run(loading) })
	frozen := c.nodes[:len(points)]
	for i, n := range frozen {
		c.keepBusy(ctx, points[i])
		n.awaitState('T')
	}
	for _, n := range frozen {
		c.until("the last node has the shards of "+n.name, func() bool { return c.shards(n) == 0 })
	}
	for _, n := range frozen {
		n.thaw()
	}
	<-time.After(time.Second) // what they had under way goes on
	enough()
	running.Wait()
	wrong = append(c.journal(), ledger.Judge(load.Settle(ctx, 10*time.Second), ledger.Want)...)
	t.Logf("%d nodes stopped at %v: %+v, wrong %d", len(points), points, load.Ledger.Counts(), len(wrong))
	return wrong
}

// keepBusy starts what comes to a point that clients of runs alone do not reach.
func (c *cluster) keepBusy(ctx context.Context, p fault.Point) {
	c.Helper()
	switch p {
	case fault.TimerFire:
		c.startAll(ctx, "alarm", "zombie-alarm", 1000, fmt.Sprint(time.Now().Add(500*time.Millisecond).UnixMilli()), time.Now().Add(10*time.Second))
	case fault.ActivityBefore, fault.ActivityAfter, fault.InboxAppend:
		c.latencies(ctx, "zombie-"+string(p), after(2*time.Second))
	}
}

// TestT08_ZombieAtEachPoint stops nodes at points of their code.
func TestT08_ZombieAtEachPoint(t *testing.T) {
	all := fault.Points()
	if !soak() {
		all = []fault.Point{fault.CommitBefore, fault.CommitDurable}
	}
	for len(all) > 0 {
		some := all[:min(3, len(all))]
		all = all[len(some):]
		for _, w := range zombies(t, "", some...) {
			t.Error(w)
		}
	}
}

// TestT08_Control is the failing control of TestT08: nodes that go by what they knew of
// their leases commit after they have lost them.
func TestT08_Control(t *testing.T) {
	longOnly(t)
	for range 5 {
		if len(zombies(t, fault.EpochOutsideWrite, fault.CommitBefore)) > 0 {
			return
		}
	}
	t.Error("a zombie that does not check its fence was not noticed")
}

// TestT09_Control is the failing control of TestT09_SilentDeath: a takeover that waits
// for the locks of a frozen node does not come to an end.
func TestT09_Control(t *testing.T) {
	longOnly(t)
	c := startCluster(t, 2, string(fault.TakeoverWaits))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := c.nodes[0]
	c.freezeMidBatch(ctx, n)
	<-time.After(limit) // the time within which it must be over
	if c.shards(n) == 0 {
		t.Error("the takeover does not wait for a node that is frozen in the middle of a batch: the test would not notice it")
	}
	n.proxy.Cut()
	n.kill()
}

// TestT11_Control is the failing control of TestT11_CommitCut: a node that takes every
// commit as carried out whose answer was lost acknowledges what is lost.
func TestT11_Control(t *testing.T) {
	c := startCluster(t, 1, string(fault.CommitAssumed))
	var f figures
	for range 5 {
		c.round(commitCut(new(int)), &f)
		if len(f.wrong) > 0 {
			return
		}
	}
	t.Error("commits that were taken as carried out were not noticed")
}

// TestG15_Control is the failing control of what TestHarms says of items that workers
// hold: takeovers that do not ask for them run them again.
func TestG15_Control(t *testing.T) {
	longOnly(t)
	c := startCluster(t, 3, string(fault.HeldItemRerun))
	var f figures
	c.round(harms(new(int))[0], &f)
	if f.again == 0 {
		t.Error("no item of a living worker was run again: the test would not notice it")
	}
}

// TestNoStorm_Control is the failing control of TestNoStorm: workers that try again at
// once make a storm of connections.
func TestNoStorm_Control(t *testing.T) {
	longOnly(t)
	wrong := storm(t, 60, time.Second, string(fault.RetryAtOnce))
	if !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, "in vain") }) {
		t.Errorf("workers that try again at once were not noticed: %q", wrong)
	}
}

// TestT24_Control is the failing control of TestT24_Overload: a node that refuses nothing
// serves those who have given up.
func TestT24_Control(t *testing.T) {
	longOnly(t)
	wrong := overload(t, 1, false, string(fault.NothingRefused))
	if !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, "in time under ten times the load") }) {
		t.Errorf("a node that refuses nothing was not noticed: %q", wrong)
	}
}

// longOnly skips a test that make test has no time for.
func longOnly(t *testing.T) {
	t.Helper()
	if !long() {
		t.Skip("it runs with PERDURE_LONG")
	}
}

// join adds node number i and starts it.
func (c *cluster) join(i int, faults string) {
	c.Helper()
	c.add(i, faults)
	c.each(c.nodes[i:], (*node).start)
}
