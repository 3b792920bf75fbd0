package shard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/store"
)

// activityKey names an open activity.
type activityKey struct {
	id, execution string
	task          int32
}

// running is an activity that waits for a place, or runs.
type running struct {
	key      activityKey
	seed     string // of the execution, see engine.Orchestration.Seed
	task     *engine.Task
	delivery delivery
	dequeued time.Time

	ctx     context.Context
	cancel  context.CancelCauseFunc
	beat    atomic.Int64 // time of the newest heartbeat, Unix nanoseconds
	ended   bool         // its outcome is known, or nobody wants it
	alarms  int          // of it in the loop's timers
	outside bool         // it will be completed by its token
	suspect bool         // it was lost in crashes: it runs alone
	moved   atomic.Bool  // its shard was given up: others take its outcome
	due     time.Time    // of its attempt; zero = none

	item   *workItem // nil = it runs in this process
	away   bucketKey // of item
	worker string    // that ran it

	prev, next *running // of the same instance, in the order in which they were opened
}

// activityEnd is what a worker says of an activity.
type activityEnd struct {
	run     *running
	result  history.Text
	failure *history.Failure
	pending bool
	lost    bool // with its worker
	started time.Time
}

// activities runs the activities of this node's instances. The loop owns it.
type activities struct {
	open    map[activityKey]*running
	held    map[string]heldList // what is open, by instance
	waiting []*running          // for a place
	active  int
	limits  map[string]*limiter
	// suspects were lost in crashes and run one at a time; alone is the one that
	// runs.
	suspects []*running
	alone    *running
	lacking  map[string]map[*running]bool // that no worker serves, by instance
	wg       sync.WaitGroup
}

// limiter bounds the activities that share a key.
type limiter struct {
	running int
	waiting []*running
}

func newActivities() *activities {
	return &activities{
		open: make(map[activityKey]*running), held: make(map[string]heldList), limits: make(map[string]*limiter),
		lacking: make(map[string]map[*running]bool),
	}
}

// stop tells all that run that the hub is stopping.
func (a *activities) stop() {
	for _, r := range a.open {
		if r.cancel != nil {
			r.cancel(errStopping)
		}
	}
}

// dispatch runs a task as soon as there is a place for it.
func (a *activities) dispatch(l *loop, in *instance, execution string, t *engine.Task) {
	k := activityKey{in.id, execution, t.ID}
	if old := a.open[k]; old != nil {
		a.end(l, old)
	}
	r := &running{key: k, seed: execution, task: t}
	if in.orch != nil && in.orch.Execution == execution {
		r.seed = in.orch.Seed()
	}
	if l.code.KnowsActivity(t.Name) {
		r.delivery = l.nextDelivery(in.id)
	} else {
		r.away = activityKind(in.orch, t)
		r.item = &workItem{kind: ofActivity, id: in.id, run: r}
	}
	r.suspect = in.sum != nil && in.sum.Losses[t.ID] >= suspectLosses
	a.add(r)
	if t.Options.Limit > 0 && t.Options.LimitKey != "" {
		lim := a.limits[t.Options.LimitKey]
		if lim == nil {
			lim = &limiter{}
			a.limits[t.Options.LimitKey] = lim
		}
		if lim.running >= int(t.Options.Limit) {
			lim.waiting = append(lim.waiting, r)
			return
		}
		lim.running++
	}
	a.place(l, r)
}

func (a *activities) place(l *loop, r *running) {
	if l.refuses(r.key.id) != nil {
		return // whoever takes the shard over runs it
	}
	if r.item != nil {
		a.placeAway(l, r)
		return
	}
	if r.suspect && a.alone != r {
		a.suspects = append(a.suspects, r)
		a.nextSuspect(l)
		return
	}
	if a.active >= l.limits.Activities {
		a.waiting = append(a.waiting, r)
		return
	}
	a.start(l, r)
}

// nextSuspect records the start of the next suspect, then runs it.
func (a *activities) nextSuspect(l *loop) {
	for a.alone == nil && len(a.suspects) > 0 {
		r := a.suspects[0]
		a.suspects = a.suspects[1:]
		if r.ended {
			continue
		}
		a.alone = r
		w := &rowWrite{rows: []store.Row{{Kind: rowStarted, Owner: r.key.id, Key: pendingKey(r.key), Value: []byte{1}}}}
		w.then = func() {
			if !r.ended {
				a.place(l, r)
			}
		}
		l.write(r.key.id, w)
	}
}

