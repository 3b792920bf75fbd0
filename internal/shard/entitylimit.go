package shard

import (
	"fmt"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// runEntity runs a batch of operations. If something of it is too large, it runs
// them again one by one, so that only those fail that make it so.
func runEntity(code *replay.Runner, t engine.EntityTurn, limit int) engine.EntityResult {
	all := code.RunEntity(t)
	if entityExcess(t.InstanceID, &all, limit) == nil {
		return all
	}
	out := engine.EntityResult{State: t.State}
	for _, op := range t.Operations {
		one := t
		one.State, one.Operations = out.State, []*history.Event{op}
		r := code.RunEntity(one)
		if why := entityExcess(t.InstanceID, &r, limit); why != nil {
			out.Results = append(out.Results, engine.OperationResult{Failure: why})
			continue
		}
		out.State = r.State
		out.Results = append(out.Results, r.Results...)
		out.Actions = append(out.Actions, r.Actions...)
	}
	return out
}

// entityExcess says what of a batch's outcome is too large; nil = nothing.
func entityExcess(id string, r *engine.EntityResult, limit int) *history.Failure {
	excess := func(what string, n int) *history.Failure {
		if n <= limit {
			return nil
		}
		return tooLarge(fmt.Sprintf("entity %s: %s has", id, what), n, limit)
	}
	why := excess("its state", len(r.State.S))
	for _, result := range r.Results {
		if why == nil {
			why = excess("the result of an operation", len(result.Result.S))
		}
	}
	for _, a := range r.Actions {
		if why != nil {
			break
		}
		switch a := a.(type) {
		case *engine.SendSignal:
			why = excess(fmt.Sprintf("the input of signal %q", a.Name), len(a.Input.S))
		case *engine.StartOrchestration:
			why = excess(fmt.Sprintf("the input of orchestration %q", a.Name), len(a.Input.S))
		case *engine.RaiseEvent:
			why = excess(fmt.Sprintf("the data of event %q", a.Name), len(a.Data.S))
		case *engine.TerminateOrchestration:
			why = excess("the reason of a termination", len(a.Reason.S))
		case *engine.ResolveReply:
			why = excess("a deferred reply", len(a.Result.S))
		}
	}
	return why
}
