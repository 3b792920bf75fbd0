//go:build faults

package chaos_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/fault"
)

// TestT12_ControlStaleCompletionAccepted is the failing control of
// TestT12_CutAtEveryFrame: a hub that does not look at the delivery lets what a worker
// says too late spoil the program.
func TestT12_ControlStaleCompletionAccepted(t *testing.T) {
	fault.SetMutant(fault.StaleCompletionAccepted, true)
	defer fault.SetMutant(fault.StaleCompletionAccepted, false)
	addr := serve(t, host.Config{TaskHubs: lanes})
	c := &cuts{patience: 3 * time.Second}
	c.cutEverywhere(t, addr, lanes, 5, func(c *cuts) bool { return len(c.wrong) > 0 && c.stale[codes.OK] > 0 })
	if len(c.wrong) == 0 || c.stale[codes.OK] == 0 {
		t.Errorf("after %d cuts nothing was wrong with a hub that accepts old tokens (%v): the test would not notice it", c.struck, c.stale)
	}
	for _, w := range c.wrong {
		t.Log(w)
	}
}
