package perduretest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// Option changes an Env.
type Option func(*config)

type config struct {
	start    time.Time
	limit    time.Duration
	logger   *slog.Logger
	scripts  map[string]*script
	children map[string]perdure.OrchestrationFunc
	store    func(store.Store) store.Store                // nil = as it is
	over     func(testing.TB) func() (store.Store, error) // nil = in memory
}

// StartAt sets the time at which the test begins; by default that is
// 2026-01-01 00:00 UTC.
func StartAt(t time.Time) Option { return func(c *config) { c.start = t.UTC() } }

// Limit bounds the real time of the test; by default 30 s.
func Limit(d time.Duration) Option { return func(c *config) { c.limit = d } }

// Logger gets what the hub and the orchestrations log; by default nobody does.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// Env is a hub in memory with a clock of its own. Time stands still but for
// Advance, and for Wait, Run and Result, which skip to what happens next
// whenever nothing else moves. Its methods, other than Client and Now, are for
// the test's goroutine.
type Env struct {
	t      testing.TB
	cfg    config
	ctx    context.Context
	clock  *clock.Virtual
	disk   disk
	reg    *perdure.Registry
	client *client.Client
	later  []delayed
	told   int // messages to agents

	mu      sync.Mutex // guards the rest
	process *process   // that runs; nil while none does
	changed chan struct{}
	ended   error // why there will be no other process
	calls   []Call
	faults  []string
}

// delayed is something that the test does later.
type delayed struct {
	at time.Time
	do func()
}

// process is one life of the hub.
type process struct {
	hub     *local.Hub
	kill    context.CancelFunc
	crashed atomic.Bool
	first   bool          // no process was before it
	dead    chan struct{} // closed when its memory is gone
}

func (p *process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// New runs a hub with the code of reg until the test ends. It fails the test if
// reg has a problem.
func New(t testing.TB, reg *perdure.Registry, opts ...Option) *Env {
	t.Helper()
	return open(t, reg, opts, nil)
}

// open is New. onGroup decides what happens to groups of commits; nil = they proceed.
func open(t testing.TB, reg *perdure.Registry, opts []Option, onGroup onGroup) *Env {
	t.Helper()
	cfg := config{
		start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), limit: 30 * time.Second,
		scripts: map[string]*script{}, children: map[string]perdure.OrchestrationFunc{},
	}
	for _, o := range opts {
		o(&cfg)
	}
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	e := &Env{t: t, cfg: cfg, clock: clock.NewVirtual(cfg.start), disk: newDisk(t, cfg.over, onGroup), reg: reg, changed: make(chan struct{})}
	e.client = client.New(&survivor{e})
	ctx, cancel := context.WithTimeout(context.Background(), cfg.limit)
	e.ctx = ctx
	running, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.live(running)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		cancel()
		for _, f := range e.faults {
			t.Error(f)
		}
	})
	return e
}

// live runs one process after the other until ctx ends: another follows when
// the power has failed.
func (e *Env) live(ctx context.Context) {
	for first := true; ; first = false {
		p := &process{first: first, dead: make(chan struct{})}
		err := e.liveOnce(ctx, p)
		crashed := p.crashed.Load() || errors.Is(err, memory.ErrCrashed) || errors.Is(err, store.ErrFailed)
		if crashed && ctx.Err() == nil {
			continue
		}
		e.publish(nil, errors.Join(errors.New("the hub has stopped"), err))
		if err != nil && !crashed {
			e.fault("the hub ended: " + err.Error())
		}
		return
	}
}

func (e *Env) liveOnce(ctx context.Context, p *process) error {
	ctx, p.kill = context.WithCancel(ctx)
	defer p.kill()
	s, err := e.disk.open()
	if err != nil {
		return err
	}
	defer s.Close()
	if e.cfg.store != nil {
		s = e.cfg.store(s)
	}
	defer close(p.dead)
	p.hub, err = local.New(local.Config{Store: s, Registry: e.instrument(p), Clock: e.clock, Logger: e.cfg.logger})
	if err != nil {
		return err
	}
	e.publish(p, nil)
	err = p.hub.Run(agent.NewService(client.New(p.hub)).Context(ctx))
	e.publish(nil, nil)
	return err
}

// publish says which process runs.
func (e *Env) publish(p *process, ended error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.process, e.ended = p, ended
	close(e.changed)
	e.changed = make(chan struct{})
}

// current returns the process that runs, and waits for one.
func (e *Env) current(ctx context.Context) (*process, error) {
	for {
		e.mu.Lock()
		p, changed, ended := e.process, e.changed, e.ended
		e.mu.Unlock()
		if p != nil {
			return p, nil
		}
		if ended != nil {
			return nil, &perdure.Error{Code: perdure.Unavailable, Message: "there is no hub", Cause: ended}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, &perdure.Error{Code: perdure.DeadlineExceeded, Message: "the test took too long", Cause: ctx.Err()}
		}
	}
}

// fault notes what fails the test at its end.
func (e *Env) fault(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, text)
}

// Client returns a client of the hub.
func (e *Env) Client() *client.Client { return e.client }

// Context returns a context that ends with the test's time limit.
func (e *Env) Context() context.Context { return e.ctx }

// Now returns the hub's time.
func (e *Env) Now() time.Time { return e.clock.Now() }

// Crash kills the hub as a power failure would: what it had not made durable is
// lost. Another takes over at once.
func (e *Env) Crash() {
	e.t.Helper()
	p, err := e.current(e.ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	p.crashed.Store(true)
	e.disk.crash()
	p.kill()
	select {
	case <-p.dead:
	case <-e.ctx.Done():
		e.t.Fatal("the crashed hub did not end")
	}
}
