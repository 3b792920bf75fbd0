package host

import (
	"context"
	"log/slog"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// TestHubsEnd makes a hub that nobody will run any more, as a call does that passes
// the end of the app: it must not wait for ever.
func TestHubsEnd(t *testing.T) {
	app, err := New(Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := app.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.listeners[0].Close(); _ = f.close() }()
	p, c, err := app.open(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.close() }()
	h := newHubs(app, p, c, f, func(*agent.Service) error { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.run(ctx); err != nil {
		t.Errorf("run() = %v, want nil", err)
	}
	if _, err := h.start(context.WithoutCancel(ctx), "late", true); perdure.CodeOf(err) != perdure.Unavailable {
		t.Errorf("start() after the end = %v, want unavailable", err)
	}
	if err := h.Create(t.Context(), "late", false); perdure.CodeOf(err) != perdure.Unavailable {
		t.Errorf("Create() after the end = %v, want unavailable", err)
	}
}
