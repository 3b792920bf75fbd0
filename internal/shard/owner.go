package shard

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/store"
)

// Config is what an Owner is made of. Store and Code are required.
type Config struct {
	Store  store.Store
	Code   *replay.Runner
	Clock  clock.Clock  // nil = the system's, or that of a store which is shared
	Node   string       // name of this process; "" = "local"
	Logger *slog.Logger // nil = none
	Random io.Reader    // source of ids; nil = crypto/rand
	Limits Limits
	// Retention is how long runs are kept after their end; nil = for ever.
	Retention Retention
	Shared    *Shared // nil = this process holds all shards
}

// Limits bound what the owner takes and holds. A zero field means its default.
type Limits struct {
	Payload      int           // bytes of one payload; 8 MiB
	ID           int           // characters of an instance id; 100
	Activities   int           // that run at a time; 1,000
	TurnTime     time.Duration // before what a turn takes is stored without its outcome; 20 ms
	TurnMessages int           // that one turn takes; 1,000
	TurnActions  int           // that one turn may ask for; 100,000
	CacheBytes   int           // of suspended orchestrators; 64 MiB
	ParkedBytes  int           // of these, waiting for people, events or far timers; 8 MiB
	Waiters      int           // for one instance; 10,000
	Queue        int           // messages of one instance; 100,000
	Starts       int           // work that waits to begin; 10,000
	StartWait    time.Duration // of the first of these, beyond which more is refused if a group waits; 1 s
	SentBytes    int64         // that clients are sending to what runs; 256 MiB
	Drain        time.Duration // that a stop waits for running activities; 10 s
	Losses       int32         // crashes that an activity, or a worker's turn or batch, may be lost in; 10
	// WorkerGrace is how long an orchestration's workers may be away before it is
	// shown that there are none, and it can be terminated without a turn; 5 s.
	WorkerGrace time.Duration
}

func (l Limits) filled() Limits {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.Payload, 8<<20)
	set(&l.ID, 100)
	set(&l.Activities, 1000)
	set(&l.TurnMessages, 1000)
	set(&l.TurnActions, 100_000)
	set(&l.CacheBytes, 64<<20)
	set(&l.ParkedBytes, 8<<20)
	set(&l.Waiters, 10_000)
	set(&l.Queue, 100_000)
	set(&l.Starts, 10_000)
	if l.StartWait == 0 {
		l.StartWait = time.Second
	}
	if l.SentBytes == 0 {
		l.SentBytes = maxSentBytes
	}
	if l.TurnTime == 0 {
		l.TurnTime = 20 * time.Millisecond
	}
	if l.Drain == 0 {
		l.Drain = 10 * time.Second
	}
	if l.WorkerGrace == 0 {
		l.WorkerGrace = 5 * time.Second
	}
	if l.Losses == 0 {
		l.Losses = 10
	}
	return l
}

// Owner owns all shards of a hub and carries their instances on. It implements
// hub.Hub and hub.Outcomes; its methods may be called concurrently, from before Run on.
type Owner struct {
	cfg    Config
	mail   *mail
	store  store.Store
	clock  clock.Clock
	shared *Shared // nil = all shards are held here
	view   view
	keeper *keeper                       // if shared is not nil
	over   atomic.Pointer[chan struct{}] // closed when the calls under way end without an answer
	told   promises
	stats  *Stats
	overload

	done  chan struct{} // closed when no call is answered any more
	ended error         // why; to be read after done
}

