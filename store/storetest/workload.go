package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/perdure/perdure/store"
)

// Workload commits at random and knows what a store may hold after a crash: the
// state after some prefix of its commits, which is no shorter than what was
// acknowledged. It is driven by one goroutine; Acked and Submitted may be called
// by others while no call is under way.
type Workload struct {
	rng    *rand.Rand
	ids    []string
	states []string // after each commit; the first is the empty store
	models []*model // the same
	now    *model
	acked  int
	waits  []waiting
}

// waiting is a group that nobody has waited for.
type waiting struct {
	receipt store.Receipt
	end     int // index in states after the group
	refused []int
}

// NewWorkload makes the workload of a seed.
func NewWorkload(seed uint64) *Workload {
	w := &Workload{rng: rand.New(rand.NewPCG(seed, 0)), now: newModel()}
	for i := range 5 {
		w.ids = append(w.ids, fmt.Sprintf("@e@%d", i), fmt.Sprintf("run-%d", i))
	}
	w.note()
	return w
}

// note keeps the state after a commit.
func (w *Workload) note() {
	w.states, w.models = append(w.states, w.now.dump()), append(w.models, w.now.clone())
}

// Acked is the number of commits that are acknowledged, Submitted that of all.
func (w *Workload) Acked() int { return w.acked }

// Submitted is the number of commits handed over so far.
func (w *Workload) Submitted() int { return len(w.states) - 1 }

// Step submits a group and sometimes waits for it, and those before.
func (w *Workload) Step(ctx context.Context, s store.Store, leases []store.Lease) error {
	g := &store.Group{Epochs: leases}
	next := waiting{}
	for i := range 1 + w.rng.IntN(4) {
		c := w.commit()
		g.Commits = append(g.Commits, c)
		if !w.now.apply(c) {
			next.refused = append(next.refused, i)
		}
		w.note()
	}
	next.end = len(w.states) - 1
	r, err := s.Submit(ctx, g)
	if err != nil {
		return err
	}
	next.receipt = r
	w.waits = append(w.waits, next)
	if w.rng.IntN(3) == 0 {
		return nil
	}
	return w.Wait(ctx)
}

// Wait waits for all groups.
func (w *Workload) Wait(ctx context.Context) error {
	for _, one := range w.waits {
		refused, err := one.receipt.Wait(ctx)
		if err != nil {
			return err
		}
		got := make([]int, 0, len(refused))
		for _, r := range refused {
			got = append(got, r.Index)
		}
		if err := same("refused", got, one.refused); err != nil {
			return err
		}
		w.acked = one.end
	}
	w.waits = nil
	return nil
}

// Check returns an error unless the store holds the state after one of the
// commits from acked to submitted, and returns which.
func (w *Workload) Check(ctx context.Context, s store.Store, acked, submitted int) (int, error) {
	got, err := (&session{ctx: ctx, store: s}).dump(w.ids)
	if err != nil {
		return 0, err
	}
	for i := submitted; i >= acked; i-- {
		if w.states[i] == got {
			return i, nil
		}
	}
	for i := acked - 1; i >= 0; i-- {
		if w.states[i] == got {
			return i, fmt.Errorf("%d commits are acknowledged and %d are left", acked, i)
		}
	}
	return 0, fmt.Errorf("the state is that of no prefix of the commits from %d to %d: %w",
		acked, submitted, same("state", got, w.states[submitted]))
}

// resume goes on with the state that a crash left.
func (w *Workload) resume(kept int) {
	w.states, w.models = w.states[:kept+1], w.models[:kept+1]
	w.acked, w.waits, w.now = kept, nil, w.models[kept].clone()
}

