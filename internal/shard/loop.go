package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/store"
)

// loop owns the state in memory. Only its goroutine touches its fields, but for
// mail.
type loop struct {
	owner     *Owner
	ctx       context.Context
	io        context.Context // of calls of the store
	node      string
	store     store.Store
	code      *replay.Runner
	clock     clock.Clock
	logger    *slog.Logger
	limits    Limits
	ids       *ids
	mail      *mail
	stats     *Stats
	retention Retention
	leases    []store.Lease // of all shards, if all are held here
	epoch     uint64        // of these

	held    [store.Shards]*holding
	taking  int // takeovers under way
	leaving int // shards that are to be given back

	// what an owner of some shards has beside that
	shared  *Shared // nil = all shards are held here, always
	keeper  *keeper
	view    *view
	upset   error // why all shards are to be given up; nil = they are not
	flying  []*flight
	others  map[store.Shard][]string // whom to tell of messages of a group
	seen    recent
	moved   map[string]*running // activities of this process whose shard was given up, by token
	adopted map[*running]string // activities that other nodes have: which
	asking  bool                // whether these are still held, now and then
	passing int                 // outcomes that are being handed to other nodes
	helpers sync.WaitGroup      // of goroutines that do that
	helping context.Context     // ends with the loop
	left    bool                // the node has left the others

	instances map[string]*instance
	cache     cache
	spilled   map[string]bool // instances whose queue was dropped from memory

	ready    []*instance
	runner   *runner
	patience *time.Timer
	early    earlyTurns
	books    books

	pending   []*change // commits for the next group
	inFlight  int
	pace      time.Duration // that the newest group took, for each of its commits
	newcomers int           // work that has begun since the newest group
	flights   chan *flight
	pressed   time.Time // when the store last refused for lack of space; zero = it did not
	noSpace   error     // what calls are told meanwhile
	toldSlow  time.Time // when the store was last reported as slow

	activities *activities
	workers    *workers
	incidents  incidents
	timers     *timers
	waiters    map[string][]*waiter
	asks       map[string]*asked // by request id
	asksOf     map[string]int    // by instance
	requests   map[string]*call  // client requests on their way, by request id
	watchers   map[watchKey][]watcher
	idlers     []*call // wait until nothing moves
	failed     error
	stopping   bool
	deadline   time.Time        // of the stop
	late       <-chan time.Time // ready at the deadline
}

// run works until ctx ends, then drains.
func (l *loop) run(ctx context.Context) error {
	var spare []item
	for {
		items, begun := l.mail.take(spare, l.room())
		l.newcomers += begun
		l.checkLeases()
		for i := range items {
			l.handle(&items[i])
			items[i] = item{}
			l.recover()
		}
		spare = items
		if l.leaving > 0 {
			l.letSettledGo()
		}
		over := l.stopping && !time.Now().Before(l.deadline)
		if !over {
			l.work()
		}
		l.workers.tell()
		if l.recover() {
			continue
		}
		if l.failed != nil {
			return l.failed
		}
		if over && l.inFlight == 0 {
			return nil // what is not written is done again when the hub is back
		}
		if len(items) > 0 || !over && (len(l.ready) > 0 && len(l.pending) < maxGroup || l.room() > 0 && l.mail.waiting() > 0) {
			continue
		}
		alarm := l.timers.alarm() // before anybody is told that all is idle, and moves the clock
		if !l.mayFire() {
			alarm = nil // a group that settles wakes the loop
		}
		l.tellIdle()
		if l.stopping && l.drained() {
			if l.closeBooks() {
				continue
			}
			return nil
		}
		select {
		case <-l.mail.wake:
		case <-alarm:
			l.fire()
		case <-l.early.timer.C:
			l.storeLate()
		case <-l.books.timer.C:
			l.saveBooks(nil)
		case <-l.late:
		case <-ctx.Done():
			if !l.stopping {
				l.stop()
				ctx = context.WithoutCancel(ctx)
			}
		}
	}
}

// handle takes one piece of mail in.
func (l *loop) handle(it *item) {
	switch {
	case it.do != nil:
		it.do(l)
	case it.result != nil:
		l.activityEnded(it.result)
	case it.group != nil:
		l.settle(it.group)
	case it.slow != nil:
		l.slowEnded(it.slow)
	case it.timers != nil:
		l.timers.read(it.timers)
	case it.more != nil:
		l.takeOver(it.more)
	}
}

// work carries out what is ready, and writes what came of it.
func (l *loop) work() {
	for len(l.ready) > 0 && l.sound() {
		batch := l.ready
		if len(batch) > maxTurnBatch {
			batch = batch[:maxTurnBatch]
		}
		l.turns(batch)
		l.ready = l.ready[len(batch):]
		if len(l.ready) == 0 {
			l.ready = nil
		}
		if len(l.pending) >= maxGroup {
			break
		}
	}
	l.flush()
}

