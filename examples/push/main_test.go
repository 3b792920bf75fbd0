package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

const secret = "0123456789abcdef"

// asWorker makes the test's program be the example.
const asWorker = "PERDURE_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// idle is how long a worker that does nothing is kept.
const idle = 50 * time.Millisecond

// platform starts the example when a request for it comes, and ends it a moment after
// the last one, as platforms do that scale to zero.
type platform struct {
	t *testing.T

	mu     sync.Mutex // guards the rest
	cmd    *exec.Cmd  // nil = it is not running
	proxy  http.Handler
	open   int
	end    *time.Timer
	starts int
	began  time.Time
	alive  time.Duration // of all processes so far
	used   time.Duration // CPU of all processes so far
}

// ServeHTTP passes a request on.
func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	proxy := p.wake()
	defer p.rest()
	proxy.ServeHTTP(w, r)
}

// wake returns the running worker.
func (p *platform) wake() http.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open++; p.end != nil {
		p.end.Stop()
	}
	if p.cmd != nil {
		return p.proxy
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Error(err)
		return http.NotFoundHandler()
	}
	addr := l.Addr().String()
	_ = l.Close() // for the worker
	host, port, _ := strings.Cut(addr, ":")
	p.cmd = exec.Command(os.Args[0]) //nolint:gosec // this program
	p.cmd.Env = append(os.Environ(), asWorker+"=1", "PORT="+port, "HOST="+host, "PERDURE_PUSH_SECRET="+secret)
	p.cmd.Stderr = os.Stderr
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		p.t.Error(err)
	}
	for { // until it listens
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Since(p.began) > 20*time.Second {
			p.t.Error("the worker does not start")
			break
		}
		time.Sleep(time.Millisecond)
	}
	p.starts++
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	proxy.FlushInterval = -1
	p.proxy = proxy
	return p.proxy
}

// rest has the worker ended if nothing comes for a while.
func (p *platform) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open--; p.open == 0 {
		p.end = time.AfterFunc(idle, p.stop)
	}
}

// stop ends the worker, if it is idle.
func (p *platform) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open > 0 || p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the worker ends with %v", err)
	}
	p.alive += time.Since(p.began)
	p.used += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	p.cmd = nil
}

// asleep waits until no worker runs, and returns how often one was started.
func (p *platform) asleep(ctx context.Context) int {
	for {
		p.mu.Lock()
		starts, awake := p.starts, p.cmd != nil
		p.mu.Unlock()
		if !awake || ctx.Err() != nil {
			return starts
		}
		time.Sleep(time.Millisecond)
	}
}

// sleeping is a hub with virtual time whose worker is on a platform.
func sleeping(t *testing.T) (*local.Hub, *clock.Virtual, *platform, context.Context) {
	t.Helper()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	reg := perdure.NewRegistry()
	push.Register(reg)
	c := clock.NewVirtual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	h, err := local.New(local.Config{Store: s, Registry: reg, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	fleet := push.NewFleet(push.FleetConfig{Hub: h, Near: h, Transport: transport})
	running, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := h.Run(running); err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	group.Go(func() { fleet.Run(running) })
	p := &platform{t: t}
	server := httptest.NewServer(p)
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() {
		cancel()
		group.Wait()
		server.Close()
		p.asleep(context.Background())
		end()
		_ = s.Close()
	})
	if _, err := fleet.Add(ctx, push.Registration{Name: "expenses", URL: server.URL + "/perdure", Secret: secret}); err != nil {
		t.Fatal(err)
	}
	p.asleep(ctx)
	p.mu.Lock()
	p.starts, p.alive, p.used = 0, 0, 0 // it was asked what it does
	p.mu.Unlock()
	return h, c, p, ctx
}

// pass lets time pass, with all that happens meanwhile.
func pass(ctx context.Context, t *testing.T, h *local.Hub, c *clock.Virtual, d time.Duration) {
	t.Helper()
	for to := c.Now().Add(d); ; {
		next, err := h.Idle(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if next.IsZero() || next.After(to) {
			c.Advance(to.Sub(c.Now()))
			return
		}
		c.Advance(max(next.Sub(c.Now()), 0))
	}
}

// TestWokenByApproval has a run wait for a day, while nothing of its code runs: the
// approval wakes the worker, which does its step and is gone again. All that it costs is
// less than a second of computing.
func TestWokenByApproval(t *testing.T) {
	h, c, p, ctx := sleeping(t)
	if _, err := h.Start(ctx, &hub.Start{Name: "Expense", InstanceID: "e1", Input: history.Some(`{"who":"Ann","amount":120}`)}); err != nil {
		t.Fatal(err)
	}
	waits := func() bool {
		in, err := h.Instance(ctx, "e1", false)
		return err == nil && in.WaitName != "" && in.Pending.Activities == 0
	}
	for !waits() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	first := p.asleep(ctx)
	if first != 1 {
		t.Errorf("the worker was started %d times for the first steps, want once", first)
	}
	pass(ctx, t, h, c, 24*time.Hour)
	if got := p.asleep(ctx); got != first {
		t.Errorf("the worker was started %d times while a person thought, want never", got-first)
	}
	if err := h.Raise(ctx, &hub.Raise{InstanceID: "e1", Name: "Approval", Data: history.Some("true")}); err != nil {
		t.Fatal(err)
	}
	in, err := h.WaitCompletion(ctx, "e1")
	if err != nil || in.Status != store.Completed || in.Output.S != `"Ann has got 120"` {
		t.Fatalf("the run ends as %+v, %v, want it paid", in, err)
	}
	if got := p.asleep(ctx); got != first+1 {
		t.Errorf("the worker was started %d times for the approval, want once", got-first)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.Logf("a wait of 24 h: started %d times, alive for %v, %v of CPU", p.starts, p.alive.Round(time.Millisecond), p.used.Round(time.Millisecond))
	if p.used >= time.Second {
		t.Errorf("the worker has computed for %v, want less than 1 s", p.used)
	}
}

// TestNobodyDecides has the time limit wake the worker.
func TestNobodyDecides(t *testing.T) {
	h, c, p, ctx := sleeping(t)
	if _, err := h.Start(ctx, &hub.Start{Name: "Expense", InstanceID: "e1", Input: history.Some(`{"who":"Ann","amount":120}`)}); err != nil {
		t.Fatal(err)
	}
	for in, err := h.Instance(ctx, "e1", false); err != nil || in.WaitName == ""; in, err = h.Instance(ctx, "e1", false) {
		if ctx.Err() != nil {
			t.Fatalf("it does not wait: %+v, %v", in, err)
		}
		time.Sleep(time.Millisecond)
	}
	p.asleep(ctx)
	pass(ctx, t, h, c, 48*time.Hour)
	if in, err := h.WaitCompletion(ctx, "e1"); err != nil || in.Output.S != `"nobody has decided"` {
		t.Errorf("the run ends as %+v, %v, want that nobody has decided", in, err)
	}
}

// TestSecretIsNeeded runs the example without its secret.
func TestSecretIsNeeded(t *testing.T) {
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), asWorker+"=1", "PERDURE_PUSH_SECRET=")
	text, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "secret") {
		t.Errorf("without a secret it ends with %v, %s, want that it needs one", err, text)
	}
}
