package chaos_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// moody is a store that refuses commits now and then, as a database does that is out of
// memory for a moment, and writes the rest of their groups.
type moody struct {
	store.Store
	mu      sync.Mutex // guards what follows
	chance  *rand.Rand // nil = it refuses nothing
	refused int
}

var errMood = errors.New("the database is out of memory")

// oneIn is how many commits there are to one that is refused.
const oneIn = 25

// fewest is how many have to be refused for a test to mean anything.
const fewest = 50

func (m *moody) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	r := &partly{}
	rest := *g
	rest.Commits = nil
	m.mu.Lock()
	for i, c := range g.Commits {
		if m.chance != nil && m.chance.IntN(oneIn) == 0 {
			r.refused = append(r.refused, store.Refused{Index: i, Err: errMood})
			continue
		}
		r.places, rest.Commits = append(r.places, i), append(rest.Commits, c)
	}
	m.refused += len(r.refused)
	m.mu.Unlock()
	var err error
	if len(rest.Commits) > 0 {
		r.rest, err = m.Store.Submit(ctx, &rest)
	}
	return r, err
}

// count is how many commits were refused so far.
func (m *moody) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused
}

// partly is the fate of a group of which some commits were refused.
type partly struct {
	refused []store.Refused
	rest    store.Receipt // of the others; nil = there are none
	places  []int         // of the others in their group
}

// Wait implements store.Receipt.
func (p *partly) Wait(ctx context.Context) ([]store.Refused, error) {
	all := slices.Clone(p.refused)
	if p.rest != nil {
		list, err := p.rest.Wait(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			all = append(all, store.Refused{Index: p.places[r.Index], Err: r.Err})
		}
	}
	slices.SortFunc(all, func(a, b store.Refused) int { return a.Index - b.Index })
	return all, nil
}

// TestRefusedCommits has clients work on runs while the store refuses one commit in
// twenty-five, with the code in the hub's process and at a worker that comes and goes:
// there is an order in which all answers are right.
func TestRefusedCommits(t *testing.T) {
	for name, outside := range map[string]bool{"inside": false, "worker": true} {
		t.Run(name, func(t *testing.T) { refusedCommits(t, outside) })
	}
}

func refusedCommits(t *testing.T, outside bool) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	disk, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := &moody{Store: disk}
	code, inside := perdure.NewRegistry(), perdure.NewRegistry()
	ledger.Register(code)
	if !outside {
		inside = code
	}
	h, err := local.New(local.Config{Store: m, Registry: inside})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(running) }()
	// A hub that does not get its shards does not begin, so it gets them first.
	if err := h.Raise(ctx, &hub.Raise{InstanceID: "none", Name: "none"}); perdure.CodeOf(err) != perdure.NotFound {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.chance = rand.New(rand.NewPCG(seed, 1))
	m.mu.Unlock()
	load := &ledger.Load{Ledger: ledger.New(), Hubs: []hub.Hub{h}, Prefix: "run-", Lanes: 6, Seed: seed}
	loading, enough := context.WithTimeout(ctx, time.Minute)
	defer enough()
	var work sync.WaitGroup
	work.Go(func() { load.Run(loading) })
	serve := func() func() {
		leave, err := hubtest.Serve(ctx, h, &hub.Worker{Own: true, ID: "w"}, code, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	for began := time.Now(); loading.Err() == nil; { // longer where the machine is slow
		if outside { // starts are stored without a worker in between
			leave := serve()
			<-time.After(100 * time.Millisecond)
			leave()
		}
		<-time.After(50 * time.Millisecond)
		if m.count() >= fewest && time.Since(began) > 3*time.Second {
			enough()
		}
	}
	if outside {
		defer serve()()
	}
	work.Wait()
	ops := load.Settle(ctx, 20*time.Second)
	wrong := ledger.Judge(ops, ledger.Want)
	for i, w := range wrong {
		if i < 3 {
			t.Error(w)
		}
	}
	counts := load.Ledger.Counts()
	t.Logf("%+v, %d commits refused, %d runs wrong", counts, m.count(), len(wrong))
	if counts.Acknowledged < 500 || m.count() < fewest {
		t.Errorf("%+v and %d commits refused, want more", counts, m.count())
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}
