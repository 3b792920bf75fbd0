package push_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/signing"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a hub with workers that it calls.
type world struct {
	t   *testing.T
	hub *local.Hub
	ctx context.Context
}

func newWorld(t *testing.T) *world {
	near, stop := startLocal(t, &memory.Disk{}, perdure.NewRegistry(), clock.System())
	t.Cleanup(stop)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return &world{t, near, ctx}
}

// handler runs code.
func (w *world) handler(register func(*perdure.Registry), change func(*remote.PushConfig)) (*remote.PushHandler, *perdure.Registry) {
	w.t.Helper()
	reg := perdure.NewRegistry()
	register(reg)
	cfg := remote.PushConfig{Registry: reg, Secret: string(key), Alive: 20 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	h, err := remote.NewPushHandler(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(h.Close)
	return h, reg
}

// call has the hub call a worker at a site.
func (w *world) call(site http.Handler, reg *perdure.Registry, change func(*push.Worker)) (*push.Caller, *httptest.Server) {
	w.t.Helper()
	server := httptest.NewServer(site)
	w.t.Cleanup(server.Close)
	transport := &http.Transport{}
	worker := push.Worker{Name: "w", URL: server.URL, Key: key, Filters: hubtest.FiltersOf(reg)}
	if change != nil {
		change(&worker)
	}
	caller := push.New(push.Config{Hub: w.hub, Worker: worker, Transport: transport, FirstPause: time.Millisecond, MaxPause: 10 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); caller.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done; transport.CloseIdleConnections() })
	return caller, server
}

func (w *world) start(name, id string) {
	w.t.Helper()
	if _, err := w.hub.Start(w.ctx, &hub.Start{Name: name, InstanceID: id}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ends(id, output string) {
	w.t.Helper()
	in, err := w.hub.WaitCompletion(w.ctx, id)
	if err != nil || in.Status != store.Completed || in.Output.S != output {
		w.t.Fatalf("%s ends as %+v, %v, want completed with %s", id, in, err, output)
	}
}

// until waits for a condition.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for tick := time.NewTicker(time.Millisecond); !holds(); <-tick.C {
		if w.ctx.Err() != nil {
			tick.Stop()
			w.t.Fatalf("it does not come true that %s", what)
		}
	}
}

// one registers an orchestration with one activity.
func one(do func(context.Context) (string, error)) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(ctx context.Context, _ struct{}) (string, error) { return do(ctx) })
		perdure.AddOrchestrationNamed(r, "one", func(ctx *perdure.Context, _ struct{}) (string, error) {
			return perdure.CallNamed[string](ctx, "act", struct{}{}).Await()
		})
	}
}

func plain(context.Context) (string, error) { return "done", nil }

// TestUnreachable has a worker be away for a while, in several ways: it is left alone
// more and more, nothing is counted against the items, and it gets them when it is back.
func TestUnreachable(t *testing.T) {
	for name, away := range map[string]func(http.ResponseWriter){
		"busy":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"broken":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) },
		"closed":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"nothing": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"no worker": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("<html>hello</html>"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			handler, reg := w.handler(one(plain), nil)
			var gone atomic.Bool
			var calls atomic.Int64
			gone.Store(true)
			caller, _ := w.call(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if calls.Add(1); gone.Load() {
					away(rw)
					return
				}
				handler.ServeHTTP(rw, r)
			}), reg, nil)
			w.start("one", "a")
			w.until("it was tried some times", func() bool { return calls.Load() > 15 })
			if s := caller.State(); s.Cause == "" || s.Until.IsZero() {
				t.Errorf("State() = %+v, want why it is left alone", s)
			}
			gone.Store(false)
			w.ends("a", `"done"`)
			w.until("it is left alone no more", func() bool { return caller.State().Cause == "" })
		})
	}
}

