package host_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain refuses leaked goroutines.
func TestMain(m *testing.M) {
	if dir := os.Getenv(effectDir); dir != "" { // the process that gets killed
		run := clerk
		if os.Getenv(effectSwarm) != "" {
			run = swarm
		}
		fmt.Fprintln(os.Stderr, run(dir, os.Getenv(effectWorld)))
		os.Exit(1)
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
