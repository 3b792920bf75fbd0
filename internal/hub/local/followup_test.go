package local_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Follow-ups: a worker of ours carries out the turn that an activity's outcome causes
// without being given it. See docs/decisions/0022.

func TestG03_FollowUps(t *testing.T) {
	for name, check := range map[string]func(*testing.T) error{
		"taken": checkFollowUp, "not taken": checkFollowUpNot, "crash": checkFollowUpCrash,
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(t); err != nil {
				t.Error(err)
			}
		})
	}
}

func schedules(id int32) engine.Action {
	return engine.Action{ID: id, Do: &engine.ScheduleTask{Name: "act", Input: history.Some("1")}}
}

func completesWith(id int32, result string) engine.Action {
	return engine.Action{ID: id, Do: &engine.Complete{Status: history.StatusCompleted, Result: history.Some(result)}}
}

// newFollowing begins a run that waits for an activity, which its worker has.
func newFollowing(t *testing.T) (*early, *hub.Work) {
	e := newEarly(t)
	raised := e.raise(e.ctx, "go")
	if err := errors.Join(e.does(e.next(e.worker), schedules(1)), <-raised); err != nil {
		t.Fatal(err)
	}
	return e, e.next(e.worker)
}

// ends completes an activity, with the turn that follows.
func (e *early) ends(act *hub.Work, at time.Time, actions ...engine.Action) (taken bool, err error) {
	turn := &hub.FollowUp{At: at, Result: engine.TurnResult{Actions: actions}}
	err = e.hub.CompleteActivity(e.ctx, &hub.ActivityDone{
		Delivery: hub.Delivery{Token: act.Token}, Result: history.Some(`"done"`), FollowUp: turn,
	})
	return turn.Taken, err
}

// checkFollowUp has a worker carry out one turn after the other by itself: each costs one
// commit, and the history is as if it had been given them.
func checkFollowUp(t *testing.T) error {
	e, act := newFollowing(t)
	defer func() { e.stop() }()
	for i := int32(2); i <= 4; i++ {
		if act.Activity.TurnAt.IsZero() {
			return errors.New("the worker may not go on after the only activity of a run that it has warm")
		}
		next := schedules(i)
		if i == 4 {
			next = completesWith(i, `"end"`)
		}
		taken, err := e.ends(act, act.Activity.TurnAt, next)
		if err != nil || !taken {
			return fmt.Errorf("completing activity %d with its turn: taken = %v, %w", i-1, taken, err)
		}
		if again, err := e.ends(act, act.Activity.TurnAt, next); again || err != nil {
			return fmt.Errorf("completing it once more: taken = %v, %w, want no effect", again, err)
		}
		if i < 4 {
			act = e.next(e.worker)
		}
	}
	in, err := e.hub.WaitCompletion(e.ctx, "a")
	if err != nil {
		return err
	}
	if in.Output.S != `"end"` {
		return fmt.Errorf("the run ends with %q", in.Output.S)
	}
	events, err := e.hub.History(e.ctx, "a", "")
	if err != nil {
		return err
	}
	var last time.Time
	completed := 0
	for _, ev := range events {
		switch ev.Body.(type) {
		case *history.OrchestratorStarted:
			if ev.Time.Before(last) {
				return fmt.Errorf("a turn is of %v, after one of %v", ev.Time, last)
			}
			last = ev.Time
		case *history.TaskCompleted:
			completed++
		}
	}
	if completed != 3 {
		return fmt.Errorf("the history has %d outcomes, want 3", completed)
	}
	return nil
}