// commit draws a commit; one in ten expects a wrong version.
func (w *Workload) commit() *store.Commit {
	id := w.ids[w.rng.IntN(len(w.ids))]
	version := w.now.version(id)
	var c *store.Commit
	switch n := w.rng.IntN(10); {
	case n == 0 && version > 0:
		c = purge(id, version)
	case n == 1 && version > 0:
		c = change(id, 1)
		c.Expect, c.Replace = version, true
		c.Record.Incarnation[0] = byte(w.rng.Uint32())
	case n == 2:
		c = touch(id, version)
	default:
		c = change(id, version+1)
		if version > 0 {
			c.Record.Incarnation = w.now.records[id].Incarnation
		} else {
			c.Record.Incarnation[0] = byte(w.rng.Uint32())
		}
	}
	if version > 0 && c.Record != nil && !c.Replace && w.rng.IntN(10) == 0 {
		c.Fold = &store.Fold{Rows: [][]store.RowKind{nil, {7}}[w.rng.IntN(2)]}
	}
	if c.Record != nil {
		w.dress(c.Record, version > 0 && !c.Replace)
		c.Chunk = fmt.Appendf(nil, "%d %0*d", c.Record.Version, w.rng.IntN(300), 0)
	}
	if !c.Purge {
		w.attach(c)
	}
	c.Was = w.now.records[id]
	if w.rng.IntN(10) == 0 {
		c.Expect += 3
		if c.Record != nil && !c.Replace {
			c.Record.Version += 3
		}
	}
	return c
}

func (w *Workload) dress(r *store.Record, exists bool) {
	r.Name = fmt.Sprintf("name%d", w.rng.IntN(3))
	r.Status, r.Phase, r.Work = store.Status(w.rng.IntN(8)), store.Phase(w.rng.IntN(7)), w.rng.IntN(2) == 0
	if r.Status.Terminal() {
		r.Completed = created().Add(time.Duration(w.rng.IntN(5)) * time.Hour)
	}
	if old := w.now.records[r.ID]; exists {
		r.Name = old.Name // static
	}
}

// attach adds messages, timers and rows.
func (w *Workload) attach(c *store.Commit) {
	for range w.rng.IntN(3) {
		c.Emit = append(c.Emit, message(w.ids[w.rng.IntN(len(w.ids))], w.rng.Uint64N(20)))
		c.Consume = append(c.Consume, message("", w.rng.Uint64N(20)).ID)
		t := timer(c.ID, w.rng.IntN(20))
		c.Timers = append(c.Timers, store.TimerChange{Timer: t, Delete: w.rng.IntN(3) == 0})
		r := row(c.ID, w.rng.IntN(8))
		r.Index[0] = nil
		if w.rng.IntN(2) == 0 {
			r.Index[0] = fmt.Appendf(nil, "index %d", w.rng.IntN(3))
		}
		r.Keep, r.Delete = w.rng.IntN(4) == 0, w.rng.IntN(4) == 0
		c.Rows = append(c.Rows, r)
	}
}

// Model compares a driver with a model over random groups, with crashes between
// them. An error names what differs; the seed gives the same run again as far as
// the driver loses the same.
func Model(ctx context.Context, h Harness, seed uint64, steps int) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	w := NewWorkload(seed)
	for step := range steps {
		if err := w.Step(ctx, s.store, s.leases); err != nil {
			return fmt.Errorf("seed %d step %d: %w", seed, step, err)
		}
		if w.rng.IntN(15) > 0 {
			continue
		}
		acked, submitted := w.Acked(), w.Submitted()
		if err := s.crash(); err != nil {
			return fmt.Errorf("seed %d step %d: %w", seed, step, err)
		}
		kept, err := w.Check(ctx, s.store, acked, submitted)
		if err != nil {
			return fmt.Errorf("seed %d step %d, after a crash: %w", seed, step, err)
		}
		w.resume(kept)
	}
	if err := w.Wait(ctx); err != nil {
		return fmt.Errorf("seed %d: %w", seed, err)
	}
	_, err = w.Check(ctx, s.store, w.Submitted(), w.Submitted())
	if err != nil {
		err = fmt.Errorf("seed %d, at the end: %w", seed, err)
	}
	return err
}
