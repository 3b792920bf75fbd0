package local_test

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/pebble"
)

func TestQuickSequence(t *testing.T) {
	if os.Getenv("QUICK") == "" {
		t.Skip()
	}
	inFlight, _ := strconv.Atoi(os.Getenv("QUICK"))
	db, err := pebble.Open(t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: registry(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	if p := os.Getenv("PROF"); p != "" {
		f, _ := os.Create(p)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	var n atomic.Int64
	var mu sync.Mutex
	var lat []time.Duration
	stop := time.Now().Add(5 * time.Second)
	var r0, r1 syscall.Rusage
	syscall.Getrusage(0, &r0)
	begin := time.Now()
	var wg sync.WaitGroup
	for range inFlight {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(stop) {
				t0 := time.Now()
				st, err := h.Start(ctx, &hub.Start{Name: "chain", Input: history.Some(`"x"`)})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := h.WaitCompletion(ctx, st.InstanceID); err != nil {
					t.Error(err)
					return
				}
				n.Add(1)
				d := time.Since(t0)
				mu.Lock()
				lat = append(lat, d)
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	el := time.Since(begin)
	syscall.Getrusage(0, &r1)
	cpu := float64(r1.Utime.Nano()-r0.Utime.Nano()+r1.Stime.Nano()-r0.Stime.Nano()) / 1e9
	sort.Slice(lat, func(i, j int) bool { return lat[i] < lat[j] })
	stt, _ := s.Stats(ctx)
	fmt.Printf("%d in flight: %.0f/s p50 %v p99 %v cpu/1000act %.4f commits/orch %.2f groups %d syncs %d\n", inFlight, float64(n.Load())/el.Seconds(),
		lat[len(lat)/2], lat[len(lat)*99/100], cpu/float64(n.Load()*5)*1000, float64(stt.Commits)/float64(n.Load()), stt.Groups, stt.Syncs)
	cancel()
	<-done
}
