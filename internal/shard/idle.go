package shard

import (
	"context"
	"time"

	"github.com/perdure/perdure/store"
)

// Idle returns when nothing moves by itself any more: no message, turn or commit
// is under way and no activity runs. Next is when the hub's clock makes something
// happen, zero if nothing waits for time. Tests decide by it when to move a clock.
func (o *Owner) Idle(ctx context.Context) (next time.Time, err error) {
	v, err := o.call(ctx, "", func(l *loop, c *call) { l.idlers = append(l.idlers, c) })
	if err != nil {
		return time.Time{}, err
	}
	return v.(time.Time), nil
}

// tellIdle ends the calls that wait for the loop to be idle, if it is.
func (l *loop) tellIdle() {
	if len(l.idlers) == 0 || !l.idle() {
		return
	}
	next, err := l.nextDue()
	for _, c := range l.idlers {
		c.end(next, err)
	}
	l.idlers = nil
}

func (l *loop) idle() bool {
	if l.taking > 0 || l.leaving > 0 || l.inFlight > 0 || len(l.pending) > 0 || l.mail.waiting() > 0 || l.activities.active > 0 {
		return false
	}
	if h := l.timers.heap; len(h) > 0 && !h[0].due.After(l.clock.Now()) {
		return false
	}
	for _, in := range l.instances {
		if in.turning != nil && in.blocked == "" && (in.turning.item == nil || in.turning.item.out()) || len(in.after) > 0 {
			return false
		}
	}
	for _, le := range l.workers.leases {
		if le.item != nil {
			return false
		}
	}
	return true
}

// nextDue returns the time of the first timer or time limit.
func (l *loop) nextDue() (next time.Time, err error) {
	for _, a := range l.timers.heap {
		if a.matters() {
			next = minTime(next, a.due)
		}
	}
	for s, from := range l.timers.horizon {
		if l.held[s] == nil {
			continue
		}
		list, _, err := l.store.Timers(l.io, store.Shard(s), from, endOfTime, nil, 1)
		if err != nil {
			return next, internalError("look for timers", "", err)
		}
		if len(list) > 0 {
			next = minTime(next, list[0].Due)
		}
	}
	return next, nil
}

// matters reports whether something may happen to an instance at the alarm.
func (a *alarm) matters() bool {
	switch {
	case a.timer != nil:
		return a.timer.Owner != ""
	case a.run != nil:
		return !a.run.ended
	case a.job != nil: // a turn that took long; it may have ended since
		return a.job.in.turning == a.job
	}
	return true
}

// endOfTime is later than any timer.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