// New returns an Owner that works once Run is called.
func New(cfg Config) (*Owner, error) {
	if cfg.Store == nil || cfg.Code == nil {
		return nil, errors.New("shard: Config needs Store and Code")
	}
	var ofStore *storeClock
	switch {
	case cfg.Clock == nil && cfg.Shared != nil:
		ofStore = &storeClock{}
		cfg.Clock = ofStore
	case cfg.Clock == nil:
		cfg.Clock = clock.System()
	}
	if cfg.Node == "" {
		cfg.Node = "local"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	cfg.Limits = cfg.Limits.filled()
	shared, err := cfg.Shared.filled()
	if err != nil {
		return nil, err
	}
	o := &Owner{cfg: cfg, mail: newMail(), store: cfg.Store, clock: cfg.Clock, stats: newStats(), shared: shared, done: make(chan struct{})}
	if shared != nil {
		if cfg.Node == "local" {
			o.cfg.Node = shared.Node.Name
		}
		o.keeper = newKeeper(shared, cfg.Store, o.mail, &o.view, cfg.Logger)
		o.keeper.clock = ofStore
		over := make(chan struct{})
		o.over.Store(&over)
	}
	return o, nil
}

// Run takes shards over and works until ctx ends; then it lets running activities end,
// for a while, and returns nil. It returns an error when the store has failed: then
// nothing more is acknowledged, and a new process must recover. It owns all goroutines
// and returns when they are gone, but for user code that does not heed its context.
//
// An Owner that shares its store takes what shards it can get, survives that the store
// does not answer for a while, and gives its shards to other nodes at the end at once;
// activities that still run hand their outcomes to those.
func (o *Owner) Run(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	l := o.newLoop(base)
	var wg sync.WaitGroup
	wg.Go(l.waitFlights)
	var err error
	if o.shared != nil {
		err = o.runShared(ctx, l)
	} else {
		err = o.runAlone(ctx, l)
	}
	close(l.flights)
	wg.Wait()
	return err
}

func (o *Owner) newLoop(base context.Context) *loop {
	return &loop{
		owner: o, ctx: base, io: base, node: o.cfg.Node, store: o.store, code: o.cfg.Code.With(base.Value), clock: o.clock,
		logger: o.cfg.Logger, limits: o.cfg.Limits, ids: newIDs(o.cfg.Random), mail: o.mail, stats: o.stats, retention: o.cfg.Retention,
		shared: o.shared, keeper: o.keeper, view: &o.view, moved: make(map[string]*running), adopted: make(map[*running]string),
		instances: make(map[string]*instance), spilled: make(map[string]bool),
		cache:    cache{max: o.cfg.Limits.CacheBytes, maxParked: o.cfg.Limits.ParkedBytes},
		patience: time.NewTimer(time.Hour), flights: make(chan *flight, maxInFlight),
		early: newEarlyTurns(), books: newBooks(), activities: newActivities(), timers: newTimers(o.clock), workers: newWorkers(o.clock.Now()),
		waiters: make(map[string][]*waiter), asks: make(map[string]*asked), asksOf: make(map[string]int),
		requests: make(map[string]*call), watchers: make(map[watchKey][]watcher),
	}
}

// runAlone carries on the instances of all shards.
func (o *Owner) runAlone(ctx context.Context, l *loop) error {
	leases, err := o.acquire(l.ctx) // an end that comes now is an orderly one
	if err != nil {
		o.close(err)
		return err
	}
	l.leases, l.epoch = leases, leases[0].Epoch
	if err = l.begun(); err == nil {
		l.acquired(leases)
		l.sweepRequests()
		l.retain()
		err = l.run(ctx)
	}
	o.close(err)
	l.shutDown(err)
	if err == nil {
		err = o.store.Release(l.ctx, o.cfg.Node, leases)
	}
	return err
}

// runShared carries on the instances of the shards that this node holds. If it fails,
// the leases are left to run out, as after a crash.
func (o *Owner) runShared(ctx context.Context, l *loop) error {
	helping, cancel := context.WithCancel(l.ctx)
	defer cancel()
	l.helping, l.io = helping, o.keeper.calls(l.ctx)
	l.timers.push(alarm{due: l.clock.Now().Add(sweepEvery), timer: &store.Timer{Task: sweepTimer}})
	l.later(retainLeast, (*loop).retain)
	var wg sync.WaitGroup
	wg.Go(func() { o.keeper.run(helping) })
	err := l.run(ctx)
	o.close(err)
	l.shutDown(err)
	cancel()
	wg.Wait()
	l.helpers.Wait()
	if err == nil {
		o.keeper.abandon(l.ctx)
	}
	return err
}

func (o *Owner) acquire(ctx context.Context) ([]store.Lease, error) {
	all := make([]store.Shard, store.Shards)
	for i := range all {
		all[i] = store.Shard(i)
	}
	leases, err := o.store.Acquire(ctx, o.cfg.Node, all, time.Minute)
	if err == nil && len(leases) != store.Shards {
		err = errors.New("somebody else owns shards of this hub")
	}
	return leases, err
}

// close refuses calls from now on.
func (o *Owner) close(err error) {
	if err == nil {
		err = errors.New("the hub was stopped")
	}
	o.ended = unavailable(err)
	o.mail.end(o.ended)
	close(o.done)
	o.told.breakAll(o.ended)
}

// call has the loop carry f out, which ends the call that it is given. If it is about
// an instance, it fails with an ElsewhereError if the instance's shard is not held here.
func (o *Owner) call(ctx context.Context, id string, f func(*loop, *call)) (any, error) {
	c := o.newCall()
	c.actor = hub.ActorOf(ctx)
	if err := o.mail.add(item{do: func(l *loop) { l.carryOut(id, c, f) }}); err != nil {
		return nil, err
	}
	return o.wait(ctx, c)
}

func (l *loop) carryOut(id string, c *call, f func(*loop, *call)) {
	if id != "" {
		if err := l.refuses(id); err != nil {
			c.end(nil, err)
			return
		}
	}
	f(l, c)
}

// newCall returns a call that ends without an answer when all shards are given up.
func (o *Owner) newCall() *call {
	c := newCall()
	if over := o.over.Load(); over != nil {
		c.over = *over
	}
	return c
}

// endCalls ends the calls that are under way, for what becomes of them is not known.
func (o *Owner) endCalls() {
	next := make(chan struct{})
	close(*o.over.Swap(&next))
	o.told.breakAll(errDropped)
}

// wait waits until the call has ended, or the caller or the hub gives up.
func (o *Owner) wait(ctx context.Context, c *call) (any, error) {
	select {
	case <-c.done:
		return c.value, c.err
	default:
	}
	var err error
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		return nil, contextError(ctx)
	case <-c.over:
		err = errDropped
	case <-o.done:
		err = o.ended
	}
	select {
	case <-c.done:
		return c.value, c.err
	default:
		return nil, err
	}
}

// check refuses results of a turn that go beyond the limits.
func (l Limits) check(id string, r *engine.TurnResult) (why *history.Failure) {
	if n := len(r.Actions); n > l.TurnActions {
		return &history.Failure{Type: "TooManyActions", NonRetriable: true, Message: overActions(id, n, l.TurnActions)}
	}
	for i := range r.Actions {
		who, n := payloadOf(&r.Actions[i])
		if n > l.Payload {
			return replay.TooLarge("orchestration "+id+": "+who+" has", n, l.Payload)
		}
	}
	if n := len(r.CustomStatus.S); n > maxCustomStatus {
		return replay.TooLarge("orchestration "+id+": its custom status is", n, maxCustomStatus)
	}
	return nil
}

// maxCustomStatus bounds a custom status, which every commit writes, in bytes.
const maxCustomStatus = 16 << 10

func invalid(op, id, message string) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: clip(id, 120), Message: message}
}
