package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// town is a shared place: the test does what other nodes would.
type town struct {
	mu    sync.Mutex
	hubs  map[string]store.Identity
	next  byte
	open  map[string]*house // by name, the newest
	opens int
}

// house is a hub of a town, of which each opening has a store of its own.
type house struct {
	*local.Hub
	id   store.Identity
	fail chan error
}

func (h *house) identity() store.Identity { return h.id }

// Run ends by itself when the test says so.
func (h *house) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan struct{})
	defer func() { <-ended }()
	go func() {
		defer close(ended)
		select {
		case err := <-h.fail:
			cancel(err)
		case <-ctx.Done():
		}
	}()
	defer cancel(nil)
	return errors.Join(h.Hub.Run(ctx), context.Cause(ctx))
}

func (p *town) make(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	p.hubs[name] = store.Identity{Lineage: [16]byte{p.next}}
}

func (p *town) kept(context.Context) (map[string]store.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := map[string]store.Identity{}
	for name, id := range p.hubs {
		kept[name] = id
	}
	return kept, nil
}

func (p *town) names() ([]string, error) { return nil, nil }

func (p *town) hub(name string, create bool) (worked, error) {
	if p.mu.Lock(); p.hubs[name] == (store.Identity{}) {
		if p.mu.Unlock(); !create {
			return nil, &perdure.Error{Code: perdure.NotFound, Message: "no " + name}
		}
		p.make(name)
		p.mu.Lock()
	}
	defer p.mu.Unlock()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		return nil, err
	}
	h, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	p.opens++
	p.open[name] = &house{h, p.hubs[name], make(chan error, 1)}
	return p.open[name], nil
}

func (p *town) recreate(name string) error { p.make(name); return nil }

func (p *town) drop(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hubs, name)
	return nil
}

func (p *town) close() error { return nil }

// TestSharedPlace has others make, empty and delete hubs.
func TestSharedPlace(t *testing.T) {
	app, err := New(Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := app.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.listeners[0].Close(); _ = f.close() }()
	p := &town{hubs: map[string]store.Identity{}, open: map[string]*house{}}
	h := newHubs(app, p, clock.System(), f, func(*agent.Service) error { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run() = %v, want nil", err)
		}
	}()
	if err := h.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := func(want ...string) {
		t.Helper()
		until(t, fmt.Sprint("hubs ", want), func() bool { return slices.Equal(h.Names(), want) })
	}
	names("default")
	p.make("first-use")
	if _, err := h.Open(t.Context(), "first-use"); err != nil {
		t.Errorf("Open() of a hub that another node has just made = %v, want it", err)
	}
	if _, err := h.Open(t.Context(), "none"); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Open(none) = %v, want not_found", err)
	}
	p.make("seen")
	names("default", "first-use", "seen")

	before, err := h.get(t.Context(), "seen")
	if err != nil {
		t.Fatal(err)
	}
	p.make("seen") // emptied
	until(t, "an emptied hub", func() bool {
		s, err := h.get(t.Context(), "seen")
		return err == nil && s != before && before.hasEnded()
	})
	if err := p.drop("first-use"); err != nil {
		t.Fatal(err)
	}
	names("default", "seen")

	before, err = h.get(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.open["default"].fail <- errors.New("the store has failed")
	p.mu.Unlock()
	until(t, "a hub that has ended", func() bool {
		s, err := h.get(t.Context(), "default")
		return err == nil && s != before && !s.hasEnded()
	})
	select {
	case err := <-h.failed:
		t.Errorf("the app would end: %v", err)
	default:
	}
	if err := h.Create(t.Context(), "own", false); err != nil {
		t.Fatal(err)
	}
	if err := h.Delete(t.Context(), "own"); err != nil {
		t.Fatal(err)
	}
	names("default", "seen")
	if p.opens != 6 {
		t.Errorf("hubs were opened %d times, want 6: each once, two anew", p.opens)
	}
}

// until polls for what a test waits for.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}
