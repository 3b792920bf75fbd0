package perdure

import (
	"errors"
	"slices"
	"time"
)

// CallEntity runs an operation on an entity and waits for its answer.
func CallEntity[Out any](ctx *Context, id EntityID, operation string, in any) *Task[Out] {
	t := &Task[Out]{ctx: ctx}
	s := &t.s
	s.Kind, s.Name, s.Target = StepEntityCall, operation, id.String()
	text, err := encodeAny(in)
	if err != nil {
		s.Reject(invalidf("call "+operation+" on "+s.Target, err))
		return t
	}
	s.Input, s.Request = text, ctx.NewID()
	ctx.rt.Begin(s)
	return t
}

// SignalEntity runs an operation on an entity, without an answer.
func SignalEntity(ctx *Context, id EntityID, operation string, in any) error {
	return SignalEntityAt(ctx, time.Time{}, id, operation, in)
}

// SignalEntityAt is SignalEntity, not before the time t.
func SignalEntityAt(ctx *Context, t time.Time, id EntityID, operation string, in any) error {
	text, err := encodeAny(in)
	if err != nil {
		return invalidf("signal "+operation+" to "+id.String(), err)
	}
	ctx.rt.Begin(&Step{
		Kind: StepEntitySignal, Name: operation, Target: id.String(), Input: text,
		Request: ctx.NewID(), At: t,
	})
	return nil
}

// Lock waits until the orchestration holds the locks of all the entities: until
// unlock is called, or the orchestration ends, only its own operations run on
// them. Locks are taken in one order by all, so that orchestrations do not block
// each other. While it holds locks an orchestration can take no others: that is
// an *Error with the code FailedPrecondition.
func Lock(ctx *Context, ids ...EntityID) (unlock func(), err error) {
	if len(ids) == 0 {
		return nil, invalidf("lock entities", errors.New("no entities are given"))
	}
	locks := make([]string, len(ids))
	for i, id := range ids {
		locks[i] = id.String()
	}
	slices.Sort(locks)
	s := &Step{Kind: StepLock, Name: "lock entities", Locks: slices.Compact(locks), Request: ctx.NewID()}
	ctx.rt.Begin(s)
	ctx.wait(s)
	if _, err := s.Result(); err != nil {
		return nil, err
	}
	released := false
	return func() {
		if !released {
			released = true
			ctx.rt.Begin(&Step{Kind: StepUnlock, Request: s.Request})
		}
	}, nil
}
