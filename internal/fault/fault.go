// Package fault holds the places at which tests let the product fail, and the
// mistakes that they let it make to prove that they would notice.
//
// Three kinds of calls stand in the product's code: Hit at a named point, where
// a test may return an error, stop the node or hold it; Always, Sometimes and
// Unreachable, which state what must hold or must have been seen; Mutant, which
// chooses a wrong variant of the code.
//
// In normal builds all of them are empty functions that the compiler removes
// together with their arguments, which must have no side effects. With the
// build tag "faults" they act on the switches of this package, which the whole
// process shares: tests that set them do not run in parallel.
package fault

import "errors"

// ErrInjected is the error of a point that was told to fail without saying how.
var ErrInjected = errors.New("injected fault")

// Point is a place in the code at which a fault may strike.
type Point string

// The points.
const (
	// CommitBefore: a commit is complete and not yet handed to the store.
	CommitBefore Point = "commit.before"
	// CommitApplied: the store has applied a commit that is not yet durable.
	CommitApplied Point = "commit.applied"
	// CommitDurable: a commit is durable and nobody has been told.
	CommitDurable Point = "commit.durable"
	// EffectsBefore: the effects of a durable commit are about to be released.
	EffectsBefore Point = "effects.before"
	// TurnBefore: an orchestrator turn is about to run.
	TurnBefore Point = "turn.before"
	// TurnAfter: an orchestrator turn has ended, its commit is not yet built.
	TurnAfter Point = "turn.after"
	// TimerFire: a timer is due and about to be put into its inbox.
	TimerFire Point = "timer.fire"
	// ActivityBefore: an activity is about to run.
	ActivityBefore Point = "activity.before"
	// ActivityAfter: an activity has ended, its outcome is not yet reported.
	ActivityAfter Point = "activity.after"
	// InboxAppend: a message is about to be put into an instance's inbox.
	InboxAppend Point = "inbox.append"
)

// Points returns all points.
func Points() []Point {
	return []Point{
		CommitBefore, CommitApplied, CommitDurable, EffectsBefore, TurnBefore,
		TurnAfter, TimerFire, ActivityBefore, ActivityAfter, InboxAppend,
	}
}

// Mutation is a mistake that the product can be told to make.
type Mutation string

// The mutations.
const (
	// AckBeforeSync: a request is acknowledged before its commit is durable.
	AckBeforeSync Mutation = "ack-before-sync"
	// ReadBeforeSync: a read shows what is not yet durable.
	ReadBeforeSync Mutation = "read-before-sync"
	// RequestRowLost: the row that recognises a repeated request is not written.
	RequestRowLost Mutation = "request-row-lost"
	// EventLostOnPark: what arrives while an instance is parked is forgotten.
	EventLostOnPark Mutation = "event-lost-on-park"
	// EarlyUnlockForgotten: an unlock that overtakes its lock request is dropped.
	EarlyUnlockForgotten Mutation = "early-unlock-forgotten"
	// StaleCompletionAccepted: a completion counts although its delivery was
	// replaced by a newer one.
	StaleCompletionAccepted Mutation = "stale-completion-accepted"
	// IrreversibleRerun: an irreversible tool with unknown outcome runs again.
	IrreversibleRerun Mutation = "irreversible-rerun"
	// TimerByNodeClock: timers fire by the node's clock instead of the store's.
	TimerByNodeClock Mutation = "timer-by-node-clock"
	// EarlyTurnAcked: a message is acknowledged when a worker has the turn that takes
	// it, not when it is durable.
	EarlyTurnAcked Mutation = "early-turn-acked"
	// EarlyTurnUnstored: what an early turn takes is not stored when the turn takes
	// long or its worker is lost.
	EarlyTurnUnstored Mutation = "early-turn-unstored"
	// FollowUpUnchecked: a turn that a worker has carried out by itself counts whatever
	// else the instance has been given.
	FollowUpUnchecked Mutation = "follow-up-unchecked"
	// EpochOutsideWrite: a commit is written under a lease that an owner has looked at
	// before, whoever holds the shard by then.
	EpochOutsideWrite Mutation = "epoch-outside-write"
	// RenewalAfterTakeover: a lease is renewed that another node has taken over.
	RenewalAfterTakeover Mutation = "renewal-after-takeover"
	// HeldItemRerun: a takeover runs an activity again that another node still has.
	HeldItemRerun Mutation = "held-item-rerun"
	// TakeoverWaits: a takeover waits for the locks of the node that it takes from.
	TakeoverWaits Mutation = "takeover-waits"
	// CommitAssumed: a commit whose answer was lost is taken as carried out.
	CommitAssumed Mutation = "commit-assumed"
	// RetryAtOnce: who cannot reach a hub tries again at once, and so on.
	RetryAtOnce Mutation = "retry-at-once"
	// NothingRefused: work that would wait for too long to begin is not refused.
	NothingRefused Mutation = "nothing-refused"
)

// Mutations returns all mutations.
func Mutations() []Mutation {
	return []Mutation{
		AckBeforeSync, ReadBeforeSync, RequestRowLost, EventLostOnPark,
		EarlyUnlockForgotten, StaleCompletionAccepted, IrreversibleRerun, TimerByNodeClock,
		EarlyTurnAcked, EarlyTurnUnstored, FollowUpUnchecked,
		EpochOutsideWrite, RenewalAfterTakeover, HeldItemRerun, TakeoverWaits, CommitAssumed, RetryAtOnce, NothingRefused,
	}
}
