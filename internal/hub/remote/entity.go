package remote

import (
	"slices"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// batch runs a batch of operations on an entity and reports what became of it.
func (c *crew) batch(token string, work *hub.EntityWork) {
	at := hub.Delivery{Token: token, InstanceID: work.InstanceID}
	done := &hub.EntityDone{Delivery: at, Result: engine.EntityResult{
		State:   work.State,
		Failure: &history.Failure{Type: "Goexit", Message: "the operation ended its goroutine (runtime.Goexit)"},
	}}
	defer func() { // also when the code ends its goroutine
		if c.working.Err() != nil && failed(&done.Result) { // it runs again elsewhere
			c.finish(&report{abandon: &done.Delivery, kind: ofBatch})
			return
		}
		c.finish(&report{entity: done, before: work.State})
	}()
	operations, err := decodeEvents(work.Operations)
	if err != nil {
		done.Result.Failure = &history.Failure{Type: "Internal", Message: "an operation cannot be read: " + err.Error()}
		return
	}
	now := work.Time
	if now.IsZero() {
		now = c.cfg.Now()
	}
	done.Result = c.code.RunEntityWithin(engine.EntityTurn{
		InstanceID: work.InstanceID, Time: now, State: work.State, Operations: operations,
	}, c.cfg.Payload)
}

// failed reports whether a batch, or an operation of it, has failed.
func failed(r *engine.EntityResult) bool {
	return r.Failure != nil || slices.ContainsFunc(r.Results, func(o engine.OperationResult) bool { return o.Failure != nil })
}
