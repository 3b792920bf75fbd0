//go:build faults

package chaos_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure/internal/fault"
)

// TestT13_Controls are the failing controls of TestT13_OneOrderUnderKills: hubs that
// acknowledge before their commits are durable, or forget requests, have no such order.
func TestT13_Controls(t *testing.T) {
	for _, m := range []fault.Mutation{fault.AckBeforeSync, fault.RequestRowLost} {
		t.Run(string(m), func(t *testing.T) {
			t.Setenv(serverFaults, string(m))
			wrong, _ := orderLoad(t, 15, time.Second, func(wrong []string) bool { return len(wrong) > 0 })
			if len(wrong) == 0 {
				t.Error("the mistake was not noticed")
			}
		})
	}
}
