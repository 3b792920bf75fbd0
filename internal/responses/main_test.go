package responses_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// TestMain refuses leaked goroutines.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(closing{m})
}

// closing runs the tests, then closes the connections that they left idle.
type closing struct{ *testing.M }

// Run implements goleak.TestingM.
func (c closing) Run() int {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	return c.M.Run()
}
