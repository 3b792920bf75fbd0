package hub

import (
	"context"
	"time"
)

// Overlay tells what becomes of work right now, which no commit says: whether it waits
// for somebody, or who has it. A hub that runs its instances implements it beside
// Workers. What it tells comes from the memory of those who hold the shards; it is stored
// nowhere, and true at that moment only.
type Overlay interface {
	// Standing returns the work of instances that is due, at most so many pieces of each:
	// what is executed comes before what is queued. Instances without any are left out,
	// and those whose holder does not answer at once.
	Standing(ctx context.Context, ids []string, most int) ([]Standing, error)
}

// Standing is how a piece of work stands that is due.
type Standing struct {
	InstanceID string
	Kind       WorkKind
	Task       int32  // of an activity: the id of the event that has scheduled it
	Name       string // of the activity, orchestration or entity
	Executing  bool   // somebody works on it; false = it is queued
	Worker     string // who; "" = it has not said
	// Since is when an activity was given to whoever executes it; zero = not known.
	Since time.Time
}
