package nodes_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain refuses leaked goroutines. A process that is started with nodeHub is a node,
// one with swarmAt many workers.
func TestMain(m *testing.M) {
	if hub := os.Getenv(nodeHub); hub != "" {
		fmt.Fprintln(os.Stderr, serve(hub, os.Getenv(nodeAddr), os.Getenv(nodeFaults)))
		os.Exit(1)
	}
	if what := os.Getenv(swarmAt); what != "" {
		if err := swarm(what, os.Getenv(swarmFaults)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(closing{m})
}

// closing runs the tests, then closes the connections that they left idle.
type closing struct{ *testing.M }

// Run implements goleak.TestingM.
func (c closing) Run() int {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	return c.M.Run()
}

// soak reports whether there is time for the long suites.
func soak() bool { return os.Getenv("PERDURE_SOAK") != "" }

// long reports whether there is time for more than the worst harms: in make check.
func long() bool { return soak() || os.Getenv("PERDURE_LONG") != "" }

// rounds is few, or 30 in the long suites, or what the environment says.
func rounds(few int) int {
	var n int
	if _, err := fmt.Sscan(os.Getenv("PERDURE_TEST_ROUNDS"), &n); err == nil {
		return n
	}
	if soak() {
		return 30
	}
	return few
}
