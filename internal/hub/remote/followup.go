package remote

import (
	"errors"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

const (
	// soonEnough is how long an activity may have taken whose turn its worker carries
	// out itself: after more a round trip does not matter.
	soonEnough = time.Second
	// smallEnough is the most bytes of its result: larger ones the hub may refuse.
	smallEnough = 16 << 10
	// turnTime is how long the outcome waits for the turn.
	turnTime = 5 * time.Millisecond
)

var errNotTaken = errors.New("the hub gives the orchestration another turn")

// finishActivity reports the outcome of an activity that took so long here. If the hub
// has said that it may, and the orchestration is at rest here, it carries out the turn
// that the outcome causes and reports both; the outcome alone if the turn takes long.
func (c *crew) finishActivity(work *hub.ActivityWork, took time.Duration, done *hub.ActivityDone) {
	var s *suspended
	key := executionKey{work.InstanceID, work.ExecutionID}
	if !work.TurnAt.IsZero() && took < soonEnough && done.Failure == nil && !done.Pending && len(done.Result.S) <= smallEnough {
		s = c.warm.rested(key)
	}
	if s == nil {
		c.finish(&report{activity: done})
		return
	}
	late := time.AfterFunc(turnTime, func() { c.finish(&report{activity: done}) })
	counts := false
	defer func() { // also when the code ends its goroutine
		if counts {
			return
		}
		c.warm.drop(key, s)
		s.tell(errNotTaken)
		if late.Stop() {
			c.finish(&report{activity: done})
		}
	}()
	at := work.TurnAt.Add(took).UTC().Truncate(time.Microsecond)
	result := s.exec.Turn(nil, engine.Fresh(at, []*engine.Message{{Event: &history.Event{
		ID: -1, Time: at, Body: &history.TaskCompleted{TaskScheduledID: work.TaskID, Result: done.Result},
	}}}))
	if s.gone.Load() || !counted(&result) || !late.Stop() {
		return
	}
	counts = true
	over := isOver(&result)
	c.finish(&report{activity: done, followUp: &hub.FollowUp{At: at, Result: result}, followed: func(taken bool) {
		if taken && !over {
			c.warm.rest(key, s)
			return
		}
		c.warm.drop(key, s)
		s.tell(errNotTaken)
	}})
}

// counted reports whether a turn has ended as turns do; others the hub is to give, and
// to hear of.
func counted(r *engine.TurnResult) bool {
	return r.Diverged == nil && !r.Unknown && !r.Panicked && r.Blocked == ""
}
