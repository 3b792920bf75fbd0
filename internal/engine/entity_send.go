package engine

import (
	"slices"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// withoutParent returns a message to an entity as histories hold it, in which it is
// known who sends it; nil if it is no such message.
func withoutParent(body history.Body) history.Body {
	switch b := body.(type) {
	case *history.EntityOperationSignaled:
		return b
	case *history.EntityOperationCalled:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Text{}, history.Text{}
		return &c
	case *history.EntityLockRequested:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Text{}, history.Text{}
		return &c
	case *history.EntityUnlockSent:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Text{}, history.Text{}
		return &c
	}
	return nil
}

// sendEntity sends what an entity event of the history stands for.
func (o *Orchestration) sendEntity(fx *Effects, body history.Body, now time.Time) {
	switch b := body.(type) {
	case *history.EntityOperationSignaled:
		c := *b
		c.TargetInstanceID = history.Text{}
		fx.send(b.TargetInstanceID.S, o.ID, "", &c, now)
	case *history.EntityOperationCalled:
		c := *b
		c.TargetInstanceID = history.Text{}
		c.ParentInstanceID, c.ParentExecutionID = history.Some(o.ID), history.Some(o.Execution)
		fx.send(b.TargetInstanceID.S, o.ID, "", &c, now)
	case *history.EntityLockRequested:
		c := *b
		c.ParentInstanceID, c.ParentExecutionID = history.Some(o.ID), history.Some(o.Execution)
		if c.LockSet, c.Position = lockOrder(b.LockSet), 0; len(c.LockSet) == 0 { // nothing to wait for
			fx.send(o.ID, o.ID, o.Execution, &history.EntityLockGranted{CriticalSectionID: b.CriticalSectionID}, now)
			return
		}
		fx.send(c.LockSet[0], o.ID, "", &c, now)
	case *history.EntityUnlockSent:
		c := *b
		c.TargetInstanceID = history.Text{}
		c.ParentInstanceID, c.ParentExecutionID = history.Some(o.ID), history.Some(o.Execution)
		fx.send(b.TargetInstanceID.S, o.ID, "", &c, now)
	}
}

// lockOrder is the order in which the locks of a set are acquired, the same for all
// who ask: workers sort their sets each in its own way, and two that acquire the same
// locks in different orders wait for each other for ever.
func lockOrder(set []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(set)))
}
