package remote

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// plain returns the outcome of a turn for a hub that knows the protocol only. A run
// that asks for what that has not fails, and its failure says what: it must not go on
// as if it had got it.
func (l *protocolLink) plain(done *hub.OrchestrationDone) *hub.OrchestrationDone {
	var actions []engine.Action
	for _, a := range done.Result.Actions {
		switch do := a.Do.(type) {
		case *engine.Cancel:
			continue // what it would stop goes on, and its outcome is not waited for
		default:
			if what := beyond(do); what != "" {
				return l.fails(done, what)
			}
		}
		actions = append(actions, a)
	}
	c := *done
	c.Result = engine.TurnResult{Actions: actions, CustomStatus: done.Result.CustomStatus}
	return &c
}

func (l *protocolLink) fails(done *hub.OrchestrationDone, what string) *hub.OrchestrationDone {
	c := *done
	c.Result = engine.TurnResult{Actions: []engine.Action{{ID: lastID(&done.Result) + 1, Do: &engine.Complete{
		Status: history.StatusFailed, Failure: perdure.FailureOf(l.hub.cannot("run orchestration", done.InstanceID, what)),
	}}}}
	return &c
}

// beyond says what an action asks for that the protocol has not; "" = nothing.
func beyond(op engine.Op) string {
	switch do := op.(type) {
	case *engine.ScheduleTask:
		switch {
		case do.Timeout > 0 || do.HeartbeatTimeout > 0:
			return "time limits of activities"
		case do.LimitKey != "":
			return "limits of activities that run at a time"
		}
	case *engine.CreateSubOrchestration:
		switch {
		case do.Detached:
			return "runs that orchestrations start without waiting for them"
		case do.Fold != nil:
			return "fold"
		}
	case *engine.Mark:
		return "patches"
	case *engine.Reply:
		return "requests that are answered"
	case *engine.PutRows:
		return "rows"
	}
	return ""
}

// plainBatch returns the outcome of a batch for a hub that knows the protocol only.
// Its operations fail and leave the state that was before, if one asks for what that has
// not.
func (l *protocolLink) plainBatch(done *hub.EntityDone, before history.Text) *hub.EntityDone {
	what := ""
	for _, r := range done.Result.Results {
		if r.Deferred {
			what = "deferred replies"
		}
	}
	for _, a := range done.Result.Actions {
		switch do := a.(type) {
		case *engine.SendSignal:
		case *engine.StartOrchestration:
			if do.Fold != nil || len(do.Tags) > 0 {
				what = "folds and tags of runs that entities start"
			}
		case *engine.RaiseEvent:
			what = "events that entities raise"
		case *engine.TerminateOrchestration:
			what = "termination by entities"
		case *engine.ResolveReply:
			what = "deferred replies"
		case *engine.PutEntityRows:
			what = "rows"
		}
	}
	if what == "" {
		return done
	}
	failure := perdure.FailureOf(l.hub.cannot("run operation", done.InstanceID, what))
	c := *done
	c.Result.Actions, c.Result.State = nil, before
	c.Result.Results = make([]engine.OperationResult, len(done.Result.Results))
	for i := range c.Result.Results {
		c.Result.Results[i] = engine.OperationResult{Failure: failure}
	}
	return &c
}
