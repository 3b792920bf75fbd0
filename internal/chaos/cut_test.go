package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// together is how many instances of the program share their entities.
const together = 2

// cuts is what a series of cuts has come to.
type cuts struct {
	patience time.Duration // for a run of the program

	mu     sync.Mutex // guards what follows
	struck int
	again  int
	stale  map[codes.Code]int
	wrong  []string
}

// cutOnce runs the program over a connection that is cut once, and reports whether it
// was.
func (c *cuts) cutOnce(t *testing.T, addr, hubName, set string, where cut) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), c.patience)
	defer cancel()
	between := startCutter(t, addr, where)
	defer between.close()
	conn, direct := dial(t, between.addr()), dial(t, addr)
	defer func() { _, _ = conn.Close(), direct.Close() }()
	seen := newWitness()
	workers := []*worker{{conn: conn, hub: hubName, id: "near", code: program, seen: seen, pauses: true, retries: where.frame%4 < 2}}
	if where.frame%3 == 0 {
		workers = append(workers, &worker{conn: direct, hub: hubName, id: "far", code: program, seen: seen, pauses: true, retries: true})
	}
	working, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, w := range workers {
		running.Go(func() { w.run(working) })
	}
	states := make([]*wirepb.OrchestrationState, together)
	errs := make([]error, together)
	var starting sync.WaitGroup
	for i := range states {
		starting.Go(func() {
			states[i], errs[i] = (&client{conn, hubName}).start(ctx, fmt.Sprintf("%s/%d", set, i))
		})
	}
	starting.Wait()
	var wrong []string
	for _, err := range errs {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) == 0 {
		wrong = (&client{direct, hubName}).judge(ctx, seen, states)
	}
	stop()
	running.Wait()
	struck := between.hasStruck()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range wrong {
		c.wrong = append(c.wrong, fmt.Sprintf("cut %+v: %s", where, w))
	}
	if struck {
		c.struck++
	}
	c.again += seen.again
	for code, n := range seen.stale {
		c.stale[code] += n
	}
	return struck
}

// cutEverywhere cuts at every frame, or at each of a stride, in both directions, over
// several hubs at a time, until a run is not cut any more.
func (c *cuts) cutEverywhere(t *testing.T, addr string, hubs []string, stride int, enough func(*cuts) bool) {
	t.Helper()
	c.stale = make(map[codes.Code]int)
	var mu sync.Mutex // guards next and over
	next, over := [2]int{rand.IntN(stride) + 1, rand.IntN(stride) + 1}, [2]bool{}
	var lanes sync.WaitGroup
	for lane, name := range hubs {
		dir := lane % 2
		lanes.Go(func() {
			for {
				mu.Lock()
				if over[dir] {
					dir = 1 - dir
				}
				kind := next[dir] / stride
				where := cut{toHub: dir == 1, frame: next[dir], half: kind%2 == 0, reset: kind%4 < 2}
				next[dir] += stride
				done := over[dir]
				mu.Unlock()
				c.mu.Lock()
				done = done || enough(c)
				c.mu.Unlock()
				if done || t.Context().Err() != nil {
					return
				}
				if !c.cutOnce(t, addr, name, fmt.Sprintf("%d-%d", dir, where.frame), where) {
					mu.Lock()
					over[dir] = true
					mu.Unlock()
				}
			}
		})
	}
	lanes.Wait()
}

var lanes = []string{"h0", "h1", "h2", "h3", "h4", "h5"}

// TestT12_CutAtEveryFrame cuts the connection of a worker and its client at each frame:
// the program ends as it should, no event is repeated, no lock is left.
func TestT12_CutAtEveryFrame(t *testing.T) {
	normalOnly(t)
	addr := serve(t, host.Config{TaskHubs: lanes})
	stride, floor := 4, 60
	if soak() {
		stride, floor = 1, 200
	}
	c := &cuts{patience: 30 * time.Second}
	c.cutEverywhere(t, addr, lanes, stride, func(c *cuts) bool { return len(c.wrong) > 0 })
	for _, w := range c.wrong {
		t.Error(w)
	}
	if c.struck < floor || c.again < c.struck/40 || c.stale[codes.NotFound] < c.struck/40 {
		t.Errorf("%d cuts, %d items that came again, answers to old tokens %v: too few", c.struck, c.again, c.stale)
	}
	if n := c.stale[codes.OK]; n > 0 {
		t.Errorf("%d completions by old tokens were accepted", n)
	}
	t.Logf("%d cuts, %d items that came again, answers to old tokens %v", c.struck, c.again, c.stale)
}