// start runs an activity on a goroutine of its own.
func (a *activities) start(l *loop, r *running) {
	a.active++
	event := r.task.Event
	body := event.Body.(*history.TaskScheduled)
	now := l.clock.Now()
	info := perdure.ActivityInfo{
		Name: body.Name, InstanceID: r.key.id, ExecutionID: r.key.execution, TaskID: r.key.task,
		Attempt: 1, Token: r.token(), Worker: l.node, Tags: body.Tags,
	}
	if m := event.Meta; m != nil {
		info.Attempt = max(1, int(m.Attempt))
		info.EffectID = string(m.Effect)
	}
	if info.EffectID == "" {
		info.EffectID = r.effect()
	}
	// No parent, which would keep a list of children: stop cancels each.
	ctx, cancel := context.WithCancelCause(l.ctx) // with the values that Run was given
	r.ctx, r.cancel = ctx, cancel
	r.dequeued = now
	r.beat.Store(now.UnixNano())
	if d := r.task.Options.Timeout; d > 0 {
		r.due = now.Add(d)
		info.Deadline = r.due
		l.timers.watch(r, r.due)
	}
	if d := r.task.Options.HeartbeatTimeout; d > 0 {
		l.timers.watch(r, now.Add(d))
	}
	info.Heartbeat = func(progress any) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return l.heartbeat(r, progress)
	}
	a.wg.Add(1)
	go func() {
		defer a.wg.Done()
		if fault.Hit(fault.ActivityBefore, l.node) != nil {
			return // lost with its worker
		}
		end := &activityEnd{run: r, started: now, failure: &history.Failure{
			Type: "Goexit", Message: fmt.Sprintf("activity %q ended its goroutine (runtime.Goexit)", body.Name),
		}}
		defer func() { l.mail.add(item{result: end}) }() // also when the code ends its goroutine
		end.result, end.failure = l.code.RunActivity(ctx, info, body.Input)
		if fault.Hit(fault.ActivityAfter, l.node) != nil {
			end.lost = true
		}
		if replay.Pending(end.failure) {
			end.failure, end.pending = nil, true
		}
	}()
}

// effect is the effect id of an activity that its orchestration gave none: the same
// after a rewind.
func (r *running) effect() string {
	var buf [160]byte
	b := append(buf[:0], r.key.id...)
	b = append(append(b, '/'), r.seed...)
	return string(strconv.AppendInt(append(b, '/'), int64(r.key.task), 10))
}

// end closes the books on a delivery and lets others have its place.
func (a *activities) end(l *loop, r *running) {
	if r.ended {
		return
	}
	r.ended = true
	l.timers.bury(r)
	if r.item != nil {
		a.served(l, r)
		l.workers.drop(r.item)
	}
	a.remove(r)
	if a.alone == r {
		a.alone = nil
		a.nextSuspect(l)
	}
	if o := r.task.Options; o.Limit > 0 && o.LimitKey != "" {
		a.freeLimit(l, r, o)
	}
}

func (a *activities) freeLimit(l *loop, r *running, o engine.Options) {
	lim := a.limits[o.LimitKey]
	for i, w := range lim.waiting {
		if w == r { // it never had a place
			lim.waiting = append(lim.waiting[:i:i], lim.waiting[i+1:]...)
			return
		}
	}
	lim.running--
	for len(lim.waiting) > 0 && lim.running < int(o.Limit) {
		next := lim.waiting[0]
		lim.waiting = lim.waiting[1:]
		if !next.ended {
			lim.running++
			a.place(l, next)
		}
	}
	if lim.running == 0 && len(lim.waiting) == 0 {
		delete(a.limits, o.LimitKey)
	}
}

// freePlace lets the next activity run.
func (a *activities) freePlace(l *loop) {
	a.active--
	for len(a.waiting) > 0 && a.active < l.limits.Activities {
		next := a.waiting[0]
		a.waiting[0] = nil
		a.waiting = a.waiting[1:]
		if !next.ended {
			a.start(l, next)
		}
	}
}

var (
	errCompleted = errors.New("the activity was completed from elsewhere")
	errAbandoned = errors.New("the orchestration no longer waits for this activity")
	errOverdue   = errors.New("the activity's time is over")
	errStopping  = errors.New("the hub is stopping")
	errElsewhere = errors.New("the activity was completed from elsewhere")
)

