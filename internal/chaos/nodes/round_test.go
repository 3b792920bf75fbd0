package nodes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store"
)

// harm is something that happens to a cluster.
type harm struct {
	name string
	// strike does it, to the node that is named where it is about one.
	strike func(c *cluster, victim int)
	// mend ends it; nil = it ends by itself.
	mend func(c *cluster, victim int)
	// spare says that no node is lost, so that all must work on.
	spare bool
}

// figures are what rounds have come to.
type figures struct {
	rounds int
	goesOn []time.Duration // until the last of the probes had ended, of each round
	counts ledger.Counts
	held   int // items held by living workers
	again  int // of these, run again
	wrong  []string
}

const (
	probes  = 24
	carried = 12
	// patience is how long anything may take that is not measured.
	patience = 60 * time.Second
)

// round lets a harm strike while clients, runs and workers of living nodes are at work,
// and judges what they were told.
func (c *cluster) round(h harm, f *figures) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Minute)
	defer cancel()
	number := f.rounds
	victim := number % len(c.nodes)
	prefix := fmt.Sprintf("run-%s-%d-%08x-", h.name, number, rand.Uint32())
	w := c.startWorker((victim + 1) % len(c.nodes))
	defer w.end()
	load := &ledger.Load{Ledger: ledger.New(), Hubs: c.hubs, Prefix: prefix, Lanes: 3, Seed: rand.Uint64()}
	loading, enough := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { load.Run(loading) })
	defer func() { enough(); running.Wait() }()

	ready := time.Now()
	ids := c.begin(ctx, "probe", prefix+"probe", probes)
	items := c.begin(ctx, "carry", prefix+"carry", carried)
	w.awaitHeld(c, items)

	began := time.Now()
	if waited := began.Sub(ready); waited > time.Second {
		c.Logf("%v until all was under way", waited)
	}
	h.strike(c, victim)
	hubs := c.others(victim)
	if h.spare {
		hubs = c.hubs
	}
	took := c.release(ctx, hubs, ids, began)
	if h.mend != nil {
		h.mend(c, victim)
	}
	<-time.After(300 * time.Millisecond) // the load sees the mended cluster
	w.finish()
	c.ended(ctx, items)
	enough()
	running.Wait()
	wrong := ledger.Judge(load.Settle(ctx, 20*time.Second), ledger.Want)

	f.rounds++
	f.goesOn = append(f.goesOn, took)
	f.held += len(items)
	f.again += w.again()
	f.wrong = append(f.wrong, wrong...)
	n := load.Ledger.Counts()
	f.counts.Acknowledged += n.Acknowledged
	f.counts.Refused += n.Refused
	f.counts.Unknown += n.Unknown
	f.counts.Instances += n.Instances
	c.Logf("%s, round %d, victim %s, seed %d: goes on after %v, %+v, held %d, again %d", h.name, f.rounds, c.nodes[victim].name, load.Seed,
		took.Round(time.Millisecond), n, len(items), w.again())
}

// begin starts runs and returns their ids.
func (c *cluster) begin(ctx context.Context, name, prefix string, n int) (ids []string) {
	c.Helper()
	for i := range n {
		id := fmt.Sprintf("%s-%d", prefix, i)
		_, err := ledger.Insist(ctx, c.hubs, i, 5*time.Second, func(ctx context.Context, h hub.Hub) error {
			input := history.Some("0")
			if name == "carry" {
				input = history.Some(strconv.Quote(id))
			}
			_, err := h.Start(ctx, &hub.Start{RequestID: "start", InstanceID: id, Name: name, Input: input})
			return err
		})
		if err != nil {
			c.Fatalf("start of %s: %v", id, err)
		}
		ids = append(ids, id)
	}
	return ids
}

