package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	ours "github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/remote"
)

// TestW60_ServerKilledUnderOurs kills a server under load of a worker and clients of
// ours.
func TestW60_ServerKilledUnderOurs(t *testing.T) {
	normalOnly(t)
	rounds := 4
	if soak() {
		rounds = 60
	}
	s := &serverProcess{t: t, dir: filepath.Join(t.TempDir(), "data"), addr: freeAddr(t)}
	s.start()
	t.Cleanup(func() { s.kill() })
	h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: s.addr, TaskHub: "default"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	w, err := remote.NewWorker(remote.WorkerConfig{Hub: h, Registry: goRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	more, enough := context.WithCancel(ctx)
	var working, running sync.WaitGroup
	working.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	c := ours.New(h)
	var mu sync.Mutex // guards ids
	var ids []string
	for lane := range loadLanes {
		running.Go(func() {
			for n := 0; more.Err() == nil && !t.Failed(); n++ {
				id := fmt.Sprintf("%d-%d/0", lane, n)
				in, err := goStart(ctx, c, id)
				if err != nil {
					t.Errorf("%s: %v", id, err)
					return
				}
				if got := string(in.Output); got != strconv.Itoa(programResult) {
					t.Errorf("%s ends with %s (%v), want %d", id, got, in.Failure, programResult)
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		})
	}
	for range rounds {
		<-time.After(time.Duration(100+rand.IntN(500)) * time.Millisecond) // a kill comes at any moment
		s.kill()
		s.start()
	}
	enough()
	running.Wait()
	plain := &client{dial(t, s.addr), "default"}
	for _, id := range ids {
		events, err := plain.history(ctx, id, "")
		if err != nil {
			t.Errorf("history of %s: %v", id, err)
		}
		for _, w := range repeated(id, events, false, nil) {
			t.Error(w)
		}
	}
	cancel()
	working.Wait()
	if len(ids) < 2*rounds {
		t.Errorf("%d runs in %d rounds: too little load", len(ids), rounds)
	}
	t.Logf("%d kills, %d runs", rounds, len(ids))
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