// abandon cancels an activity that nobody waits for.
func (a *activities) abandon(l *loop, id, execution string, task int32) {
	if r := a.open[activityKey{id, execution, task}]; r != nil {
		a.giveUp(l, r)
	}
}

func (a *activities) giveUp(l *loop, r *running) {
	if r.item != nil {
		l.stopAway(r, errAbandoned)
	}
	a.end(l, r)
	if r.cancel != nil {
		r.cancel(errAbandoned)
	}
}

// dropInstance cancels what an instance that has ended still has running.
func (a *activities) dropInstance(l *loop, id string) {
	for r := a.held[id].first; r != nil; r = a.held[id].first { // each leaves the list
		a.giveUp(l, r)
	}
}

// activityEnded takes in the outcome of an activity.
func (l *loop) activityEnded(end *activityEnd) {
	r, a := end.run, l.activities
	defer a.freePlace(l)
	r.cancel(nil)
	switch {
	case r.moved.Load():
		l.movedEnded(end)
		return
	case r.ended || end.lost:
		return // cancelled, overdue, or completed from outside
	case end.pending:
		l.handOver(r, nil)
		return
	case l.stopping && end.failure != nil && context.Cause(r.ctx) == errStopping:
		return // it was interrupted: it runs again when the hub is back
	}
	l.outcome(r, end.result, end.failure, end.started)
}

// outcome gives an activity's end to its orchestration.
func (l *loop) outcome(r *running, result history.Text, failure *history.Failure, started time.Time) {
	l.outcomeFor(r, result, failure, started, nil)
}

// outcome is an activity's end on its way to the orchestration, allocated as
// one.
type outcome struct {
	entry     entry
	message   engine.Message
	event     history.Event
	meta      history.Meta
	completed history.TaskCompleted
}

func (l *loop) outcomeFor(r *running, result history.Text, failure *history.Failure, started time.Time, acks []ack) {
	l.activities.end(l, r)
	name := r.task.Name
	if n := len(result.S); n > l.limits.Payload {
		failure = replay.TooLarge(fmt.Sprintf("activity %q of %s returned", name, r.key.id), n, l.limits.Payload)
	}
	o := &outcome{
		event: history.Event{ID: -1, Time: l.clock.Now().UTC().Truncate(time.Microsecond)},
		meta:  history.Meta{DequeuedAt: r.dequeued.UTC(), StartedAt: started.UTC(), Worker: l.node},
	}
	if r.item != nil {
		o.meta.Worker, o.meta.StartedAt = r.worker, time.Time{}
	}
	if r.item != nil && acks != nil { // whoever completes it again is told that it was accepted
		o.meta.Delivery = r.delivery.append(nil)
	}
	o.event.Meta = &o.meta
	if m := r.task.Event.Meta; m != nil {
		o.meta.Attempt = m.Attempt
	}
	if failure != nil {
		o.event.Body = &history.TaskFailed{TaskScheduledID: r.key.task, Failure: failure}
	} else {
		o.meta.Usage = usageOf(name, result)
		o.completed = history.TaskCompleted{TaskScheduledID: r.key.task, Result: result}
		o.event.Body = &o.completed
	}
	o.message = engine.Message{Execution: r.key.execution, Event: &o.event}
	o.entry = entry{acks: acks, m: &o.message, task: r.task}
	if r.cancel != nil && acks == nil && !r.outside {
		o.entry.run = r
	}
	en := &o.entry
	if r.suspect && r.item == nil {
		en.rows = append(en.rows, store.Row{Kind: rowStarted, Owner: r.key.id, Key: pendingKey(r.key), Delete: true})
	}
	switch {
	case r.item != nil && !r.outside: // the event says which delivery it ends
	case acks != nil: // whoever says it again is told that it was accepted
		en.rows = append(en.rows, pendingRowOf(r, pendingDone))
	case r.outside:
		en.rows = append(en.rows, store.Row{Kind: rowPending, Owner: r.key.id, Key: pendingKey(r.key), Delete: true})
	}
	l.deliver(r.key.id, en)
}

func pendingKey(k activityKey) []byte {
	return fmt.Appendf(nil, "%s/%08x", k.execution, uint32(k.task))
}

