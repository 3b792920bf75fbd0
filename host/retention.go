package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
)

// Retention says how long runs are kept after their end, by the status in which they
// have ended; 0 = for ever. What is older is purged within ten minutes, and cannot be
// looked at or rewound any more. Kept all the same are turns of sessions, which go with
// the session (Agent.TTL), runs with a call whose outcome is not known, and children of
// a run until it has gone or has continued as new.
type Retention struct {
	Completed, Failed, Terminated, Canceled time.Duration
}

// by is what is kept, as owners know it.
func (r Retention) by() shard.Retention {
	return shard.Retention{
		store.Completed: r.Completed, store.Failed: r.Failed, store.Terminated: r.Terminated, store.Canceled: r.Canceled,
	}
}

// told is what is not kept for ever, in milliseconds by the name of the status.
func (r Retention) told() map[string]int64 {
	told := map[string]int64{}
	for status, d := range r.by() {
		if d > 0 {
			told[client.StatusName(status)] = d.Milliseconds()
		}
	}
	return told
}

// check returns what is wrong with it for a hub.
func (r Retention) check(hub string) error {
	for status, d := range r.by() {
		if d < 0 {
			return fmt.Errorf("retention: %v is negative (status %d)", d, status)
		}
	}
	if r != (Retention{}) && remote.Is(hub) {
		return errors.New("retention: how long another server keeps runs is set there")
	}
	return nil
}
