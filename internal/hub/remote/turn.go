package remote

import (
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// slowTurn is how long a turn may take before it is reported as blocked.
const slowTurn = 5 * time.Second

// turn carries out a turn of an orchestration.
func (c *crew) turn(token string, work *hub.OrchestrationWork) {
	at := hub.Delivery{Token: token, InstanceID: work.InstanceID}
	key := executionKey{work.InstanceID, work.ExecutionID}
	s := c.warm.take(key)
	if work.Warm && (s == nil || !s.agrees() || c.warm.take(key) != s) {
		c.warm.drop(key, s)
		c.finish(&report{turn: &hub.OrchestrationDone{Delivery: at, NeedHistory: true}})
		return
	}
	var past []*history.Event
	fresh, err := decodeEvents(work.New)
	if err == nil && !work.Warm {
		c.warm.drop(key, s)
		past, err = c.past(work)
		s = &suspended{exec: c.code.Open(work.InstanceID, work.ExecutionID)}
		c.warm.begin(key, s)
	}
	if err != nil {
		c.cfg.Logger.Error("a turn cannot be carried out", "instance", work.InstanceID, "err", err)
		c.warm.drop(key, s)
		c.finish(&report{abandon: &at})
		return
	}
	ended := false
	defer func() {
		if !ended { // the code has ended its goroutine
			c.warm.drop(key, s)
			c.finish(&report{abandon: &at})
		}
	}()
	watch := time.AfterFunc(slowTurn, func() {
		c.cfg.Logger.Warn("a turn waits for something that is no task", "instance", work.InstanceID, "stack", s.exec.Stack())
	})
	result := s.exec.Turn(past, fresh)
	watch.Stop()
	if s.gone.Load() { // given up meanwhile: what it says counts for nothing
		return
	}
	ended = true
	s.wait()
	over := isOver(&result)
	c.finish(&report{
		turn: &hub.OrchestrationDone{Delivery: at, Result: result, Trace: work.Trace},
		told: func(err error) {
			if err == nil && !over {
				c.warm.rest(key, s)
				return
			}
			c.warm.drop(key, s)
			s.tell(err)
		},
	})
}

// past returns what happened before a turn.
func (c *crew) past(work *hub.OrchestrationWork) ([]*history.Event, error) {
	if work.Long {
		return c.cfg.Hub.History(c.ctx, work.InstanceID, work.ExecutionID)
	}
	return decodeEvents(work.Past)
}

func decodeEvents(list [][]byte) ([]*history.Event, error) {
	events := make([]*history.Event, len(list))
	for i, b := range list {
		e, err := history.Decode(b)
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return events, nil
}

// isOver reports whether the code does not go on after the turn.
func isOver(r *engine.TurnResult) bool {
	if r.Diverged != nil || r.Unknown || r.Panicked {
		return true
	}
	for i := len(r.Actions) - 1; i >= 0; i-- {
		switch r.Actions[i].Do.(type) {
		case *engine.Complete, *engine.Rewind:
			return true
		}
	}
	return false
}