// TestRetryAfter has a worker say when it wants to be called again.
func TestRetryAfter(t *testing.T) {
	w := newWorld(t)
	handler, reg := w.handler(one(plain), nil)
	var mu sync.Mutex
	var first, second time.Time
	_, _ = w.call(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		refuse := first.IsZero()
		if refuse {
			first = time.Now()
		} else if second.IsZero() {
			second = time.Now()
		}
		mu.Unlock()
		if refuse {
			rw.Header().Set("Retry-After", "1")
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(rw, r)
	}), reg, nil)
	w.start("one", "a")
	w.ends("a", `"done"`)
	if d := second.Sub(first); d < time.Second {
		t.Errorf("it was called again after %v, want after 1 s", d)
	}
}

// TestOthersGoOn has a worker that is not there, and one that never answers, stand
// beside one that works.
func TestOthersGoOn(t *testing.T) {
	w := newWorld(t)
	handler, reg := w.handler(one(plain), nil)
	_, dead := w.call(http.NotFoundHandler(), reg, nil)
	dead.Close()
	w.call(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}), reg, func(s *push.Worker) { s.Places, s.Silence = 1, 200*time.Millisecond })
	w.call(handler, reg, nil)
	for i := range 50 {
		w.start("one", fmt.Sprint(i))
	}
	for i := range 50 {
		w.ends(fmt.Sprint(i), `"done"`)
	}
}

// TestPoison has an activity kill its worker, which is there again at once: it is parked
// in the end, and others go on.
func TestPoison(t *testing.T) {
	w := newWorld(t)
	handler, reg := w.handler(one(func(ctx context.Context) (string, error) {
		return perdure.Activity(ctx).InstanceID + " is done", nil
	}), nil)
	w.call(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if strings.Contains(answer.Body.String(), "poison is done") {
			panic(http.ErrAbortHandler)
		}
		_, _ = rw.Write(answer.Body.Bytes())
	}), reg, nil)
	w.start("one", "poison")
	for i := range 20 {
		w.start("one", fmt.Sprint(i))
	}
	for i := range 20 {
		w.ends(fmt.Sprint(i), fmt.Sprintf(`"%d is done"`, i))
	}
	w.until("it is parked", func() bool {
		in, err := w.hub.Instance(w.ctx, "poison", false)
		return err == nil && in.Phase == store.Stuck && strings.Contains(in.PhaseCause, "11 crashes")
	})
}

// TestLongActivity has an activity go on for longer than its worker may be silent: signs
// of life and heartbeats keep it, and its progress is stored.
func TestLongActivity(t *testing.T) {
	w := newWorld(t)
	goOn := make(chan struct{})
	handler, reg := w.handler(one(func(ctx context.Context) (string, error) {
		if err := perdure.Heartbeat(ctx, "half"); err != nil {
			return "", err
		}
		select {
		case <-goOn:
			return "done", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}), func(c *remote.PushConfig) { c.Alive = 50 * time.Millisecond })
	beats := &beats{Hub: w.hub}
	server := httptest.NewServer(handler)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	worker := push.Worker{Name: "w", URL: server.URL, Key: key, Filters: hubtest.FiltersOf(reg), Silence: 1500 * time.Millisecond}
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		push.New(push.Config{Hub: beats, Worker: worker, Transport: transport}).Run(ctx)
	}()
	defer func() { cancel(); <-done }()
	w.start("one", "a")
	w.until("its heartbeat has come", func() bool { return beats.last.Load() != nil })
	if got := *beats.last.Load(); got != `"half"` {
		t.Errorf("progress = %s, want half", got)
	}
	long := time.After(3 * worker.Silence)
	<-long
	close(goOn)
	w.ends("a", `"done"`)
}

// beats are the heartbeats that a hub was told.
type beats struct {
	push.Hub
	last atomic.Pointer[string]
}

// Heartbeat implements hub.Activities.
func (b *beats) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	b.last.Store(&progress.S)
	return b.Hub.Heartbeat(ctx, token, progress)
}

