package schedule_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // zones, whatever the machine has

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/schedule"
	"github.com/perdure/perdure/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin is a Sunday.
var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a hub with schedules, on a disk and a clock that the test moves.
type world struct {
	t     *testing.T
	disk  memory.Disk
	clock *clock.Virtual
	hub   *local.Hub
	c     *client.Client
	stop  func() error

	mu    sync.Mutex // guards began
	began []run
}

// run is a run of a test's orchestration as it began.
type run struct {
	ID    string
	At    string
	Input string
}

func newWorld(t *testing.T, at time.Time) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewVirtual(at)}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

// open starts a hub on the disk.
func (w *world) open() {
	w.t.Helper()
	s, err := memory.Open(&w.disk)
	if err != nil {
		w.t.Fatal(err)
	}
	reg := perdure.NewRegistry()
	schedule.Register(reg)
	perdure.AddActivityNamed(reg, "Note", w.note)
	perdure.AddOrchestrationNamed(reg, "Brief", brief)
	perdure.AddOrchestrationNamed(reg, "Long", long)
	perdure.AddOrchestrationNamed(reg, "Polite", polite)
	perdure.AddOrchestrationNamed(reg, "Failing", failing)
	if err := reg.Err(); err != nil {
		w.t.Fatal(err)
	}
	w.hub, err = local.New(local.Config{Store: s, Registry: reg, Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	w.c = client.New(w.hub)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func(h *local.Hub) { ended <- h.Run(ctx) }(w.hub)
	w.stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		return errors.Join(err, s.Close())
	})
}

// close stops the hub, which may have crashed.
func (w *world) close() {
	w.t.Helper()
	if err := w.stop(); err != nil && !errors.Is(err, memory.ErrCrashed) {
		w.t.Errorf("stop of the hub = %v", err)
	}
}

// note is an activity that keeps when a run began.
func (w *world) note(_ context.Context, r run) (struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = append(w.began, r)
	return struct{}{}, nil
}

func noteRun(ctx *perdure.Context, in string) error {
	_, err := perdure.CallNamed[struct{}](ctx, "Note", run{
		ctx.InstanceID(), ctx.Now().Format("02T15:04:05.999"), in}).Await()
	return err
}

// brief ends at once.
func brief(ctx *perdure.Context, in string) (string, error) { return in, noteRun(ctx, in) }

// long takes 150 seconds.
func long(ctx *perdure.Context, in string) (string, error) {
	if err := noteRun(ctx, in); err != nil {
		return "", err
	}
	return in, ctx.Timer(150 * time.Second).Await()
}

// polite is long, but ends 5 seconds after it was asked to.
func polite(ctx *perdure.Context, in string) (string, error) {
	if err := noteRun(ctx, in); err != nil {
		return "", err
	}
	cancel := schedule.CancelRequested.Wait(ctx)
	if perdure.Any(ctx, cancel, ctx.Timer(150*time.Second)) == perdure.Awaitable(cancel) {
		return "tidy", ctx.Timer(5 * time.Second).Await()
	}
	return in, nil
}

func failing(ctx *perdure.Context, in string) (string, error) {
	return "", errors.New("out of paper")
}

// ctx is the context of a call that must not hang.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// pass lets time go by, from one thing that is due to the next, until nothing
// is left to do.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(d)
	for {
		next, err := w.hub.Idle(w.ctx())
		if err != nil {
			w.t.Fatalf("Idle() = %v", err)
		}
		now := w.clock.Now()
		switch {
		case !next.IsZero() && !next.After(end):
			w.clock.Advance(next.Sub(now))
		case now.Before(end):
			w.clock.Advance(end.Sub(now))
		default:
			return
		}
	}
}

func (w *world) create(s schedule.Spec) {
	w.t.Helper()
	if err := schedule.Create(w.ctx(), w.c, s); err != nil {
		w.t.Fatalf("Create(%s) = %v", s.ID, err)
	}
}

func (w *world) get(id string) *schedule.Schedule {
	w.t.Helper()
	s, err := schedule.Get(w.ctx(), w.c, id)
	if err != nil {
		w.t.Fatalf("Get(%s) = %v", id, err)
	}
	return s
}

// times returns when runs began, in order, and forgets them.
func (w *world) times() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var at []string
	for _, r := range w.began {
		at = append(at, r.At)
	}
	slices.Sort(at)
	w.began = nil
	return at
}

// outcomes lists ended runs, oldest first.
func outcomes(s *schedule.Schedule) []string {
	var list []string
	for _, o := range slices.Backward(s.Outcomes) {
		text := o.ID + " " + string(o.Status) + " " + o.Ended.Format("15:04:05")
		if o.Error != "" {
			text += " " + o.Error
		}
		list = append(list, text)
	}
	return list
}
