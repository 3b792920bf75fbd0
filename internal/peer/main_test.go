package peer_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain refuses leaked goroutines.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
