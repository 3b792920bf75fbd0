package nodes_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// startAll starts runs named prefix-0 and so on, many at a time, as many as there is
// time for, and returns how many.
func (c *cluster) startAll(ctx context.Context, name, prefix string, n int, input string, end time.Time) int {
	c.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for lane := range 64 {
		all.Go(func() {
			for time.Now().Before(end) && !c.Failed() {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				_, err := ledger.Insist(ctx, c.hubs, lane, 10*time.Second, func(ctx context.Context, h hub.Hub) error {
					_, err := h.Start(ctx, &hub.Start{RequestID: "s", InstanceID: fmt.Sprintf("%s-%d", prefix, i), Name: name, Input: history.Some(input)})
					return err
				})
				if err != nil {
					c.Errorf("start %d of %s: %v", i, name, err)
				}
			}
		})
	}
	all.Wait()
	return min(n, int(next.Load()))
}

// latencies runs probes one after the other until it is enough, and returns how long each
// took from its start to its end.
func (c *cluster) latencies(ctx context.Context, prefix string, enough func() bool) (took []time.Duration) {
	c.Helper()
	for i := 0; !enough(); i++ {
		id := fmt.Sprintf("%s-%d", prefix, i)
		at := time.Now()
		h := c.hubs[i%len(c.hubs)]
		_, err := h.Start(ctx, &hub.Start{InstanceID: id, Name: "probe", Input: history.Some("0"), Event: &hub.Raise{InstanceID: id, Name: goOn.Name(), Data: history.Some(`"x"`)}})
		if err == nil {
			_, err = h.WaitCompletion(ctx, id)
		}
		if err != nil {
			c.Fatalf("%s: %v", id, err)
		}
		took = append(took, time.Since(at))
	}
	return took
}

// measured skips a test whose figures are worth nothing on a machine that does other
// things too, unless it is asked for.
func measured(t *testing.T) {
	t.Helper()
	normalOnly(t)
	if !soak() {
		t.Skip("it measures, and runs with PERDURE_SOAK")
	}
}

// TestOldSnapshot holds a snapshot open, as a backup or a forgotten session does: the
// slowest runs take less than twice as long.
func TestOldSnapshot(t *testing.T) {
	measured(t)
	c := startCluster(t, 1, "")
	ctx := within(t, 10*time.Minute)
	load := func(prefix string) []time.Duration {
		busy, stop := context.WithCancel(ctx)
		var loading sync.WaitGroup
		for lane := range 8 {
			loading.Go(func() {
				for i := 0; busy.Err() == nil; i++ {
					id := fmt.Sprintf("%s-load-%d-%d", prefix, lane, i)
					_, _ = c.hubs[0].Start(busy, &hub.Start{InstanceID: id, Name: "probe", Input: history.Some("0"), Event: &hub.Raise{InstanceID: id, Name: goOn.Name(), Data: history.Some(`"x"`)}})
					_, _ = c.hubs[0].WaitCompletion(busy, id)
				}
			})
		}
		defer func() { stop(); loading.Wait() }()
		return c.latencies(ctx, prefix, after(60*time.Second))
	}
	load("warm")
	before := percentile(load("before"), 99)
	release := c.holdSnapshot()
	during := percentile(load("during"), 99)
	release()
	t.Logf(`{"test": "old snapshot", "p99_ms": {"without": %.1f, "with": %.1f}, "ratio": %.2f}`, ms(before), ms(during), float64(during)/float64(before))
	if during > 2*before {
		t.Errorf("with an old snapshot open p99 is %v, without it %v: want less than twice as much", during, before)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// TestIdle parks 10,000 runs on three nodes: nodes and database together use less than
// 2 % of a core.
func TestIdle(t *testing.T) {
	measured(t)
	const parked, window = 10_000, 60 * time.Second
	c := startCluster(t, 3, "")
	ctx := within(t, 10*time.Minute)
	if n := c.startAll(ctx, "probe", "parked", parked, "0", time.Now().Add(5*time.Minute)); n < parked {
		t.Fatalf("only %d runs were started", n)
	}
	<-time.After(20 * time.Second) // caches are dropped, the database tidies up
	before := c.cpu()
	<-time.After(window)
	used := float64(c.cpu()-before) / float64(window)
	t.Logf(`{"test": "idle", "parked": %d, "nodes": 3, "cpu_share": %.4f}`, parked, used)
	if used > 0.02 {
		t.Errorf("an idle cluster uses %.2f %% of a core, want less than 2 %%", 100*used)
	}
}

// TestT14_ManyTimers has timers be due in the same second: all fire, none early, and
// other runs go on meanwhile.
func TestT14_ManyTimers(t *testing.T) {
	normalOnly(t)
	timers, lead := 3000, 8*time.Second
	if soak() {
		timers, lead = 100_000, 5*time.Minute
	}
	c := startCluster(t, 3, "")
	ctx := within(t, 20*time.Minute)
	due := time.Now().Add(lead).Truncate(time.Second)
	floor := timers / 10
	timers = c.startAll(ctx, "alarm", "alarm", timers, fmt.Sprint(due.UnixMilli()), due.Add(-time.Second))
	if timers < floor {
		t.Errorf("only %d runs were started in time, want at least %d", timers, floor)
	}
	<-time.After(time.Until(due))
	took := c.latencies(ctx, "other", func() bool { return c.ends(ctx, "alarm") >= timers })
	fired := time.Since(due)
	if n := c.count(ctx, "alarm", store.Completed); n != timers {
		t.Errorf("%d of %d runs have completed, the others were woken early", n, timers)
	}
	if slowest := percentile(took, 100); slowest > 5*time.Second {
		t.Errorf("another run took %v while timers fired", slowest)
	}
	t.Logf(`{"test": "timers", "timers": %d, "all_fired_after_s": %.2f, "others": %d, "others_p50_ms": %.1f, "others_p99_ms": %.1f, "others_max_ms": %.1f}`,
		timers, fired.Seconds(), len(took), ms(percentile(took, 50)), ms(percentile(took, 99)), ms(percentile(took, 100)))
	c.judgeJournal()
}

// after is true once a time has passed from now.
func after(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// ends is how many runs of an orchestration have ended.
func (c *cluster) ends(ctx context.Context, name string) int {
	return c.count(ctx, name, store.Completed) + c.count(ctx, name, store.Failed)
}

func (c *cluster) count(ctx context.Context, name string, s store.Status) (n int) {
	c.Helper()
	counts, err := c.hubs[0].Counts(ctx)
	if err != nil {
		c.Fatal(err)
	}
	for _, k := range counts {
		if strings.EqualFold(k.Name, name) && k.Status == s {
			n += int(k.N)
		}
	}
	return n
}
