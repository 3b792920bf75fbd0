package shard

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

const (
	// startTimer is the task number of the timer of a scheduled start.
	startTimer int32 = -1
	// horizonStep is how far ahead timers are held in memory.
	horizonStep = 2 * time.Minute
	// timerPage bounds how many timers of a shard are read at a time.
	timerPage = 10_000
)

// timerKey names a timer among those in memory.
type timerKey struct {
	owner, execution string
	task             int32
}

// alarm is something that is due at a time.
type alarm struct {
	due   time.Time
	timer *store.Timer // of an instance
	n     uint64       // of an instance's timer: its number in timers.known
	run   *running     // an activity's deadline or heartbeat
	job   *job         // a turn that takes long
	call  func(*loop)  // something else
}

// timers holds in memory what is due before the horizon; the rest is in the
// store.
type timers struct {
	clock   clock.Clock
	heap    alarms
	known   map[timerKey]uint64 // those of heap that are valid, numbered
	count   uint64
	dead    int // alarms in heap of activities that have ended
	horizon [store.Shards]time.Time
	raise   time.Time // when the horizon is raised next
	wake    clock.Timer
	set     time.Time // what wake is set to; zero = not set
}

func newTimers(c clock.Clock) *timers {
	return &timers{clock: c, known: make(map[timerKey]uint64)}
}

type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].due.Before(a[j].due) }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)        { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = alarm{}
	*a = old[:len(old)-1]
	return x
}

// add takes a timer that the store has into memory, if it is due before the
// horizon.
func (t *timers) add(st store.Timer) {
	if !st.Due.Before(t.horizon[store.ShardOf(st.Owner)]) {
		return
	}
	t.take(st)
}

// take takes a timer into memory, unless it is there.
func (t *timers) take(st store.Timer) {
	k := timerKey{st.Owner, st.Execution, st.Task}
	if t.known[k] != 0 {
		return
	}
	t.count++
	t.known[k] = t.count
	heap.Push(&t.heap, alarm{due: st.Due, timer: &st, n: t.count})
}

// read takes timers that were read from the store.
func (t *timers) read(list []store.Timer) {
	for _, st := range list {
		t.add(st)
	}
}

// alarm returns a channel that is ready when something is due.
func (t *timers) alarm() <-chan time.Time {
	if len(t.heap) == 0 {
		if t.wake == nil {
			return nil
		}
		return t.wake.C()
	}
	due := t.heap[0].due
	if !due.Equal(t.set) {
		t.arm(due)
	}
	return t.wake.C()
}

// arm sets the wake-up to due. It does so again if the clock was moved in
// between, which would make the wake-up late.
func (t *timers) arm(due time.Time) {
	for {
		now := t.clock.Now()
		d := max(due.Sub(now), 0)
		if t.wake == nil {
			t.wake = t.clock.NewTimer(d)
		} else {
			t.wake.Reset(d)
		}
		if t.clock.Now().Sub(now) < time.Millisecond || d == 0 {
			break
		}
	}
	t.set = due
}

// push adds an alarm that is no timer of an instance.
func (t *timers) push(a alarm) { heap.Push(&t.heap, a) }

// watch pushes an alarm of an activity.
func (t *timers) watch(r *running, due time.Time) {
	r.alarms++
	t.push(alarm{due: due, run: r})
}

// bury gives up the alarms of an activity that has ended. They leave when they are
// the half of all, so that what ends long before its time limit is not held until
// then.
func (t *timers) bury(r *running) {
	t.dead += r.alarms
	if t.dead < minDead || 2*t.dead < len(t.heap) {
		return
	}
	t.heap = slices.DeleteFunc(t.heap, func(a alarm) bool { return a.run != nil && a.run.ended })
	heap.Init(&t.heap)
	t.dead = 0
}

// minDead is how many alarms of ended activities are not worth a look.
const minDead = 1000

// due removes and returns the next alarm that is due at now.
func (t *timers) next(now time.Time) (alarm, bool) {
	if len(t.heap) == 0 || t.heap[0].due.After(now) {
		return alarm{}, false
	}
	a := heap.Pop(&t.heap).(alarm)
	if a.run != nil {
		if a.run.alarms--; a.run.ended {
			t.dead--
		}
	}
	if a.timer != nil && a.timer.Owner != "" {
		k := timerKey{a.timer.Owner, a.timer.Execution, a.timer.Task}
		if t.known[k] != a.n {
			return alarm{}, true // it was removed
		}
		delete(t.known, k)
	}
	return a, true
}

// remove forgets a timer that the store no longer has.
func (t *timers) remove(st store.Timer) {
	delete(t.known, timerKey{st.Owner, st.Execution, st.Task})
}

