package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
)

// orderLoad has a worker and clients work on a server that is killed rounds times, or
// until enough, and returns what is wrong with what the clients were told. Patience is
// how long what was acknowledged may take to show in the end.
func orderLoad(t *testing.T, rounds int, patience time.Duration, enough func(wrong []string) bool) (wrong []string, l *ledger.Load) {
	t.Helper()
	s := &serverProcess{t: t, dir: filepath.Join(t.TempDir(), "data"), addr: freeAddr(t)}
	s.start()
	t.Cleanup(func() { s.kill() })
	registry := perdure.NewRegistry()
	ledger.Register(registry)
	h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: s.addr, TaskHub: "default"}, Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	w, err := remote.NewWorker(remote.WorkerConfig{Hub: h, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	var working sync.WaitGroup
	working.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	defer func() { cancel(); working.Wait() }()
	for round := 0; round < rounds && !enough(wrong); round++ {
		l = &ledger.Load{Ledger: ledger.New(), Hubs: []hub.Hub{h}, Prefix: fmt.Sprintf("r%d-", round), Lanes: 6, Seed: rand.Uint64()}
		loading, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() { l.Run(loading) })
		for range 3 {
			<-time.After(time.Duration(50+rand.IntN(300)) * time.Millisecond) // a kill comes at any moment
			s.kill()
			s.start()
		}
		for end := time.Now().Add(20 * time.Second); !loaded(l) && time.Now().Before(end); {
			<-time.After(10 * time.Millisecond)
		}
		stop()
		running.Wait()
		wrong = append(wrong, ledger.Judge(l.Settle(ctx, patience), ledger.Want)...)
		t.Logf("round %d, seed %d: %+v", round, l.Seed, l.Ledger.Counts())
	}
	return wrong, l
}

// TestT13_OneOrderUnderKills kills a server under clients that do all kinds of things
// to the same instances, some of them twice: for each instance there is an order of all
// operations in which every answer was right.
func TestT13_OneOrderUnderKills(t *testing.T) {
	normalOnly(t)
	rounds := 2
	if soak() {
		rounds = 40
	}
	wrong, l := orderLoad(t, rounds, 20*time.Second, func([]string) bool { return false })
	for _, w := range wrong {
		t.Error(w)
	}
	if !loaded(l) {
		t.Errorf("in the last round: %+v; too little load", l.Ledger.Counts())
	}
}

// loaded reports whether clients have done so much that their answers tell something.
func loaded(l *ledger.Load) bool {
	c := l.Ledger.Counts()
	return c.Acknowledged >= 300 && c.Instances >= 6
}
