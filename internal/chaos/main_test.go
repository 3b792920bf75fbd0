package chaos_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/fault"
)

// TestMain refuses leaked goroutines.
func TestMain(m *testing.M) {
	if addr := os.Getenv(processAddr); addr != "" {
		if err := holding(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(serverDir); dir != "" {
		fmt.Fprintln(os.Stderr, serving(dir, os.Getenv(serverAddr)))
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

// normalOnly skips a test in the fault build, where only the controls run.
func normalOnly(t *testing.T) {
	t.Helper()
	if fault.Enabled {
		t.Skip("it runs in the normal build")
	}
}

// soak reports whether there is time for the long suites.
func soak() bool { return os.Getenv("PERDURE_SOAK") != "" }

func config() host.Config { return host.Config{} }

// serve runs an app with hubs until the test ends, and returns its address.
func serve(t testing.TB, cfg host.Config) string {
	t.Helper()
	cfg.Hub, cfg.Addr, cfg.Logger = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", slog.New(slog.DiscardHandler)
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	select {
	case <-app.Ready():
	case err := <-done:
		t.Fatalf("Run() = %v before it was ready", err)
	}
	u, err := url.Parse(app.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
