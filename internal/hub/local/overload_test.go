package local_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// heavy is a store that takes its time for each group, and for each commit of it.
type heavy struct {
	*memory.Hub
	group time.Duration

	mu     sync.Mutex // guards what follows
	commit time.Duration
	until  time.Time // when the newest group is durable
}

// pace sets how long a commit takes.
func (h *heavy) pace(commit time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commit = commit
}

// Submit implements store.Commits.
func (h *heavy) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	r, err := h.Hub.Submit(ctx, g)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.until.Before(now) {
		h.until = now
	}
	h.until = h.until.Add(h.group + time.Duration(len(g.Commits))*h.commit)
	return &late{r, h.until}, nil
}

// late is a receipt that comes at a time.
type late struct {
	store.Receipt
	at time.Time
}

// Wait implements store.Receipt.
func (r *late) Wait(ctx context.Context) ([]store.Refused, error) {
	time.Sleep(time.Until(r.at))
	return r.Receipt.Wait(ctx)
}

// crowd are clients of a hub, each of which starts one run and has no use for it after
// patience.
type crowd struct {
	t   *testing.T
	hub *local.Hub
	all sync.WaitGroup

	mu      sync.Mutex // guards what follows
	served  []time.Time
	refused int
	late    int
	waited  time.Duration // the longest for a refusal
	waiting int           // the most that waited to begin
}

const crowdPatience = 3 * time.Second

// send has a client start a run and wait for its end, but not for longer than patience.
// One that is refused comes again when it was told to, twice.
func (c *crowd) send(id string) {
	c.all.Go(func() {
		for range 3 {
			began := time.Now()
			err := c.attempt(id)
			if perdure.CodeOf(err) != perdure.ResourceExhausted {
				if err != nil && perdure.CodeOf(err) != perdure.DeadlineExceeded {
					c.t.Errorf("%s: %v", id, err)
				}
				return
			}
			c.mu.Lock()
			c.refused++
			c.waited = max(c.waited, time.Since(began))
			c.mu.Unlock()
			var e *perdure.Error
			if errors.As(err, &e); e.RetryAfter < time.Second || e.RetryAfter > 2*time.Second {
				c.t.Errorf("a start is refused with RetryAfter %v, want one or two seconds", e.RetryAfter)
			}
			time.Sleep(e.RetryAfter)
		}
	})
}