// release has probes go on, all at a time, and returns how long after began the last of
// them has ended.
func (c *cluster) release(ctx context.Context, hubs []hub.Hub, ids []string, began time.Time) time.Duration {
	c.Helper()
	var all sync.WaitGroup
	took := make([]time.Duration, len(ids))
	for i, id := range ids {
		all.Go(func() {
			_, err := ledger.Insist(ctx, hubs, i, 2*time.Second, func(ctx context.Context, h hub.Hub) error {
				return h.Raise(ctx, &hub.Raise{RequestID: "go", InstanceID: id, Name: goOn.Name(), Data: history.Some(`"x"`)})
			})
			if err == nil {
				err = c.completes(ctx, hubs, id, i)
			}
			if err != nil {
				c.Errorf("%s: %v", id, err)
			}
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	return slices.Max(took)
}

// completes waits until a run has completed.
func (c *cluster) completes(ctx context.Context, hubs []hub.Hub, id string, first int) error {
	var in *hub.Instance
	_, err := ledger.Insist(ctx, hubs, first, 2*time.Second, func(ctx context.Context, h hub.Hub) (err error) {
		in, err = h.WaitCompletion(ctx, id)
		return err
	})
	if err == nil && in.Status != store.Completed {
		err = fmt.Errorf("it ends with status %d: %v", in.Status, in.Failure)
	}
	return err
}

// ended waits until runs have completed.
func (c *cluster) ended(ctx context.Context, ids []string) {
	c.Helper()
	for i, id := range ids {
		if err := c.completes(ctx, c.hubs, id, i); err != nil {
			c.Errorf("%s: %v", id, err)
		}
	}
}

// holder is a worker of a node that holds what it gets until it is told to finish.
type holder struct {
	release chan struct{}
	end     func()
	finish  func()

	mu   sync.Mutex // guards runs
	runs map[string]int
}

func (c *cluster) startWorker(node int) *holder {
	c.Helper()
	w := &holder{release: make(chan struct{}), runs: make(map[string]int)}
	w.finish = sync.OnceFunc(func() { close(w.release) })
	r := perdure.NewRegistry()
	perdure.AddActivityNamed(r, hold, func(ctx context.Context, id string) (string, error) {
		w.mu.Lock()
		w.runs[id]++
		w.mu.Unlock()
		select {
		case <-w.release:
			return id, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	})
	h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: c.nodes[node].addr, TaskHub: "default"}})
	if err != nil {
		c.Fatal(err)
	}
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: h, Registry: r})
	if err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		if err := worker.Run(ctx); err != nil {
			c.Errorf("Run() = %v", err)
		}
	})
	w.end = sync.OnceFunc(func() {
		cancel()
		working.Wait()
		_ = h.Close()
	})
	return w
}

// awaitHeld waits until the worker has all items.
func (w *holder) awaitHeld(c *cluster, ids []string) {
	c.Helper()
	c.until(fmt.Sprintf("the worker has %d items", len(ids)), func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return !slices.ContainsFunc(ids, func(id string) bool { return w.runs[id] == 0 })
	})
}

// again is how many items were run more than once.
func (w *holder) again() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, runs := range w.runs {
		if runs > 1 {
			n++
		}
	}
	return n
}

// report checks what rounds have come to, and says it. limit is how long it may take
// until work goes on.
func (f *figures) report(t testing.TB, name string, limit time.Duration) {
	t.Helper()
	for _, w := range f.wrong {
		t.Error(w)
	}
	if f.again > 0 {
		t.Errorf("%d of %d items of workers that lived were run again, want none", f.again, f.held)
	}
	p99 := percentile(f.goesOn, 99)
	if p99 > limit {
		t.Errorf("work goes on after %v, want %v", p99, limit)
	}
	if f.counts.Acknowledged < 100*f.rounds {
		t.Errorf("%d operations acknowledged in %d rounds: too little load", f.counts.Acknowledged, f.rounds)
	}
	t.Logf(`{"test": %q, "rounds": %d, "lost_or_doubled": %d, "goes_on_s": {"p50": %.2f, "p99": %.2f, "max": %.2f}, "acknowledged": %d, "unknown": %d, "instances": %d, "held": %d, "held_run_again": %d}`,
		name, f.rounds, len(f.wrong), percentile(f.goesOn, 50).Seconds(), p99.Seconds(), percentile(f.goesOn, 100).Seconds(),
		f.counts.Acknowledged, f.counts.Unknown, f.counts.Instances, f.held, f.again)
}

func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
