package shard

import (
	"testing"
	"time"

	"github.com/perdure/perdure/internal/clock"
)

// TestEndedActivitiesLeaveTheTimers has many activities end long before their time
// limit, and few that go on.
func TestEndedActivitiesLeaveTheTimers(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	timers := newTimers(clock.NewVirtual(now))
	var open []*running
	for i := range 100_000 {
		r := &running{}
		timers.watch(r, now.Add(time.Hour))
		timers.watch(r, now.Add(time.Minute))
		if i%1000 == 0 {
			open = append(open, r)
			continue
		}
		r.ended = true
		timers.bury(r)
	}
	if got, most := len(timers.heap), 2*len(open)+2*minDead; got > most {
		t.Errorf("%d alarms are held for %d activities, want at most %d", got, len(open), most)
	}
	left := 0
	for a, ok := timers.next(now.Add(time.Hour)); ok; a, ok = timers.next(now.Add(time.Hour)) {
		if !a.run.ended {
			left++
		}
	}
	if left != 2*len(open) || timers.dead != 0 {
		t.Errorf("%d alarms of open activities came, %d count as dead; want %d and none", left, timers.dead, 2*len(open))
	}
}
