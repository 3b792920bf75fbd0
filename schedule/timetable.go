package schedule

import (
	"errors"
	"hash/fnv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// timetable is the firing times of a schedule: those of cron in a zone, or the
// multiples of an interval.
type timetable struct {
	id         string
	cron       cron.Schedule
	zone       *time.Location
	interval   int64 // milliseconds; 0 = cron
	phase      int64 // milliseconds
	start, end time.Time
	jitter     time.Duration
}

// maxCounted bounds how many firing times of cron are counted one by one.
const maxCounted = 1000

func parseCron(text string) (cron.Schedule, error) {
	switch {
	case len(text) > maxCron:
		return nil, errors.New("it is too long")
	case strings.Contains(text, "TZ="):
		return nil, errors.New("the zone belongs into TimeZone")
	case strings.HasPrefix(text, "@every"):
		return nil, errors.New("a duration follows @every")
	}
	return cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom |
		cron.Month | cron.Dow | cron.Descriptor).Parse(text)
}

// next returns the first firing time after a moment, in UTC; zero if none
// follows.
func (t *timetable) next(after time.Time) time.Time {
	if after.Before(t.start) {
		after = t.start.Add(-1)
	}
	var n time.Time
	if t.interval > 0 {
		n = time.UnixMilli(t.floor(after) + t.interval)
	} else if n = t.cron.Next(after.In(t.zone)); n.IsZero() {
		return time.Time{}
	}
	if !t.end.IsZero() && n.After(t.end) {
		return time.Time{}
	}
	return n.UTC()
}

// floor returns the last multiple of the interval that is not after a moment, in
// milliseconds since the epoch.
func (t *timetable) floor(at time.Time) int64 {
	since := at.UnixMilli() - t.phase
	rest := since % t.interval
	if rest < 0 {
		rest += t.interval
	}
	return at.UnixMilli() - rest
}

// latest returns the last firing time that is not after now, and how many there
// are from first, which is one, up to it without it; of cron no more than
// maxCounted are counted.
func (t *timetable) latest(first, now time.Time) (last time.Time, passed int) {
	if !t.end.IsZero() && now.After(t.end) {
		now = t.end
	}
	if t.interval > 0 {
		ms := t.floor(now)
		return time.UnixMilli(ms).UTC(), int((ms - first.UnixMilli()) / t.interval)
	}
	last = t.lastOfCron(first, now)
	for at := first; at.Before(last) && passed < maxCounted; at = t.next(at) {
		passed++
	}
	return last, passed
}

// lastOfCron halves the time between first and now until it holds one firing
// time: cron gives whole seconds, and only what follows a moment.
func (t *timetable) lastOfCron(first, now time.Time) time.Time {
	due := func(after time.Time) bool {
		n := t.next(after)
		return !n.IsZero() && !n.After(now)
	}
	if !due(first) {
		return first
	}
	low, high := first, now // a firing time follows low, none follows high
	for high.Sub(low) > time.Second {
		if mid := low.Add(high.Sub(low) / 2); due(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return t.next(low)
}

// at returns when the firing time due is carried out: later by the jitter.
func (t *timetable) at(due time.Time) time.Time {
	most := t.jitter
	if most == 0 {
		return due
	}
	if n := t.next(due); !n.IsZero() {
		most = min(most, n.Sub(due))
	}
	h := fnv.New64a()
	h.Write([]byte(t.id + due.Format(time.RFC3339Nano)))
	x := h.Sum64()
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return due.Add(time.Duration(x%uint64(most.Milliseconds())) * time.Millisecond)
}

// runID names the run of a firing time.
func runID(schedule string, due time.Time) string {
	layout := "20060102T150405Z"
	if due.Nanosecond() != 0 {
		layout = "20060102T150405.000Z"
	}
	return schedule + ":" + due.UTC().Format(layout)
}
