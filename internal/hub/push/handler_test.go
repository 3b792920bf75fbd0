package push_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store/memory"
)

// codeHarness runs local hubs without code, which a handler runs that they call.
type codeHarness struct{ disk *memory.Disk }

// NamesRequests and RunsOutside implement hubtest.Far.
func (codeHarness) NamesRequests() bool { return false }
func (codeHarness) RunsOutside() bool   { return true }

// waited tells when a worker has asked a hub for items.
type waited struct {
	push.Hub
	asked chan struct{}
}

// Connect implements hub.Workers.
func (h *waited) Connect(ctx context.Context, w *hub.Worker) (hub.Stream, error) {
	s, err := h.Hub.Connect(ctx, w)
	if err != nil {
		return nil, err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = s.Next(ended) // there is nothing yet
	select {
	case <-h.asked:
	default:
		close(h.asked)
	}
	return s, nil
}

// Start implements hubtest.Harness.
func (h codeHarness) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	near, stop := startLocal(t, h.disk, perdure.NewRegistry(), c)
	handler, err := remote.NewPushHandler(remote.PushConfig{Registry: reg, Secret: string(key)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	asked := &waited{near, make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker := push.Worker{Name: "code", URL: server.URL, Key: key, Places: 100, Filters: hubtest.FiltersOf(reg)}
		push.New(push.Config{Hub: asked, Worker: worker, Transport: transport, FirstPause: time.Millisecond}).Run(ctx)
	}()
	<-asked.asked
	return near, func() {
		cancel()
		<-done
		server.Close()
		transport.CloseIdleConnections()
		handler.Close()
		stop()
	}
}

// TestHandler checks users' code that a hub calls.
func TestHandler(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(*testing.T) hubtest.Harness { return codeHarness{&memory.Disk{}} })
}

// TestHandlerRefuses has the handler refuse what its hub has not sent, or not just now.
func TestHandlerRefuses(t *testing.T) {
	handler, err := remote.NewPushHandler(remote.PushConfig{Registry: perdure.NewRegistry(), Secret: "another-secret-of-old " + string(key)})
	if err != nil {
		t.Fatal(err)
	}
	defer handler.Close()
	send := func(method, body string, change func(*http.Request)) int {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		key.Sign(r.Header, "id-"+t.Name()+body+method, time.Now(), []byte(body))
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	for name, c := range map[string]struct {
		method, body string
		change       func(*http.Request)
		want         int
	}{
		"as it should be": {http.MethodPost, "", nil, http.StatusOK},
		"a look":          {http.MethodGet, "", nil, http.StatusMethodNotAllowed},
		"no signature":    {http.MethodPost, "", func(r *http.Request) { r.Header.Del("webhook-signature") }, http.StatusUnauthorized},
		"an old one": {http.MethodPost, "", func(r *http.Request) {
			key.Sign(r.Header, "old", time.Now().Add(-time.Hour), nil)
		}, http.StatusUnauthorized},
		"no item": {http.MethodPost, "\x0a\x05hello", nil, http.StatusBadRequest},
	} {
		if got := send(c.method, c.body, c.change); got != c.want {
			t.Errorf("%s = %d, want %d", name, got, c.want)
		}
	}
	if got := send(http.MethodPost, "", nil); got != http.StatusConflict {
		t.Errorf("a request that is sent again = %d, want %d", got, http.StatusConflict)
	}
	for _, secret := range []string{"", " ", "short"} {
		if _, err := remote.NewPushHandler(remote.PushConfig{Registry: perdure.NewRegistry(), Secret: secret}); err == nil {
			t.Errorf("NewPushHandler with the secret %q = nil, want an error", secret)
		}
	}
}