// checkFollowUpNot has workers carry out turns that they would not be given: the outcome
// counts, the turn does not, and is given as always.
func checkFollowUpNot(t *testing.T) error {
	for _, c := range []struct {
		name string
		// between happens while the worker has the activity, and returns the time of its turn.
		between func(e *early, act *hub.Work) (at time.Time, after func(answer chan error) error)
	}{
		{"an event came before the outcome", func(e *early, act *hub.Work) (time.Time, func(chan error) error) {
			raised := e.raise(e.ctx, "one")
			turn := e.next(e.worker)
			return act.Activity.TurnAt, func(chan error) error { return errors.Join(e.does(turn), <-raised) }
		}},
		{"the time is to come", func(e *early, act *hub.Work) (time.Time, func(chan error) error) {
			return time.Now().Add(time.Hour), nil
		}},
		{"the time is long ago", func(e *early, act *hub.Work) (time.Time, func(chan error) error) {
			return act.Activity.TurnAt.Add(-time.Hour), nil
		}},
		{"the run is suspended", func(e *early, act *hub.Work) (time.Time, func(chan error) error) {
			suspended := make(chan error, 1)
			go func() {
				_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Suspend, InstanceID: "a"})
				suspended <- err
			}()
			if err := errors.Join(e.does(e.next(e.worker)), <-suspended); err != nil {
				e.t.Fatal(err)
			}
			return act.Activity.TurnAt, func(answer chan error) error {
				err := <-answer // the outcome waits in the store
				answer <- err
				go func() {
					_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Resume, InstanceID: "a"})
					suspended <- err
				}()
				return err
			}
		}},
	} {
		e, act := newFollowing(t)
		at, after := c.between(e, act)
		answer := make(chan error, 1)
		turn := &hub.FollowUp{At: at, Result: engine.TurnResult{Actions: []engine.Action{completesWith(2, `"wrong"`)}}}
		h := e.hub
		go func() {
			answer <- h.CompleteActivity(e.ctx, &hub.ActivityDone{
				Delivery: hub.Delivery{Token: act.Token}, Result: history.Some(`"done"`), FollowUp: turn,
			})
		}()
		err := func() error {
			if after != nil {
				if err := after(answer); err != nil {
					return err
				}
			}
			w, err := e.within(3 * time.Second)
			if err != nil {
				return err
			}
			if w.Orchestration == nil {
				return fmt.Errorf("the worker is given %+v, want the turn", w)
			}
			if err := errors.Join(e.does(w, completesWith(2, `"right"`)), <-answer); err != nil {
				return err
			}
			in, err := e.hub.WaitCompletion(e.ctx, "a")
			if err == nil && (turn.Taken || in.Output.S != `"right"`) {
				err = fmt.Errorf("taken = %v, and the run ends with %s", turn.Taken, in.Output.S)
			}
			return err
		}()
		e.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// checkFollowUpCrash cuts the power before an outcome and its turn are durable: neither
// is there afterwards, and the worker is given the history.
func checkFollowUpCrash(t *testing.T) error {
	e, act := newFollowing(t)
	defer func() { e.stop() }()
	e.disk.Manual(true)
	answer := make(chan error, 1)
	turn := &hub.FollowUp{At: act.Activity.TurnAt, Result: engine.TurnResult{Actions: []engine.Action{schedules(2)}}}
	near := e.hub
	go func() {
		answer <- near.CompleteActivity(e.ctx, &hub.ActivityDone{
			Delivery: hub.Delivery{Token: act.Token}, Result: history.Some(`"done"`), FollowUp: turn,
		})
	}()
	if w, err := e.within(50 * time.Millisecond); err == nil {
		return fmt.Errorf("the worker is given %+v before the turn that asks for it is durable", w)
	}
	e.crash()
	if err := <-answer; err == nil {
		return errors.New("the outcome was accepted before it was durable")
	}
	w := e.next(e.worker)
	if w.Activity == nil || w.Activity.TaskID != 1 {
		return fmt.Errorf("after the power cut the worker is given %+v, want the activity again", w)
	}
	if !w.Activity.TurnAt.IsZero() {
		return errors.New("the worker may go on with an orchestration of which it was given no turn since the power cut")
	}
	if _, err := e.ends(act, act.Activity.TurnAt); perdure.CodeOf(err) != perdure.NotFound {
		return fmt.Errorf("the outcome of the delivery before the power cut: %v, want NotFound", err)
	}
	go e.ends(w, time.Now()) // answered after the turn
	if w = e.next(e.worker); w.Orchestration == nil || w.Orchestration.Warm {
		return fmt.Errorf("after the outcome the worker is given %+v, want the turn with the history", w)
	}
	return e.does(w, completesWith(2, `"end"`))
}

// within returns what the worker is given in so much time.
func (e *early) within(d time.Duration) (*hub.Work, error) {
	ctx, cancel := context.WithTimeout(e.ctx, d)
	defer cancel()
	return e.worker.Next(ctx)
}
