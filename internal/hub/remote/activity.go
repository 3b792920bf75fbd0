package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
)

// running is an activity that runs.
type running struct {
	token  string
	began  time.Time
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu     sync.Mutex // guards the rest
	asked  bool       // the hub is being told that it is alive
	again  bool       // and is to be told once more
	newest heartbeat  // then
}

// task names an activity, whichever delivery.
type task struct {
	instance, execution string
	id                  int32
}

func taskOf(work *hub.ActivityWork) task { return task{work.InstanceID, work.ExecutionID, work.TaskID} }

var errRedelivered = errors.New("the hub has handed this activity out again: it has lost sight of this worker meanwhile")

// begin notes an activity that is to run. If an earlier delivery of it runs still,
// that one's context ends. The caller holds the lock.
func (c *crew) begin(token string, work *hub.ActivityWork) *running {
	ctx, cancel := context.WithCancelCause(c.ctx)
	r := &running{token: token, began: time.Now(), ctx: ctx, cancel: cancel}
	if earlier := c.tasks[taskOf(work)]; earlier != nil {
		earlier.cancel(errRedelivered)
	}
	c.activities[token], c.tasks[taskOf(work)] = r, r
	if c.stopping {
		cancel(errStopping)
	}
	return r
}

// leave forgets an activity that has ended.
func (c *crew) leave(r *running, work *hub.ActivityWork) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.activities, r.token)
	if c.tasks[taskOf(work)] == r {
		delete(c.tasks, taskOf(work))
	}
}

// activity runs an activity and reports what became of it.
func (c *crew) activity(r *running, work *hub.ActivityWork) {
	done := &hub.ActivityDone{
		Delivery: hub.Delivery{Token: r.token, InstanceID: work.InstanceID, TaskID: work.TaskID},
		Failure: &history.Failure{
			Type: "Goexit", Message: fmt.Sprintf("activity %q ended its goroutine (runtime.Goexit)", work.Name),
		},
	}
	defer func() { // also when the code ends its goroutine
		c.leave(r, work)
		interrupted := done.Failure != nil && context.Cause(r.ctx) == errStopping
		r.cancel(nil)
		if interrupted { // it runs again elsewhere
			c.finish(&report{abandon: &done.Delivery, kind: ofActivity})
			return
		}
		c.finishActivity(work, time.Since(r.began), done)
	}()
	info := perdure.ActivityInfo{
		Name: work.Name, InstanceID: work.InstanceID, ExecutionID: work.ExecutionID, TaskID: work.TaskID, Attempt: max(1, work.Attempt),
		EffectID: work.Effect, Token: r.token, Deadline: work.Deadline, Worker: c.cfg.ID, Tags: work.Tags,
		Heartbeat: func(progress any) error { return c.heartbeat(r, work.InstanceID, progress) },
	}
	if info.EffectID == "" {
		info.EffectID = fmt.Sprintf("%s/%s/%d", work.InstanceID, work.ExecutionID, work.TaskID)
	}
	done.Result, done.Failure = c.code.RunActivity(r.ctx, info, work.Input)
	if replay.Pending(done.Failure) {
		done.Failure, done.Pending = nil, true
	}
}

// cancel ends the context of an activity that nobody waits for.
func (c *crew) cancel(token string, cause error) {
	c.mu.Lock()
	r := c.activities[token]
	c.mu.Unlock()
	if r != nil {
		r.cancel(cause)
	}
}

// interrupt ends the contexts of all activities, and of those that still come, and of
// operations.
func (c *crew) interrupt() {
	c.stopWorking(errStopping)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	for _, r := range c.activities {
		r.cancel(errStopping)
	}
}

// heartbeat is called by the running activity. It does not wait for the hub: if that
// says that the activity is no longer wanted, its context ends.
func (c *crew) heartbeat(r *running, id string, progress any) error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	h := heartbeat{token: r.token}
	if progress != nil {
		b, err := json.Marshal(progress)
		if err != nil {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: "heartbeat", Instance: id, Message: "progress is not JSON", Cause: err}
		}
		h.progress, h.has = string(b), true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked { // the newest is enough
		if !h.has && r.again {
			h = r.newest
		}
		r.again, r.newest = true, h
		return nil
	}
	r.asked = true
	c.tellAlive(r, h)
	return nil
}

// tellAlive tells the hub that an activity is alive, and once more if there is news by
// the time that it has heard.
func (c *crew) tellAlive(r *running, h heartbeat) {
	c.report(&report{heartbeat: &h, told: func(err error) {
		if perdure.CodeOf(err) == perdure.NotFound {
			r.cancel(&perdure.Error{Code: perdure.NotFound, Op: "heartbeat", Message: "the step is over, or another worker's"})
			return
		}
		r.mu.Lock()
		again, newest := r.again, r.newest
		r.asked, r.again = again, false
		r.mu.Unlock()
		if again {
			go c.tellAlive(r, newest) // told must not report
		}
	}})
}