func (c *crowd) attempt(id string) error {
	ctx, cancel := context.WithTimeout(c.t.Context(), crowdPatience)
	defer cancel()
	_, err := c.hub.Start(ctx, &hub.Start{RequestID: "r", InstanceID: id, Name: "work", Input: history.Some(`"x"`)})
	if err == nil {
		_, err = c.hub.WaitCompletion(ctx, id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.served = append(c.served, time.Now())
	case ctx.Err() != nil:
		c.late++
	}
	return err
}

// load sends so many clients a second for a while, and returns how many were served in
// time a second, of those that were served in its second half.
func (c *crowd) load(name string, rate int, lasts time.Duration) float64 {
	c.mu.Lock()
	c.served = nil
	c.mu.Unlock()
	const tick = 10 * time.Millisecond
	half := time.Now().Add(lasts / 2)
	end := time.Now().Add(lasts)
	n := 0
	for i := 1; time.Now().Before(end); i++ {
		for ; n < rate*i/int(time.Second/tick); n++ {
			c.send(fmt.Sprint(name, n))
		}
		time.Sleep(tick)
		c.mu.Lock()
		c.waiting = max(c.waiting, c.hub.Waiting())
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	in := 0
	for _, at := range c.served {
		if !at.Before(half) && at.Before(end) {
			in++
		}
	}
	return float64(in) / (lasts / 2).Seconds()
}

// figuresOf are what a hub does under much too much load.
type overloadFigures struct {
	peak, goodput, slowGoodput float64 // runs a second
	slowPeak                   float64
	events                     time.Duration // the longest until an event was accepted
	back                       time.Duration // after the load until a run takes no longer than before
	waiting                    int
}

// overloaded loads a hub with ten times what it can do, and has its store become twenty
// times slower under that.
func overloaded(t *testing.T, limits shard.Limits) (f overloadFigures) {
	synctest.Test(t, func(t *testing.T) {
		disk := &memory.Disk{}
		m, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		s := &heavy{Hub: m, group: 2 * time.Millisecond, commit: time.Millisecond}
		reg := perdure.NewRegistry()
		perdure.AddActivity(reg, echo)
		perdure.AddOrchestrationNamed(reg, "work", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.Call(ctx, echo, in).Await()
		})
		perdure.AddOrchestrationNamed(reg, "events", func(ctx *perdure.Context, _ int) (int, error) {
			events := perdure.NewEvent[int]("e")
			for {
				if n, err := events.Wait(ctx).Await(); err != nil || n < 0 {
					return 0, err
				}
			}
		})
		h, err := local.New(local.Config{Store: s, Registry: reg, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run() = %v", err)
			}
		}()
		if _, err := h.Start(ctx, &hub.Start{InstanceID: "listens", Name: "events", Input: history.Some("0")}); err != nil {
			t.Fatal(err)
		}
		c := &crowd{t: t, hub: h}

		const able = 500 // runs of two commits each
		f.peak = c.load("able", able*95/100, 4*time.Second)
		c.all.Wait()

		asking := make(chan struct{})
		var asked sync.WaitGroup
		asked.Go(func() { // what runs goes on meanwhile
			for {
				select {
				case <-asking:
					return
				case <-time.After(50 * time.Millisecond):
				}
				began := time.Now()
				if err := h.Raise(ctx, &hub.Raise{InstanceID: "listens", Name: "e", Data: history.Some("1")}); err != nil {
					t.Errorf("an event during overload: %v", err)
				}
				if _, err := h.Instance(ctx, "listens", false); err != nil {
					t.Errorf("a read during overload: %v", err)
				}
				f.events = max(f.events, time.Since(began))
			}
		})
		f.goodput = c.load("ten", 10*able, 6*time.Second)
		close(asking)
		asked.Wait()
		ended := time.Now()
		for i := 0; ; i++ {
			began := time.Now()
			id := fmt.Sprint("after", i)
			short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			_, err := h.Start(short, &hub.Start{InstanceID: id, Name: "work", Input: history.Some(`"x"`)})
			if err == nil {
				_, err = h.WaitCompletion(short, id)
			}
			cancel()
			if err == nil {
				f.back = began.Sub(ended)
				break
			}
			if time.Since(ended) > time.Minute {
				f.back = time.Since(ended)
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		c.all.Wait()

		s.pace(20 * time.Millisecond)
		f.slowPeak = c.load("slow", able/20*95/100, 10*time.Second)
		c.all.Wait()
		f.slowGoodput = c.load("slowly", 10*able/20, 10*time.Second)
		c.all.Wait()
		f.waiting = c.waiting
		if err := h.Raise(ctx, &hub.Raise{InstanceID: "listens", Name: "e", Data: history.Some("-1")}); err != nil {
			t.Error(err)
		}
		t.Logf(`{"test": "T24 overload", "peak": %.0f, "goodput": %.0f, "slow_peak": %.0f, "slow_goodput": %.0f, "event_ms": %d, "back_ms": %d, "refused": %d, "late": %d, "waiting": %d, "shed": %d}`,
			f.peak, f.goodput, f.slowPeak, f.slowGoodput, f.events.Milliseconds(), f.back.Milliseconds(), c.refused, c.late, f.waiting, h.Stats().Shed.Load())
		if c.waited > 0 {
			t.Errorf("a start was refused after %v, want at once", c.waited)
		}
	})
	return f
}

// wrong tells what is not as it should be under overload.
func (f *overloadFigures) wrong() (list []string) {
	if f.goodput < 0.8*f.peak {
		list = append(list, fmt.Sprintf("%.0f runs a second in time under ten times the load, want 80 %% of %.0f", f.goodput, f.peak))
	}
	if f.slowGoodput < 0.8*f.slowPeak {
		list = append(list, fmt.Sprintf("%.0f runs a second in time on a slow store under ten times the load, want 80 %% of %.0f", f.slowGoodput, f.slowPeak))
	}
	if f.events > time.Second {
		list = append(list, fmt.Sprintf("an event and a read took %v, want a second at most", f.events))
	}
	if f.back > 10*time.Second {
		list = append(list, fmt.Sprintf("runs are quick again %v after the load, want 10 s at most", f.back))
	}
	if f.waiting > 10_000 {
		list = append(list, fmt.Sprintf("%d starts waited, want 10,000 at most", f.waiting))
	}
	return slices.Clip(list)
}

// TestT24_Overload sends ten times the starts that a hub can carry out, then no more; its
// store becomes twenty times slower, under ten times what it can do then. As many runs
// as without the overload are served in time, what is too much is refused at once, and
// what runs already goes on. A hub that refuses nothing is the control.
func TestT24_Overload(t *testing.T) {
	t.Run("as it is", func(t *testing.T) {
		f := overloaded(t, shard.Limits{})
		for _, what := range f.wrong() {
			t.Error(what)
		}
	})
	t.Run("without refusals", func(t *testing.T) {
		f := overloaded(t, shard.Limits{Starts: 1 << 40, StartWait: time.Hour})
		wrong := f.wrong()
		if len(wrong) == 0 || f.goodput >= 0.8*f.peak || f.slowGoodput >= 0.8*f.slowPeak {
			t.Errorf("a hub that refuses nothing: %+v, want that fewer runs are served in time", f)
		}
		t.Log(wrong)
	})
}

// TestT24_Doors asks a hub that has not begun to work for more than may wait: starts and
// what else begins work are refused, what goes to runs is not, until memory is at stake.
func TestT24_Doors(t *testing.T) {
	m, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: m, Registry: registry(t), Limits: shard.Limits{Starts: 3, SentBytes: 100_000}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range 3 {
		all.Go(func() { _, _ = h.Start(ctx, &hub.Start{InstanceID: fmt.Sprint("r", i), Name: "chain"}) })
	}
	for h.Waiting() < 3 {
		time.Sleep(time.Millisecond)
	}
	attempts := func() map[string]error {
		got := make(map[string]error)
		for name, do := range map[string]func(context.Context) error{
			"start": func(ctx context.Context) error { _, err := h.Start(ctx, &hub.Start{Name: "chain"}); return err },
			"message to agent": func(ctx context.Context) error {
				return h.Signal(ctx, &hub.Signal{InstanceID: "@a@k", Operation: "run", Begins: true})
			},
			"request to agent": func(ctx context.Context) error {
				_, err := h.Ask(ctx, &hub.Ask{InstanceID: "@a@k", Name: "admit", Begins: true})
				return err
			},
			"event": func(ctx context.Context) error { return h.Raise(ctx, &hub.Raise{InstanceID: "r0", Name: "e"}) },
			"signal": func(ctx context.Context) error {
				return h.Signal(ctx, &hub.Signal{InstanceID: "@a@k", Operation: "op"})
			},
			"terminate": func(ctx context.Context) error {
				_, err := h.Control(ctx, &hub.Control{InstanceID: "r0", Kind: hub.Terminate})
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond) // nobody answers what is accepted
			got[name] = do(ctx)
			cancel()
		}
		return got
	}
	check := func(what string, refused ...string) {
		t.Helper()
		for name, err := range attempts() {
			var e *perdure.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s: %v", name, err)
			}
			if want := slices.Contains(refused, name); want != (e.Code == perdure.ResourceExhausted) || want && e.RetryAfter < time.Second {
				t.Errorf("%s: %s = %v, to come again after %v, want refused: %v", what, name, err, e.RetryAfter, want)
			}
		}
	}
	check("3 wait", "start", "message to agent", "request to agent")
	all.Go(func() {
		large := &hub.Raise{InstanceID: "r0", Name: "e", Data: history.Some(fmt.Sprintf(`"%098000d"`, 0))}
		for perdure.CodeOf(h.Raise(ctx, large)) == perdure.ResourceExhausted { // another one is on its way
			time.Sleep(time.Millisecond)
		}
	})
	for perdure.CodeOf(attempts()["event"]) != perdure.ResourceExhausted {
		time.Sleep(time.Millisecond)
	}
	check("98 KB are sent", "start", "message to agent", "request to agent", "event", "signal")
}