// handOver records that an activity will be completed from outside, so that it
// is not run again after a crash.
func (l *loop) handOver(r *running, acks []ack) {
	r.outside = true
	rows := []store.Row{pendingRowOf(r, pendingOpen)}
	if r.suspect && r.item == nil { // it runs here no more
		rows = append(rows, store.Row{Kind: rowStarted, Owner: r.key.id, Key: pendingKey(r.key), Delete: true})
	}
	l.write(r.key.id, &rowWrite{rows: rows, acks: acks})
	if a := l.activities; a.alone == r {
		a.alone = nil
		a.nextSuspect(l)
	}
}

// The states of an activity that is completed from outside.
const (
	pendingOpen uint64 = 0
	pendingDone uint64 = 1
)

// pendingRowOf is the row of an activity that is completed from outside.
func pendingRowOf(r *running, state uint64) store.Row {
	value := protowire.AppendVarint(r.delivery.append(nil), state)
	value = protowire.AppendVarint(value, uint64(r.dequeued.UnixMicro()))
	return store.Row{Kind: rowPending, Owner: r.key.id, Key: pendingKey(r.key), Value: value}
}

// adopt watches the limits of an activity that an earlier hub left to be
// completed from outside.
func (a *activities) adopt(l *loop, k activityKey, t *engine.Task, p pendingState) {
	o := t.Options
	if a.open[k] != nil || o.Timeout <= 0 && o.HeartbeatTimeout <= 0 && o.Limit <= 0 {
		return
	}
	a.outside(l, k, t, p.delivery, p.began)
}

// outside opens an activity that will be completed by its token.
func (a *activities) outside(l *loop, k activityKey, t *engine.Task, d delivery, began time.Time) {
	o := t.Options
	if o.Limit > 0 && o.LimitKey != "" {
		if a.limits[o.LimitKey] == nil {
			a.limits[o.LimitKey] = &limiter{}
		}
		a.limits[o.LimitKey].running++
	}
	r := &running{key: k, task: t, delivery: d, dequeued: began, outside: true, cancel: func(error) {}}
	a.add(r)
	r.beat.Store(l.clock.Now().UnixNano())
	if d := o.Timeout; d > 0 {
		r.due = began.Add(d)
		l.timers.watch(r, r.due)
	}
	if d := o.HeartbeatTimeout; d > 0 {
		l.timers.watch(r, l.clock.Now().Add(d))
	}
}

// overdue ends an activity whose time is over, or that has been silent for too
// long.
func (a *activities) overdue(l *loop, r *running, now time.Time) {
	if r.ended || r.item != nil && !r.item.out() && !r.outside {
		return // a waiting activity's time has not begun
	}
	o := r.task.Options
	if !r.due.IsZero() && !now.Before(r.due) {
		a.timeOut(l, r, fmt.Sprintf("activity %q did not end within %v", r.task.Name, o.Timeout))
		return
	}
	if o.HeartbeatTimeout > 0 {
		due := time.Unix(0, r.beat.Load()).Add(o.HeartbeatTimeout)
		if now.Before(due) {
			l.timers.watch(r, due)
			return
		}
		a.timeOut(l, r, fmt.Sprintf("activity %q gave no heartbeat for %v", r.task.Name, o.HeartbeatTimeout))
	}
}

func (a *activities) timeOut(l *loop, r *running, why string) {
	if r.item != nil {
		l.stopAway(r, errOverdue)
	}
	if r.cancel != nil {
		r.cancel(errOverdue)
	}
	l.outcome(r, history.Text{}, &history.Failure{Type: perdure.DeadlineExceeded.String(), Message: why}, r.dequeued)
}

// token names this delivery to those who complete it from outside.
func (r *running) token() string {
	t := token{key: r.key, delivery: r.delivery}
	if r.task != nil {
		t.at = r.task.At
	}
	return t.String()
}

// heartbeat is called by the running activity, on its goroutine.
func (l *loop) heartbeat(r *running, progress any) error {
	r.beat.Store(l.clock.Now().UnixNano())
	moved := r.moved.Load()
	if progress == nil && !moved {
		return nil
	}
	var b []byte
	if progress != nil {
		var err error
		if b, err = json.Marshal(progress); err != nil {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: "heartbeat", Instance: r.key.id, Message: "progress is not JSON", Cause: err}
		}
	}
	if moved {
		return l.beatElsewhere(r, b)
	}
	return l.mail.add(item{do: func(l *loop) {
		if !r.ended {
			l.write(r.key.id, &rowWrite{rows: []store.Row{{Kind: rowBeat, Owner: r.key.id, Key: pendingKey(r.key), Value: b}}})
		}
	}})
}