// fire hands out what is due.
func (l *loop) fire() {
	l.timers.set = time.Time{}
	now := l.clock.Now()
	if fault.Mutant(fault.TimerByNodeClock) {
		now = time.Now()
	}
	for n := 0; n < mostDue/2; n++ {
		a, ok := l.timers.next(now)
		if !ok {
			break
		}
		switch {
		case a.call != nil:
			a.call(l)
		case a.timer == nil && a.run == nil && a.job == nil:
		case a.run != nil:
			l.activities.overdue(l, a.run, now)
		case a.job != nil:
			l.stillSlow(a.job)
		case a.timer.Owner == "" && a.timer.Task == spaceTimer:
			l.askSpace()
		case a.timer.Owner == "" && a.timer.Task == sweepTimer:
			l.sweepRequests()
		case a.timer.Owner == "":
			l.raiseHorizon()
		default:
			if err := fault.Hit(fault.TimerFire, l.node); err != nil {
				l.fail(err)
				return
			}
			l.fireTimer(a.timer)
		}
	}
}

// mostDue is how many turns and commits wait at most while timers go on firing: what else
// comes does not stand behind all that is due in the same second.
const mostDue = maxGroup / 2

// mayFire reports whether timers may fire now. When the disk is full they do, for one of
// them looks whether it still is.
func (l *loop) mayFire() bool {
	return len(l.ready)+len(l.pending) < mostDue || !l.pressed.IsZero()
}

// fireTimer turns a timer into the message that it stands for.
func (l *loop) fireTimer(st *store.Timer) {
	l.stats.TimerLate.add(int64(max(l.clock.Now().Sub(st.Due), 0)), 1)
	if st.Task == foldTimer {
		l.foldNow(st)
		return
	}
	m := &engine.Message{Execution: st.Execution, Event: &history.Event{
		ID: -1, Time: l.clock.Now().UTC(), Body: &history.TimerFired{FireAt: st.Due, TimerID: st.Task},
	}}
	if len(st.Data) > 0 {
		stored, err := engine.DecodeMessage(st.Data)
		if err != nil {
			l.fail(err)
			return
		}
		stored.Stored = false
		m = stored
	}
	if st.Task == startTimer {
		in, err := l.find(st.Owner)
		if err != nil {
			l.broke(err)
			return
		}
		if in.rec == nil || in.rec.Status != store.Pending || in.rec.Execution != st.Execution {
			l.afterTurn(in) // the start was overtaken
			return
		}
	}
	l.deliver(st.Owner, &entry{m: m, timer: st})
}

// raiseHorizon lets timers of the next stretch of time into memory: first the
// horizon rises, so that commits add theirs, then the store is read.
func (l *loop) raiseHorizon() {
	if t := l.timers; l.clock.Now().Before(t.raise) {
		return // it was done earlier, for there were too many
	}
	l.timers.raise = time.Time{}
	l.raiseHorizonOf(l.heldShards())
}

// raiseHorizonOf does so for some shards, and has it done again for all.
func (l *loop) raiseHorizonOf(shards []store.Shard) {
	now := l.clock.Now().UTC()
	next := now.Add(horizonStep)
	for _, s := range shards {
		from := l.timers.horizon[s]
		to := next
		if !to.After(from) { // never lowered: what was read is not read again
			continue
		}
		l.timers.horizon[s] = to
		list, more, err := l.store.Timers(l.io, s, from, to, nil, timerPage)
		if err != nil {
			l.broke(err)
			return
		}
		if more != nil { // too many: the horizon ends where reading did
			last := list[len(list)-1].Due
			l.timers.horizon[s] = last
			next = minTime(next, last)
		}
		l.timers.read(list)
		if more != nil {
			l.timers.readAt(list, l.timers.horizon[s])
		}
	}
	again := now.Add(horizonStep / 2)
	if next.Before(again) {
		again = next
	}
	if t := l.timers; t.raise.IsZero() || again.Before(t.raise) {
		t.raise = again
		t.push(alarm{due: again, timer: &store.Timer{Task: startTimer}})
	}
}

// drop forgets the timers of shards.
func (t *timers) drop(gone *[store.Shards]bool) {
	for k := range t.known {
		if gone[store.ShardOf(k.owner)] {
			delete(t.known, k)
		}
	}
	for s := range gone {
		if gone[s] {
			t.horizon[s] = time.Time{}
		}
	}
}

// readAt takes in timers due exactly at the horizon, of which a page may hold
// only some: add refuses them, and the next reading starts there.
func (t *timers) readAt(list []store.Timer, at time.Time) {
	if len(list) > 0 && list[0].Due.Equal(at) { // a whole page is due at once
		for _, st := range list {
			t.take(st)
		}
	}
}

func (t *timers) close(context.Context) {
	if t.wake != nil {
		t.wake.Stop()
	}
}
