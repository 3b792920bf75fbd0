package local_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/pebble"
)

func fan(ctx *perdure.Context, n int) (int, error) {
	var ts []perdure.Awaitable
	for range n {
		ts = append(ts, perdure.Call(ctx, echo, "x"))
	}
	return n, perdure.All(ctx, ts...)
}

var ev = perdure.NewEvent[string]("go")

func park(ctx *perdure.Context, in string) (string, error) { return ev.Wait(ctx).Await() }

func quickHub(t *testing.T) (*local.Hub, context.Context, *pebble.Hub, func()) {
	db, err := pebble.Open(t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	reg := registry(t)
	perdure.AddOrchestration(reg, fan)
	perdure.AddOrchestration(reg, park)
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, ctx, s, func() { cancel(); <-done; db.Close() }
}

func TestQuickFanout(t *testing.T) {
	if os.Getenv("QUICK") == "" {
		t.Skip()
	}
	h, ctx, s, stop := quickHub(t)
	defer stop()
	if p := os.Getenv("PROF"); p != "" {
		f, _ := os.Create(p)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	for range 30 {
		t0 := time.Now()
		s0, _ := s.Stats(ctx)
		st, err := h.Start(ctx, &hub.Start{Name: "fan", Input: history.Some(`1000`)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.WaitCompletion(ctx, st.InstanceID); err != nil {
			t.Fatal(err)
		}
		s1, _ := s.Stats(ctx)
		fmt.Print(time.Since(t0).Round(100*time.Microsecond), "/", s1.Commits-s0.Commits, " ")
	}
	fmt.Println()
}

func rss() string {
	b, _ := os.ReadFile("/proc/self/status")
	var i int
	for _, l := range splitLines(string(b)) {
		if n, _ := fmt.Sscanf(l, "VmRSS: %d kB", &i); n == 1 {
			return fmt.Sprint(i/1024, "MB")
		}
	}
	return ""
}

func splitLines(s string) (out []string) {
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != '\n' {
			i++
		}
		out = append(out, s[:i])
		if i < len(s) {
			i++
		}
		s = s[i:]
	}
	return
}

func TestQuickParked(t *testing.T) {
	if os.Getenv("QUICK") == "" {
		t.Skip()
	}
	h, ctx, s, stop := quickHub(t)
	defer stop()
	runtime.GC()
	debug.FreeOSMemory()
	fmt.Println("empty", rss())
	n := 10000
	t0 := time.Now()
	ids := make([]string, n)
	var wg sync.WaitGroup
	for w := range 128 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < n; i += 128 {
				st, err := h.Start(ctx, &hub.Start{Name: "park", Input: history.Some(`"x"`)})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = st.InstanceID
			}
		}()
	}
	wg.Wait()
	fmt.Println("started", time.Since(t0), rss())
	runtime.GC()
	debug.FreeOSMemory()
	fmt.Println("after gc", rss())
	if err := s.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	st, _ := s.Stats(ctx)
	fmt.Println("bytes each", st.DiskBytes/int64(n))
	t0 = time.Now()
	if p := os.Getenv("PROF"); p != "" {
		f, _ := os.Create(p)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	for w := range 128 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < n; i += 128 {
				if err := h.Raise(ctx, &hub.Raise{InstanceID: ids[i], Name: "go", Data: history.Some(`"y"`)}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	for _, id := range ids {
		if _, err := h.WaitCompletion(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("drained", time.Since(t0), rss())
	t0 = time.Now()
	st2, err := h.Start(ctx, &hub.Start{Name: "park", Input: history.Some(`"x"`)})
	if err != nil {
		t.Fatal(err)
	}
	lat := time.Duration(0)
	for range 200 {
		st2, _ = h.Start(ctx, &hub.Start{Name: "park", Input: history.Some(`"x"`)})
		t1 := time.Now()
		h.Raise(ctx, &hub.Raise{InstanceID: st2.InstanceID, Name: "go", Data: history.Some(`"y"`)})
		h.WaitCompletion(ctx, st2.InstanceID)
		lat += time.Since(t1)
	}
	fmt.Println("event mean", lat/200)
}
