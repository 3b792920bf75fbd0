package chaos_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	ours "github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/hub/remote"
)

// The program once more, as Go code that a worker of ours runs.

var goEvent = perdure.NewEvent[int]("go")

// acc is the entity.
type acc struct{ N int }

// Add adds a number and returns the sum.
func (a *acc) Add(n int) int {
	a.N += n
	return a.N
}

func double(_ context.Context, n int) (int, error) { return 2 * n, nil }

func goChild(ctx *perdure.Context, n int) (int, error) { return perdure.Call(ctx, double, n).Await() }

func goProgram(ctx *perdure.Context, begun int) (int, error) {
	if begun == 0 {
		return 0, goFirst(ctx)
	}
	n, err := goEvent.Wait(ctx).Await()
	if err != nil {
		return 0, err
	}
	a, _ := goEntities(ctx)
	unlock, err := perdure.Lock(ctx, a)
	if err != nil {
		return 0, err
	}
	if _, err := perdure.CallEntity[int](ctx, a, "Add", 1).Await(); err != nil {
		return 0, err
	}
	unlock()
	last, err := perdure.Call(ctx, double, 5).Await()
	return begun + n + last, err
}

func goFirst(ctx *perdure.Context) error {
	sum, err := perdure.Call(ctx, double, 1).Await()
	if err != nil {
		return err
	}
	tasks := []*perdure.Task[int]{perdure.Call(ctx, double, 2), perdure.Call(ctx, double, 3), perdure.Call(ctx, double, 4)}
	for _, t := range tasks {
		n, err := t.Await()
		if err != nil {
			return err
		}
		sum += n
	}
	if err := ctx.Timer(5 * time.Millisecond).Await(); err != nil {
		return err
	}
	child, err := perdure.CallOrchestration(ctx, goChild, 7).Await()
	if err != nil {
		return err
	}
	sum += child
	for _, weight := range []int{10, 1} {
		n, err := goEvent.Wait(ctx).Await()
		if err != nil {
			return err
		}
		sum += weight * n
	}
	a, b := goEntities(ctx)
	unlock, err := perdure.Lock(ctx, a, b)
	if err != nil {
		return err
	}
	before, err := perdure.CallEntity[int](ctx, a, "Add", 1).Await()
	if err != nil {
		return err
	}
	if _, err := perdure.CallEntity[int](ctx, b, "Add", 1).Await(); err != nil {
		return err
	}
	after, err := perdure.CallEntity[int](ctx, a, "Add", 1).Await()
	if err != nil {
		return err
	}
	if after != before+1 {
		return fmt.Errorf("1 was added to %d under a lock, and the sum is %d", before, after)
	}
	unlock()
	if err := perdure.SignalEntity(ctx, a, "Add", 1); err != nil {
		return err
	}
	return perdure.ContinueAsNew(ctx, sum)
}

func goEntities(ctx *perdure.Context) (a, b perdure.EntityID) {
	var ids [2]perdure.EntityID
	idA, idB := entities(ctx.InstanceID())
	for i, s := range []string{idA, idB} {
		id, err := perdure.ParseEntityID(s)
		if err != nil {
			panic(err) // entities names entities
		}
		ids[i] = id
	}
	return ids[0], ids[1]
}

func goRegistry() *perdure.Registry {
	r := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(r, "program", goProgram)
	perdure.AddOrchestration(r, goChild)
	perdure.AddActivity(r, double)
	perdure.AddEntity[acc](r, "acc")
	return r
}

// goOnce runs the program by a worker and a client of ours over a connection that is
// cut once, and reports whether it was, and what is wrong.
func goOnce(t *testing.T, addr, hubName, set string, where cut) (struck bool, wrong []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	between := startCutter(t, addr, where)
	defer between.close()
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("cut %+v: ", where)+fmt.Sprintf(format, args...))
	}
	h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: between.addr(), TaskHub: hubName}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	w, err := remote.NewWorker(remote.WorkerConfig{Hub: h, Registry: goRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(working); err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	c := ours.New(h)
	ends := make([]*ours.Instance, together)
	errs := make([]error, together)
	var starting sync.WaitGroup
	for i := range ends {
		starting.Go(func() { ends[i], errs[i] = goStart(ctx, c, fmt.Sprintf("%s/%d", set, i)) })
	}
	starting.Wait()
	stop()
	running.Wait()
	direct := dial(t, addr)
	defer func() { _ = direct.Close() }()
	plain := &client{direct, hubName}
	for i, in := range ends {
		if errs[i] != nil {
			say("%v", errs[i])
			continue
		}
		if got := string(in.Output); got != strconv.Itoa(programResult) {
			say("%s ends with %s (%v), want %d", in.ID, got, in.Failure, programResult)
		}
		events, err := plain.history(ctx, in.ID, "")
		if err != nil {
			say("history of %s: %v", in.ID, err)
		}
		wrong = append(wrong, repeated(in.ID, events, false, nil)...)
	}
	return between.hasStruck(), wrong
}

func goStart(ctx context.Context, c *ours.Client, id string) (*ours.Instance, error) {
	if _, err := c.Start(ctx, "program", 0, ours.StartOptions{ID: id}); err != nil {
		return nil, fmt.Errorf("start of %s: %w", id, err)
	}
	for n := 1; n <= 3; n++ {
		if err := c.Raise(ctx, id, "go", n); err != nil {
			return nil, fmt.Errorf("event %d for %s: %w", n, id, err)
		}
	}
	return c.WaitCompletion(ctx, id)
}

// TestT12_OurWorkerCutAtEveryFrame is TestT12_CutAtEveryFrame with a worker and a client
// of ours, which speak our own service.
func TestT12_OurWorkerCutAtEveryFrame(t *testing.T) {
	normalOnly(t)
	addr := serve(t, host.Config{TaskHubs: lanes})
	stride, floor := 9, 15
	if soak() {
		stride, floor = 1, 100
	}
	struck := 0
	var mu sync.Mutex // guards struck and all that the lanes share
	next, over := [2]int{1, 1}, [2]bool{}
	var running sync.WaitGroup
	for lane, name := range lanes {
		running.Go(func() {
			for {
				mu.Lock()
				dir := lane % 2
				if over[dir] {
					dir = 1 - dir
				}
				where := cut{toHub: dir == 1, frame: next[dir], half: next[dir]/stride%2 == 0, reset: next[dir]/stride%4 < 2}
				next[dir] += stride
				done := over[dir]
				mu.Unlock()
				if done || t.Failed() {
					return
				}
				was, wrong := goOnce(t, addr, name, fmt.Sprintf("%d-%d", dir, where.frame), where)
				for _, w := range wrong {
					t.Error(w)
				}
				mu.Lock()
				if was {
					struck++
				} else {
					over[dir] = true
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	if struck < floor {
		t.Errorf("%d cuts, want at least %d", struck, floor)
	}
	t.Logf("%d cuts", struck)
}
