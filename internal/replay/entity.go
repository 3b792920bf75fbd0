package replay

import (
	"runtime/debug"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// RunEntity runs a batch of operations on an entity, one after the other, on the
// caller's goroutine. An operation that fails leaves no trace but its failure.
func (r *Runner) RunEntity(t engine.EntityTurn) engine.EntityResult {
	id, err := perdure.ParseEntityID(t.InstanceID)
	if err != nil {
		return engine.EntityResult{State: t.State, Unknown: true}
	}
	code, ok := r.reg.Entity(id.Name)
	if !ok {
		return engine.EntityResult{State: t.State, Unknown: true}
	}
	result := engine.EntityResult{
		State:   t.State,
		Results: make([]engine.OperationResult, 0, len(t.Operations)),
	}
	for _, ev := range t.Operations {
		op := perdure.EntityOperation{Entity: id, Now: t.Time.UTC(), State: result.State, Value: r.opts.Value}
		switch b := ev.Body.(type) {
		case *history.EntityOperationSignaled:
			op.Name, op.RequestID, op.Input, op.Signal, op.Trace = b.Operation, b.RequestID, b.Input, true, b.ParentTrace
		case *history.EntityOperationCalled:
			op.Name, op.RequestID, op.Input, op.Caller = b.Operation, b.RequestID, b.Input, b.ParentInstanceID.S
		}
		outcome := runOperation(code, &op)
		if outcome.Failure == nil {
			result.State = op.State
			for _, s := range op.Steps {
				result.Actions = append(result.Actions, entityAction(s))
			}
		}
		result.Results = append(result.Results, outcome)
	}
	return result
}

func runOperation(code perdure.EntityFunc, op *perdure.EntityOperation) (out engine.OperationResult) {
	defer func() {
		if p := recover(); p != nil {
			out = engine.OperationResult{Failure: perdure.PanicFailure(p, userStack(debug.Stack()))}
		}
	}()
	v, err := code(perdure.NewEntityContext(op))
	if err == nil && op.Deferred {
		return engine.OperationResult{Deferred: true}
	}
	var text history.Text
	if err == nil {
		text, err = perdure.Encode(v)
	}
	if err != nil {
		return engine.OperationResult{Failure: perdure.FailureOf(err)}
	}
	return engine.OperationResult{Result: text}
}

func entityAction(s perdure.EntityStep) engine.EntityAction {
	switch s.Kind {
	case perdure.EntitySignal:
		return &engine.SendSignal{InstanceID: s.Target, Name: s.Name, Input: s.Input, ScheduledTime: s.At}
	case perdure.EntityStart:
		return &engine.StartOrchestration{
			InstanceID: s.Target, Name: s.Name, Version: history.NoneIfEmpty(s.Version),
			Input: s.Input, ScheduledTime: s.At, Tags: s.Tags, Fold: (*engine.Fold)(s.Fold),
		}
	case perdure.EntityRaise:
		return &engine.RaiseEvent{InstanceID: s.Target, Name: s.Name, Data: s.Input}
	case perdure.EntityTerminate:
		return &engine.TerminateOrchestration{InstanceID: s.Target, Reason: s.Input}
	case perdure.EntityReply:
		return &engine.ResolveReply{Token: s.Token, Result: s.Input, Failure: perdure.FailureOf(s.Err)}
	}
	return &engine.PutEntityRows{Rows: engineRows(s.Rows)}
}

func engineRows(rows []perdure.Row) []engine.Row {
	out := make([]engine.Row, len(rows))
	for i, r := range rows {
		out[i] = engine.Row(r)
	}
	return out
}
