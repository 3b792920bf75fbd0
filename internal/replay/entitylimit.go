package replay

import (
	"fmt"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// RunEntityWithin runs a batch of operations as RunEntity does. If something of it has
// more bytes than the limit, it runs them again one by one, so that only those fail that
// make it so.
func (r *Runner) RunEntityWithin(t engine.EntityTurn, limit int) engine.EntityResult {
	all := r.RunEntity(t)
	if EntityExcess(t.InstanceID, &all, limit) == nil {
		return all
	}
	out := engine.EntityResult{State: t.State}
	for _, op := range t.Operations {
		one := t
		one.State, one.Operations = out.State, []*history.Event{op}
		part := r.RunEntity(one)
		if why := EntityExcess(t.InstanceID, &part, limit); why != nil {
			out.Results = append(out.Results, engine.OperationResult{Failure: why})
			continue
		}
		out.State = part.State
		out.Results = append(out.Results, part.Results...)
		out.Actions = append(out.Actions, part.Actions...)
	}
	return out
}

// EntityExcess says what of a batch's outcome is too large; nil = nothing.
func EntityExcess(id string, r *engine.EntityResult, limit int) *history.Failure {
	excess := func(what string, n int) *history.Failure {
		if n <= limit {
			return nil
		}
		return TooLarge(fmt.Sprintf("entity %s: %s has", id, what), n, limit)
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

// TooLarge is the failure of a payload with more bytes than the limit. who says whose,
// up to the word has or returned.
func TooLarge(who string, size, limit int) *history.Failure {
	return &history.Failure{Type: "PayloadTooLarge", NonRetriable: true, Message: fmt.Sprintf(
		"%s a payload of %d bytes; the limit is %d bytes: return a reference to the data instead, or raise the limit", who, size, limit)}
}