// turns prepares, runs and applies one turn of each instance.
func (l *loop) turns(batch []*instance) {
	var jobs []*job
	for _, in := range batch {
		in.ready = false
		if in.unsettled || l.leaving > 0 && l.refuses(in.id) != nil {
			continue
		}
		if len(in.writes) > 0 {
			l.commitWrites(in)
			continue
		}
		if len(in.queue) == 0 && in.turning == nil {
			continue
		}
		if j := l.prepare(in); j != nil {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return
	}
	if err := fault.Hit(fault.TurnBefore, l.node); err != nil {
		l.fail(err)
		return
	}
	ended := l.runJobs(jobs)
	if err := fault.Hit(fault.TurnAfter, l.node); err != nil {
		l.fail(err)
		return
	}
	for _, j := range ended {
		l.apply(j)
	}
	for _, j := range jobs {
		if j.in.turning == j {
			l.keepEntries(j.in) // what it was given must not wait for it
			l.timers.push(alarm{due: l.clock.Now().Add(blockedAfter), job: j})
		}
	}
}

// blockedAfter is how long a turn may take before it is reported.
const blockedAfter = 2 * time.Second

// stillSlow reports a turn that takes so long that it must be waiting for
// something that is no task.
func (l *loop) stillSlow(j *job) {
	in := j.in
	if in.turning != j || j.state.Load() == jobDone {
		return
	}
	cause := "an operation does not end"
	if j.exec != nil {
		cause = "a turn does not end: orchestrations wait only for tasks, timers and events; it is at\n" + j.exec.Stack()
	}
	l.logger.Warn("code blocks its instance", "instance", in.id, "cause", cause)
	in.blocked = cause
	l.write(in.id, &rowWrite{touch: true})
}

// makeReady lets the instance have a turn, if it can have one.
func (l *loop) makeReady(in *instance) {
	if !in.ready && !in.unsettled {
		in.ready = true
		l.ready = append(l.ready, in)
	}
}

// enqueue gives a message to an instance.
func (l *loop) enqueue(in *instance, e *entry) {
	if in.known[e.m.ID] && e.m.Stored {
		return // it was read from the store already
	}
	at := len(in.queue)
	if e.m.Class != engine.ClassOther {
		if i := slices.IndexFunc(in.queue, func(x *entry) bool { return rank(x.m.Class) > rank(e.m.Class) }); i >= 0 {
			at = i
		}
	}
	in.queue = slices.Insert(in.queue, at, e)
	l.makeReady(in)
}

// prepare decides what the instance does next; nil means that there is nothing
// for a runner.
func (l *loop) prepare(in *instance) *job {
	if isEntity(in.id) {
		return l.prepareEntity(in)
	}
	return l.prepareOrchestration(in)
}

func (l *loop) apply(j *job) {
	if j.turn != nil {
		l.applyEntity(j)
		return
	}
	l.applyOrchestration(j)
}

// slowEnded takes in a turn that the loop had given up waiting for.
func (l *loop) slowEnded(j *job) {
	in := j.in
	if in.turning != j {
		if j.exec != nil {
			j.exec.Evict()
		}
		return // evicted meanwhile
	}
	if in.unsettled {
		j.state.Store(jobDone) // applied when the commit has settled
		return
	}
	in.turning, in.blocked = nil, ""
	l.apply(j)
}

// fail ends the hub: nothing is acknowledged any more.
func (l *loop) fail(err error) {
	if l.failed == nil {
		l.failed = err
	}
}

// recover begins anew after the store did not answer, and reports whether that was so.
func (l *loop) recover() bool {
	if l.upset == nil || l.failed != nil {
		return false
	}
	l.reset(l.upset)
	return true
}

// sound reports whether the loop may go on with what it is doing.
func (l *loop) sound() bool { return l.failed == nil && l.upset == nil }

// broke is what follows from an error that keeps the loop from going on with something.
// A store that is shared and does not answer costs this node its shards. That a shard is
// not held here any more means that nobody waits for it here.
func (l *loop) broke(err error) {
	var elsewhere *ElsewhereError
	switch {
	case errors.As(err, &elsewhere):
	case l.shared != nil && passes(err):
		if l.upset == nil {
			l.upset = err
		}
	default:
		l.fail(err)
	}
}

// passes reports whether an error of the store may be gone by itself.
func passes(err error) bool {
	for _, lasting := range [...]error{store.ErrFailed, store.ErrClosed, store.ErrCorrupt, store.ErrFormat} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return true
}

// checkLeases gives all up whose leases have run out.
func (l *loop) checkLeases() {
	if l.shared != nil && !l.keeper.valid() && l.holdsAny() {
		l.reset(errLease)
	}
}

func (l *loop) holdsAny() bool {
	return slices.ContainsFunc(l.held[:], func(h *holding) bool { return h != nil })
}

// refuse ends calls with an error.
func refuse(acks []ack, err error) {
	for _, a := range acks {
		a.call.end(nil, err)
	}
}

// internalError is what a client sees of a failure that is not its fault. A store that
// has stopped is one that a call may be given to again, once it is back.
func internalError(op, id string, err error) error {
	var elsewhere *ElsewhereError
	if errors.As(err, &elsewhere) {
		return err
	}
	for _, gone := range [...]error{store.ErrUnavailable, store.ErrFailed, store.ErrClosed} {
		if errors.Is(err, gone) {
			return storeError(op, id, err)
		}
	}
	return &perdure.Error{Code: perdure.Internal, Op: op, Instance: id, Message: "the hub could not carry it out", Cause: err}
}

func contextError(ctx context.Context) error {
	err := context.Cause(ctx)
	code := perdure.Canceled
	if ctx.Err() == context.DeadlineExceeded {
		code = perdure.DeadlineExceeded
	}
	return &perdure.Error{Code: code, Message: fmt.Sprintf("given up before there was an answer (%v)", err), Cause: ctx.Err()}
}
