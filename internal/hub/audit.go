package hub

import (
	"context"
	"time"

	"github.com/perdure/perdure/store"
)

// RowAudit is the kind of the rows that say who has changed an instance. A change that
// is asked for with an Actor in its context leaves one, in the commit that makes the
// change; its owner is the instance, its value an Audit as JSON, its index the time.
// Such rows stay when the instance is purged, for AuditLife, and nobody else writes them.
const RowAudit store.RowKind = 98

// AuditLife is how long audit rows are kept.
const AuditLife = 90 * 24 * time.Hour

// Actor is who asks for a change, and as what.
type Actor struct {
	By     string `json:"by"`               // name of the token or person
	For    string `json:"for,omitempty"`    // in whose name, as By says: it is not checked
	From   string `json:"from,omitempty"`   // network address
	Client string `json:"client,omitempty"` // program, as it names itself
	Action string `json:"action"`           // as the caller names it, "" = as the hub does
	Reason string `json:"reason,omitempty"` // that the caller gives
}

// Audit says that something was changed.
type Audit struct {
	Actor
	At      time.Time `json:"at"`                // of a raised event: its time in the history
	Name    string    `json:"name,omitempty"`    // of the event that was raised
	GivenUp []string  `json:"givenUp,omitempty"` // what held the instance that was purged by force
	Request string    `json:"request,omitempty"` // id of the request
	Outcome string    `json:"outcome"`           // AuditDone: what is refused leaves no commit
}

// AuditDone is the outcome of what was done.
const AuditDone = "done"

type actorKey struct{}

// WithActor returns a context for changes that an actor asks for; nil = nobody to tell of.
func WithActor(ctx context.Context, a *Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns who asks for changes with the context, nil if that was not said.
func ActorOf(ctx context.Context) *Actor {
	a, _ := ctx.Value(actorKey{}).(*Actor)
	return a
}