// TestCancelled has an orchestration be terminated whose activity runs at a worker: the
// activity's context ends, and its place is free.
func TestCancelled(t *testing.T) {
	w := newWorld(t)
	began, over := make(chan struct{}, 10), make(chan error, 10)
	handler, reg := w.handler(one(func(ctx context.Context) (string, error) {
		if perdure.Activity(ctx).InstanceID != "a" {
			return "done", nil
		}
		began <- struct{}{}
		<-ctx.Done()
		over <- context.Cause(ctx)
		return "", ctx.Err()
	}), nil)
	w.call(handler, reg, func(s *push.Worker) { s.Places = 1 })
	w.start("one", "a")
	<-began
	if _, err := w.hub.Control(w.ctx, &hub.Control{Kind: hub.Terminate, InstanceID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := <-over; perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("its context ends with %v, want canceled", err)
	}
	w.start("one", "b")
	w.ends("b", `"done"`)
}

// TestAccepted has a worker of another kind take an activity, which is completed by its
// token later.
func TestAccepted(t *testing.T) {
	w := newWorld(t)
	token := make(chan string, 1)
	handler, reg := w.handler(one(func(ctx context.Context) (string, error) {
		token <- perdure.Activity(ctx).Token
		return "", nil
	}), nil)
	w.call(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if len(token) > 0 {
			rw.WriteHeader(http.StatusAccepted)
			return
		}
		_, _ = rw.Write(answer.Body.Bytes())
	}), reg, nil)
	w.start("one", "a")
	w.until("it can be completed", func() bool { return len(token) == 1 })
	at := <-token
	w.until("it is completed", func() bool { return w.hub.Complete(w.ctx, at, history.Some(`"later"`), nil) == nil })
	w.ends("a", `"later"`)
}

// TestForgedAnswer has a worker answer for an item that it was not sent: that one is
// left alone.
func TestForgedAnswer(t *testing.T) {
	w := newWorld(t)
	tokens := make(chan string, 10)
	handler, reg := w.handler(one(func(ctx context.Context) (string, error) {
		tokens <- perdure.Activity(ctx).Token
		<-ctx.Done()
		return "", ctx.Err()
	}), nil)
	w.call(handler, reg, nil)
	w.start("one", "victim")
	victim := <-tokens
	forger := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "other", func(context.Context, struct{}) (string, error) { return "mine", nil })
		perdure.AddOrchestrationNamed(r, "two", func(ctx *perdure.Context, _ struct{}) (string, error) {
			return perdure.CallNamed[string](ctx, "other", struct{}{}).Await()
		})
	}
	forging, reg2 := w.handler(forger, nil)
	w.call(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		forging.ServeHTTP(answer, r)
		m := &wirepb.HubPushed{}
		if err := protodelim.UnmarshalFrom(bufio.NewReader(answer.Body), m); err == nil && m.Outcome.GetActivity() != nil {
			m.Outcome.GetActivity().CompletionToken, m.Outcome.GetActivity().InstanceId = victim, "victim"
		}
		_, _ = protodelim.MarshalTo(rw, m)
	}), reg2, nil)
	w.start("two", "b")
	w.ends("b", `"mine"`)
	if in, err := w.hub.Instance(w.ctx, "victim", false); err != nil || in.Status != store.Running {
		t.Errorf("the victim is %+v, %v, want it to go on", in, err)
	}
}

// TestAsk asks a worker what it does, and one with another secret.
func TestAsk(t *testing.T) {
	w := newWorld(t)
	handler, _ := w.handler(one(plain), nil)
	server := httptest.NewServer(handler)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	hello, err := push.Ask(w.ctx, transport, push.Worker{URL: server.URL, Key: key})
	if err != nil || len(hello.GetFilters().GetOrchestrations()) != 1 || hello.GetFilters().GetActivities()[0].GetName() != "act" {
		t.Errorf("Ask() = %v, %v, want one and act", hello, err)
	}
	_, err = push.Ask(w.ctx, transport, push.Worker{URL: server.URL + "/?code=hidden", Key: signing.Key("another secret, of others")})
	if err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("Ask() with another secret = %v, want 401, and nothing of the URL", err)
	}
	server.Close()
	if _, err = push.Ask(w.ctx, transport, push.Worker{URL: server.URL + "/?code=hidden", Key: key}); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("Ask() of nobody = %v, want an error without the URL", err)
	}
}
